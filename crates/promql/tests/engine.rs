//! Limits, errors and settings of the engine; what expressions give is in the scripts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use stonechat_model::{
    Columns, Labels, Matcher, Queryable, QueryableError, Selection, TimeRange, Timestamp,
};
use stonechat_promql::{
    Answer, Cancel, DEPTH_MAX, Engine, EngineOptions, EvalError, MemoryStore, Steps, Value, parse,
};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied()).expect("valid labels")
}

/// Ten series of two metrics with a sample every second for a minute.
fn store() -> MemoryStore {
    let mut store = MemoryStore::default();
    for metric in ["a_total", "b_total"] {
        for host in ["1", "2", "3", "4", "5"] {
            for second in 0..60 {
                let series = labels(&[("__name__", metric), ("host", host)]);
                let at = Timestamp::from_millis(second * 1000);
                store.insert(series, at, 10.0);
            }
        }
    }
    store
}

fn seconds(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn instant(options: EngineOptions, expr: &str) -> Result<Answer, EvalError> {
    let expr = parse(expr).expect("a valid expression");
    Engine::new(options).instant(&store(), &expr, seconds(59), &Cancel::new())
}

fn range(options: EngineOptions, expr: &str) -> Result<Answer, EvalError> {
    let steps = Steps {
        start: seconds(0),
        end: seconds(59),
        step: Duration::from_secs(1),
    };
    Engine::new(options).range(
        &store(),
        &parse(expr).expect("valid"),
        steps,
        &Cancel::new(),
    )
}

#[track_caller]
fn check_error(result: Result<Answer, EvalError>, message: &str, api_name: &str) {
    let error = result.expect_err(message);
    assert_eq!(
        (error.to_string().as_str(), error.api_name()),
        (message, api_name)
    );
}

#[test]
fn too_many_samples_are_refused_wherever_they_come_from() {
    let options = |samples_max| EngineOptions {
        samples_max,
        ..EngineOptions::default()
    };
    let message = "query processing would load too many samples into memory in query execution";
    for (expr, needed) in [
        ("a_total", 300),
        ("a_total + on(host) b_total", 600),
        ("a_total or b_total", 900),
        ("topk(5, a_total)", 600),
        ("quantile(0.5, a_total)", 300),
        ("count_values(\"v\", a_total)", 300),
        ("absent(a_total)", 300),
        ("vector(1)", 60),
        ("sum_over_time(a_total[30s:1s])", 440),
    ] {
        check_error(range(options(needed - 1), expr), message, "execution");
        let enough = range(options(4 * needed), expr);
        assert!(enough.is_ok(), "{expr}: {enough:?}");
    }
    // The samples of a window are held one series at a time.
    check_error(
        instant(options(29), "rate(a_total[30s])"),
        message,
        "execution",
    );
    assert!(instant(options(40), "rate(a_total[30s])").is_ok());
    check_error(instant(options(29), "a_total[30s]"), message, "execution");
    // What a part held on the way is given back.
    assert!(range(options(700), "sum(a_total) + sum(a_total) + sum(a_total)").is_ok());
}

#[test]
fn a_query_ends_when_nobody_waits() {
    let cancel = Cancel::new();
    let asked_elsewhere = cancel.clone();
    asked_elsewhere.cancel();
    let expr = parse("sum(rate(a_total[5m]))").unwrap();
    let result = Engine::default().instant(&store(), &expr, seconds(59), &cancel);
    let message = "query was canceled in expression evaluation";
    check_error(result, message, "canceled");
    let no_time = EngineOptions {
        timeout: Duration::ZERO,
        ..EngineOptions::default()
    };
    let message = "query timed out in expression evaluation";
    check_error(instant(no_time, "a_total"), message, "timeout");
}

#[test]
fn what_has_no_value_per_step_is_not_for_ranges() {
    let message = r#"invalid expression type "range vector" for range query, must be Scalar or instant Vector"#;
    check_error(
        range(EngineOptions::default(), "a_total[5m]"),
        message,
        "bad_data",
    );
    let message =
        r#"invalid expression type "string" for range query, must be Scalar or instant Vector"#;
    check_error(
        range(EngineOptions::default(), "\"a\""),
        message,
        "bad_data",
    );
}

#[test]
fn steps_have_to_lead_somewhere() {
    let engine = Engine::default();
    for (start, end, millis) in [(0, 10, 0), (10, 0, 1000)] {
        let steps = Steps {
            start: seconds(start),
            end: seconds(end),
            step: Duration::from_millis(millis),
        };
        let result = engine.range(&store(), &parse("1").unwrap(), steps, &Cancel::new());
        assert!(matches!(result, Err(EvalError::Steps)), "{steps:?}");
    }
    let everything = Steps {
        start: Timestamp::MIN,
        end: Timestamp::MAX,
        step: Duration::from_millis(1),
    };
    let result = engine.range(&store(), &parse("1").unwrap(), everything, &Cancel::new());
    assert!(result.is_err());
}

/// Without the setting, the name is gone as soon as the meaning has changed.
#[test]
fn names_are_dropped_at_once_or_at_the_end() {
    let expr = r#"label_replace(rate(a_total{host="1"}[1m]), "was", "$1", "__name__", "(.*)")"#;
    let series = |delayed_name_removal| {
        let options = EngineOptions {
            delayed_name_removal,
            ..EngineOptions::default()
        };
        match instant(options, expr).unwrap().value {
            Value::Vector(vector) => vector[0].labels.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(series(false), r#"{host="1"}"#);
    assert_eq!(series(true), r#"{host="1", was="a_total"}"#);
    for delayed_name_removal in [false, true] {
        let options = EngineOptions {
            delayed_name_removal,
            ..EngineOptions::default()
        };
        for expr in [
            r#"rate({__name__=~"._total"}[1m])"#,
            r#"-{__name__=~"._total"}"#,
            r#"{__name__=~"._total"} + 1"#,
            r#"abs({__name__=~"._total"})"#,
        ] {
            let message = "vector cannot contain metrics with the same labelset";
            check_error(instant(options.clone(), expr), message, "execution");
        }
    }
}

#[test]
fn remarks_name_their_place() {
    let answer = instant(
        EngineOptions::default(),
        "quantile(7, a_total)\n  + on() quantile(NaN, b_total)",
    )
    .unwrap();
    let texts: Vec<String> = answer.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)",
            "PromQL warning: quantile value should be between 0 and 1, got NaN (2:19)",
        ]
    );
    assert!(answer.infos.is_empty());
}

/// A store that breaks when it is asked, or when it is read.
struct BrokenStore {
    breaks_on_select: bool,
}

struct BrokenSelection(Labels);

impl Selection for BrokenSelection {
    fn len(&self) -> usize {
        1
    }

    fn labels(&self, _: usize) -> &Labels {
        &self.0
    }

    fn read(&self, _: usize, _: &mut Columns) -> Result<(), QueryableError> {
        Err(QueryableError::Damaged {
            what: "block 7".to_owned(),
        })
    }
}

impl Queryable for BrokenStore {
    fn select(
        &self,
        _: &[Matcher],
        _: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        if self.breaks_on_select {
            return Err(QueryableError::Remote("no route".to_owned()));
        }
        Ok(Box::new(BrokenSelection(labels(&[("__name__", "x")]))))
    }

    fn series(&self, _: &[Vec<Matcher>], _: TimeRange) -> Result<Vec<Labels>, QueryableError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &[Vec<Matcher>], _: TimeRange) -> Result<Vec<String>, QueryableError> {
        Ok(Vec::new())
    }

    fn label_values(
        &self,
        _: &str,
        _: &[Vec<Matcher>],
        _: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_store_that_breaks_is_an_error_and_not_an_empty_answer() {
    for (breaks_on_select, message) in [
        (true, "expanding series: the remote engine failed: no route"),
        (false, "expanding series: block 7 is damaged"),
    ] {
        for expr in ["x", "rate(x[5m])", "absent(x)", "sum_over_time(x[5m:1m])"] {
            let store = BrokenStore { breaks_on_select };
            let expr = parse(expr).unwrap();
            let result = Engine::default().instant(&store, &expr, seconds(0), &Cancel::new());
            check_error(result, message, "internal");
        }
    }
}

/// The deepest trees that the parser lets through are evaluated on the small stack of a thread.
#[test]
fn the_deepest_expressions_fit_on_the_stack() {
    let nested = |open: &str, close: &str, levels: usize| {
        format!("{}a_total{}", open.repeat(levels), close.repeat(levels))
    };
    let texts = [
        nested("(", ")", DEPTH_MAX - 1),
        nested("abs(", ")", DEPTH_MAX - 1),
        nested("sum(", ")", DEPTH_MAX - 1),
        nested("1 + ", "", DEPTH_MAX / 2 - 1),
        nested("", " + 1", 10 * DEPTH_MAX),
        nested("abs(1 + ", ")", DEPTH_MAX / 2 - 1),
        nested("abs(", " + 1)", DEPTH_MAX / 2 - 1),
        nested("-1 * ", "", DEPTH_MAX - 3),
        nested("a_total or (", ")", DEPTH_MAX / 2 - 1),
        nested("max_over_time(", "[2s:1s])", DEPTH_MAX / 2 - 1),
        nested(
            "label_replace(",
            ", \"a\", \"b\", \"\", \"\")",
            DEPTH_MAX - 1,
        ),
    ];
    for text in texts {
        let expr = parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let run = move || {
            let engine = Engine::new(EngineOptions {
                timeout: Duration::from_secs(5),
                ..EngineOptions::default()
            });
            engine
                .instant(&store(), &expr, seconds(59), &Cancel::new())
                .map(drop)
        };
        let thread = thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(run)
            .unwrap();
        let result = thread.join().unwrap();
        assert!(
            result.is_ok() || matches!(result, Err(EvalError::Timeout)),
            "{result:?}"
        );
    }
}

/// A store that counts how often it is asked.
struct Counting(MemoryStore, AtomicUsize);

impl Queryable for Counting {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.select(matchers, range)
    }

    fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        self.0.series(matcher_sets, range)
    }

    fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.0.label_names(matcher_sets, range)
    }

    fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.0.label_values(name, matcher_sets, range)
    }
}

