//! Changing the layout of a sum, so that another histogram fits to it.

use super::{HistogramSum, merge};
use crate::Kahan;
use crate::histogram::bounds::bucket_bound;

impl HistogramSum {
    /// Puts neighbouring buckets together until the buckets are as wide as those of a coarser schema.
    pub(in crate::histogram) fn reduce_to(&mut self, schema: i32) {
        let Ok(shift) = u32::try_from(self.schema - schema) else {
            return;
        };
        if shift == 0 {
            return;
        }
        for side in [&mut self.positive, &mut self.negative] {
            join_neighbours(side, |index| {
                (index.wrapping_sub(1) >> shift.min(31)).wrapping_add(1)
            });
        }
        self.schema = schema;
    }

    /// Widens the zero buckets of both until they are the same.
    pub(super) fn share_zero_bucket(&mut self, other: &mut Self) {
        while self.zero_threshold != other.zero_threshold {
            // NaN cannot be: a threshold is read from a file or another histogram, and widened to a bound.
            if self.zero_threshold < other.zero_threshold {
                self.widen_zero_bucket(other.zero_threshold);
            } else if other.zero_threshold < self.zero_threshold {
                other.widen_zero_bucket(self.zero_threshold);
            } else {
                return;
            }
        }
    }

    /// Takes all buckets within a greater threshold into the zero bucket. A populated bucket that the threshold would cut
    /// moves it to its end.
    pub(in crate::histogram) fn widen_zero_bucket(&mut self, threshold: f64) {
        let mut threshold = threshold;
        loop {
            let before = threshold;
            for side in [&self.positive, &self.negative] {
                let cut = side
                    .iter()
                    .find(|(index, _)| self.outer_bound(*index) > threshold);
                if let Some((index, count)) = cut
                    && count.total() != 0.0
                    && self.outer_bound(index.saturating_sub(1)) < threshold
                {
                    threshold = self.outer_bound(*index);
                }
            }
            if threshold == before {
                break;
            }
        }
        let schema = self.schema;
        for side in [&mut self.positive, &mut self.negative] {
            let inside = side.partition_point(|(index, _)| {
                bucket_bound(schema, index.saturating_sub(1), &[]) < threshold
            });
            for (_, count) in side.drain(..inside) {
                self.zero_count = self.zero_count.join(count);
            }
        }
        self.zero_threshold = threshold;
    }

    fn outer_bound(&self, index: i32) -> f64 {
        bucket_bound(self.schema, index, &self.custom_values)
    }

    /// Reduces both to the custom bounds that they have in common; true when those are not all.
    pub(in crate::histogram) fn share_bounds(&mut self, other: &mut Self) -> bool {
        if self.custom_values == other.custom_values {
            return false;
        }
        let has = |bound: &&f64| other.custom_values.contains(bound);
        let common: Vec<f64> = self.custom_values.iter().filter(has).copied().collect();
        self.reduce_to_bounds(&common);
        other.reduce_to_bounds(&common);
        true
    }

    fn reduce_to_bounds(&mut self, common: &[f64]) {
        let own = std::mem::replace(&mut self.custom_values, common.into());
        join_neighbours(&mut self.positive, |index| {
            let bound = bucket_bound(super::super::CUSTOM_BUCKETS_SCHEMA, index, &own);
            let position = common.partition_point(|end| *end < bound);
            i32::try_from(position).unwrap_or(i32::MAX)
        });
    }

    /// The zero bucket: its end, and the observations in it.
    pub(in crate::histogram) fn zero_bucket(&self) -> (f64, f64) {
        (self.zero_threshold, self.zero_count.total())
    }
}

/// Gives buckets new indices, which rise with the old ones, and adds up those that get the same.
fn join_neighbours(side: &mut Vec<(i32, Kahan)>, index_of: impl Fn(i32) -> i32) {
    let mut joined: Vec<(i32, Kahan)> = Vec::with_capacity(side.len());
    for (index, count) in side.drain(..) {
        let index = index_of(index);
        match joined.last_mut() {
            Some((last, sum)) if *last == index => *sum = sum.join(count),
            _ => joined.push((index, count)),
        }
    }
    merge(side, joined);
}
