//! What pages become, scrape by scrape, without sockets and clocks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use stonechat_metrics::Registry;
use stonechat_model::{Labels, Timestamp};

use super::store::{Store, shown};
use crate::error::FetchError;
use crate::fetch::Page;
use crate::job::{Limits, ScrapeSettings};
use crate::metrics::ScrapeMetrics;
use crate::page::{By, read};
use crate::relabel::{Action, Pattern, Rule};
use crate::scraper::{Memory, Scraper};
use crate::status::{DropReason, Health, LastScrape};
use crate::target::Target;

const TEXT: &str = "text/plain; version=0.0.4";

/// A target whose answers the test makes up. Scrapes are a second apart.
struct Lab {
    store: Arc<Store>,
    scraper: Scraper,
    seconds: i64,
}

fn settings() -> ScrapeSettings {
    ScrapeSettings {
        honor_labels: false,
        honor_timestamps: true,
        track_timestamps_staleness: false,
        metric_relabel: Vec::new(),
        limits: Limits::default(),
        accept: String::new(),
        fallback: None,
        compression: true,
        follow_redirects: true,
        extra_metrics: false,
    }
}

impl Lab {
    fn new(settings: ScrapeSettings) -> Self {
        let store = Arc::new(Store::default());
        let scraper = Scraper {
            target: Arc::new(Target {
                discovered: Labels::default(),
                labels: Labels::from_pairs([("job", "j")]).unwrap(),
                url: "http://a/metrics".to_owned(),
                interval: Duration::from_secs(1),
                timeout: Duration::from_millis(500),
            }),
            settings: Arc::new(settings),
            appender: store.clone(),
            metrics: ScrapeMetrics::register(&Registry::bare()).unwrap(),
            memory: Memory::default(),
        };
        Self {
            store,
            scraper,
            seconds: 1000,
        }
    }

    fn digest(&mut self, fetched: Result<Page, FetchError>) -> LastScrape {
        self.seconds += 1;
        let at = Timestamp::from_millis(self.seconds * 1000);
        self.scraper.digest(fetched, at, Instant::now())
    }

    /// What a scrape appends, without what it says about itself: `a 1`, `b stale`, `c 1 @5`, sorted.
    fn appended(&mut self) -> Vec<String> {
        let now = Timestamp::from_millis(self.seconds * 1000);
        let mut lines: Vec<String> = self
            .store
            .drain()
            .into_iter()
            .filter(|(labels, ..)| !is_report(labels))
            .map(|(labels, time, value)| {
                let series = labels.to_string().replace("{job=\"j\"}", "");
                let time = if time == now {
                    String::new()
                } else {
                    format!(" @{}", time.millis())
                };
                format!("{series} {}{time}", shown(value))
            })
            .collect();
        lines.sort();
        lines
    }

    fn page(&mut self, page: &str) -> LastScrape {
        self.digest(Ok(Page::of(page, TEXT)))
    }
}

fn is_report(labels: &Labels) -> bool {
    let name = labels.metric_name();
    name == "up" || name.starts_with("scrape_")
}

/// Scrapes one page after the other; each has to append exactly what stands beside it. `!` is a failed scrape.
#[track_caller]
fn check(settings: ScrapeSettings, scrapes: &[(&str, &[&str])]) -> Lab {
    let mut lab = Lab::new(settings);
    for (index, (page, expected)) in scrapes.iter().enumerate() {
        if *page == "!" {
            lab.digest(Err(FetchError::Cut));
        } else {
            lab.page(page);
        }
        assert_eq!(lab.appended(), *expected, "scrape {index}: {page:?}");
    }
    lab
}

#[test]
fn a_series_ends_when_it_vanishes() {
    check(
        settings(),
        &[
            ("a 1\nb 2\n", &["a 1", "b 2"]),
            ("a 1\n", &["a 1", "b stale"]),
            ("a 1\n", &["a 1"]),
            ("b 3\na 1\n", &["a 1", "b 3"]),
            ("", &["a stale", "b stale"]),
            ("", &[]),
        ],
    );
}

