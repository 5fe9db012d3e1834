//! Histograms and summaries out of single values.

use stonechat_model::format_float;

/// Observations of one series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Observations {
    /// In each bucket alone; the last is that of `+Inf`.
    counts: Vec<u64>,
    sum: f64,
    /// The values themselves, where quantiles are asked for.
    values: Vec<f64>,
}

/// A part of a distribution: what is appended to the metric's name, a further label, and the value.
pub(super) type Part = (&'static str, Option<(&'static str, String)>, f64);

impl Observations {
    /// Counts a value in buckets with these upper bounds.
    pub(super) fn count(&mut self, bounds: &[f64], value: f64) {
        self.counts.resize(bounds.len() + 1, 0);
        self.counts[bounds.partition_point(|bound| *bound < value)] += 1;
        self.sum += value;
    }

    /// Keeps a value for quantiles.
    pub(super) fn keep(&mut self, value: f64) {
        self.values.push(value);
        self.sum += value;
    }

    /// The series of a histogram.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody counts beyond 2^53 observations"
    )]
    pub(super) fn histogram(&self, bounds: &[f64]) -> Vec<Part> {
        let mut total = 0;
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        let mut parts: Vec<Part> = bounds
            .zip(&self.counts)
            .map(|(bound, count)| {
                total += count;
                ("_bucket", Some(("le", format_float(bound))), total as f64)
            })
            .collect();
        parts.push(("_sum", None, self.sum));
        parts.push(("_count", None, total as f64));
        parts
    }

    /// The series of a summary.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an answer has far fewer rows than 2^53"
    )]
    pub(super) fn summary(&self, quantiles: &[f64]) -> Vec<Part> {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let mut parts: Vec<Part> = quantiles
            .iter()
            .map(|quantile| {
                let label = ("quantile", format_float(*quantile));
                ("", Some(label), interpolated(&values, *quantile))
            })
            .collect();
        parts.push(("_sum", None, self.sum));
        parts.push(("_count", None, values.len() as f64));
        parts
    }
}

/// The quantile between the two nearest values, as `quantile_over_time` has it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions within a list of rows"
)]
fn interpolated(sorted: &[f64], quantile: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let rank = quantile.clamp(0.0, 1.0) * last as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}
