//! Quantiles of plain values.

use crate::ast::Span;
use crate::evaluation::Evaluation;
use crate::value::Severity;
use stonechat_model::format_general;

/// The quantile of values, interpolated between the two nearest. The values are sorted on the way, NaN first.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(b),
        (a, b) => b.cmp(&a),
    });
    between(q, values)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are positions in a slice"
)]
fn between(q: f64, sorted: &[f64]) -> f64 {
    let rank = q * (sorted.len() - 1) as f64;
    let lower = rank.floor();
    let weight = rank - lower;
    let lower = (lower as usize).min(sorted.len() - 1);
    let upper = (lower + 1).min(sorted.len() - 1);
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}

/// Warns about quantiles outside of 0 to 1: the least, the greatest and NaN, but not every one of a thousand steps.
pub(crate) fn check_quantiles(evaluation: &Evaluation<'_>, span: Span, quantiles: &[f64]) {
    let least = quantiles.iter().copied().fold(0.0, f64::min);
    let most = quantiles.iter().copied().fold(1.0, f64::max);
    for q in [least, most] {
        check_quantile(evaluation, span, q);
    }
    if quantiles.iter().any(|q| q.is_nan()) {
        check_quantile(evaluation, span, f64::NAN);
    }
}

/// Warns about a quantile outside of 0 to 1.
pub(crate) fn check_quantile(evaluation: &Evaluation<'_>, span: Span, q: f64) {
    if !(0.0..=1.0).contains(&q) {
        let message = format!(
            "quantile value should be between 0 and 1, got {}",
            format_general(q)
        );
        evaluation.note(Severity::Warning, span, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates() {
        for (q, values, expected) in [
            (0.75, &[0.0, 1.0][..], 0.75),
            (0.5, &[3.0, 1.0, 2.0], 2.0),
            (1.0, &[0.0, 4.0, 1.0], 4.0),
            (0.0, &[5.0], 5.0),
            (-0.1, &[5.0], f64::NEG_INFINITY),
            (1.1, &[5.0], f64::INFINITY),
        ] {
            assert_eq!(
                quantile(q, &mut values.to_vec()),
                expected,
                "{q} of {values:?}"
            );
        }
        assert!(quantile(f64::NAN, &mut [1.0]).is_nan());
        assert!(quantile(0.5, &mut []).is_nan());
        assert!(
            quantile(0.0, &mut [1.0, f64::NAN]).is_nan(),
            "NaN counts as the least"
        );
    }
}
