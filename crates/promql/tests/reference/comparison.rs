//! The engine and the plain evaluator asked the same.

use std::collections::BTreeMap;
use std::time::Duration;

use stonechat_model::{Labels as ModelLabels, Timestamp};
use stonechat_promql::{
    Cancel, Engine, EngineOptions, EvalError, Expr, MemoryStore, Steps, Value as Answered, parse,
};

use crate::evaluator::{Failure, Labels, Outcome, Reference, Stored, Value};
use crate::generator::Case;

/// Values by series and time.
type Flat = BTreeMap<(Labels, i64), f64>;

/// Asks both; the error says where they differ.
pub fn compare(case: &Case) -> Result<(), String> {
    let expr = parse(&case.text).map_err(|error| format!("{}: {error}", case.text))?;
    let options = EngineOptions::default();
    let end = case.start + case.step * i64::try_from(case.count).expect("few steps") - 1;
    let reference = |start: i64, end: i64| Reference {
        series: &case.series,
        start,
        end,
        lookback: 300_000,
        subquery_step: 60_000,
    };
    let (engine, store) = (Engine::new(options), store(&case.series));
    let times: Vec<i64> = (case.start..=end)
        .step_by(usize::try_from(case.step).expect("a positive step"))
        .collect();
    let mut ranged = Ok(Flat::new());
    let whole = reference(case.start, end);
    for time in &times {
        let instant = reference(*time, *time);
        let wanted = flat(instant.value(&expr, *time), *time);
        let given = engine.instant(&store, &expr, Timestamp::from_millis(*time), &Cancel::new());
        let given = given.map(|answer| answer.value);
        check(case, &format!("at {time}"), &wanted, given.as_ref(), 2)?;
        if case.text.starts_with("sort") {
            check_order(case, &instant, &expr, *time, given.as_ref())?;
        }
        ranged = match (ranged, flat(whole.value(&expr, *time), *time)) {
            (Ok(mut all), Ok(more)) => {
                all.extend(more);
                Ok(all)
            }
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
        };
    }
    let steps = Steps {
        start: Timestamp::from_millis(case.start),
        end: Timestamp::from_millis(end),
        step: Duration::from_millis(case.step.unsigned_abs()),
    };
    let given = engine.range(&store, &expr, steps, &Cancel::new());
    let given = given.map(|answer| answer.value);
    check(case, "over the range", &ranged, given.as_ref(), 1)
}

fn store(series: &[Stored]) -> MemoryStore {
    let mut store = MemoryStore::default();
    for Stored { labels, samples } in series {
        let labels = ModelLabels::from_pairs(labels).expect("valid labels");
        for (time, value) in samples {
            store.insert(labels.clone(), Timestamp::from_millis(*time), *value);
        }
    }
    store
}

fn flat(outcome: Outcome<Value>, time: i64) -> Outcome<Flat> {
    Ok(match outcome? {
        Value::Scalar(value) => [((Labels::new(), time), value)].into(),
        Value::Text(_) => Flat::new(),
        Value::Vector(vector) => vector
            .into_iter()
            .map(|sample| ((sample.labels, time), sample.value))
            .collect(),
    })
}

fn flat_answer(value: &Answered) -> Flat {
    let own = |labels: &ModelLabels| -> Labels {
        let pairs = labels.iter();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    match value {
        Answered::Scalar(point) => {
            [((Labels::new(), point.timestamp.millis()), point.value)].into()
        }
        Answered::String(_) => Flat::new(),
        Answered::Vector(vector) => vector
            .iter()
            .map(|sample| {
                let time = sample.point.timestamp.millis();
                ((own(&sample.labels), time), sample.point.value)
            })
            .collect(),
        Answered::Matrix(matrix) => matrix
            .iter()
            .flat_map(|series| {
                let labels = own(&series.labels);
                let points = series.points.timestamps.iter().zip(&series.points.values);
                points
                    .map(move |(time, value)| ((labels.clone(), *time), *value))
                    .collect::<Vec<_>>()
            })
            .collect(),
    }
}

/// The engine works off all steps of a subquery at once, also those between two windows that nobody looks at, and may fail
/// there. That takes one subquery in a range query, two of them in an instant query.
fn check(
    case: &Case,
    place: &str,
    wanted: &Outcome<Flat>,
    given: Result<&Answered, &EvalError>,
    subqueries: usize,
) -> Result<(), String> {
    let differ = |text: String| Err(format!("{place}: {text}\n{case}"));
    match (wanted, given) {
        (Err(_), Err(EvalError::SameLabels | EvalError::Matching(_))) => Ok(()),
        (Err(Failure(failure)), Ok(given)) => differ(format!("not refused ({failure}): {given:?}")),
        (_, Err(error)) => {
            let may_fail = matches!(error, EvalError::SameLabels | EvalError::Matching(_))
                && case.text.matches(":").count() >= subqueries;
            if may_fail {
                return Ok(());
            }
            differ(format!("refused: {error}"))
        }
        (Ok(wanted), Ok(given)) => {
            let given = flat_answer(given);
            let same = wanted.len() == given.len()
                && wanted
                    .iter()
                    .zip(&given)
                    .all(|(wanted, given)| wanted.0 == given.0 && close(*wanted.1, *given.1));
            if same {
                return Ok(());
            }
            differ(format!("wanted {wanted:?}, given {given:?}"))
        }
    }
}

/// Sums over the same values in the same order have the same digits, but for a few at the end.
fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-10 * a.abs().max(b.abs())
}

fn check_order(
    case: &Case,
    reference: &Reference<'_>,
    expr: &Expr,
    time: i64,
    given: Result<&Answered, &EvalError>,
) -> Result<(), String> {
    let (Ok(wanted), Ok(Answered::Vector(given))) = (reference.vector(expr, time), given) else {
        return Ok(());
    };
    let in_order = wanted
        .iter()
        .zip(given)
        .all(|(wanted, given)| close(wanted.value, given.point.value));
    if in_order {
        return Ok(());
    }
    Err(format!("at {time}: in another order\n{case}"))
}
