//! How fast values move: `rate`, `increase`, `delta` over a whole window, `irate` and `idelta` over its last two samples.

use crate::evaluation::{Window, seconds};
use crate::functions::Function;
use crate::functions::over_time::count;

/// The computation of these functions.
pub(super) fn window_function(function: Function) -> Option<fn(&Window<'_>) -> Option<f64>> {
    Some(match function {
        Function::Delta => {
            |window| extrapolated(window, false).map(|(change, factor)| change * factor)
        }
        Function::Increase => {
            |window| extrapolated(window, true).map(|(change, factor)| change * factor)
        }
        Function::Rate => |window| {
            let (change, factor) = extrapolated(window, true)?;
            Some(change * (factor / seconds(window.range)))
        },
        Function::Idelta => |window| last_step(window).map(|step| step.change()),
        Function::Irate => |window| last_step(window).map(|step| step.growth() / step.seconds),
        _ => return None,
    })
}

/// The change from the first to the last sample of the window, and the factor that stretches it to the edges, as far as
/// the samples' distance allows. Counters may fall to zero, and are not stretched below it.
fn extrapolated(window: &Window<'_>, is_counter: bool) -> Option<(f64, f64)> {
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
    let sampled = seconds(times[last] - times[0]);
    let distance = sampled / count(last);
    // A gap of more than this at an edge means that the series began or ended within the window.
    let threshold = distance * 1.1;
    let mut to_start = seconds(times[0] - (window.end - window.range));
    if to_start >= threshold {
        to_start = distance / 2.0;
    }
    if is_counter && change > 0.0 && values[0] >= 0.0 {
        let to_zero = sampled * (values[0] / change);
        to_start = to_start.min(to_zero);
    }
    let mut to_end = seconds(window.end - times[last]);
    if to_end >= threshold {
        to_end = distance / 2.0;
    }
    Some((change, (sampled + to_start + to_end) / sampled))
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
        seconds: seconds(last - first),
    })
}
