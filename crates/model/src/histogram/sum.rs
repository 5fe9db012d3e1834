//! Arithmetic with histograms.
//!
//! Two histograms meet in the coarser of their schemas, the wider of their zero buckets, or the custom bounds that they
//! have in common.

mod wide; // changing the layout

use std::sync::Arc;

use super::{BucketSpan, Buckets, Histogram, ResetHint};
use crate::Kahan;

/// A histogram that is being added up, with what rounding takes from every count.
#[derive(Debug, Clone)]
pub struct HistogramSum {
    /// What is known of the sum as a counter.
    pub reset_hint: ResetHint,
    schema: i32,
    zero_threshold: f64,
    zero_count: Kahan,
    count: Kahan,
    sum: Kahan,
    positive: Vec<(i32, Kahan)>,
    negative: Vec<(i32, Kahan)>,
    custom_values: Arc<[f64]>,
}

/// What is worth a remark about an addition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addition {
    /// One counter began anew while the other did not.
    pub hints_collide: bool,
    /// The custom bounds differed, and those in common were kept.
    pub bounds_reconciled: bool,
}

/// A histogram with exponential buckets and one with custom bounds have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas"
)]
pub struct MixedSchemas;

impl HistogramSum {
    /// A sum of one term.
    #[must_use]
    pub fn new(first: &Histogram) -> Self {
        let wide = |buckets: &Buckets| {
            let counts = buckets.iter();
            counts
                .map(|(index, count)| (index, Kahan::new(count)))
                .collect()
        };
        Self {
            reset_hint: first.reset_hint,
            schema: first.schema,
            zero_threshold: first.zero_threshold,
            zero_count: Kahan::new(first.zero_count),
            count: Kahan::new(first.count),
            sum: Kahan::new(first.sum),
            positive: wide(&first.positive),
            negative: wide(&first.negative),
            custom_values: Arc::clone(&first.custom_values),
        }
    }

    /// Adds a term.
    ///
    /// # Errors
    /// When only one of both has custom bounds; the sum is as before.
    pub fn add(&mut self, other: &Histogram) -> Result<Addition, MixedSchemas> {
        self.join(Self::new(other))
    }

