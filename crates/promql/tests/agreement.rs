//! Ways of asking the same that must agree, over random data and random expressions.

use std::time::Duration;

use proptest::prelude::*;
use stonechat_model::{Labels, STALE_NAN, Timestamp};
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
            for (second, value) in samples {
                store.insert(labels.clone(), Timestamp::from_millis(second * 1000), value);
            }
        }
        store
    })
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
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("abs({a})")),
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
    flat(matrix.iter().filter_map(|series| {
        let points = &series.points;
        let index = points
            .timestamps
            .iter()
            .position(|at| *at == time.millis())?;
        Some((series.labels.clone(), points.values[index]))
    }))
}

fn of_instant(answer: &Answer) -> Flat {
    let Value::Vector(vector) = &answer.value else {
        panic!("{:?}", answer.value)
    };
    flat(
        vector
            .iter()
            .map(|sample| (sample.labels.clone(), sample.point.value)),
    )
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
