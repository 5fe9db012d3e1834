//! Where buckets begin and end.

use super::{Buckets, CUSTOM_BUCKETS_SCHEMA, Histogram};

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where it begins; -Inf for the first with custom bounds.
    pub lower: f64,
    /// Where it ends; +Inf for the last with custom bounds.
    pub upper: f64,
    /// Observations at its beginning belong to it.
    pub lower_inclusive: bool,
    /// Observations at its end belong to it.
    pub upper_inclusive: bool,
    /// Observations in it.
    pub count: f64,
}

/// The upper bound of a bucket on the positive side, and so the negated lower one on the negative side.
#[must_use]
pub fn bucket_bound(schema: i32, index: i32, custom_values: &[f64]) -> f64 {
    if schema == CUSTOM_BUCKETS_SCHEMA {
        return match usize::try_from(index) {
            Ok(index) => custom_values.get(index).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        };
    }
    // The last bound of the floats is 2^1024, which is none.
    let bound = if schema <= 0 {
        power_of_two(i64::from(index) << schema.unsigned_abs().min(31))
    } else {
        let parts = 1_i32 << schema.min(30);
        let within = f64::from(index.rem_euclid(parts)) / f64::from(parts);
        // From 0.5 to 1 and with an exponent more, so that what is finite does not pass through infinity.
        let exponent = i64::from(index.div_euclid(parts)) + 1;
        if within == 0.0 {
            power_of_two(exponent - 1)
        } else {
            scaled((within - 1.0).exp2(), exponent)
        }
    };
    if bound == f64::INFINITY {
        f64::MAX
    } else {
        bound
    }
}

fn power_of_two(exponent: i64) -> f64 {
    scaled(1.0, exponent)
}

/// `value` · 2^`exponent`, in two steps so that results below the normal floats come out.
fn scaled(value: f64, exponent: i64) -> f64 {
    let exponent = i32::try_from(exponent.clamp(-2200, 2200)).unwrap_or_default();
    let half = exponent / 2;
    value * 2_f64.powi(half) * 2_f64.powi(exponent - half)
}

impl Bucket {
    /// The share of the bucket below a value in it, if observations are spread evenly: over the values themselves
    /// (`linear`), or over their logarithms.
    #[must_use]
    pub fn share_below(&self, value: f64, linear: bool) -> f64 {
        if linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let [lower, upper, at] = [self.lower, self.upper, value].map(|bound| bound.abs().log2());
        if value > 0.0 {
            (at - lower) / (upper - lower)
        } else {
            1.0 - (at - upper) / (lower - upper)
        }
    }
}

impl Histogram {
    /// The buckets of one side as they are stored, from zero outwards.
    pub fn side(&self, positive: bool) -> impl Iterator<Item = Bucket> {
        let buckets: &Buckets = if positive {
            &self.positive
        } else {
            &self.negative
        };
        buckets
            .iter()
            .map(move |(index, count)| self.bucket(positive, index, count))
    }

    fn bucket(&self, positive: bool, index: i32, count: f64) -> Bucket {
        let outer = bucket_bound(self.schema, index, &self.custom_values);
        let inner = bucket_bound(self.schema, index.saturating_sub(1), &self.custom_values);
        let (lower, upper) = if positive {
            (inner, outer)
        } else {
            (-outer, -inner)
        };
        let custom = self.has_custom_buckets();
        Bucket {
            lower,
            upper,
            lower_inclusive: if custom { index == 0 } else { lower < 0.0 },
            upper_inclusive: custom || upper > 0.0,
            count,
        }
    }

    /// The bucket around zero.
    #[must_use]
    pub const fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        }
    }

    /// All buckets from the least to the greatest. Where one reaches into the zero bucket it is cut.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let threshold = self.zero_threshold;
        let mut all: Vec<Bucket> = self.side(false).collect();
        all.reverse();
        for bucket in &mut all {
            if bucket.upper < 0.0 && bucket.upper > -threshold {
                bucket.upper = -threshold;
            }
        }
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        all.extend(self.side(true).map(|mut bucket| {
            if bucket.lower > 0.0 && bucket.lower < threshold {
                bucket.lower = threshold;
            }
            bucket
        }));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_powers() {
        for (schema, index, bound) in [
            (0, 0, 1.0),
            (0, 3, 8.0),
            (0, -1, 0.5),
            (-1, 2, 16.0),
            (1, 1, 2_f64.sqrt()),
            (1, 2, 2.0),
            (2, -4, 0.5),
            (0, 1023, 2_f64.powi(1023)),
            (0, 1024, f64::MAX),
            (-4, 64, f64::MAX),
            (8, 1024 * 256, f64::MAX),
            (0, -1074, 5e-324),
        ] {
            assert_eq!(bucket_bound(schema, index, &[]), bound, "{schema} {index}");
        }
    }

    #[test]
    fn custom_bounds_are_given() {
        let bounds = [1.0, 2.5];
        let found: Vec<f64> = (-1..=2)
            .map(|index| bucket_bound(CUSTOM_BUCKETS_SCHEMA, index, &bounds))
            .collect();
        assert_eq!(found, [f64::NEG_INFINITY, 1.0, 2.5, f64::INFINITY]);
    }
}
