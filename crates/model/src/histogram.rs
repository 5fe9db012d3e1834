//! Native histograms: one sample that holds a whole distribution.
//!
//! The form is Prometheus' `FloatHistogram` (<https://prometheus.io/docs/specs/native_histograms/>): counts are absolute,
//! not differences to the bucket before, and floats, since counts of integers below 2⁵³ are exact in them.

mod bounds; // where buckets begin and end
mod reset; // whether a counter began anew
mod show; // as text
mod sum; // arithmetic
mod trim; // cutting observations off

use std::sync::Arc;

pub use bounds::{Bucket, bucket_bound};
pub use sum::{Addition, HistogramSum, MixedSchemas};

/// The schema whose bounds are given by [`Histogram::custom_values`].
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// One sample of a native histogram series.
///
/// A series that ended carries [`STALE_NAN`](crate::STALE_NAN) as a float, never a stale histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// What is known about the counter before this sample.
    pub reset_hint: ResetHint,
    /// -4 to 8: bucket *i* ends at 2^(i·2^-schema). [`CUSTOM_BUCKETS_SCHEMA`]: it ends at `custom_values[i]`.
    pub schema: i32,
    /// Observations whose magnitude is at most this stand in `zero_count`.
    pub zero_threshold: f64,
    /// Observations around zero.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of all observations.
    pub sum: f64,
    /// Buckets of positive observations; all buckets with custom bounds.
    pub positive: Buckets,
    /// Buckets of negative observations, by magnitude.
    pub negative: Buckets,
    /// Upper bounds, rising, without +Inf; empty unless the schema is [`CUSTOM_BUCKETS_SCHEMA`]. Shared, since the
    /// samples of a series nearly always have the same.
    pub custom_values: Arc<[f64]>,
}

/// What is known about a counter before a sample (Prometheus' `CounterResetHint`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ResetHint {
    /// Compare the samples to find out.
    #[default]
    Unknown,
    /// The counter began anew.
    Reset,
    /// It did not.
    NotReset,
    /// The histogram is no counter; it may go down.
    Gauge,
}

/// Buckets in the sparse form: spans of neighbours with gaps between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buckets {
    /// Where the buckets are; lengths add up to the number of counts.
    pub spans: Vec<BucketSpan>,
    /// Observations in each bucket.
    pub counts: Vec<f64>,
}

/// Neighbouring buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BucketSpan {
    /// The index of the first bucket, for the first span; else the gap to the span before.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

impl Buckets {
    /// True when there is no bucket.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Each bucket's index and count, in the order of indices.
    pub fn iter(&self) -> impl Iterator<Item = (i32, f64)> {
        let mut next = 0_i32;
        let indices = self.spans.iter().flat_map(move |span| {
            let first = next.saturating_add(span.offset);
            next = first.saturating_add_unsigned(span.length);
            first..next
        });
        indices.zip(self.counts.iter().copied())
    }
}

impl Histogram {
    /// True when the bounds are given by [`Histogram::custom_values`].
    #[must_use]
    pub const fn has_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// What is wrong with the layout, if anything: Prometheus refuses such a sample.
    ///
    /// # Errors
    /// Spans that do not describe the counts, negative or NaN counts, bounds that do not rise, a schema that does not exist.
    pub fn validate(&self) -> Result<(), HistogramError> {
        let custom = self.has_custom_buckets();
        if !custom && !(-4..=8).contains(&self.schema) {
            return Err(HistogramError::Schema(self.schema));
        }
        for buckets in [&self.positive, &self.negative] {
            let described: u64 = buckets
                .spans
                .iter()
                .map(|span| u64::from(span.length))
                .sum();
            if described != buckets.counts.len() as u64 {
                return Err(HistogramError::Spans);
            }
            if buckets.spans.iter().skip(1).any(|span| span.offset < 0) {
                return Err(HistogramError::Spans);
            }
            if buckets
                .counts
                .iter()
                .any(|count| count.is_nan() || *count < 0.0)
            {
                return Err(HistogramError::Count);
            }
        }
        if self.count < 0.0 || self.zero_count < 0.0 {
            return Err(HistogramError::Count);
        }
        if custom {
            let rising = self.custom_values.windows(2).all(|pair| pair[0] < pair[1]);
            let first = self.positive.spans.first().map_or(0, |span| span.offset);
            let last = self.positive.iter().last().map_or(0, |(index, _)| index);
            let fits = first >= 0
                && usize::try_from(last).is_ok_and(|last| last <= self.custom_values.len());
            if !rising || self.custom_values.iter().any(|bound| !bound.is_finite()) {
                return Err(HistogramError::Bounds);
            }
            if !fits || !self.negative.is_empty() || self.zero_count != 0.0 {
                return Err(HistogramError::Spans);
            }
        } else if !self.custom_values.is_empty() {
            return Err(HistogramError::Bounds);
        }
        Ok(())
    }
}

/// Why a histogram cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// Not between -4 and 8, and not [`CUSTOM_BUCKETS_SCHEMA`].
    #[error("histogram has an invalid schema {0}")]
    Schema(i32),
    /// Spans and counts do not fit each other.
    #[error("histogram's spans do not describe its buckets")]
    Spans,
    /// A count is negative or not a number.
    #[error("histogram has a negative count")]
    Count,
    /// Custom bounds do not rise, are not finite, or stand with another schema.
    #[error("histogram's custom bounds do not rise")]
    Bounds,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(spans: &[(i32, u32)], counts: &[f64]) -> Buckets {
        Buckets {
            spans: spans
                .iter()
                .map(|&(offset, length)| BucketSpan { offset, length })
                .collect(),
            counts: counts.to_vec(),
        }
    }

    #[test]
    fn buckets_know_their_indices() {
        let sparse = buckets(&[(-2, 2), (3, 1)], &[1.0, 2.0, 3.0]);
        let found: Vec<_> = sparse.iter().collect();
        assert_eq!(found, [(-2, 1.0), (-1, 2.0), (3, 3.0)]);
    }

    #[test]
    fn layouts_that_cannot_be_are_refused() {
        let good = Histogram {
            positive: buckets(&[(0, 2)], &[1.0, 2.0]),
            ..Histogram::default()
        };
        assert_eq!(good.validate(), Ok(()));
        let missing = Histogram {
            positive: buckets(&[(0, 3)], &[1.0, 2.0]),
            ..Histogram::default()
        };
        assert_eq!(missing.validate(), Err(HistogramError::Spans));
        let negative = Histogram {
            positive: buckets(&[(0, 1)], &[-1.0]),
            ..Histogram::default()
        };
        assert_eq!(negative.validate(), Err(HistogramError::Count));
        let fine = Histogram {
            schema: 9,
            ..Histogram::default()
        };
        assert_eq!(fine.validate(), Err(HistogramError::Schema(9)));
        let falling = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            custom_values: [2.0, 1.0].into(),
            ..Histogram::default()
        };
        assert_eq!(falling.validate(), Err(HistogramError::Bounds));
    }
}
