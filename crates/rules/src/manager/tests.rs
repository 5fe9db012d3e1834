//! The manager on a clock that moves only when everybody waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_metrics::{Format, Registry};
use stonechat_model::{Labels, Timestamp};
use stonechat_promql::{Cancel, Expr};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::RuleManager;
use super::task::Machinery;
use crate::metrics::RuleMetrics;
use crate::rule::Group;
use crate::source::{Source, SourceError};
use crate::state::StateFile;
use crate::status::GroupStatus;
use crate::testing::{Bench, Results, at, groups};

/// Where the clock stands at the beginning, in seconds.
const BEGIN: i64 = 1_000_000;

/// Results whose making takes time.
struct Slow {
    results: Results,
    /// By how many seconds the clock is ahead of tokio's.
    ahead: Arc<AtomicI64>,
    /// How long the next query takes, in seconds.
    takes: Arc<AtomicI64>,
}

impl Source for Slow {
    fn vector(&self, expr: &Expr, at: Timestamp) -> Result<Vec<(Labels, f64)>, SourceError> {
        let takes = self.takes.swap(0, Ordering::Relaxed);
        self.ahead.fetch_add(takes, Ordering::Relaxed);
        self.results.vector(expr, at)
    }
}

struct Stage {
    bench: Bench,
    registry: Registry,
    manager: RuleManager,
    takes: Arc<AtomicI64>,
}

/// Must be called inside a runtime whose time is paused.
fn stage() -> Stage {
    let (bench, registry) = (Bench::new(), Registry::bare());
    let (ahead, takes) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let mut workshop = bench.workshop();
    workshop.source = Box::new(Slow {
        results: bench.results.clone(),
        ahead: Arc::clone(&ahead),
        takes: Arc::clone(&takes),
    });
    let begin = Instant::now();
    let machinery = Machinery {
        workshop,
        permits: Semaphore::new(2),
        metrics: Some(RuleMetrics::register(&registry).expect("the registry of a test is empty")),
        clock: Box::new(move || at(BEGIN + ahead.load(Ordering::Relaxed)).plus(begin.elapsed())),
    };
    bench.results.set("x", &[("x", 1.0)]);
    Stage {
        bench,
        registry,
        manager: RuleManager::with_machinery(machinery, None, Cancel::new()),
        takes,
    }
}

impl Stage {
    fn apply(&self, groups: Vec<Group>) {
        self.manager.apply(groups, Labels::default());
    }

    fn group(&self) -> GroupStatus {
        self.manager.groups().remove(0)
    }

    /// Milliseconds from the beginning of the clock to the last evaluation.
    fn evaluated(&self) -> Option<i64> {
        self.group()
            .last_evaluation
            .map(|last| last.millis() - BEGIN * 1000)
    }

    fn metric(&self, name: &str) -> String {
        let page = self.registry.encode(Format::Text);
        let line = page.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit_once(' '))
            .map_or("none", |(_, value)| value)
            .to_owned()
    }
}

const RECORD: &str = "  - {record: r, expr: x}\n";
const ALERT: &str = "  - {alert: A, expr: x}\n";

#[tokio::test(start_paused = true)]
async fn a_group_is_evaluated_at_its_moments() {
    let stage = stage();
    stage.apply(groups(RECORD));
    assert_eq!(stage.evaluated(), None);
    sleep(Duration::from_millis(10_001)).await;
    let first = stage.evaluated().unwrap();
    assert!((0..=10_000).contains(&first), "{first}");
    sleep(Duration::from_secs(50)).await;
    assert_eq!(stage.evaluated(), Some(first + 50_000));
    assert_eq!(stage.group().missed, 0);
    assert_eq!(stage.metric("stonechat_rules_evaluations_total"), "6");
    assert_eq!(stage.metric("stonechat_rules_samples_total"), "6");
}

