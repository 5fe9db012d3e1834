//! Ways of asking the same that must agree, over random data and random expressions.

use std::time::Duration;

use proptest::prelude::*;
use stonechat_model::{BucketSpan, Buckets, Histogram, Labels, ResetHint, STALE_NAN, Timestamp};
use stonechat_promql::{
    Answer, Cancel, Engine, EngineOptions, EvalError, MemoryStore, Steps, Value, parse,
};

const STEP_SECONDS: i64 = 20;

/// A few series of two metrics with gaps, resets, NaN, infinities and stale markers, at uneven times.
fn stores() -> impl Strategy<Value = MemoryStore> {
    let value = prop_oneof![
        8 => (0..50_i32).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(STALE_NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-1.5),
    ];
    let samples = prop::collection::vec((0..400_i64, value), 0..30);
    prop::collection::vec(samples, 6).prop_map(|series| {
        let mut store = MemoryStore::default();
        for (index, samples) in series.into_iter().enumerate() {
            let name = if index < 4 { "x_total" } else { "y_total" };
            let host = ["1", "2", "3"][index % 3];
            let zone = ["a", "b"][index % 2];
            let labels = Labels::from_pairs([("__name__", name), ("host", host), ("zone", zone)])
                .expect("valid labels");
            let histograms =
                Labels::from_pairs([("__name__", "h"), ("host", host), ("zone", zone)])
                    .expect("valid labels");
            for (second, value) in samples {
                let at = Timestamp::from_millis(second * 1000);
                store.insert(labels.clone(), at, value);
                if value.is_finite() && value >= 0.0 {
                    store.insert_histogram(histograms.clone(), at, histogram(index, value));
                }
            }
        }
        store
    })
}

/// A histogram of so many observations; its layout depends on the series.
fn histogram(series: usize, value: f64) -> Histogram {
    let counts = [value, 0.0, value / 2.0];
    let spans = vec![BucketSpan {
        offset: i32::try_from(series).expect("few series") - 2,
        length: 3,
    }];
    Histogram {
        schema: if series == 5 { 1 } else { 0 },
        count: value * 1.5 + 1.0,
        sum: value * 3.0,
        zero_count: 1.0,
        zero_threshold: 0.01,
        reset_hint: if series == 4 {
            ResetHint::Gauge
        } else {
            ResetHint::Unknown
        },
        positive: Buckets {
            spans,
            counts: counts.to_vec(),
        },
        ..Histogram::default()
    }
}

/// Expressions whose values are histograms, some of them beside numbers.
fn histogram_leaves() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "h",
        "rate(h[1m])",
        "increase(h[2m] anchored)",
        "sum_over_time(h[1m])",
        "{__name__=~\"h|y_total\"}",
        "irate(h[90s])",
        "last_over_time({host=\"3\"}[2m])",
        "changes(h[2m])",
    ])
    .prop_map(str::to_owned)
}

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("x_total".to_owned()),
        Just("y_total".to_owned()),
        Just("x_total{host=\"1\"} offset 30s".to_owned()),
        Just("y_total @ 100".to_owned()),
        Just("{__name__=~\"[xy]_total\"}".to_owned()),
        Just("rate(x_total[1m])".to_owned()),
        Just("increase(y_total[90s] offset 10s)".to_owned()),
        Just("sum_over_time(x_total[45s])".to_owned()),
        Just("avg_over_time(x_total[2m] @ 200)".to_owned()),
        Just("resets(y_total[2m])".to_owned()),
        Just("quantile_over_time(0.3, x_total[2m])".to_owned()),
        Just("irate(x_total[1m] anchored)".replace(" anchored", "")),
        Just("increase(x_total[1m] smoothed)".to_owned()),
        Just("delta(y_total[1m] anchored)".to_owned()),
        Just("x_total smoothed".to_owned()),
        Just("predict_linear(x_total[2m], 60)".to_owned()),
        Just("vector(time())".to_owned()),
        histogram_leaves(),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            inner.clone().prop_map(|a| format!("histogram_count({a})")),
            inner
                .clone()
                .prop_map(|a| format!("histogram_quantile(0.9, {a})")),
            inner.clone().prop_map(|a| format!("({a}) </ 2")),
            inner.clone().prop_map(|a| format!("({a}) * 2")),
            inner
                .clone()
                .prop_map(|a| format!("sum_over_time(({a})[90s:30s])")),
            inner.clone().prop_map(|a| format!("sum by (zone) ({a})")),
            inner
                .clone()
                .prop_map(|a| format!("avg without (host) ({a})")),
            inner.clone().prop_map(|a| format!("stddev({a})")),
            inner.clone().prop_map(|a| format!("quantile(0.5, {a})")),
            inner
                .clone()
                .prop_map(|a| format!("count_values(\"v\", {a})")),
            inner.clone().prop_map(|a| format!("topk(100, {a})")),
            inner.clone().prop_map(|a| format!("limit_ratio(0.5, {a})")),
            inner
                .clone()
                .prop_map(|a| format!("max_over_time(({a})[1m:25s])")),
            inner.clone().prop_map(|a| format!("absent({a})")),
            inner
                .clone()
                .prop_map(|a| format!("clamp({a}, 2, scalar(x_total{{host=\"2\"}}))")),
            inner.clone().prop_map(|a| format!("timestamp({a})")),
            inner.clone().prop_map(|a| format!("({a}) > 5")),
            inner.prop_map(|a| format!("label_replace({a}, \"new\", \"$1\", \"zone\", \"(.)\")")),
            two.clone().prop_map(|(a, b)| format!("({a}) or ({b})")),
            two.clone()
                .prop_map(|(a, b)| format!("({a}) and on (host) ({b})")),
            two.clone().prop_map(|(a, b)| format!("({a}) unless ({b})")),
            two.clone().prop_map(|(a, b)| format!("({a}) + ({b})")),
            two.clone().prop_map(|(a, b)| format!("({a}) >= ({b})")),
            two.clone()
                .prop_map(|(a, b)| format!("({a}) / on (zone) group_left () ({b})")),
            two.clone()
                .prop_map(|(a, b)| format!("({a}) < bool on (host, zone) ({b})")),
            two.prop_map(|(a, b)| format!("({a}) - fill (0) ({b})")),
        ]
    })
}

