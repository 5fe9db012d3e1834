//! The arithmetic of cumulative buckets.

/// All observations up to a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub upper: f64,
    pub count: f64,
}

/// A quantile, and which counts had to be raised because they fell from one bucket to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantile {
    pub value: f64,
    pub raised: Option<Raise>,
}

/// Buckets whose counts were raised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Raise {
    /// The least bound of them.
    pub first: f64,
    /// The greatest.
    pub last: f64,
    /// The most that one was raised by.
    pub most: f64,
}

impl Quantile {
    const fn plain(value: f64) -> Self {
        Self {
            value,
            raised: None,
        }
    }
}

/// Differences of this share between buckets are taken for rounding.
const TOLERANCE: f64 = 1e-12;

/// The quantile, interpolated within its bucket. `buckets` are sorted by bound.
pub(super) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> Quantile {
    if q.is_nan() {
        return Quantile::plain(f64::NAN);
    }
    if q < 0.0 {
        return Quantile::plain(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return Quantile::plain(f64::INFINITY);
    }
    if buckets
        .last()
        .is_none_or(|last| last.upper != f64::INFINITY)
    {
        return Quantile::plain(f64::NAN);
    }
    join_same_bounds(buckets);
    let raised = make_monotonic(buckets);
    let value = match buckets.as_slice() {
        [] | [_] => f64::NAN,
        [.., all] if all.count == 0.0 => f64::NAN,
        [below @ .., all] => within(q * all.count, below),
    };
    Quantile { value, raised }
}

/// The value at a rank, given all buckets but the last, whose bound is infinite.
fn within(rank: f64, below: &[Bucket]) -> f64 {
    let position = below.partition_point(|bucket| bucket.count < rank || bucket.count.is_nan());
    let Some(bucket) = below.get(position) else {
        return below[below.len() - 1].upper;
    };
    let Some(before) = position.checked_sub(1).map(|before| below[before]) else {
        if bucket.upper <= 0.0 {
            return bucket.upper;
        }
        // The bucket begins at zero, and what is added to that is no negative zero.
        let start = 0.0;
        return start + bucket.upper * (rank / bucket.count);
    };
    let width = bucket.upper - before.upper;
    before.upper + width * ((rank - before.count) / (bucket.count - before.count))
}

/// Adds up the counts of bounds that were written differently: `1` and `1.0`.
fn join_same_bounds(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
}

/// Raises counts that are less than the one before, and tells of those that were more than rounding.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Raise> {
    let mut raised: Option<Raise> = None;
    let mut highest = buckets.first()?.count;
    for bucket in &mut buckets[1..] {
        if bucket.count == highest {
            continue;
        }
        if almost_equal(highest, bucket.count) {
            bucket.count = highest;
        } else if bucket.count < highest {
            let raise = raised.get_or_insert(Raise {
                first: bucket.upper,
                last: bucket.upper,
                most: 0.0,
            });
            raise.last = bucket.upper;
            raise.most = raise.most.max(highest - bucket.count);
            bucket.count = highest;
        } else {
            highest = bucket.count;
        }
    }
    raised
}

fn almost_equal(a: f64, b: f64) -> bool {
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// The share of observations between two bounds. `buckets` are sorted by bound.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if buckets
        .last()
        .is_none_or(|last| last.upper != f64::INFINITY)
    {
        return f64::NAN;
    }
    join_same_bounds(buckets);
    let all = buckets.last().map_or(0.0, |last| last.count);
    if all == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets, all) - rank_of(lower, buckets, all)) / all
}

/// How many observations lie below a value.
fn rank_of(value: f64, buckets: &[Bucket], all: f64) -> f64 {
    let mut rank = 0.0;
    let mut below = match buckets.first() {
        // The first bucket of positive bounds begins at zero.
        Some(first) if first.upper > 0.0 => 0.0,
        _ => f64::NEG_INFINITY,
    };
    for bucket in buckets {
        if below >= value {
            break;
        }
        if bucket.upper > value {
            // Within an endless bucket nobody knows where the observations lie: none is counted between two values.
            if below == f64::NEG_INFINITY {
                rank = bucket.count;
                break;
            }
            let share = (value - below) / (bucket.upper - below);
            rank += (bucket.count - rank) * share;
            break;
        }
        rank = bucket.count;
        below = bucket.upper;
    }
    f64::min(rank, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs
            .iter()
            .map(|&(upper, count)| Bucket { upper, count })
            .collect()
    }

    #[test]
    fn quantiles_are_interpolated() {
        let even: &[(f64, f64)] = &[(0.0, 0.0), (2.0, 1.0), (4.0, 2.0), (6.0, 3.0), (INF, 3.0)];
        let negative: &[(f64, f64)] = &[(-0.2, 1.0), (-0.1, 2.0), (0.3, 2.0), (INF, 3.0)];
        for (q, pairs, expected) in [
            (1.0 / 6.0, even, 1.0),
            (0.5, even, 3.0),
            (1.0, even, 6.0),
            (0.0, even, 0.0),
            (0.1, negative, -0.2),
            (0.9, negative, 0.3),
            (-1.0, even, -INF),
            (2.0, even, INF),
        ] {
            let found = quantile(q, &mut buckets(pairs));
            assert!((found.value - expected).abs() < 1e-12 || found.value == expected);
            assert!(found.raised.is_none());
        }
    }

    #[test]
    fn without_a_last_bucket_or_observations_there_is_no_quantile() {
        for pairs in [&[(1.0, 1.0)][..], &[(INF, 4.0)], &[(1.0, 0.0), (INF, 0.0)]] {
            assert!(
                quantile(0.5, &mut buckets(pairs)).value.is_nan(),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn falling_counts_are_raised_and_that_is_told() {
        let falling = quantile(0.5, &mut buckets(&[(1.0, 4.0), (2.0, 2.0), (INF, 8.0)]));
        assert!(falling.raised.is_some());
        assert_eq!(falling.value, 1.0);
        let rounding = [(1.0, 4.0), (2.0, 4.0 - 1e-13), (INF, 8.0)];
        assert!(quantile(0.5, &mut buckets(&rounding)).raised.is_none());
    }

    #[test]
    fn fractions_are_interpolated() {
        let even: &[(f64, f64)] = &[(2.0, 1.0), (4.0, 2.0), (6.0, 3.0), (INF, 4.0)];
        for (lower, upper, expected) in [
            (0.0, 4.0, 0.5),
            (0.0, 3.0, 0.375),
            (-INF, INF, 1.0),
            (6.0, INF, 0.25),
            (7.0, INF, 0.25),
            (7.0, 8.0, 0.0),
            (3.0, 2.0, 0.0),
            (-1.0, 0.0, 0.0),
        ] {
            assert_eq!(
                fraction(lower, upper, &mut buckets(even)),
                expected,
                "{lower} to {upper}"
            );
        }
        assert!(fraction(f64::NAN, 1.0, &mut buckets(even)).is_nan());
    }
}