#[test]
fn a_failed_scrape_ends_everything_once() {
    check(
        settings(),
        &[
            ("a 1\nb 2\n", &["a 1", "b 2"]),
            ("!", &["a stale", "b stale"]),
            ("!", &[]),
            ("a 5\n", &["a 5"]),
            ("a 6\n", &["a 6"]),
        ],
    );
}

#[test]
fn a_broken_page_is_a_failed_scrape_and_stores_nothing() {
    let mut lab = check(
        settings(),
        &[
            ("a 1\nb 2\n", &["a 1", "b 2"]),
            ("a 2\nc 3\nb oops\n", &["a stale", "b stale"]),
            ("a 3\nc 3\nb oops\n", &[]),
            ("a 4\nb 4\nc 4\n", &["a 4", "b 4", "c 4"]),
        ],
    );
    let last = lab.page("a 2\nc 3\nb oops\n");
    assert_eq!(last.error, "line 3: \"oops\" is not a number");
    assert_eq!((last.health, last.samples), (Health::Down, 2));
}

#[test]
fn series_with_times_of_their_own_are_not_marked() {
    let scrapes: [(&str, &[&str]); 4] = [
        ("a 1 500\nb 2\n", &["a 1 @500", "b 2"]),
        ("b 2\n", &["b 2"]),
        ("a 2 600\nb 2 700\n", &["a 2 @600", "b stale"]),
        ("", &[]),
    ];
    // The last sample of b is older than its newest, so only its end is stored.
    check(settings(), &scrapes);
    let tracked = ScrapeSettings {
        track_timestamps_staleness: true,
        ..settings()
    };
    check(tracked, &[("a 1 500\n", &["a 1 @500"]), ("", &["a stale"])]);
    let ignored = ScrapeSettings {
        honor_timestamps: false,
        ..settings()
    };
    check(ignored, &[("a 1 500\n", &["a 1"]), ("", &["a stale"])]);
}

#[test]
fn one_page_may_hold_several_times_of_a_series() {
    check(
        settings(),
        &[("a 1 500\na 2 600\n", &["a 1 @500", "a 2 @600"])],
    );
}

#[test]
fn another_spelling_is_the_same_series() {
    let mut lab = check(
        settings(),
        &[
            (
                "a{x=\"1\",y=\"2\"} 1\n",
                &["a{job=\"j\", x=\"1\", y=\"2\"} 1"],
            ),
            (
                "a{y=\"2\",x=\"1\"} 2\n",
                &["a{job=\"j\", x=\"1\", y=\"2\"} 2"],
            ),
            (
                "a{y=\"2\",x=\"1\",} 3\n",
                &["a{job=\"j\", x=\"1\", y=\"2\"} 3"],
            ),
        ],
    );
    lab.page("");
    assert_eq!(lab.appended(), ["a{job=\"j\", x=\"1\", y=\"2\"} stale"]);
}

#[test]
fn the_first_of_two_samples_wins() {
    let mut lab = check(
        settings(),
        &[("a 1\na 2\n", &["a 1"]), ("a 3\na 4\n", &["a 3"])],
    );
    let last = lab.page("a 1\na 2\n");
    assert_eq!(last.dropped.get(DropReason::Duplicate), 1);
    assert_eq!(last.health, Health::Up);
}

#[test]
fn labels_of_target_and_page_are_joined() {
    let page = "a{job=\"x\",exported_job=\"y\"} 1\n";
    check(
        settings(),
        &[(
            page,
            &["a{exported_exported_job=\"x\", exported_job=\"y\", job=\"j\"} 1"],
        )],
    );
    let honored = ScrapeSettings {
        honor_labels: true,
        ..settings()
    };
    check(
        honored,
        &[
            (page, &["a{exported_job=\"y\", job=\"x\"} 1"]),
            (
                "a{job=\"\"} 2\n",
                &["a 2", "a{exported_job=\"y\", job=\"x\"} stale"],
            ),
        ],
    );
}

