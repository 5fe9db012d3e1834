//! What came with what was expected.

use std::time::Duration;

use stonechat_model::{Labels, Timestamp, is_stale};

use super::expectation::{Expectations, Expected, Remarks};
use super::points::{Point, PointSeries};
use crate::value::{Annotation, Sample, Series, Severity, Value};

/// Relative difference below which floats count as equal.
const TOLERANCE: f64 = 1e-6;

pub(super) fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// Compares a value with what is expected of it.
pub(super) fn check_value(expected: &Expected, ordered: bool, value: &Value) -> Result<(), String> {
    match (expected, value) {
        (Expected::Scalar(expected), Value::Scalar(point)) => {
            check_float("the scalar", *expected, point.value)
        }
        (Expected::String(expected), Value::String(text)) if expected == text => Ok(()),
        (Expected::Nothing, Value::Vector(vector)) => check_vector(&[], ordered, vector),
        (Expected::Series(series), Value::Vector(vector)) => check_vector(series, ordered, vector),
        (
            Expected::RangeVector {
                series,
                start,
                step,
            },
            Value::Matrix(matrix),
        ) => check_matrix(series, *start, *step, matrix),
        (expected, value) => Err(format!("expected {expected:?}, got {value:?}")),
    }
}

fn check_float(what: &str, expected: f64, given: f64) -> Result<(), String> {
    if almost_equal(expected, given) {
        Ok(())
    } else {
        Err(format!("expected {expected} for {what}, got {given}"))
    }
}

fn check_vector(expected: &[PointSeries], ordered: bool, vector: &[Sample]) -> Result<(), String> {
    for (index, series) in expected.iter().enumerate() {
        let found = vector
            .iter()
            .enumerate()
            .find(|(_, sample)| sample.labels == series.labels);
        let Some((position, sample)) = found else {
            return Err(format!("{} is missing in {vector:?}", full(&series.labels)));
        };
        if ordered && position != index {
            return Err(format!(
                "expected {} at position {index}, found it at {position}",
                full(&series.labels)
            ));
        }
        match series.points.as_slice() {
            [Point::Float(value)] => {
                check_float(&full(&series.labels), *value, sample.point.value)?;
            }
            _ => return Err("an instant vector has exactly one float per series".to_owned()),
        }
    }
    let surplus = vector.iter().enumerate().find(|(index, sample)| {
        let twice = vector[..*index]
            .iter()
            .any(|before| before.labels == sample.labels);
        twice || expected.iter().all(|series| series.labels != sample.labels)
    });
    match surplus {
        Some((_, sample)) => Err(format!(
            "{} {} was not expected",
            full(&sample.labels),
            sample.point.value
        )),
        None => Ok(()),
    }
}

/// Compares series whose points stand at `start`, `start + step`, ...
pub(super) fn check_matrix(
    expected: &[PointSeries],
    start: Timestamp,
    step: Duration,
    matrix: &[Series],
) -> Result<(), String> {
    if !matrix.is_sorted_by(|a, b| a.labels < b.labels) {
        return Err("the series are not sorted by labels".to_owned());
    }
    // A series of gaps only is the same as none.
    let expected: Vec<&PointSeries> = expected
        .iter()
        .filter(|series| series.points.iter().any(|point| *point != Point::Missing))
        .collect();
    for series in &expected {
        let found = matrix.iter().find(|given| given.labels == series.labels);
        let Some(given) = found else {
            return Err(format!("{} is missing", full(&series.labels)));
        };
        check_points(series, start, step, given)?;
    }
    let surplus = matrix
        .iter()
        .find(|given| expected.iter().all(|series| series.labels != given.labels));
    match surplus {
        Some(series) => Err(format!(
            "{} {:?} was not expected",
            full(&series.labels),
            series.points.values
        )),
        None => Ok(()),
    }
}

fn check_points(
    expected: &PointSeries,
    start: Timestamp,
    step: Duration,
    given: &Series,
) -> Result<(), String> {
    let mut time = start;
    let mut wanted = Vec::new();
    for point in &expected.points {
        if let Point::Float(value) = point {
            wanted.push((time.millis(), *value));
        }
        time = time.plus(step);
    }
    let points = &given.points;
    let same = wanted.len() == points.len()
        && wanted
            .iter()
            .zip(points.timestamps.iter().zip(&points.values))
            .all(|((time, value), (given_time, given))| {
                time == given_time && almost_equal(*value, *given)
            });
    if same {
        return Ok(());
    }
    let given: Vec<(i64, f64)> = points
        .timestamps
        .iter()
        .copied()
        .zip(points.values.iter().copied())
        .collect();
    Err(format!(
        "expected {wanted:?} for {}, got {given:?}",
        full(&expected.labels)
    ))
}

fn full(labels: &Labels) -> String {
    if labels.is_empty() {
        "{}".to_owned()
    } else {
        labels.to_string()
    }
}

/// Compares the remarks of one severity with what is expected of them.
pub(super) fn check_remarks(
    expected: &Expectations,
    severity: Severity,
    given: &[Annotation],
) -> Result<(), String> {
    let Remarks { none, matches } = expected.remarks(severity);
    let texts: Vec<String> = given.iter().map(ToString::to_string).collect();
    if *none && !texts.is_empty() {
        return Err(format!("expected no {severity:?}, got {texts:?}"));
    }
    for expected in matches {
        if !texts.iter().any(|text| expected.matches(text)) {
            return Err(format!("expected {severity:?} {expected:?}, got {texts:?}"));
        }
    }
    let surplus = texts
        .iter()
        .find(|text| !matches.is_empty() && !matches.iter().any(|m| m.matches(text)));
    match surplus {
        Some(text) => Err(format!("{text:?} was not expected")),
        None => Ok(()),
    }
}