    /// Takes a term away.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sub(&mut self, other: &Histogram) -> Result<Addition, MixedSchemas> {
        let mut other = Self::new(other);
        let hint = other.reset_hint;
        other.scale(-1.0);
        other.reset_hint = hint;
        self.join(other)
    }

    fn join(&mut self, mut other: Self) -> Result<Addition, MixedSchemas> {
        if self.has_custom_buckets() != other.has_custom_buckets() {
            return Err(MixedSchemas);
        }
        let mut addition = Addition {
            hints_collide: self.join_hints(other.reset_hint),
            bounds_reconciled: false,
        };
        if self.has_custom_buckets() {
            addition.bounds_reconciled = self.share_bounds(&mut other);
        } else {
            self.share_zero_bucket(&mut other);
            let schema = self.schema.min(other.schema);
            self.reduce_to(schema);
            other.reduce_to(schema);
        }
        self.zero_count = self.zero_count.join(other.zero_count);
        self.count = self.count.join(other.count);
        self.sum = self.sum.join(other.sum);
        merge(&mut self.positive, other.positive);
        merge(&mut self.negative, other.negative);
        Ok(addition)
    }

    /// What is known of the sum of two counters; true when they contradict each other.
    fn join_hints(&mut self, other: ResetHint) -> bool {
        match (self.reset_hint, other) {
            (own, other) if own == other => {}
            (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => self.reset_hint = ResetHint::Gauge,
            (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => {
                self.reset_hint = ResetHint::Unknown;
            }
            _ => {
                self.reset_hint = ResetHint::Unknown;
                return true;
            }
        }
        false
    }

    /// Multiplies everything. What is turned around is no counter any more.
    pub fn scale(&mut self, factor: f64) {
        self.each(|count| *count = count.times(factor));
        if factor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    /// Divides everything. Nothing is known of buckets that were divided by zero.
    pub fn divide(&mut self, divisor: f64) {
        self.each(|count| *count = count.over(divisor));
        if divisor == 0.0 {
            self.positive.clear();
            self.negative.clear();
        }
        if divisor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    fn each(&mut self, change: impl Fn(&mut Kahan)) {
        change(&mut self.zero_count);
        change(&mut self.count);
        change(&mut self.sum);
        for (_, count) in self.positive.iter_mut().chain(&mut self.negative) {
            change(count);
        }
    }

    /// True when a count or the sum is infinite.
    #[must_use]
    pub fn has_overflow(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative);
        buckets
            .map(|(_, count)| count)
            .chain([&self.zero_count, &self.count, &self.sum])
            .any(|count| count.sum.is_infinite())
    }

    /// The sum, without empty buckets.
    #[must_use]
    pub fn finish(self) -> Histogram {
        let narrow =
            |counts: Vec<(i32, Kahan)>| compact(counts.into_iter().map(|(i, c)| (i, c.total())));
        Histogram {
            reset_hint: self.reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive: narrow(self.positive),
            negative: narrow(self.negative),
            custom_values: self.custom_values,
        }
    }

    const fn has_custom_buckets(&self) -> bool {
        self.schema == super::CUSTOM_BUCKETS_SCHEMA
    }
}

/// Adds counts bucket by bucket; both are sorted by index.
fn merge(into: &mut Vec<(i32, Kahan)>, other: Vec<(i32, Kahan)>) {
    let same_layout = into.len() == other.len() && into.iter().zip(&other).all(|(a, b)| a.0 == b.0);
    if same_layout {
        for ((_, count), (_, more)) in into.iter_mut().zip(other) {
            *count = count.join(more);
        }
        return;
    }
    let mut own = std::mem::take(into).into_iter().peekable();
    for (index, more) in other {
        while let Some(before) = own.next_if(|(at, _)| *at < index) {
            into.push(before);
        }
        let count = match own.next_if(|(at, _)| *at == index) {
            Some((_, count)) => count.join(more),
            None => more,
        };
        into.push((index, count));
    }
    into.extend(own);
}

/// Buckets of these counts, sorted by index, without the empty ones.
pub(super) fn compact(counts: impl Iterator<Item = (i32, f64)>) -> Buckets {
    let mut buckets = Buckets::default();
    let mut next = 0_i32;
    for (index, count) in counts.filter(|(_, count)| *count != 0.0) {
        match buckets.spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => buckets.spans.push(BucketSpan {
                offset: index.saturating_sub(next),
                length: 1,
            }),
        }
        buckets.counts.push(count);
        next = index.saturating_add(1);
    }
    buckets
}

impl Histogram {
    /// Everything times a factor, without empty buckets.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let mut sum = HistogramSum::new(self);
        sum.scale(factor);
        sum.finish()
    }

    /// Everything divided, without empty buckets.
    #[must_use]
    pub fn over(&self, divisor: f64) -> Self {
        let mut sum = HistogramSum::new(self);
        sum.divide(divisor);
        sum.finish()
    }

    /// The same without empty buckets, which is the same for all layouts of the same observations.
    #[must_use]
    pub fn compacted(&self) -> Self {
        Self {
            positive: compact(self.positive.iter()),
            negative: compact(self.negative.iter()),
            custom_values: Arc::clone(&self.custom_values),
            ..*self
        }
    }

    /// True when both have the same observations, whatever is known of them as counters. NaN equals NaN.
    #[must_use]
    pub fn same_observations(&self, other: &Self) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let same_side = |a: &Buckets, b: &Buckets| {
            let (a, b) = (compact(a.iter()), compact(b.iter()));
            a.spans == b.spans && a.counts.iter().zip(&b.counts).all(|(a, b)| same(*a, *b))
        };
        self.schema == other.schema
            && same(self.count, other.count)
            && same(self.sum, other.sum)
            && self.zero_threshold == other.zero_threshold
            && same(self.zero_count, other.zero_count)
            && self.custom_values == other.custom_values
            && same_side(&self.positive, &other.positive)
            && same_side(&self.negative, &other.negative)
    }
}
