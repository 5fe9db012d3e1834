//! Functions that go from sample to sample, whatever kind they are of.

use std::sync::Arc;

use stonechat_model::{Histogram, HistogramSum, ResetHint};

use crate::evaluation::{MixedWindow, elapsed};
use crate::functions::Function;
use crate::functions::counters::{Counting, counting, is_start_of_counting};
use crate::functions::over_time::count;
use crate::functions::remarks::Remarks;
use crate::table::Cell;

/// A sample: when its counting began, its time, and what it is.
#[derive(Debug, Clone, Copy)]
struct Sample<'w> {
    counting: Counting,
    value: Either<'w>,
}

#[derive(Debug, Clone, Copy)]
enum Either<'w> {
    Float(f64),
    Histogram(&'w Arc<Histogram>),
}

impl Sample<'_> {
    const fn time(&self) -> i64 {
        self.counting.1
    }
}

/// The samples of a window in the order of time. An anchored one begins with the last at or before its edge.
fn samples<'w>(window: &MixedWindow<'w>) -> Option<Vec<Sample<'w>>> {
    let floats = window.floats;
    let numbers = floats.times.iter().zip(floats.values).enumerate();
    let numbers = numbers.map(|(index, (&time, &value))| Sample {
        counting: counting(floats.starts, index, time),
        value: Either::Float(value),
    });
    let histograms = window.histograms.iter().enumerate();
    let histograms = histograms.map(|(index, (time, histogram))| Sample {
        counting: counting(window.histogram_starts, index, *time),
        value: Either::Histogram(histogram),
    });
    let mut all: Vec<Sample<'w>> = numbers.chain(histograms).collect();
    all.sort_by_key(Sample::time);
    if super::is_anchored(&floats) {
        let inside = all.partition_point(|sample| sample.time() <= floats.start());
        if inside == all.len() {
            return None;
        }
        all.drain(..inside.saturating_sub(1));
    }
    Some(all)
}

pub(super) fn resets(window: &MixedWindow<'_>) -> Option<f64> {
    pairs(window, |before, after| match (before.value, after.value) {
        (Either::Float(a), Either::Float(b)) => {
            b < a || is_start_of_counting(before.counting, after.counting)
        }
        (Either::Histogram(a), Either::Histogram(b)) => {
            is_start_of_counting(before.counting, after.counting) || b.is_reset_after(a)
        }
        _ => true,
    })
}

pub(super) fn changes(window: &MixedWindow<'_>) -> Option<f64> {
    pairs(window, |before, after| match (before.value, after.value) {
        (Either::Float(a), Either::Float(b)) => a != b && !(a.is_nan() && b.is_nan()),
        (Either::Histogram(a), Either::Histogram(b)) => !a.same_observations(b),
        _ => true,
    })
}

/// How many neighbours fulfil a condition.
fn pairs(
    window: &MixedWindow<'_>,
    condition: impl Fn(&Sample<'_>, &Sample<'_>) -> bool,
) -> Option<f64> {
    let samples = samples(window)?;
    let pairs = samples.windows(2);
    Some(count(
        pairs.filter(|pair| condition(&pair[0], &pair[1])).count(),
    ))
}

/// `irate`, `idelta`: the change between the last two samples.
pub(super) fn last_step<'w>(
    function: Function,
    window: &MixedWindow<'w>,
    remarks: Remarks<'_>,
) -> Option<Cell<'w>> {
    let is_rate = function == Function::Irate;
    let samples = samples(window)?;
    let &[.., before, after] = samples.as_slice() else {
        return None;
    };
    let seconds = elapsed(before.time(), after.time());
    if seconds == 0.0 {
        return None;
    }
    let began = is_start_of_counting(before.counting, after.counting);
    match (before.value, after.value) {
        (Either::Float(first), Either::Float(last)) => {
            let change = if is_rate && (last < first || began) {
                last
            } else {
                last - first
            };
            let change = if is_rate { change / seconds } else { change };
            Some(Cell::Float(change))
        }
        (Either::Histogram(first), Either::Histogram(last)) => {
            let gauges = [first, last].map(|point| point.reset_hint == ResetHint::Gauge);
            if is_rate && gauges.contains(&true) {
                remarks.not_a_counter();
            }
            if !is_rate && gauges.contains(&false) {
                remarks.not_a_gauge();
            }
            let mut change = HistogramSum::new(last);
            if !is_rate || !(began || last.is_reset_after(first)) {
                remarks.sub(&mut change, first)?;
            }
            change.reset_hint = ResetHint::Gauge;
            if is_rate {
                change.divide(seconds);
            }
            Some(change.finish().into())
        }
        _ => {
            remarks.mixed_samples();
            None
        }
    }
}