#[test]
fn a_label_given_twice_fails_the_page() {
    let mut lab = Lab::new(settings());
    let last = lab.page("ok 1\na{x=\"1\",x=\"2\"} 1\n");
    assert_eq!(last.error, "line 2: label \"x\" is given twice");
    assert!(lab.appended().is_empty());
}

fn rule(source: &str, regex: &str, action: Action) -> Rule {
    Rule {
        source_labels: vec![source.to_owned()],
        separator: ";".to_owned(),
        regex: Pattern::new(regex).unwrap(),
        modulus: 0,
        target_label: source.to_owned(),
        replacement: "new_$1".to_owned(),
        action,
    }
}

#[test]
fn relabelling_drops_and_renames() {
    let mut lab = check(
        ScrapeSettings {
            metric_relabel: vec![
                rule("__name__", "secret.*", Action::Drop),
                rule("__name__", "old_(.*)", Action::Replace),
            ],
            ..settings()
        },
        &[
            ("secret_a 1\nold_b 2\nc 3\n", &["c 3", "new_b 2"]),
            ("secret_a 1\nold_b 2\nc 3\n", &["c 3", "new_b 2"]),
        ],
    );
    let last = lab.page("secret_a 1\nold_b 2\nc 3\n");
    assert_eq!(
        (last.samples, last.dropped.get(DropReason::Relabelled)),
        (3, 1)
    );
    assert_eq!(
        lab.store
            .samples("scrape_samples_post_metric_relabeling{job=\"j\"}")
            .len(),
        1
    );
    let appended = lab.store.drain();
    let after = appended
        .iter()
        .find(|(labels, ..)| labels.metric_name() == "scrape_samples_post_metric_relabeling");
    assert_eq!(after.map(|(_, _, value)| *value), Some(2.0));
}

#[test]
fn the_sample_limit_trims_and_established_series_stay() {
    let limits = Limits {
        samples: Some(2),
        ..Limits::default()
    };
    let mut lab = check(
        ScrapeSettings {
            limits,
            ..settings()
        },
        &[
            ("b 1\nc 1\n", &["b 1", "c 1"]),
            ("a 1\nb 1\nc 1\nd 1\n", &["b 1", "c 1"]),
            ("a 1\nc 1\nd 1\n", &["a 1", "b stale", "c 1"]),
        ],
    );
    let last = lab.page("a 1\nc 1\nd 1\ne 1\n");
    assert_eq!(last.health, Health::Up);
    assert_eq!(last.dropped.get(DropReason::SampleLimit), 2);
    assert_eq!(last.samples, 4);
}

#[test]
fn label_limits_drop_single_series() {
    let limits = Limits {
        labels: Some(3),
        label_name_bytes: Some(8),
        label_value_bytes: Some(5),
        ..Limits::default()
    };
    let mut lab = check(
        ScrapeSettings {
            limits,
            ..settings()
        },
        &[(
            "a 1\nb{x=\"1\"} 1\nc{x=\"1\",y=\"2\"} 1\nd{much_too_long=\"1\"} 1\ne{x=\"123456\"} 1\n",
            &["a 1", "b{job=\"j\", x=\"1\"} 1"],
        )],
    );
    for _ in 0..2 {
        let last = lab.page("a 1\nc{x=\"1\",y=\"2\"} 1\n");
        assert_eq!(last.dropped.get(DropReason::LabelLimit), 1);
    }
}

#[test]
fn samples_from_far_ahead_are_dropped() {
    let mut lab = check(settings(), &[("a 1 9999999999999\nb 1\n", &["b 1"])]);
    let last = lab.page("a 1 9999999999999\nb 1\n");
    assert_eq!(last.dropped.get(DropReason::Future), 1);
}

#[test]
fn a_full_store_costs_only_the_new_series() {
    let mut lab = Lab::new(settings());
    lab.page("a 1\n");
    lab.appended();
    lab.store.limit(6);
    let last = lab.page("a 2\nb 2\nc 2\n");
    assert_eq!(lab.appended(), ["a 2"]);
    assert_eq!(last.dropped.get(DropReason::SeriesLimit), 2);
    lab.store.limit(100);
    lab.page("a 3\nb 3\n");
    assert_eq!(lab.appended(), ["a 3", "b 3"]);
}