#[tokio::test(start_paused = true)]
async fn a_slow_group_misses_moments_and_counts_them() {
    let stage = stage();
    stage.takes.store(25, Ordering::Relaxed);
    stage.apply(groups(RECORD));
    while stage.group().missed == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_millis(1)).await;
    let first = stage.evaluated().unwrap() - 20_000;
    assert!((0..=10_000).contains(&first), "{first}");
    // At once for the latest moment, and then on time again.
    assert_eq!(
        (stage.evaluated(), stage.group().missed),
        (Some(first + 20_000), 1)
    );
    assert_eq!(
        stage.metric("stonechat_rules_group_iterations_missed_total"),
        "1"
    );
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        (stage.evaluated(), stage.group().missed),
        (Some(first + 30_000), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_leaves_an_unchanged_group_alone() {
    let stage = stage();
    stage.apply(groups(ALERT));
    sleep(Duration::from_secs(35)).await;
    let (before, told) = (stage.group(), stage.bench.sink.take());
    assert_eq!(told.len(), 1);
    stage.apply(groups(ALERT));
    assert_eq!(stage.group(), before);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(
        stage.evaluated(),
        before
            .last_evaluation
            .map(|last| last.millis() - BEGIN * 1000 + 10_000)
    );
    assert_eq!(stage.bench.sink.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_group_goes_on_with_its_alerts() {
    let stage = stage();
    stage.apply(groups(ALERT));
    sleep(Duration::from_secs(35)).await;
    let active_at = stage.manager.alerts()[0].active_at;
    assert_eq!(stage.bench.sink.take().len(), 1);
    stage.apply(groups("  - {alert: A, expr: x, annotations: {s: new}}\n"));
    // The alert is there all the time.
    assert_eq!(stage.manager.alerts()[0].active_at, active_at);
    sleep(Duration::from_secs(10)).await;
    let alert = stage.manager.alerts().remove(0);
    assert_eq!(
        (alert.active_at, alert.annotations["s"].as_str()),
        (active_at, "new")
    );
    assert_eq!(stage.bench.sink.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_series_of_a_removed_group_end() {
    let stage = stage();
    stage.apply(groups(RECORD));
    sleep(Duration::from_secs(15)).await;
    stage.apply(Vec::new());
    assert_eq!(stage.manager.groups(), []);
    assert_eq!(stage.metric("stonechat_rules_group_rules"), "none");
    sleep(Duration::from_secs(19)).await;
    assert!(!stage.bench.store.shown(at(0)).contains("stale"));
    sleep(Duration::from_secs(2)).await;
    let shown = stage.bench.store.shown(at(0));
    assert!(shown.ends_with(&format!("stale@{}", BEGIN + 15)), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_series_that_moves_to_another_group_does_not_end() {
    let stage = stage();
    stage.apply(groups(RECORD));
    sleep(Duration::from_secs(15)).await;
    let mut moved = groups(RECORD);
    moved[0].name = "other".to_owned();
    stage.apply(moved);
    sleep(Duration::from_secs(60)).await;
    assert!(!stage.bench.store.shown(at(0)).contains("stale"));
}

#[tokio::test(start_paused = true)]
async fn for_goes_on_after_a_restart() {
    let stage = stage();
    let rules = "  - {alert: A, expr: x, for: 15m}\n";
    stage.apply(groups(rules));
    sleep(Duration::from_secs(100)).await;
    let active_at = stage.manager.alerts()[0].active_at;
    stage.manager.shutdown().await;
    // Another manager over the same store, as after a restart.
    let mut after = self::stage();
    after.bench.store = Arc::clone(&stage.bench.store);
    let mut workshop = after.bench.workshop();
    workshop.source = Box::new(after.bench.results.clone());
    let begin = Instant::now();
    let clock = Box::new(move || at(BEGIN + 100).plus(begin.elapsed()));
    let machinery = Machinery {
        workshop,
        permits: Semaphore::new(1),
        metrics: None,
        clock,
    };
    after.manager = RuleManager::with_machinery(machinery, None, Cancel::new());
    after.apply(groups(rules));
    sleep(Duration::from_secs(30)).await;
    let restored = after.manager.alerts()[0].active_at;
    let shifted = restored.since(active_at);
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(30)).contains(&shifted),
        "{shifted:?}"
    );
}

/// A manager that keeps its state in a folder, `seconds` after the beginning of the clock.
fn keeping(bench: &Bench, folder: &Path, seconds: i64) -> RuleManager {
    let (state, memory) = StateFile::open(folder).unwrap();
    let mut workshop = bench.workshop();
    workshop.state = Some(Mutex::new(state));
    workshop.settle = Duration::from_secs(20);
    let begin = Instant::now();
    let machinery = Machinery {
        workshop,
        permits: Semaphore::new(1),
        metrics: None,
        clock: Box::new(move || at(BEGIN + seconds).plus(begin.elapsed())),
    };
    RuleManager::with_machinery(machinery, memory, Cancel::new())
}

const OLD: &str = "  - {alert: A, expr: x, for: 15m}\n  - {alert: B, expr: x, for: 20s}\n";

#[tokio::test(start_paused = true)]
async fn with_its_file_a_restart_changes_nothing() {
    for killed in [false, true] {
        let (bench, folder) = (Bench::new(), tempfile::tempdir().unwrap());
        bench.results.set("x", &[("x", 1.0)]);
        let manager = keeping(&bench, folder.path(), 0);
        manager.apply(groups(OLD), Labels::default());
        sleep(Duration::from_secs(100)).await;
        let before = manager.alerts();
        assert_eq!(before.len(), 2);
        let told = bench.sink.take();
        assert!(told[0].starts_with("{alertname=\"B\"}"), "{told:?}");
        // A copy is what a kill would leave.
        let copy = tempfile::tempdir().unwrap();
        if !killed {
            manager.shutdown().await;
        }
        std::fs::copy(folder.path().join("alerts"), copy.path().join("alerts")).unwrap();
        manager.shutdown().await;

        let manager = keeping(&bench, copy.path(), 130);
        manager.apply(groups(OLD), Labels::default());
        assert_eq!(manager.alerts(), before, "at once, killed {killed}");
        sleep(Duration::from_millis(1)).await;
        // Who is told is told on, of the same outage.
        let since = |told: &str| told.split("..").next().map(str::to_owned);
        let again = bench.sink.take();
        assert_eq!(again.len(), 1);
        assert_eq!(since(&again[0]), since(&told[0]));
        // Nothing comes in at first, and then it is as it was.
        bench.results.set("x", &[]);
        sleep(Duration::from_secs(15)).await;
        bench.results.set("x", &[("x", 1.0)]);
        sleep(Duration::from_secs(15)).await;
        assert_eq!(manager.alerts(), before, "evaluated, killed {killed}");
        // It is over: told once, at the next evaluation.
        bench.sink.take();
        bench.results.set("x", &[]);
        sleep(Duration::from_secs(11)).await;
        assert_eq!(manager.alerts(), []);
        let over = bench.sink.take();
        assert_eq!(over.len(), 1, "{over:?}");
        assert_eq!(since(&over[0]), since(&told[0]));
        manager.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_file_forgets_rules_that_are_gone() {
    let (bench, folder) = (Bench::new(), tempfile::tempdir().unwrap());
    bench.results.set("x", &[("x", 1.0)]);
    let manager = keeping(&bench, folder.path(), 0);
    manager.apply(groups(OLD), Labels::default());
    sleep(Duration::from_secs(30)).await;
    manager.apply(
        groups("  - {alert: A, expr: x, for: 15m}\n"),
        Labels::default(),
    );
    sleep(Duration::from_secs(5)).await;
    let (_, memory) = StateFile::open(folder.path()).unwrap();
    let memory = memory.unwrap();
    let names: Vec<&str> = memory.keys().map(|id| id.rule.as_str()).collect();
    assert_eq!(names, ["A"]);
    manager.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_nothing_happens() {
    let stage = stage();
    stage.apply(groups(RECORD));
    sleep(Duration::from_secs(15)).await;
    stage.manager.shutdown().await;
    let shown = stage.bench.store.shown(at(0));
    stage.apply(groups(RECORD));
    assert_eq!(stage.manager.groups(), []);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.bench.store.shown(at(0)), shown);
    stage.manager.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_rule_costs_one_evaluation() {
    struct Panics;
    impl Source for Panics {
        fn vector(&self, _: &Expr, at: Timestamp) -> Result<Vec<(Labels, f64)>, SourceError> {
            assert!(
                at.millis() > (BEGIN + 11) * 1000,
                "the first evaluation of this test panics"
            );
            Ok(vec![(Labels::default(), 1.0)])
        }
    }
    let bench = Bench::new();
    let mut workshop = bench.workshop();
    workshop.source = Box::new(Panics);
    let begin = Instant::now();
    let clock = Box::new(move || at(BEGIN).plus(begin.elapsed()));
    let machinery = Machinery {
        workshop,
        permits: Semaphore::new(1),
        metrics: None,
        clock,
    };
    let manager = RuleManager::with_machinery(machinery, None, Cancel::new());
    manager.apply(groups(RECORD), Labels::default());
    sleep(Duration::from_secs(25)).await;
    assert!(manager.groups()[0].last_evaluation.is_some());
    manager.shutdown().await;
}
