use std::thread;

use stonechat_metrics::{Format, LABEL_VALUE_BYTES_MAX, Registry, SERIES_MAX, TraceId};

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

/// A handle is kept, so that one look-up may stand for any number of values.
#[test]
fn each_value_past_the_limit_is_counted() {
    let registry = Registry::bare();
    let counter = registry.counter("c_total", "C.").labels(["a"]);
    let counter = counter.series_max(0).register().unwrap();
    let gauge = registry.gauge("g", "G.").labels(["a"]);
    let gauge = gauge.series_max(0).register().unwrap();
    let histogram = registry.histogram("h", "H.").labels(["a"]).series_max(0);
    let histogram = histogram.register().unwrap();
    let counted = [counter.with(["1"]), counter.with(["2"])];
    assert!(lines(&registry, LIMITED).is_empty(), "nothing is lost yet");
    for kept in &counted {
        kept.inc();
        kept.inc_by(5);
        kept.inc_by_f64(0.5);
        assert_eq!(kept.get(), counted[0].get());
    }
    let set = gauge.with(["1"]);
    set.set(3.0);
    set.add(2.0);
    drop(set.hold());
    let observed = histogram.with(["1"]);
    observed.observe(1.0);
    observed.observe_traced(2.0, TraceId(1));
    assert_eq!((counted[0].get(), set.get()), (13.0, 5.0));
    assert_eq!((observed.count(), observed.sum()), (2, 3.0));
    assert_eq!(lines(&registry, "c_total{"), [r#"c_total{a="other"} 13"#]);
    assert_eq!(lines(&registry, "g{"), [r#"g{a="other"} 5"#]);
    assert_eq!(lines(&registry, "h_count{"), [r#"h_count{a="other"} 2"#]);
    // Somebody's own `other` is nothing that was kept out.
    counter.with(["other"]).inc();
    assert_eq!(
        lines(&registry, LIMITED),
        [
            r#"stonechat_series_limited_total{family="c_total"} 6"#,
            r#"stonechat_series_limited_total{family="g"} 4"#,
            r#"stonechat_series_limited_total{family="h"} 2"#,
        ]
    );
}

#[test]
fn a_counter_that_is_full_stays_full() {
    const FULL: f64 = 9_223_372_036_854_775_808.0;
    let registry = Registry::bare();
    let full = |name: &str| registry.counter(name, "C.").register().unwrap();
    for steps in [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 62] {
        let counter = full(&format!("c{steps}_total"));
        for _ in 0..8 {
            counter.inc_by(steps);
            counter.inc();
            counter.inc_by(u32::MAX.into());
        }
        assert_eq!(counter.get(), FULL, "{steps}");
    }
    let counter = full("small_total");
    counter.inc_by(u64::from(u32::MAX));
    counter.inc_by(1 << 40);
    assert_eq!(counter.get(), f64::from(u32::MAX) + 2_f64.powi(40));
}

#[test]
fn sums_do_not_become_infinite() {
    let registry = Registry::bare();
    let counter = registry.counter("c_total", "C.").register().unwrap();
    let gauge = registry.gauge("g", "G.").register().unwrap();
    let histogram = registry.histogram("h", "H.").buckets([1.0]).native(10);
    let histogram = histogram.register().unwrap();
    for _ in 0..3 {
        counter.inc_by_f64(f64::MAX);
        gauge.add(-f64::MAX);
        histogram.observe(f64::MAX);
    }
    assert_eq!(counter.get(), f64::MAX);
    assert_eq!(gauge.get(), -f64::MAX);
    assert_eq!((histogram.count(), histogram.sum()), (1, f64::MAX));
    assert_eq!(
        lines(&registry, "stonechat_values_ignored_total"),
        ["c_total", "g", "h"]
            .map(|family| format!(r#"stonechat_values_ignored_total{{family="{family}"}} 2"#))
    );
    // A gauge that was set to infinity stays there by itself.
    gauge.set(f64::INFINITY);
    gauge.inc();
    assert_eq!(gauge.get(), f64::INFINITY);
    assert!(lines(&registry, "stonechat_values_ignored_total")[1].ends_with(" 2"));
}

#[test]
fn a_gauge_may_show_nothing_before_it_is_set() {
    let registry = Registry::bare();
    let gauge = |name: &str| registry.gauge(name, "G.").absent_until_set();
    let set = gauge("a").labels(["x"]).register().unwrap();
    let added = gauge("b").register().unwrap();
    let (kept, _other) = (set.with(["1"]), set.with(["2"]));
    assert_eq!((kept.get(), added.get()), (0.0, 0.0));
    assert_eq!(registry.encode(Format::OpenMetrics), "# EOF\n");
    assert!(registry.encode_protobuf().is_empty());
    kept.set(0.0);
    added.add(2.5);
    assert_eq!(lines(&registry, "a{"), [r#"a{x="1"} 0"#]);
    assert_eq!(lines(&registry, "b "), ["b 2.5"]);
    kept.set(f64::NAN);
    assert_eq!(lines(&registry, "a{"), [r#"a{x="1"} NaN"#]);
    let error = registry
        .gauge("b", "G.")
        .register()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("absent until set differs: true vs false"),
        "{error}"
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
