//! Functions of one value, of a window of samples, and of the buckets of a histogram.

use stonechat_promql::Function;

use crate::evaluator::{Labels, Outcome, Sample, Vector, Window, seconds, unique};

/// A function that changes value by value; nothing where it takes the value away.
pub fn per_value(function: Function, value: f64, scalars: &[f64]) -> Option<f64> {
    Some(match function {
        Function::Abs => value.abs(),
        Function::Ceil => value.ceil(),
        Function::Floor => value.floor(),
        Function::Sqrt => value.sqrt(),
        Function::Ln => value.ln(),
        Function::Exp => value.exp(),
        Function::Sin => value.sin(),
        Function::Deg => value * 180.0 / std::f64::consts::PI,
        Function::Sgn if value > 0.0 => 1.0,
        Function::Sgn if value < 0.0 => -1.0,
        Function::Sgn => value,
        Function::Round => {
            let inverse = 1.0 / scalars.first().copied().unwrap_or(1.0);
            (value * inverse + 0.5).floor() / inverse
        }
        Function::Clamp if scalars[0] > scalars[1] => return None,
        Function::Clamp => greater(scalars[0], lesser(scalars[1], value)),
        Function::ClampMin => greater(scalars[0], value),
        Function::ClampMax => lesser(scalars[0], value),
        other => panic!("{} is not known here", other.name()),
    })
}

/// As in Go, NaN wins over all but negative infinity.
fn lesser(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a < b || (a == b && a.is_sign_negative()) {
        // Of both zeros the negative one.
        a
    } else {
        b
    }
}

fn greater(a: f64, b: f64) -> f64 {
    -lesser(-a, -b)
}

/// A function over a window with at least one sample.
pub fn over_window(function: Function, window: &Window, scalars: &[f64]) -> Option<f64> {
    let samples = &window.samples;
    let values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
    let count = as_float(values.len());
    Some(match function {
        Function::Rate => {
            let (change, stretch) = extrapolated(window, true)?;
            change * (stretch / seconds(window.end - window.start))
        }
        Function::Increase | Function::Delta => {
            let (change, stretch) = extrapolated(window, function == Function::Increase)?;
            change * stretch
        }
        Function::Irate | Function::Idelta => last_two(function, samples)?,
        Function::Changes => {
            let pairs = values.windows(2);
            let changed =
                |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
            as_float(pairs.filter(changed).count())
        }
        Function::Resets => as_float(values.windows(2).filter(|pair| pair[1] < pair[0]).count()),
        Function::SumOverTime => kahan_sum(&values),
        Function::AvgOverTime => mean(&values),
        Function::CountOverTime => count,
        Function::MinOverTime => values[best(&values, |new, old| new < old)],
        Function::MaxOverTime => values[best(&values, |new, old| new > old)],
        Function::FirstOverTime => values[0],
        Function::LastOverTime => values[values.len() - 1],
        Function::PresentOverTime => 1.0,
        Function::StdvarOverTime => variance(&values),
        Function::StddevOverTime => variance(&values).sqrt(),
        Function::MadOverTime => {
            let median = quantile(0.5, &values);
            let distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
            if values.iter().any(|value| value.is_nan()) {
                f64::NAN
            } else {
                quantile(0.5, &distances)
            }
        }
        Function::QuantileOverTime => quantile(scalars[0], &values),
        Function::TsOfFirstOverTime => seconds(samples[0].0),
        Function::TsOfLastOverTime => seconds(samples[samples.len() - 1].0),
        Function::TsOfMinOverTime => seconds(samples[best(&values, |new, old| new <= old)].0),
        Function::TsOfMaxOverTime => seconds(samples[best(&values, |new, old| new >= old)].0),
        Function::Deriv => line(samples, samples[0].0)?.0,
        Function::PredictLinear => {
            let (slope, intercept) = line(samples, window.now)?;
            slope * scalars[0] + intercept
        }
        other => panic!("{} is not known here", other.name()),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of tests are small")]
fn as_float(count: usize) -> f64 {
    count as f64
}

/// Which value is the best; NaN only where there is nothing else.
fn best(values: &[f64], better: fn(f64, f64) -> bool) -> usize {
    let mut best = 0;
    for at in 1..values.len() {
        if values[best].is_nan() || better(values[at], values[best]) {
            best = at;
        }
    }
    best
}

/// The change from the first to the last sample, and what stretches it towards the edges of the window.
fn extrapolated(window: &Window, is_counter: bool) -> Option<(f64, f64)> {
    let samples = &window.samples;
    if samples.len() < 2 {
        return None;
    }
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    let mut change = last.1 - first.1;
    if is_counter {
        for pair in samples.windows(2) {
            if pair[1].1 < pair[0].1 {
                change += pair[0].1;
            }
        }
    }
    let sampled = seconds(last.0 - first.0);
    let between = sampled / as_float(samples.len() - 1);
    let mut to_start = seconds(first.0 - window.start);
    let mut to_end = seconds(window.end - last.0);
    if to_start >= between * 1.1 {
        to_start = between / 2.0;
    }
    if is_counter && change > 0.0 && first.1 >= 0.0 {
        // A counter was never below zero.
        let to_zero = sampled * (first.1 / change);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= between * 1.1 {
        to_end = between / 2.0;
    }
    Some((change, (sampled + to_start + to_end) / sampled))
}

fn last_two(function: Function, samples: &[(i64, f64)]) -> Option<f64> {
    if samples.len() < 2 {
        return None;
    }
    let (before, last) = (samples[samples.len() - 2], samples[samples.len() - 1]);
    if function == Function::Idelta {
        return Some(last.1 - before.1);
    }
    let change = if last.1 < before.1 {
        last.1
    } else {
        last.1 - before.1
    };
    Some(change / seconds(last.0 - before.0))
}

/// Slope and intercept of the line of least squares; the intercept is at `origin`.
fn line(samples: &[(i64, f64)], origin: i64) -> Option<(f64, f64)> {
    if samples.len() < 2 {
        return None;
    }
    let first = samples[0].1;
    if samples[1..].iter().all(|(_, value)| *value == first) {
        return Some(if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        });
    }
    let xs: Vec<f64> = samples
        .iter()
        .map(|(time, _)| seconds(time - origin))
        .collect();
    let ys: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
    let products =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let n = as_float(samples.len());
    let (sum_x, sum_y) = (kahan_sum(&xs), kahan_sum(&ys));
    let covariance = kahan_sum(&products(&xs, &ys)) - sum_x * sum_y / n;
    let slope = covariance / (kahan_sum(&products(&xs, &xs)) - sum_x * sum_x / n);
    Some((slope, sum_y / n - slope * sum_x / n))
}

/// A sum with one more term, and what rounding took from it.
fn kahan((sum, lost): (f64, f64), term: f64) -> (f64, f64) {
    let next = sum + term;
    if next.is_infinite() {
        (next, 0.0)
    } else if sum.abs() >= term.abs() {
        (next, lost + ((sum - next) + term))
    } else {
        (next, lost + ((term - next) + sum))
    }
}

/// The sum, with what rounding took from it added in the end.
pub fn kahan_sum(values: &[f64]) -> f64 {
    let (sum, lost) = values.iter().copied().fold((0.0, 0.0), kahan);
    if sum.is_infinite() { sum } else { sum + lost }
}

pub fn mean(values: &[f64]) -> f64 {
    let count = as_float(values.len());
    let (sum, lost) = values.iter().copied().fold((0.0, 0.0), kahan);
    if sum.is_infinite() && values.iter().all(|value| value.is_finite()) {
        // The sum is beyond what a float can hold, the mean is not.
        let shares: Vec<f64> = values.iter().map(|value| value / count).collect();
        return kahan_sum(&shares);
    }
    sum / count + lost / count
}

/// The population variance, by Welford's method, with sums that lose nothing.
fn variance(values: &[f64]) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, (0.0, 0.0), (0.0, 0.0));
    for value in values {
        count += 1.0;
        let delta = value - (mean.0 + mean.1);
        mean = kahan(mean, delta / count);
        squares = kahan(squares, delta * (value - (mean.0 + mean.1)));
    }
    (squares.0 + squares.1) / count
}

pub fn quantile(q: f64, values: &[f64]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN is the least.
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_nan()).collect();
    let mut others: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    others.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    sorted.extend(others);
    let rank = q * as_float(sorted.len() - 1);
    let weight = rank - rank.floor();
    let is_lower = |at: &usize| as_float(*at) == rank.floor();
    let lower = (0..sorted.len()).find(is_lower).expect("a rank of a value");
    let upper = (lower + 1).min(sorted.len() - 1);
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}

