//! The arithmetic of native histograms.

use stonechat_model::{Bucket, Histogram, Kahan};

use crate::functions::Function;
use crate::functions::remarks::Remarks;

/// What a function takes from a histogram.
pub(super) fn part(function: Function) -> fn(&Histogram) -> f64 {
    match function {
        Function::HistogramAvg => |histogram| histogram.sum / histogram.count,
        Function::HistogramCount => |histogram| histogram.count,
        Function::HistogramStddev => |histogram| variance(histogram).sqrt(),
        Function::HistogramStdvar => variance,
        _ => |histogram| histogram.sum,
    }
}

/// The variance, with all observations of a bucket in its middle.
fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut squares = Kahan::default();
    for bucket in histogram.buckets() {
        if bucket.count == 0.0 {
            continue;
        }
        let middle = if histogram.has_custom_buckets() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            let geometric = (bucket.upper * bucket.lower).sqrt();
            if bucket.upper < 0.0 {
                -geometric
            } else {
                geometric
            }
        };
        let distance = middle - mean;
        squares = squares.plus(bucket.count * distance * distance);
    }
    (squares.sum + squares.lost) / histogram.count
}

/// The value below which a share of the observations lies.
pub(super) fn quantile(q: f64, histogram: &Histogram, remarks: Remarks<'_>) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if histogram.count == 0.0 || q.is_nan() {
        return f64::NAN;
    }
    // NaN observations stand in no bucket and count as greater than all others, so buckets are looked at from below.
    let has_nan = histogram.sum.is_nan();
    let from_below = has_nan || q < 0.5;
    let rank = if from_below { q } else { 1.0 - q } * histogram.count;
    let mut buckets = histogram.buckets();
    if !from_below {
        buckets.reverse();
    }
    let (mut seen, mut found, mut rest) = (0.0, None, buckets.iter());
    for bucket in rest.by_ref() {
        if bucket.count == 0.0 {
            continue;
        }
        seen += bucket.count;
        found = Some(*bucket);
        if seen >= rank {
            break;
        }
    }
    let Some(bucket) = found else {
        if has_nan {
            remarks.nan_observations("histogram_quantile has NaN observations, result is NaN");
        }
        return if has_nan || rank == 0.0 {
            f64::NAN
        } else {
            0.0
        };
    };
    let bucket = match within_bounds(bucket, histogram) {
        Ok(bucket) => bucket,
        Err(value) => return value,
    };
    let seen = f64::min(seen, histogram.count);
    if seen < rank {
        if has_nan {
            remarks.nan_observations("histogram_quantile has NaN observations, result is NaN");
            return f64::NAN;
        }
        return bucket.upper;
    }
    if has_nan {
        let all = rest.map(|bucket| bucket.count).fold(seen, |a, b| a + b);
        if all < histogram.count {
            remarks.nan_observations(
                "histogram_quantile has NaN observations, result is skewed higher",
            );
        }
    }
    let rank = if from_below {
        rank - (seen - bucket.count)
    } else {
        seen - rank
    };
    interpolated(bucket, rank / bucket.count, histogram.has_custom_buckets())
}

/// The bucket with bounds between which can be interpolated, or the value that stands for all of it.
fn within_bounds(mut bucket: Bucket, histogram: &Histogram) -> Result<Bucket, f64> {
    if histogram.has_custom_buckets() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return Err(bucket.upper);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return Err(bucket.lower);
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        cut_zero_bucket(&mut bucket, histogram);
    }
    Ok(bucket)
}

/// Where all other observations are on one side of zero, those of the zero bucket are as well.
fn cut_zero_bucket(bucket: &mut Bucket, histogram: &Histogram) {
    match (histogram.negative.is_empty(), histogram.positive.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        _ => {}
    }
}

/// The value that a share of a bucket's observations lies below.
fn interpolated(bucket: Bucket, share: f64, linear: bool) -> f64 {
    if linear || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * share;
    }
    let [lower, upper] = [bucket.lower, bucket.upper].map(|bound| bound.abs().log2());
    if bucket.lower > 0.0 {
        (lower + (upper - lower) * share).exp2()
    } else {
        -(upper + (lower - upper) * (1.0 - share)).exp2()
    }
}

/// The share of observations between two values.
pub(super) fn fraction(lower: f64, upper: f64, histogram: &Histogram, remarks: Remarks<'_>) -> f64 {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let buckets = histogram.buckets();
    let (lower_rank, upper_rank) = (
        rank_of(lower, &buckets, histogram),
        rank_of(upper, &buckets, histogram),
    );
    let mut all = histogram.count;
    if histogram.sum.is_nan() {
        all = buckets.iter().map(|bucket| bucket.count).sum();
        if all < histogram.count {
            remarks.nan_observations(
                "histogram_fraction has NaN observations, which are excluded from all fractions",
            );
        }
    }
    let within = |rank: Option<f64>| rank.filter(|rank| *rank <= all).unwrap_or(all);
    (within(upper_rank) - within(lower_rank)) / histogram.count
}

/// How many observations lie below a value; nothing when it is greater than all buckets.
fn rank_of(value: f64, buckets: &[Bucket], histogram: &Histogram) -> Option<f64> {
    let mut rank = 0.0;
    for bucket in buckets {
        let mut bucket = *bucket;
        let is_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        if is_zero {
            cut_zero_bucket(&mut bucket, histogram);
        }
        if bucket.lower >= value {
            return Some(rank);
        }
        if bucket.upper > value {
            let linear = histogram.has_custom_buckets() || is_zero;
            // Of a bucket without beginning, all observations are taken to lie below.
            let below = if linear && bucket.lower == f64::NEG_INFINITY {
                return Some(bucket.count);
            } else {
                bucket.count * bucket.share_below(value, linear)
            };
            return Some(rank + below);
        }
        rank += bucket.count;
    }
    None
}