#[test]
fn a_closed_store_is_a_failure_with_a_reason() {
    let mut lab = Lab::new(settings());
    lab.page("a 1\n");
    lab.store.close();
    let last = lab.page("a 2\n");
    assert_eq!(
        last.error,
        "the samples cannot be stored: the store is closed"
    );
}

#[test]
fn known_series_are_not_asked_for_again() {
    let mut lab = Lab::new(settings());
    lab.page("a 1\nb 1\nc 1\n");
    let before = lab.store.lookups();
    for page in [
        "a 2\nb 2\nc 2\n",
        "c 3\na 3\nb 3\n",
        "a 4\nc 4\n",
        "!",
        "a 5\nc 5\n",
    ] {
        lab.page(page);
    }
    assert_eq!(lab.store.lookups(), before);
}

#[test]
fn forgotten_series_are_asked_for_again() {
    let mut lab = Lab::new(settings());
    lab.page("# TYPE a histogram\na_bucket{le=\"1\"} 1\nb 1\n");
    lab.appended();
    lab.store.forget();
    let last = lab.page("# TYPE a histogram\na_bucket{le=\"1\"} 2\n");
    assert_eq!(last.error, "");
    assert_eq!(lab.store.samples("up{job=\"j\"}").len(), 1);
    assert_eq!(lab.appended(), ["a_bucket{job=\"j\", le=\"1.0\"} 2"]);
    lab.page("# TYPE a histogram\na_bucket{le=\"1\"} 3\n");
    assert_eq!(lab.appended(), ["a_bucket{job=\"j\", le=\"1.0\"} 3"]);
}

#[test]
fn every_scrape_reports_about_itself() {
    let mut lab = Lab::new(ScrapeSettings {
        extra_metrics: true,
        ..settings()
    });
    let reports = |lab: &mut Lab| -> BTreeMap<String, f64> {
        let appended = lab.store.drain().into_iter();
        appended
            .filter(|(labels, ..)| is_report(labels))
            .map(|(labels, _, value)| (labels.metric_name().to_owned(), value))
            .filter(|(name, _)| name != "scrape_duration_seconds")
            .collect()
    };
    let expected = |up, scraped, added, bytes| {
        BTreeMap::from([
            ("up".to_owned(), up),
            ("scrape_samples_scraped".to_owned(), scraped),
            ("scrape_samples_post_metric_relabeling".to_owned(), scraped),
            ("scrape_series_added".to_owned(), added),
            ("scrape_timeout_seconds".to_owned(), 0.5),
            ("scrape_sample_limit".to_owned(), 0.0),
            ("scrape_body_size_bytes".to_owned(), bytes),
        ])
    };
    lab.page("a 1\nb 1\n");
    assert_eq!(reports(&mut lab), expected(1.0, 2.0, 2.0, 8.0));
    lab.page("a 1\nb 1\nc 1\n");
    assert_eq!(reports(&mut lab), expected(1.0, 3.0, 1.0, 12.0));
    lab.digest(Err(FetchError::Cut));
    assert_eq!(reports(&mut lab), expected(0.0, 0.0, 0.0, 0.0));
    lab.digest(Err(FetchError::BodySize { limit: 1 }));
    assert_eq!(reports(&mut lab), expected(0.0, 0.0, 0.0, -1.0));
}

#[test]
fn the_content_type_decides() {
    let mut lab = Lab::new(settings());
    let page = "# TYPE a unknown\na 1\n# EOF\n";
    let openmetrics = "application/openmetrics-text; version=1.0.0";
    assert_eq!(lab.digest(Ok(Page::of(page, openmetrics))).error, "");
    assert_eq!(
        lab.digest(Ok(Page::of(page, TEXT))).error,
        "line 1: unknown metric type \"unknown\""
    );
    assert_eq!(
        lab.digest(Ok(Page::of("<html>", "text/html"))).error,
        "the Content-Type \"text/html\" is no metrics format that can be read"
    );
    assert_eq!(lab.digest(Ok(Page::of("", "text/html"))).error, "");
    let mut lab = Lab::new(ScrapeSettings {
        fallback: Some(stonechat_exposition::Format::Text),
        ..settings()
    });
    assert_eq!(lab.digest(Ok(Page::of("a 1", "text/html"))).error, "");
}