/// Where nothing stands on the left, nobody reads what stands on the right, unless it may have a mistake in it.
#[test]
fn what_cannot_matter_is_not_read() {
    for (text, selections) in [
        ("nothing * b_total", 1),
        ("nothing and on (host) rate(b_total[1m])", 1),
        ("nothing unless on () sum(b_total) * 2", 1),
        ("nothing > scalar(b_total)", 1),
        ("nothing or b_total", 2),
        ("nothing + fill (0) b_total", 2),
        ("nothing * abs({host=\"1\"})", 2),
        ("nothing * (a_total + on () b_total)", 3),
        ("a_total * b_total", 2),
    ] {
        let store = Counting(store(), AtomicUsize::new(0));
        let expr = parse(text).expect("a valid expression");
        let _ = Engine::default().instant(&store, &expr, seconds(59), &Cancel::new());
        assert_eq!(store.1.load(Ordering::Relaxed), selections, "{text}");
    }
}

/// One query that passes a limit leaves another on the same engine alone.
#[test]
fn a_query_that_passes_a_limit_harms_no_other() {
    let engine = Engine::new(EngineOptions {
        samples_max: 500,
        ..EngineOptions::default()
    });
    let steps = Steps {
        start: seconds(0),
        end: seconds(59),
        step: Duration::from_secs(1),
    };
    let store = store();
    let ask = |text: &str| {
        let expr = parse(text).expect("a valid expression");
        engine.range(&store, &expr, steps, &Cancel::new())
    };
    thread::scope(|scope| {
        let refused = scope.spawn(|| {
            for _ in 0..50 {
                let result = ask("a_total or b_total");
                assert!(matches!(result, Err(EvalError::TooManySamples)));
            }
        });
        for _ in 0..50 {
            assert!(ask("sum(rate(a_total[10s]))").is_ok());
        }
        refused.join().expect("queries that are refused");
    });
}

