//! How histograms change over a window.

use stonechat_model::{Histogram, HistogramSum, ResetHint};

use crate::evaluation::{MixedWindow, seconds};
use crate::functions::Function;
use crate::functions::counters::{counting, is_start_of_counting, overlaps};
use crate::functions::over_time::count;
use crate::functions::rate::Stretch;
use crate::functions::remarks::{HistogramPoint, Remarks};

/// `rate`, `increase`, `delta` of histograms.
pub(super) fn change(
    function: Function,
    window: &MixedWindow<'_>,
    remarks: Remarks<'_>,
) -> Option<Histogram> {
    let is_counter = function != Function::Delta;
    let [(first_time, first), .., (last_time, _)] = window.histograms else {
        return lonely(function, window);
    };
    let mut change = sampled(window, is_counter, remarks)?;
    let gaps = count(window.histograms.len() - 1);
    let mut stretch = Stretch::of(&window.floats, (*first_time, *last_time), gaps);
    if let Some(start) = start_within(window, is_counter) {
        stretch.begin_at(start, *last_time);
        remarks.add(&mut change, first)?;
    } else if is_counter {
        let so_far = change.clone().finish().count;
        if so_far > 0.0 && first.count >= 0.0 {
            stretch.not_below_zero(first.count / so_far);
        }
    }
    change.scale(stretch.factor());
    Some(finished(function, change, window))
}

/// A single sample has changed only if it says when its counting began.
fn lonely(function: Function, window: &MixedWindow<'_>) -> Option<Histogram> {
    let (time, only) = window.histograms.first()?;
    let start = start_within(window, function != Function::Delta)?;
    let mut stretch = Stretch::of(&window.floats, (*time, *time), 0.0);
    stretch.begin_at(start, *time);
    let mut change = HistogramSum::new(only);
    change.scale(stretch.factor());
    Some(finished(function, change, window))
}

fn finished(function: Function, mut change: HistogramSum, window: &MixedWindow<'_>) -> Histogram {
    if function == Function::Rate {
        change.divide(seconds(window.floats.range));
    }
    change.finish()
}

/// When the counting of the first sample began, if that was within the window.
fn start_within(window: &MixedWindow<'_>, is_counter: bool) -> Option<i64> {
    let start = *window.histogram_starts.first()?;
    let (time, _) = window.histograms.first()?;
    let within = start != 0 && start > window.floats.start() && start < *time;
    (is_counter && within).then_some(start)
}

/// The change from the first to the last of at least two samples.
fn sampled(
    window: &MixedWindow<'_>,
    is_counter: bool,
    remarks: Remarks<'_>,
) -> Option<HistogramSum> {
    let points = window.histograms;
    let (first, last) = (&points.first()?.1, &points.last()?.1);
    if !is_counter {
        let mut change = HistogramSum::new(last);
        if last.has_custom_buckets() != first.has_custom_buckets() {
            remarks.mixed_schemas();
            return None;
        }
        remarks.sub(&mut change, first)?;
        if [first, last].map(|end| end.reset_hint) != [ResetHint::Gauge; 2] {
            remarks.not_a_gauge();
        }
        change.reset_hint = ResetHint::Gauge;
        return Some(change);
    }
    let began = |index: usize| {
        let times = |at: usize| counting(window.histogram_starts, at, points[at].0);
        is_start_of_counting(times(index - 1), times(index))
    };
    let second = &points[1].1;
    // A first sample that was followed by a new beginning says nothing about what came after it.
    let nothing = Histogram {
        schema: second.schema,
        custom_values: std::sync::Arc::clone(&second.custom_values),
        ..Histogram::default()
    };
    let mut before: &Histogram = if began(1) || second.is_reset_after(first) {
        &nothing
    } else {
        first
    };
    check(points, before, remarks)?;
    let mut change = HistogramSum::new(last);
    remarks.sub(&mut change, before)?;
    note_overlap(window, remarks);
    for (index, (_, point)) in points.iter().enumerate().skip(1) {
        if began(index) || point.is_reset_after(before) {
            remarks.add(&mut change, before)?;
        }
        before = point;
    }
    change.reset_hint = ResetHint::Gauge;
    Some(change)
}

/// Refuses a mix of schemas, and remarks on gauges.
fn check(points: &[HistogramPoint], first: &Histogram, remarks: Remarks<'_>) -> Option<()> {
    let custom = first.has_custom_buckets();
    let mixed = |point: &HistogramPoint| point.1.has_custom_buckets() != custom;
    if points[1..].iter().any(mixed) {
        remarks.mixed_schemas();
        return None;
    }
    let is_gauge = |point: &HistogramPoint| point.1.reset_hint == ResetHint::Gauge;
    if points.iter().any(is_gauge) {
        remarks.not_a_counter();
    }
    Some(())
}

/// Remarks once a window when a sample's counting began within that of the sample before.
fn note_overlap(window: &MixedWindow<'_>, remarks: Remarks<'_>) {
    let starts = window.histogram_starts;
    let overlap = (1..starts.len()).any(|at| {
        let before = (starts[at - 1], window.histograms[at - 1].0);
        overlaps(before, starts[at])
    });
    if overlap {
        remarks.start_times_overlap();
    }
}
