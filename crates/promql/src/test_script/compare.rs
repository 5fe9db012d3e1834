//! What came with what was expected.

use std::fmt;
use std::time::Duration;

use stonechat_model::{Buckets, Histogram, Labels, Timestamp, is_stale};

use super::expectation::{Expectations, Expected, Remarks};
use super::histogram_notation::notation;
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
            [point] => {
                let given = match &sample.histogram {
                    Some(histogram) => Given::Histogram(histogram),
                    None => Given::Float(sample.point.value),
                };
                if !matches_point(point, &given) {
                    return Err(format!(
                        "expected {} for {}, got {given}",
                        show(point),
                        full(&series.labels)
                    ));
                }
            }
            _ => return Err("an instant vector has exactly one value per series".to_owned()),
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
        if *point != Point::Missing {
            wanted.push((time.millis(), point));
        }
        time = time.plus(step);
    }
    let points = &given.points;
    let floats = points.timestamps.iter().zip(&points.values);
    let floats = floats.map(|(time, value)| (*time, Given::Float(*value)));
    let histograms = points.histograms.iter();
    let histograms = histograms.map(|(time, histogram)| (*time, Given::Histogram(histogram)));
    let mut given: Vec<(i64, Given<'_>)> = floats.chain(histograms).collect();
    given.sort_by_key(|(time, _)| *time);
    let same = wanted.len() == given.len()
        && wanted
            .iter()
            .zip(&given)
            .all(|((time, point), (at, given))| time == at && matches_point(point, given));
    if same {
        return Ok(());
    }
    let wanted = wanted
        .iter()
        .map(|(time, point)| format!("({time}, {})", show(point)));
    let given = given
        .iter()
        .map(|(time, value)| format!("({time}, {value})"));
    Err(format!(
        "expected [{}] for {}, got [{}]",
        wanted.collect::<Vec<_>>().join(", "),
        full(&expected.labels),
        given.collect::<Vec<_>>().join(", ")
    ))
}

/// A value that came.
enum Given<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

impl fmt::Display for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(value) => write!(f, "{value}"),
            Self::Histogram(histogram) => f.write_str(&notation(histogram)),
        }
    }
}

fn show(point: &Point) -> String {
    match point {
        Point::Missing => "_".to_owned(),
        Point::Float(value) => value.to_string(),
        Point::Histogram(written) => notation(&written.histogram),
    }
}

fn matches_point(expected: &Point, given: &Given<'_>) -> bool {
    match (expected, given) {
        (Point::Float(expected), Given::Float(given)) => almost_equal(*expected, *given),
        (Point::Histogram(expected), Given::Histogram(given)) => {
            let hint_agrees =
                !expected.names_hint || expected.histogram.reset_hint == given.reset_hint;
            hint_agrees && same_histogram(&expected.histogram, given)
        }
        _ => false,
    }
}

fn same_histogram(expected: &Histogram, given: &Histogram) -> bool {
    let (expected, given) = (expected.compacted(), given.compacted());
    let same_side = |a: &Buckets, b: &Buckets| {
        let mut counts = a.counts.iter().zip(&b.counts);
        a.spans == b.spans && counts.all(|(a, b)| almost_equal(*a, *b))
    };
    expected.schema == given.schema
        && expected.zero_threshold == given.zero_threshold
        && expected.custom_values == given.custom_values
        && almost_equal(expected.count, given.count)
        && almost_equal(expected.sum, given.sum)
        && almost_equal(expected.zero_count, given.zero_count)
        && same_side(&expected.positive, &given.positive)
        && same_side(&expected.negative, &given.negative)
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