/// `histogram_quantile` over series of buckets, which differ in `le`.
pub fn over_distributions(q: f64, vector: Vector) -> Outcome<Vector> {
    let mut distributions: Vec<(Labels, Vec<(f64, f64)>)> = Vec::new();
    for Sample { mut labels, value } in vector {
        let bound = labels.remove("le").unwrap_or_default();
        let Some(bound) = stonechat_model::parse_float(&bound) else {
            continue;
        };
        match distributions.iter_mut().find(|(other, _)| *other == labels) {
            Some((_, buckets)) => buckets.push((bound, value)),
            None => distributions.push((labels, vec![(bound, value)])),
        }
    }
    let mut result = Vector::new();
    for (mut labels, mut buckets) in distributions {
        labels.remove("__name__");
        buckets.sort_by(|a, b| a.0.partial_cmp(&b.0).expect("bounds are numbers"));
        let value = bucket_quantile(q, &buckets);
        result.push(Sample { labels, value });
    }
    unique(result)
}

/// The quantile of cumulative buckets, each with its upper bound and its count.
fn bucket_quantile(q: f64, buckets: &[(f64, f64)]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if buckets[buckets.len() - 1].0 != f64::INFINITY || buckets.len() < 2 {
        return f64::NAN;
    }
    // Counts that fall, or that rounding moved, are raised to the one before.
    let mut counts: Vec<f64> = buckets.iter().map(|(_, count)| *count).collect();
    let mut highest = counts[0];
    for count in &mut counts[1..] {
        let apart = (*count - highest).abs() / (count.abs() + highest.abs());
        let rounding = apart < 1e-12 && *count != 0.0 && highest != 0.0;
        if rounding || *count < highest {
            *count = highest;
        } else {
            highest = *count;
        }
    }
    let all = counts[counts.len() - 1];
    if all == 0.0 {
        return f64::NAN;
    }
    let rank = q * all;
    let mut at = 0;
    let reaches = |at: usize| counts[at] >= rank;
    while at < counts.len() - 1 && !reaches(at) {
        at += 1;
    }
    if at == counts.len() - 1 {
        return buckets[at - 1].0;
    }
    if at == 0 && buckets[0].0 <= 0.0 {
        return buckets[0].0;
    }
    let (start, below) = if at == 0 {
        (0.0, 0.0)
    } else {
        (buckets[at - 1].0, counts[at - 1])
    };
    start + (buckets[at].0 - start) * ((rank - below) / (counts[at] - below))
}
