//! Functions of the samples in a window, whatever their times.

use stonechat_model::Kahan;

use super::quantile::quantile;
use crate::evaluation::{Window, seconds};
use crate::functions::Function;
use crate::mean::Mean;

/// The computation of functions whose only argument is a window with at least one sample.
pub(super) fn window_function(function: Function) -> Option<fn(&Window<'_>) -> Option<f64>> {
    Some(match function {
        Function::AvgOverTime => |window| Some(average(window.values)),
        Function::Changes => |window| Some(changes(window.values)),
        Function::CountOverTime => |window| Some(count(window.values.len())),
        Function::FirstOverTime => |window| window.values.first().copied(),
        Function::LastOverTime => |window| window.values.last().copied(),
        Function::MadOverTime => |window| Some(median_deviation(window.values)),
        Function::MaxOverTime => |window| extreme(window.values, |new, old| new > old),
        Function::MinOverTime => |window| extreme(window.values, |new, old| new < old),
        Function::PresentOverTime => |_| Some(1.0),
        Function::Resets => |window| Some(count(window.resets.iter().count())),
        Function::StddevOverTime => |window| Some(variance(window.values).sqrt()),
        Function::StdvarOverTime => |window| Some(variance(window.values)),
        Function::SumOverTime => |window| Some(sum(window.values)),
        Function::TsOfFirstOverTime => |window| window.times.first().copied().map(seconds),
        Function::TsOfLastOverTime => |window| window.times.last().copied().map(seconds),
        Function::TsOfMaxOverTime => |window| time_of(window, |new, old| new >= old),
        Function::TsOfMinOverTime => |window| time_of(window, |new, old| new <= old),
        _ => return None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are small")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}

fn sum(values: &[f64]) -> f64 {
    values
        .iter()
        .copied()
        .fold(Kahan::default(), Kahan::plus)
        .total()
}

fn average(values: &[f64]) -> f64 {
    let Some((first, rest)) = values.split_first() else {
        return f64::NAN;
    };
    let mut mean = Mean::new(*first);
    for value in rest {
        mean.add(*value);
    }
    mean.mean()
}

/// The population variance, by Welford's method.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares, mut seen) = (Kahan::default(), Kahan::default(), 0.0);
    for value in values {
        seen += 1.0;
        let delta = value - mean.total();
        mean = mean.plus(delta / seen);
        squares = squares.plus(delta * (value - mean.total()));
    }
    squares.total() / seen
}

/// The median distance from the median.
fn median_deviation(values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    let median = quantile(0.5, &mut values);
    for value in &mut values {
        *value = (*value - median).abs();
    }
    quantile(0.5, &mut values)
}

fn changes(values: &[f64]) -> f64 {
    let changed = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
    count(values.windows(2).filter(changed).count())
}

/// The greatest or least value; NaN only when there is nothing else.
fn extreme(values: &[f64], better: fn(f64, f64) -> bool) -> Option<f64> {
    values.iter().copied().reduce(|best, value| {
        if better(value, best) || best.is_nan() {
            value
        } else {
            best
        }
    })
}

fn time_of(window: &Window<'_>, better: fn(f64, f64) -> bool) -> Option<f64> {
    let samples = window
        .times
        .iter()
        .copied()
        .zip(window.values.iter().copied());
    samples
        .reduce(|best, sample| {
            if better(sample.1, best.1) || best.1.is_nan() {
                sample
            } else {
                best
            }
        })
        .map(|(time, _)| seconds(time))
}