#[test]
fn a_successor_ends_what_its_predecessor_left() {
    let mut lab = Lab::new(settings());
    lab.page("a 1\nb 1\n");
    lab.appended();
    lab.scraper.memory = std::mem::take(&mut lab.scraper.memory).without_texts();
    lab.page("a 2\n");
    assert_eq!(lab.appended(), ["a 2", "b stale"]);
    lab.scraper.memory = std::mem::take(&mut lab.scraper.memory).without_texts();
    lab.digest(Err(FetchError::Cut));
    assert_eq!(lab.appended(), ["a stale"]);
}

#[test]
fn a_target_that_is_gone_ends_with_its_reports() {
    let mut lab = Lab::new(settings());
    lab.page("a 1\nb 1 500\n");
    lab.store.drain();
    lab.scraper
        .end_all(Timestamp::from_millis(9_000_000))
        .unwrap();
    let ended: Vec<String> = lab
        .store
        .drain()
        .iter()
        .map(|(labels, _, value)| format!("{} {}", labels.metric_name(), shown(*value)))
        .collect();
    assert_eq!(ended.len(), 6, "{ended:?}");
    assert!(
        ended.iter().all(|line| line.ends_with(" stale")),
        "{ended:?}"
    );
    assert!(!ended.contains(&"b stale".to_owned()));
}

/// A page of the model: series by number with values; `None` is a failed scrape.
fn scrapes() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    let page = prop::collection::vec(0..12_u8, 0..14);
    prop::collection::vec(
        prop_oneof![6 => page.prop_map(Some), 1 => Just(None)],
        1..12,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_and_ends_are_those_of_the_model(scrapes in scrapes()) {
        let mut lab = Lab::new(settings());
        let mut alive: BTreeSet<u8> = BTreeSet::new();
        for (round, scrape) in scrapes.iter().enumerate() {
            let shown: BTreeSet<u8> = scrape.iter().flatten().copied().collect();
            let mut expected: Vec<String> = shown.iter().map(|series| format!("s{series} {round}")).collect();
            expected.extend(alive.difference(&shown).map(|series| format!("s{series} stale")));
            expected.sort();
            match scrape {
                None => { lab.digest(Err(FetchError::Cut)); }
                Some(page) => {
                    let lines = page.iter().map(|series| format!("s{series} {round}\n"));
                    lab.page(&lines.collect::<String>());
                }
            }
            prop_assert_eq!(lab.appended(), expected);
            alive = shown;
        }
    }
}

#[test]
#[ignore = "measures; name a page in STONECHAT_PAGE"]
fn speed() {
    let page = std::fs::read_to_string(std::env::var("STONECHAT_PAGE").unwrap()).unwrap();
    let mut lab = Lab::new(settings());
    let samples = lab.page(&page).samples;
    let mut fastest = Duration::MAX;
    for _ in 0..2000 {
        let page = Page::of(&page, TEXT);
        let (start, cache) = (Instant::now(), &mut lab.scraper.memory.cache);
        let by = By {
            labels: &lab.scraper.target.labels,
            settings: &lab.scraper.settings,
        };
        let (reading, outcome) = read(
            &page.body,
            stonechat_exposition::Format::Text,
            cache,
            &by,
            Timestamp::default(),
        );
        outcome.unwrap();
        assert!(cache.finish().is_empty());
        fastest = fastest.min(start.elapsed());
        assert_eq!(reading.batch.values.len(), samples);
    }
    println!(
        "{samples} samples, {} ns each",
        fastest.as_nanos() / samples as u128
    );
}
