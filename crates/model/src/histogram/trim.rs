//! Cutting off the observations on one side of a value.

use super::bounds::Bucket;
use super::sum::compact;
use super::{Buckets, Histogram};

/// What is left of a bucket: observations, and the value that stands for them in the sum.
#[derive(Debug, Clone, Copy)]
struct Rest {
    count: f64,
    middle: f64,
}

/// Where a histogram is cut, and which side is kept.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at: f64,
    keeps_below: bool,
}

impl Histogram {
    /// The observations up to a value, estimated where it lies within a bucket.
    #[must_use]
    pub fn trimmed_above(&self, value: f64) -> Self {
        self.trimmed(Cut {
            at: value,
            keeps_below: true,
        })
    }

    /// The observations from a value on, estimated where it lies within a bucket.
    #[must_use]
    pub fn trimmed_below(&self, value: f64) -> Self {
        self.trimmed(Cut {
            at: value,
            keeps_below: false,
        })
    }

    fn trimmed(&self, cut: Cut) -> Self {
        let custom = self.has_custom_buckets();
        let mut trimmed = self.clone();
        let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
        let mut add = |before: f64, rest: Rest| {
            changed |= rest.count != before;
            count += rest.count;
            sum += rest.middle * rest.count;
            rest.count
        };
        for positive in [true, false] {
            let side: Vec<Bucket> = self.side(positive).collect();
            let counts = if positive {
                &mut trimmed.positive.counts
            } else {
                &mut trimmed.negative.counts
            };
            for (bucket, kept) in side.iter().zip(counts) {
                if bucket.count != 0.0 {
                    *kept = add(bucket.count, cut.rest_of(bucket, positive, custom));
                }
            }
        }
        if self.zero_count > 0.0 {
            let populated = |side: &Buckets| side.counts.iter().any(|count| *count != 0.0);
            let sides = (populated(&self.negative), populated(&self.positive));
            trimmed.zero_count = add(self.zero_count, cut.rest_of_zero(self.zero_bucket(), sides));
        }
        if changed {
            trimmed.count = count;
            trimmed.sum = sum;
            trimmed.positive = compact(trimmed.positive.iter());
            trimmed.negative = compact(trimmed.negative.iter());
        }
        trimmed
    }
}

impl Cut {
    fn rest_of(self, bucket: &Bucket, positive: bool, linear: bool) -> Rest {
        let kept_whole = if self.keeps_below {
            bucket.upper <= self.at
        } else {
            bucket.lower >= self.at
        };
        if kept_whole {
            return Rest {
                count: bucket.count,
                middle: middle(bucket.lower, bucket.upper, positive, linear),
            };
        }
        let is_cut = if self.keeps_below {
            bucket.lower < self.at
        } else {
            bucket.upper > self.at
        };
        if !is_cut {
            return Rest {
                count: 0.0,
                middle: 0.0,
            };
        }
        if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
            return self.rest_of_endless(bucket);
        }
        let below = bucket.count * bucket.share_below(self.at, linear);
        if self.keeps_below {
            Rest {
                count: below,
                middle: middle(bucket.lower, self.at, positive, linear),
            }
        } else {
            Rest {
                count: bucket.count - below,
                middle: middle(self.at, bucket.upper, positive, linear),
            }
        }
    }

    /// The first and the last bucket of custom bounds have no end. The first is taken to begin at zero if its end is
    /// positive; of the others nobody knows where their observations lie, and all are taken to lie at the cut.
    fn rest_of_endless(self, bucket: &Bucket) -> Rest {
        let all_at_cut = Rest {
            count: bucket.count,
            middle: self.at,
        };
        let none = Rest {
            count: 0.0,
            middle: 0.0,
        };
        if bucket.lower == f64::NEG_INFINITY {
            let splits = bucket.upper > 0.0 && bucket.upper.is_finite();
            return match self.keeps_below {
                true if self.at > 0.0 && splits => Rest {
                    count: bucket.count * self.at / bucket.upper,
                    middle: self.at / 2.0,
                },
                true if bucket.upper <= 0.0 => all_at_cut,
                false if self.at >= 0.0 && splits => Rest {
                    count: bucket.count * (1.0 - self.at / bucket.upper),
                    middle: f64::midpoint(self.at, bucket.upper),
                },
                _ => none,
            };
        }
        if !self.keeps_below && self.at >= bucket.lower {
            all_at_cut
        } else {
            none
        }
    }

    /// Observations of the zero bucket are spread evenly over the sides that have others.
    fn rest_of_zero(self, zero: Bucket, (has_negative, has_positive): (bool, bool)) -> Rest {
        let lower = if has_positive && !has_negative {
            0.0
        } else {
            zero.lower
        };
        let upper = if has_negative && !has_positive {
            0.0
        } else {
            zero.upper
        };
        let (from, to) = if self.keeps_below {
            (lower, upper.min(self.at))
        } else {
            (lower.max(self.at), upper)
        };
        let nothing = if self.keeps_below {
            self.at <= lower
        } else {
            self.at >= upper && self.at > lower
        };
        if nothing {
            return Rest {
                count: 0.0,
                middle: 0.0,
            };
        }
        let whole = from == lower && to == upper;
        Rest {
            count: if whole {
                zero.count
            } else {
                zero.count * ((to - from) / (upper - lower))
            },
            middle: f64::midpoint(from, to),
        }
    }
}

/// The value that stands for the observations between two others: the arithmetic mean, or the geometric one where buckets
/// are exponential.
fn middle(lower: f64, upper: f64, positive: bool, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if linear => f64::midpoint(lower, upper),
        (false, false) => {
            let geometric = (lower * upper).abs().sqrt();
            if positive { geometric } else { -geometric }
        }
    }
}
