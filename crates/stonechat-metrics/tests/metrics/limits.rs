use std::thread;

use stonechat_metrics::{LABEL_VALUE_BYTES_MAX, Registry, SERIES_MAX};

use super::lines;

const LIMITED: &str = "stonechat_series_limited_total{";

#[test]
fn past_the_limit_values_go_to_the_other_series() {
    let registry = Registry::builder()
        .process(false)
        .runtime(false)
        .build()
        .unwrap();
    let family = registry
        .counter("x_total", "X.")
        .labels(["user", "kind"])
        .series_max(3);
    let family = family.register().unwrap();
    assert_eq!(
        lines(&registry, LIMITED),
        [r#"stonechat_series_limited_total{family="x_total"} 0"#]
    );
    for user in 0..10 {
        family.with([&user.to_string(), "a"]).inc();
    }
    family.with(["1", "a"]).inc();
    assert_eq!(
        lines(&registry, "x_total{"),
        [
            r#"x_total{user="0",kind="a"} 1"#,
            r#"x_total{user="1",kind="a"} 2"#,
            r#"x_total{user="2",kind="a"} 1"#,
            r#"x_total{user="other",kind="other"} 7"#,
        ]
    );
    assert_eq!(
        lines(&registry, LIMITED),
        [r#"stonechat_series_limited_total{family="x_total"} 7"#]
    );
}

#[test]
fn the_default_limit_is_two_thousand() {
    let registry = Registry::bare();
    let family = registry.gauge("x", "X.").labels(["id"]).register().unwrap();
    for id in 0..SERIES_MAX + 500 {
        family.with([&id.to_string()]).set(1.0);
    }
    assert_eq!(family.series(), SERIES_MAX + 1);
    assert_eq!(
        lines(&registry, LIMITED),
        [r#"stonechat_series_limited_total{family="x"} 500"#]
    );
}

#[test]
fn a_label_value_that_is_other_anyway_is_the_same_series_and_takes_no_place() {
    let registry = Registry::bare();
    let family = registry
        .counter("x_total", "X.")
        .labels(["a"])
        .series_max(1)
        .register()
        .unwrap();
    for value in ["other", "first", "more", "other"] {
        family.with([value]).inc();
    }
    assert_eq!(
        lines(&registry, "x_total{"),
        [r#"x_total{a="first"} 1"#, r#"x_total{a="other"} 3"#]
    );
    assert!(family.remove(["other"]) && family.remove(["first"]));
    family.with(["second"]).inc();
    family.with(["third"]).inc();
    assert_eq!(
        lines(&registry, "x_total{"),
        [r#"x_total{a="other"} 1"#, r#"x_total{a="second"} 1"#]
    );
}

#[test]
fn a_label_value_that_is_too_long_is_other() {
    let registry = Registry::bare();
    let family = registry
        .counter("x_total", "X.")
        .labels(["a"])
        .register()
        .unwrap();
    family.with([&"v".repeat(LABEL_VALUE_BYTES_MAX)]).inc();
    family.with([&"v".repeat(LABEL_VALUE_BYTES_MAX + 1)]).inc();
    assert_eq!(family.series(), 2);
    assert_eq!(family.with(["other"]).get(), 1.0);
    assert_eq!(
        lines(&registry, LIMITED),
        [r#"stonechat_series_limited_total{family="x_total"} 1"#]
    );
}

#[test]
fn a_limit_holds_among_threads_and_loses_nothing() {
    let registry = Registry::bare();
    let family = registry
        .counter("x_total", "X.")
        .labels(["a"])
        .series_max(50)
        .register()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            let family = family.clone();
            scope.spawn(move || {
                for value in 0..200 {
                    family.with([&value.to_string()]).inc();
                }
            });
        }
    });
    assert_eq!(family.series(), 51);
    let value = |line: &String| -> f64 { line.rsplit(' ').next().unwrap().parse().unwrap() };
    assert_eq!(
        lines(&registry, "x_total{").iter().map(value).sum::<f64>(),
        8.0 * 200.0
    );
}

#[test]
fn a_removed_series_makes_room() {
    let registry = Registry::bare();
    let family = registry
        .gauge("x", "X.")
        .labels(["a"])
        .series_max(1)
        .register()
        .unwrap();
    family.with(["1"]).set(5.0);
    assert!(family.remove(["1"]));
    assert!(!family.remove(["1"]));
    family.with(["2"]).set(6.0);
    assert_eq!(lines(&registry, "x{"), [r#"x{a="2"} 6"#]);
}

#[test]
fn values_that_cannot_be_recorded_are_counted_and_change_nothing() {
    let registry = Registry::bare();
    let counter = registry.counter("c_total", "C.").register().unwrap();
    let gauge = registry.gauge("g", "G.").labels(["a"]).register().unwrap();
    let histogram = registry
        .histogram("h", "H.")
        .buckets([1.0])
        .register()
        .unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        counter.inc_by_f64(bad);
        gauge.with(["1"]).add(bad);
        histogram.observe(bad);
    }
    counter.inc_by_f64(-0.5);
    counter.inc_by_f64(0.25);
    counter.inc();
    histogram.observe(-3.0);
    assert_eq!(counter.get(), 1.25);
    assert_eq!(gauge.with(["1"]).get(), 0.0);
    assert_eq!((histogram.count(), histogram.sum()), (1, -3.0));
    assert_eq!(
        lines(&registry, "stonechat_values_ignored_total"),
        [
            r#"stonechat_values_ignored_total{family="c_total"} 4"#,
            r#"stonechat_values_ignored_total{family="g"} 3"#,
            r#"stonechat_values_ignored_total{family="h"} 3"#,
        ]
    );
}

#[test]
fn threads_that_count_together_lose_nothing() {
    let registry = Registry::bare();
    let counter = registry.counter("c_total", "C.").register().unwrap();
    let gauge = registry.gauge("g", "G.").register().unwrap();
    let histogram = registry
        .histogram("h", "H.")
        .buckets([0.5])
        .register()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    counter.inc_by_f64(0.5);
                    counter.inc();
                    drop(gauge.hold());
                    gauge.inc();
                    histogram.observe(0.25);
                }
            });
        }
    });
    assert_eq!(counter.get(), 60_000.0);
    assert_eq!(gauge.get(), 40_000.0);
    assert_eq!((histogram.count(), histogram.sum()), (40_000, 10_000.0));
}