/// Labels and values, sorted.
type Flat = Vec<(String, f64)>;

fn flat(pairs: impl Iterator<Item = (Labels, f64)>) -> Flat {
    let mut flat: Flat = pairs
        .map(|(labels, value)| (format!("{} {labels}", labels.metric_name()), value))
        .collect();
    flat.sort_by(|a, b| a.0.cmp(&b.0));
    flat
}

/// The numbers of a histogram, told apart by a label.
fn parts(labels: &Labels, histogram: &Histogram) -> Vec<(Labels, f64)> {
    let part = |name: &str, value: f64| {
        let mut builder = labels.to_builder();
        builder.set("part", name);
        (builder.build().expect("valid labels"), value)
    };
    let mut parts = vec![part("count", histogram.count), part("sum", histogram.sum)];
    parts.extend(
        histogram
            .compacted()
            .positive
            .iter()
            .map(|(index, count)| part(&format!("bucket {index}"), count)),
    );
    parts
}

/// The last digits of a sum depend on the order of its terms, which `topk` changes in an instant query.
fn agree(a: &Flat, b: &Flat) -> bool {
    let close = |a: f64, b: f64| {
        a == b
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|((labels_a, a), (labels_b, b))| labels_a == labels_b && close(*a, *b))
}

fn at_step(answer: &Answer, time: Timestamp) -> Flat {
    let Value::Matrix(matrix) = &answer.value else {
        panic!("{:?}", answer.value)
    };
    flat(matrix.iter().flat_map(|series| {
        let points = &series.points;
        let float = points.timestamps.iter().position(|at| *at == time.millis());
        let histogram = points
            .histograms
            .iter()
            .find(|(at, _)| *at == time.millis());
        match (float, histogram) {
            (Some(index), _) => vec![(series.labels.clone(), points.values[index])],
            (None, Some((_, histogram))) => parts(&series.labels, histogram),
            (None, None) => Vec::new(),
        }
    }))
}

fn of_instant(answer: &Answer) -> Flat {
    let Value::Vector(vector) = &answer.value else {
        panic!("{:?}", answer.value)
    };
    flat(vector.iter().flat_map(|sample| match &sample.histogram {
        Some(histogram) => parts(&sample.labels, histogram),
        None => vec![(sample.labels.clone(), sample.point.value)],
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Evaluating all steps at once gives at each step what evaluating that step alone gives, and fails exactly when one of
    /// them does.
    #[test]
    fn a_range_query_is_its_instant_queries(
        store in stores(),
        text in expressions(),
        delayed_name_removal in any::<bool>(),
    ) {
        // When `or` joins a series that keeps its name with one that is to lose it, the whole row loses it.
        prop_assume!(!delayed_name_removal || !text.contains(" or "));
        let engine = Engine::new(EngineOptions { delayed_name_removal, ..EngineOptions::default() });
        let expr = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(480_000));
        let step = Duration::from_secs(STEP_SECONDS.unsigned_abs());
        let steps = Steps { start, end, step };
        let ranged = engine.range(&store, &expr, steps, &Cancel::new());
        let mut time = start;
        let mut failed = false;
        while time <= end {
            match (&ranged, engine.instant(&store, &expr, time, &Cancel::new())) {
                (Ok(ranged), Ok(instant)) => {
                    let (ranged, instant) = (at_step(ranged, time), of_instant(&instant));
                    prop_assert!(agree(&ranged, &instant), "{text} at {time:?}: {ranged:?}, alone {instant:?}");
                }
                (Ok(_), Err(error)) => prop_assert!(false, "{} at {:?}: {}", text, time, error),
                (Err(_), instant) => failed |= instant.is_err(),
            }
            time = time.plus(step);
        }
        if let Err(error) = ranged {
            let expected = matches!(error, EvalError::SameLabels | EvalError::Matching(_));
            prop_assert!(expected && failed, "{} only as a range: {}", text, error);
        }
    }

    /// Samples that nobody asks for change nothing.
    #[test]
    fn samples_outside_of_every_window_do_not_matter(store in stores(), text in expressions()) {
        let engine = Engine::default();
        let expr = parse(&text).unwrap();
        let at = Timestamp::from_millis(200_000);
        let before = engine.instant(&store, &expr, at, &Cancel::new());
        let mut more = store;
        for (name, second) in [("x_total", 100_000), ("y_total", -100_000)] {
            let labels = Labels::from_pairs([("__name__", name), ("host", "far"), ("zone", "a")]);
            more.insert(labels.unwrap(), Timestamp::from_millis(second * 1000), 7.0);
        }
        let after = engine.instant(&more, &expr, at, &Cancel::new());
        match (before, after) {
            (Ok(before), Ok(after)) => {
                let (before, after) = (of_instant(&before), of_instant(&after));
                prop_assert!(agree(&before, &after), "{text}: {before:?}, then {after:?}");
            }
            (before, after) => prop_assert_eq!(before.is_err(), after.is_err(), "{}", text),
        }
    }
}
