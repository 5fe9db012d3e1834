//! How fast values move: `rate`, `increase`, `delta` over a whole window, `irate` and `idelta` over its last two samples.

use crate::ast::Extension;
use crate::evaluation::{Window, elapsed, seconds};
use crate::functions::Function;
use crate::functions::counters::is_start_of_counting;
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

/// The change from the first to the last sample of the window, and the factor that stretches it to the edges.
fn extrapolated(window: &Window<'_>, is_counter: bool) -> Option<Change> {
    let (values, times) = (window.values, window.times);
    let last = values.len().checked_sub(1)?;
    let mut change = values[last] - values[0];
    if is_counter {
        for position in window.resets.iter() {
            change += values[position - 1];
        }
    }
    let mut stretch = Stretch::of(window, (times[0], times[last]), count(last));
    let start = window.starts.first().copied().unwrap_or_default();
    if is_counter && start != 0 && start > window.start() && start < times[0] {
        stretch.begin_at(start, times[last]);
        change += values[0];
    } else if last == 0 {
        return None;
    } else if is_counter && change > 0.0 && values[0] >= 0.0 {
        stretch.not_below_zero(values[0] / change);
    }
    Some(Change {
        sampled: change,
        factor: stretch.factor(),
    })
}

/// How a change between samples is stretched to the edges of the window, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    sampled: f64,
    to_start: f64,
    to_end: f64,
}

impl Stretch {
    /// From the times of the first and the last sample, and the number of gaps between samples.
    pub fn of(window: &Window<'_>, (first, last): (i64, i64), gaps: f64) -> Self {
        let sampled = elapsed(first, last);
        let distance = if gaps > 0.0 { sampled / gaps } else { 0.0 };
        // A gap of more than this at an edge means that the series began or ended within the window.
        let threshold = distance * 1.1;
        let near = |gap: f64| {
            if gap >= threshold {
                distance / 2.0
            } else {
                gap
            }
        };
        Self {
            sampled,
            to_start: near(elapsed(window.start(), first)),
            to_end: near(elapsed(last, window.end)),
        }
    }

    /// The counting began at a known moment within the window.
    pub fn begin_at(&mut self, start: i64, last: i64) {
        self.to_start = 0.0;
        self.sampled = elapsed(start, last);
    }

    /// Counters begin at zero: they are not stretched below it. `share` is the first value in terms of the change.
    pub const fn not_below_zero(&mut self, share: f64) {
        let to_zero = self.sampled * share;
        if to_zero < self.to_start {
            self.to_start = to_zero;
        }
    }

    pub fn factor(self) -> f64 {
        if self.sampled == 0.0 {
            return 1.0;
        }
        (self.sampled + self.to_start + self.to_end) / self.sampled
    }
}

/// The values at the edges of a window that reaches beyond them. An anchored one takes the sample before the left edge
/// as it is, a smoothed one interpolates at both edges.
fn edges(window: &Window<'_>, is_counter: bool) -> (f64, f64) {
    let (times, values) = (window.times, window.values);
    let last = values.len() - 1;
    let interpolates = window.extension == Some(Extension::Smoothed) && last > 0;
    let at = |moment: i64, right: usize| {
        let (from, to) = (values[right - 1], values[right]);
        // A counter that fell began at zero.
        let from = if is_counter && to < from { 0.0 } else { from };
        let share = elapsed(times[right - 1], moment) / elapsed(times[right - 1], times[right]);
        from + (to - from) * share
    };
    let left = if interpolates && times[0] < window.start() {
        at(window.start(), 1)
    } else {
        values[0]
    };
    let right = if interpolates && times[last] > window.end {
        at(window.end, last)
    } else {
        values[last]
    };
    (left, right)
}

/// The change between the edges of a window that reaches beyond them.
fn between_edges(window: &Window<'_>, is_counter: bool) -> f64 {
    let (left, right) = edges(window, is_counter);
    let mut change = right - left;
    if is_counter {
        let mut before = left;
        for value in inside(window).map(|(_, value)| value).chain([right]) {
            if value < before {
                change += before;
            }
            before = value;
        }
    }
    change
}

/// The samples strictly between the edges.
fn inside<'w>(window: &Window<'w>) -> impl Iterator<Item = (i64, f64)> + use<'w> {
    let (start, end) = (window.start(), window.end);
    let samples = window
        .times
        .iter()
        .copied()
        .zip(window.values.iter().copied());
    samples.filter(move |(time, _)| *time > start && *time < end)
}

/// The samples of a window as an answer shows them. One that reaches beyond its edges begins and ends exactly there.
pub(crate) fn shown_samples(window: &Window<'_>) -> (Vec<i64>, Vec<f64>) {
    if window.extension.is_none() {
        return (window.times.to_vec(), window.values.to_vec());
    }
    let (left, right) = edges(window, false);
    let ends = [(window.start(), left)].into_iter();
    ends.chain(inside(window))
        .chain([(window.end, right)])
        .unzip()
}

struct LastStep {
    before: f64,
    after: f64,
    seconds: f64,
    /// The later sample says that its counting began after the earlier one.
    began: bool,
}

impl LastStep {
    fn change(&self) -> f64 {
        self.after - self.before
    }

    /// The change of a counter, which begins at zero after it fell.
    fn growth(&self) -> f64 {
        if self.after < self.before || self.began {
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
        began: match window.starts {
            &[.., first_start, last_start] => {
                is_start_of_counting((first_start, first), (last_start, last))
            }
            _ => false,
        },
    })
}
