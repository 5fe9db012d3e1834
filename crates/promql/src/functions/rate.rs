//! How fast values move: `rate`, `increase`, `delta` over a whole window, `irate` and `idelta` over its last two samples.

use crate::ast::Extension;
use crate::evaluation::{Window, elapsed, seconds};
use crate::functions::Function;
use crate::functions::over_time::count;

/// The computation of these functions.
pub(super) fn window_function(function: Function) -> Option<fn(&Window<'_>) -> Option<f64>> {
    Some(match function {
        Function::Delta => |window| change(window, false).map(Change::over_window),
        Function::Increase => |window| change(window, true).map(Change::over_window),
        Function::Rate => |window| change(window, true).map(|change| change.per_second(window)),
        Function::Idelta => |window| last_step(window).map(|step| step.change()),
        Function::Irate => |window| last_step(window).map(|step| step.growth() / step.seconds),
        _ => return None,
    })
}

/// How much values changed over a window.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// From the first to the last sample.
    sampled: f64,
    /// What stretches it to the edges of the window.
    factor: f64,
}

impl Change {
    fn over_window(self) -> f64 {
        self.sampled * self.factor
    }

    fn per_second(self, window: &Window<'_>) -> f64 {
        self.sampled * (self.factor / seconds(window.range))
    }
}

fn change(window: &Window<'_>, is_counter: bool) -> Option<Change> {
    if window.extension.is_some() {
        return Some(Change {
            sampled: between_edges(window, is_counter),
            factor: 1.0,
        });
    }
    extrapolated(window, is_counter)
}

/// The change from the first to the last sample of the window, and the factor that stretches it to the edges, as far as
/// the samples' distance allows. Counters may fall to zero, and are not stretched below it.
fn extrapolated(window: &Window<'_>, is_counter: bool) -> Option<Change> {
    let (values, times) = (window.values, window.times);
    let last = values.len() - 1;
    if last == 0 {
        return None;
    }
    let mut change = values[last] - values[0];
    if is_counter {
        for position in window.resets.iter() {
            change += values[position - 1];
        }
    }
    let sampled = elapsed(times[0], times[last]);
    let distance = sampled / count(last);
    // A gap of more than this at an edge means that the series began or ended within the window.
    let threshold = distance * 1.1;
    let mut to_start = elapsed(window.start(), times[0]);
    if to_start >= threshold {
        to_start = distance / 2.0;
    }
    if is_counter && change > 0.0 && values[0] >= 0.0 {
        let to_zero = sampled * (values[0] / change);
        to_start = to_start.min(to_zero);
    }
    let mut to_end = elapsed(times[last], window.end);
    if to_end >= threshold {
        to_end = distance / 2.0;
    }
    Some(Change {
        sampled: change,
        factor: (sampled + to_start + to_end) / sampled,
    })
}

/// The change between the edges of a window that reaches beyond them. An anchored one takes the sample before the left edge
/// as it is, a smoothed one interpolates at both edges.
fn between_edges(window: &Window<'_>, is_counter: bool) -> f64 {
    let (times, values) = (window.times, window.values);
    let (start, end, last) = (window.start(), window.end, values.len() - 1);
    let smoothed = window.extension == Some(Extension::Smoothed);
    let at = |moment: i64, right: usize| {
        let (from, to) = (values[right - 1], values[right]);
        // A counter that fell began at zero.
        let from = if is_counter && to < from { 0.0 } else { from };
        let share = elapsed(times[right - 1], moment) / elapsed(times[right - 1], times[right]);
        from + (to - from) * share
    };
    let left = if smoothed && last > 0 && times[0] < start {
        at(start, 1)
    } else {
        values[0]
    };
    let right = if smoothed && last > 0 && times[last] > end {
        at(end, last)
    } else {
        values[last]
    };
    let mut change = right - left;
    if is_counter {
        let samples = times.iter().zip(values);
        let inside = samples.filter(|(time, _)| **time > start && **time < end);
        let mut before = left;
        for value in inside.map(|(_, value)| *value).chain([right]) {
            if value < before {
                change += before;
            }
            before = value;
        }
    }
    change
}

struct LastStep {
    before: f64,
    after: f64,
    seconds: f64,
}

impl LastStep {
    fn change(&self) -> f64 {
        self.after - self.before
    }

    /// The change of a counter, which begins at zero after it fell.
    fn growth(&self) -> f64 {
        if self.after < self.before {
            self.after
        } else {
            self.change()
        }
    }
}

fn last_step(window: &Window<'_>) -> Option<LastStep> {
    let (&[.., before, after], &[.., first, last]) = (window.values, window.times) else {
        return None;
    };
    (last > first).then(|| LastStep {
        before,
        after,
        seconds: elapsed(first, last),
    })
}
