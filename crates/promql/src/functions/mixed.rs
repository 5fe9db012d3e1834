//! Functions over windows in which histograms stand, alone or beside numbers.

mod change; // rate, increase, delta
mod edges; // the same with anchored and smoothed
mod sum; // sum_over_time, avg_over_time
mod walk; // resets, changes, irate, idelta

use std::sync::Arc;

pub(crate) use sum::Hints;

use super::over_time::count;
use super::remarks::Remarks;
use super::{Function, WindowFunction};
use crate::ast::Extension;
use crate::evaluation::{MixedWindow, Window, seconds};
use crate::table::Cell;

/// What a function gives for such a window. `of_floats` computes it for numbers alone.
pub(super) fn compute<'w>(
    function: Function,
    window: &MixedWindow<'w>,
    remarks: Remarks<'_>,
    of_floats: &WindowFunction<'_>,
) -> Option<Cell<'w>> {
    match function {
        Function::Rate | Function::Increase | Function::Delta => {
            change_over(function, window, remarks, of_floats)
        }
        Function::Irate | Function::Idelta => walk::last_step(function, window, remarks),
        Function::SumOverTime => summed(window, remarks, of_floats, sum::sum),
        Function::AvgOverTime => summed(window, remarks, of_floats, sum::average),
        Function::CountOverTime => Some(Cell::Float(count(
            window.floats.values.len() + window.histograms.len(),
        ))),
        Function::PresentOverTime => Some(Cell::Float(1.0)),
        Function::Resets => walk::resets(window).map(Cell::Float),
        Function::Changes => walk::changes(window).map(Cell::Float),
        Function::FirstOverTime | Function::TsOfFirstOverTime => {
            let float = window
                .floats
                .times
                .first()
                .zip(window.floats.values.first());
            let histogram = window.histograms.first();
            one_of(function, float, histogram, |float, histogram| {
                float < histogram
            })
        }
        Function::LastOverTime | Function::TsOfLastOverTime => {
            let float = window.floats.times.last().zip(window.floats.values.last());
            let histogram = window.histograms.last();
            one_of(function, float, histogram, |float, histogram| {
                float > histogram
            })
        }
        // Everything else looks at numbers only.
        _ => {
            if window.floats.values.is_empty() {
                return None;
            }
            if !window.histograms.is_empty() {
                remarks.histograms_ignored();
            }
            of_floats(&window.floats).map(Cell::Float)
        }
    }
}

fn summed<'w>(
    window: &MixedWindow<'w>,
    remarks: Remarks<'_>,
    of_floats: &WindowFunction<'_>,
    of_histograms: fn(&MixedWindow<'w>, Remarks<'_>) -> Option<stonechat_model::Histogram>,
) -> Option<Cell<'w>> {
    match (
        window.floats.values.is_empty(),
        window.histograms.is_empty(),
    ) {
        (true, _) => of_histograms(window, remarks).map(Cell::from),
        (false, true) => of_floats(&window.floats).map(Cell::Float),
        (false, false) => {
            remarks.mixed_samples();
            None
        }
    }
}

fn change_over<'w>(
    function: Function,
    window: &MixedWindow<'w>,
    remarks: Remarks<'_>,
    of_floats: &WindowFunction<'_>,
) -> Option<Cell<'w>> {
    let extended = window.floats.extension.is_some();
    match (
        window.floats.values.is_empty(),
        window.histograms.is_empty(),
    ) {
        (true, _) if extended => edges::change(function, window, remarks).map(Cell::from),
        (true, _) => change::change(function, window, remarks).map(Cell::from),
        (false, true) if extended => of_floats(&between_edges(window.floats)?).map(Cell::Float),
        (false, true) => of_floats(&window.floats).map(Cell::Float),
        (false, false) => {
            remarks.mixed_samples();
            None
        }
    }
}

/// The samples that count when a window reaches beyond its edges.
fn between_edges(window: Window<'_>) -> Option<Window<'_>> {
    let samples = edges::reach(&window, window.times, |time| *time)?;
    Some(Window {
        first: window.first + samples.start,
        times: &window.times[samples.clone()],
        values: &window.values[samples],
        ..window
    })
}

/// Of a number and a histogram the one whose time is preferred: it, or its time.
fn one_of<'w>(
    function: Function,
    float: Option<(&i64, &f64)>,
    histogram: Option<&'w (i64, Arc<stonechat_model::Histogram>)>,
    float_first: fn(i64, i64) -> bool,
) -> Option<Cell<'w>> {
    let (time, cell) = match (float, histogram) {
        (Some((&time, &value)), None) => (time, Cell::Float(value)),
        (Some((&time, &value)), Some((other, _))) if float_first(time, *other) => {
            (time, Cell::Float(value))
        }
        (_, Some((time, histogram))) => (*time, Cell::Histogram(histogram)),
        (None, None) => return None,
    };
    let wants_time = matches!(
        function,
        Function::TsOfFirstOverTime | Function::TsOfLastOverTime
    );
    Some(if wants_time {
        Cell::Float(seconds(time))
    } else {
        cell
    })
}

/// True when the window reaches back to a sample before its left edge.
fn is_anchored(window: &Window<'_>) -> bool {
    window.extension == Some(Extension::Anchored)
}
