//! Whether a counter began anew between two samples.

use super::sum::HistogramSum;
use super::{Buckets, Histogram, ResetHint};

impl Histogram {
    /// True when this cannot be a later sample of the same counter: an observation of `previous` is missing, or the
    /// buckets are finer than before.
    #[must_use]
    pub fn is_reset_after(&self, previous: &Self) -> bool {
        match self.reset_hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.has_custom_buckets() {
            return !previous.has_custom_buckets() || self.misses_custom_buckets(previous);
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        if self.schema == previous.schema && self.zero_threshold == previous.zero_threshold {
            return self.misses_buckets(previous);
        }
        let mut reduced = HistogramSum::new(previous);
        if self.zero_threshold > previous.zero_threshold {
            reduced.widen_zero_bucket(self.zero_threshold);
        }
        let (threshold, _) = reduced.zero_bucket();
        if threshold != self.zero_threshold {
            return true;
        }
        reduced.reduce_to(self.schema);
        self.misses_buckets(&reduced.finish())
    }

    fn misses_buckets(&self, previous: &Self) -> bool {
        self.zero_count < previous.zero_count
            || misses(&self.positive, &previous.positive)
            || misses(&self.negative, &previous.negative)
    }

    fn misses_custom_buckets(&self, previous: &Self) -> bool {
        if self.custom_values == previous.custom_values {
            return misses(&self.positive, &previous.positive);
        }
        let (mut own, mut before) = (HistogramSum::new(self), HistogramSum::new(previous));
        own.share_bounds(&mut before);
        misses(&own.finish().positive, &before.finish().positive)
    }
}

/// True when a bucket has fewer observations than before.
fn misses(buckets: &Buckets, previous: &Buckets) -> bool {
    if buckets.spans == previous.spans {
        let mut pairs = buckets.counts.iter().zip(&previous.counts);
        return pairs.any(|(count, before)| count < before);
    }
    let mut own = buckets.iter().peekable();
    for (index, before) in previous.iter() {
        while own.next_if(|(at, _)| *at < index).is_some() {}
        let fell = match own.peek() {
            Some((at, count)) if *at == index => *count < before,
            _ => before != 0.0,
        };
        if fell {
            return true;
        }
    }
    false
}