/// Chains of operators lean to the left, and nobody goes down along them.
#[test]
fn chains_of_operators_may_be_long() {
    let evaluated = || {
        let engine = Engine::default();
        let value = |text: &str| {
            let expr = parse(text).expect("a chain is no nesting");
            let answer = engine.instant(&store(), &expr, seconds(59), &Cancel::new());
            match answer.expect("a chain that can be evaluated").value {
                Value::Scalar(point) => point.value,
                Value::Vector(vector) => vector[0].point.value,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(value(&vec!["1"; 20_000].join(" + ")), 20_000.0);
        assert_eq!(value(&vec!["a_total"; 1_000].join(" + ")), 10_000.0);
        assert_eq!(value(&vec!["1"; 1_000].join(" + a_total + ")), 10_990.0);
        let text = vec!["a_total @ 10"; 300].join(" + ") + " + a_total - b_total @ 3";
        let expr = parse(&text).expect("a chain is no nesting");
        let steps = Steps {
            start: seconds(0),
            end: seconds(59),
            step: Duration::from_secs(1),
        };
        let plan = engine.explain(&store(), &expr, steps, &Cancel::new());
        let plan = plan.expect("a chain that can be evaluated");
        assert_eq!(plan.nodes.len(), 603);
        assert!(plan.to_string().contains("a_total @ 10"));
        let Value::Matrix(matrix) = plan.answer.value else {
            panic!("{:?}", plan.answer.value)
        };
        assert_eq!((matrix.len(), matrix[0].points.len()), (5, 60));
        assert_eq!(matrix[0].points.values, vec![3_000.0; 60]);
    };
    let thread = thread::Builder::new().stack_size(1 << 20);
    thread.spawn(evaluated).unwrap().join().unwrap();
}

/// Whatever a caller asks for, sums of times do not overflow.
#[test]
fn the_ends_of_time_are_reached_without_harm() {
    let mut store = MemoryStore::default();
    for millis in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        let series = labels(&[("__name__", "x_total")]);
        store.insert(series, Timestamp::from_millis(millis), 1.0);
    }
    let engine = Engine::default();
    for text in [
        "x_total",
        "x_total offset 290y",
        "x_total offset -290y",
        "x_total smoothed",
        "rate(x_total[1y])",
        "increase(x_total[1y] smoothed)",
        "delta(x_total[290y] anchored offset -290y)",
        "predict_linear(x_total[1y], 1e300)",
        "deriv(x_total[290y])",
        "irate(x_total[1y])",
        "sum_over_time(x_total[5m:1m])",
        "sum_over_time(x_total[1m:1m] offset -290y)",
        "timestamp(x_total) + year() + time()",
        "x_total @ 9223372036854774 + x_total @ -9223372036854774",
        "info(x_total offset 290y)",
        "x_total[290y]",
    ] {
        let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        for at in [Timestamp::MIN, seconds(0), Timestamp::MAX] {
            let result = engine.instant(&store, &expr, at, &Cancel::new());
            assert!(result.is_ok(), "{text} at {at:?}: {result:?}");
            if text.ends_with(']') {
                continue;
            }
            for (start, end) in [(at, at), (at.minus(Duration::from_secs(9)), at)] {
                let step = Duration::from_secs(1);
                let steps = Steps { start, end, step };
                let result = engine.range(&store, &expr, steps, &Cancel::new());
                assert!(result.is_ok(), "{text} at {at:?}: {result:?}");
            }
        }
    }
}

/// Cores share the series of an aggregation, and none of them is kept; an expression that cannot be worked off so must give
/// the same.
#[test]
fn streamed_aggregations_are_those_of_tables() {
    let mut store = MemoryStore::default();
    for series in 0..700_u32 {
        let (host, zone) = (series.to_string(), (series % 3).to_string());
        let pairs = [("__name__", "x_total"), ("host", &host), ("zone", &zone)];
        let labels = Labels::from_pairs(pairs).unwrap();
        for minute in 0..20_u32 {
            if (series + minute) % 7 != 0 {
                let value = f64::from((series * 31 + minute * 17) % 101) + 1e3;
                let at = Timestamp::from_millis(i64::from(minute) * 60_000);
                store.insert(labels.clone(), at, value);
            }
        }
    }
    let engine = Engine::default();
    let steps = Steps {
        start: Timestamp::from_millis(0),
        end: Timestamp::from_millis(1_200_000),
        step: Duration::from_secs(60),
    };
    let matrix = |text: &str| {
        let expr = parse(text).unwrap();
        let answer = engine.range(&store, &expr, steps, &Cancel::new()).unwrap();
        let Value::Matrix(matrix) = answer.value else {
            panic!("{text}")
        };
        matrix
    };
    for op in [
        "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar",
    ] {
        for inner in [
            "x_total",
            "rate(x_total[5m])",
            "last_over_time(x_total[3m])",
        ] {
            for grouping in ["by (zone)", "without (host)", ""] {
                let streamed = matrix(&format!("{op} {grouping} ({inner})"));
                let kept = matrix(&format!("{op} {grouping} ({inner} + 0)"));
                assert_eq!(streamed.len(), kept.len(), "{op} {grouping} ({inner})");
                for (streamed, kept) in streamed.iter().zip(&kept) {
                    assert_eq!(streamed.labels, kept.labels);
                    assert_eq!(streamed.points.timestamps, kept.points.timestamps);
                    for (a, b) in streamed.points.values.iter().zip(&kept.points.values) {
                        let close = (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-6);
                        assert!(close, "{op} {grouping} ({inner}): {a} and {b}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_plan_tells_what_each_part_cost() {
    let mut store = MemoryStore::default();
    for host in ["a", "b"] {
        for minute in 0..=10_u32 {
            let pairs = [("__name__", "x_total"), ("host", host)];
            let at = Timestamp::from_millis(i64::from(minute) * 60_000);
            store.insert(Labels::from_pairs(pairs).unwrap(), at, f64::from(minute));
        }
    }
    let expr = parse("sum(rate(x_total[5m])) * 2").unwrap();
    let now = Timestamp::from_millis(600_000);
    let steps = Steps {
        start: now,
        end: now,
        step: Duration::ZERO,
    };
    let engine = Engine::default();
    let plan = engine
        .explain(&store, &expr, steps, &Cancel::new())
        .unwrap();
    let lines: Vec<_> = plan
        .nodes
        .iter()
        .map(|node| {
            let cost = node.cost.map(|cost| (cost.series, cost.samples));
            (node.depth, node.title.as_str(), cost)
        })
        .collect();
    assert_eq!(
        lines,
        [
            (0, "*", Some((1, 1))),
            (1, "sum", Some((1, 1))),
            (2, "rate()", None),
            (3, "x_total[5m]", Some((2, 10))),
            (1, "2", Some((1, 1))),
        ]
    );
    assert!(plan.to_string().contains("x_total[5m]"));
}
