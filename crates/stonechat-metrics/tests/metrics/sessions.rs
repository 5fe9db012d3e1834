use std::time::Duration;

use stonechat_metrics::{Counter, Family, Gauge, Registry};

use super::lines;

fn gauges(registry: &Registry, series_max: usize) -> Family<Gauge, 1> {
    let builder = registry.gauge("rtt_milliseconds", "Round trip.");
    let builder = builder.labels(["session_id"]).series_max(series_max);
    builder.register().unwrap()
}

fn shown(registry: &Registry) -> Vec<String> {
    let value = |line: String| line.split('"').nth(1).unwrap().to_owned();
    let lines = lines(registry, "rtt_milliseconds{");
    lines.into_iter().map(value).collect()
}

#[test]
fn the_end_of_a_session_is_seen_once_more() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]).set(20.0);
    second.own(&family, ["2"]).set(30.0);
    assert_eq!(shown(&registry), ["1", "2"]);
    let kept = first.own(&family, ["1"]);
    kept.set(25.0);
    drop(first);
    assert_eq!(
        lines(&registry, "rtt_milliseconds{"),
        [
            r#"rtt_milliseconds{session_id="1"} 25"#,
            r#"rtt_milliseconds{session_id="2"} 30"#
        ]
    );
    assert_eq!(shown(&registry), ["2"]);
    kept.set(1.0);
    assert_eq!(shown(&registry), ["2"], "a handle does not bring it back");
}

#[test]
fn a_session_that_comes_back_before_the_scrape_stays() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    for round in 0..1_000 {
        let session = registry.session();
        session.own(&family, ["1"]).set(f64::from(round));
    }
    let back = registry.session();
    back.own(&family, ["1"]).inc();
    for _ in 0..3 {
        assert_eq!(
            lines(&registry, "rtt_milliseconds{"),
            [r#"rtt_milliseconds{session_id="1"} 1000"#]
        );
    }
    drop(back);
    assert_eq!(shown(&registry), ["1"]);
    assert_eq!(family.series(), 0);
}

#[test]
fn a_series_with_two_sessions_ends_with_the_last() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]);
    second.own(&family, ["1"]);
    drop(first);
    for _ in 0..3 {
        assert_eq!(shown(&registry), ["1"]);
    }
    drop(second);
    assert_eq!(shown(&registry), ["1"]);
    assert!(shown(&registry).is_empty());
}

#[test]
fn a_scrape_that_comes_too_late_does_not_show_the_end() {
    let registry = Registry::bare();
    let builder = registry.gauge("rtt_milliseconds", "Round trip.");
    let builder = builder.labels(["session_id"]);
    let family = builder.ended_wait_max(Duration::ZERO).register().unwrap();
    let session = registry.session();
    session.own(&family, ["1"]);
    drop(session);
    while std::time::Instant::now().elapsed().is_zero() {}
    assert!(shown(&registry).is_empty());
    assert_eq!(
        lines(&registry, "stonechat_session_series_unseen_total"),
        [r#"stonechat_session_series_unseen_total{family="rtt_milliseconds"} 1"#]
    );
}

#[test]
fn past_the_limit_a_session_uses_the_other_series_and_does_not_own_it() {
    let registry = Registry::bare();
    let family = gauges(&registry, 1);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]).set(1.0);
    second.own(&family, ["2"]).set(2.0);
    drop(second);
    for _ in 0..2 {
        assert_eq!(shown(&registry), ["1", "other"]);
    }
    drop(first);
    assert_eq!(shown(&registry), ["1", "other"]);
    assert_eq!(shown(&registry), ["other"]);
}

/// Kibibytes of the heap in use are not to be had, those of the process are.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_hundred_thousand_sessions_leave_the_open_ones_and_no_memory() {
    const SESSIONS: usize = 100_000;
    const LIMIT: usize = 2_000;
    let registry = Registry::bare();
    let family = gauges(&registry, LIMIT);
    let labels = ["session_id", "state"];
    let states: Family<Counter, 2> = registry
        .counter("ice_changes_total", "Changes of state.")
        .labels(labels)
        .register()
        .unwrap();
    let mut open = Vec::new();
    let mut run = |from: usize| {
        for number in from..from + SESSIONS / 2 {
            let id = format!("session-{number}");
            let session = registry.session();
            session.own(&family, [&id]).set(number as f64);
            session.own(&states, [&id, "connected"]).inc();
            assert!(
                family.series() <= LIMIT,
                "nobody scrapes, and it is bounded"
            );
            if number % 1_000 == 7 {
                open.push((id, session));
            }
        }
    };
    run(0);
    let before = resident_kib();
    run(SESSIONS / 2);
    let after = resident_kib();
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + 4_096, "{before} KiB, then {after} KiB");
    }
    shown(&registry);
    let mut expected: Vec<String> = open.iter().map(|(id, _)| id.clone()).collect();
    expected.sort();
    assert_eq!(shown(&registry), expected);
    assert_eq!(states.series(), expected.len());
    // All were counted: those that were seen, and those that made room unseen.
    let unseen = SESSIONS - LIMIT;
    assert_eq!(
        lines(&registry, "stonechat_session_series_unseen_total"),
        [
            format!(
                r#"stonechat_session_series_unseen_total{{family="ice_changes_total"}} {unseen}"#
            ),
            format!(
                r#"stonechat_session_series_unseen_total{{family="rtt_milliseconds"}} {unseen}"#
            ),
        ]
    );
    assert!(lines(&registry, "stonechat_series_limited_total").is_empty());
}

#[test]
fn sessions_and_scrapes_at_once_lose_no_open_series() {
    let registry = Registry::bare();
    let family = gauges(&registry, 100_000);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (registry, family) = (&registry, &family);
            scope.spawn(move || {
                for number in 0..2_000 {
                    let session = registry.session();
                    session.own(family, [&format!("{thread}-{number}")]);
                }
            });
        }
        for _ in 0..50 {
            let session = registry.session();
            session.own(&family, ["open"]);
            assert!(shown(&registry).iter().any(|id| id == "open"));
        }
    });
    shown(&registry);
    assert_eq!(family.series(), 0);
}
