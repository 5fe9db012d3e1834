//! Straight lines and smoothed trends through the samples of a window.

use stonechat_model::Kahan;

use crate::error::EvalError;
use crate::evaluation::{Window, elapsed};

/// `deriv`: the slope per second.
pub(super) fn deriv(window: &Window<'_>) -> Option<f64> {
    // The first sample as origin keeps the products small.
    line(window, window.times[0]).map(|line| line.slope)
}

/// `predict_linear`: the value on the line, `ahead` seconds after the time of evaluation.
pub(super) fn predict_linear(window: &Window<'_>, ahead: f64) -> Option<f64> {
    line(window, window.now).map(|line| line.slope * ahead + line.intercept)
}

struct Line {
    slope: f64,
    intercept: f64,
}

/// The line of least squares; its intercept is at `origin`.
fn line(window: &Window<'_>, origin: i64) -> Option<Line> {
    let &[first, ref rest @ ..] = window.values else {
        return None;
    };
    if rest.is_empty() {
        return None;
    }
    if rest.iter().all(|value| *value == first) {
        let (slope, intercept) = if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
        return Some(Line { slope, intercept });
    }
    let mut n = 0.0;
    let [mut sum_x, mut sum_y, mut sum_xy, mut sum_xx] = [Kahan::default(); 4];
    for (&time, &y) in window.times.iter().zip(window.values) {
        let x = elapsed(origin, time);
        n += 1.0;
        sum_x = sum_x.plus(x);
        sum_y = sum_y.plus(y);
        sum_xy = sum_xy.plus(x * y);
        sum_xx = sum_xx.plus(x * x);
    }
    let (sum_x, sum_y) = (sum_x.total(), sum_y.total());
    let covariance = sum_xy.total() - sum_x * sum_y / n;
    let variance = sum_xx.total() - sum_x * sum_x / n;
    let slope = covariance / variance;
    Some(Line {
        slope,
        intercept: sum_y / n - slope * sum_x / n,
    })
}

/// Refuses factors outside of 0 to 1.
pub(super) fn check_factors(smoothing: &[f64], trend: &[f64]) -> Result<(), EvalError> {
    for (name, letters, factors) in [("smoothing", "sf", smoothing), ("trend", "tf", trend)] {
        let bad = factors
            .iter()
            .find(|factor| **factor <= 0.0 || **factor >= 1.0);
        if let Some(factor) = bad {
            return Err(EvalError::Parameter(format!(
                "invalid {name} factor. Expected: 0 < {letters} < 1, got: {factor:.6}"
            )));
        }
    }
    Ok(())
}

/// `double_exponential_smoothing`: Holt's linear method. Both factors lie between 0 and 1.
pub(super) fn smooth(window: &Window<'_>, smoothing: f64, trend: f64) -> Option<f64> {
    let &[first, second, ..] = window.values else {
        return None;
    };
    let (mut before, mut level, mut slope) = (0.0, first, second - first);
    for (index, value) in window.values.iter().enumerate().skip(1) {
        if index > 1 {
            slope = trend * (level - before) + (1.0 - trend) * slope;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + slope);
        (before, level) = (level, next);
    }
    Some(level)
}
