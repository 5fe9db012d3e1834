//! How histograms change between the edges of a window that reaches beyond them: `anchored` and `smoothed`.

use std::ops::Range;

use stonechat_model::{Histogram, HistogramSum, ResetHint};

use crate::ast::Extension;
use crate::evaluation::{MixedWindow, Window, seconds};
use crate::functions::Function;
use crate::functions::remarks::{HistogramPoint, Remarks};

/// The positions of the samples that count: from the last at or before the left edge to the last in the window, or, if it is
/// smoothed, to the first at or behind the right edge.
pub(super) fn reach<T>(
    window: &Window<'_>,
    samples: &[T],
    time: impl Fn(&T) -> i64,
) -> Option<Range<usize>> {
    let (start, end) = (window.start(), window.end);
    let mut last = samples.len().checked_sub(1)?;
    let smoothed = window.extension == Some(Extension::Smoothed);
    let first = samples[..last]
        .partition_point(|sample| time(sample) <= start)
        .saturating_sub(1);
    if smoothed {
        last = samples[..last].partition_point(|sample| time(sample) < end);
    }
    if time(&samples[last]) <= start || (smoothed && time(&samples[first]) > end) {
        return None;
    }
    Some(first..last + 1)
}

/// `rate`, `increase`, `delta` of histograms between the edges.
pub(super) fn change(
    function: Function,
    window: &MixedWindow<'_>,
    remarks: Remarks<'_>,
) -> Option<Histogram> {
    let is_counter = function != Function::Delta;
    let samples = reach(&window.floats, window.histograms, |(time, _)| *time)?;
    let points = &window.histograms[samples];
    check(points, is_counter, remarks)?;
    let (start, end) = (window.floats.start(), window.floats.end);
    let smoothed = window.floats.extension == Some(Extension::Smoothed);
    let (first, last) = (points.first()?, points.last()?);
    let left = match points.get(1) {
        Some(second) if smoothed && first.0 < start => {
            remarks.between(first, second, start, is_counter)?
        }
        _ => Histogram::clone(&first.1),
    };
    let right = match points.len().checked_sub(2) {
        Some(before) if smoothed && last.0 > end => {
            remarks.between(&points[before], last, end, is_counter)?
        }
        _ => Histogram::clone(&last.1),
    };
    if !is_counter && [&left, &right].map(|edge| edge.reset_hint) != [ResetHint::Gauge; 2] {
        remarks.not_a_gauge();
    }
    let mut change = HistogramSum::new(&right);
    remarks.sub(&mut change, &left)?;
    if is_counter {
        let interpolated = smoothed && first.0 < start;
        if let Some(lost) = lost_in_resets(points, interpolated, (&left, &right), remarks)? {
            remarks.add(&mut change, &lost.finish())?;
        }
    }
    if function == Function::Rate {
        change.divide(seconds(window.floats.range));
    }
    change.reset_hint = ResetHint::Gauge;
    Some(change.finish())
}

fn check(points: &[HistogramPoint], is_counter: bool, remarks: Remarks<'_>) -> Option<()> {
    let custom = points.first()?.1.has_custom_buckets();
    for (_, point) in points {
        if point.has_custom_buckets() != custom {
            remarks.mixed_schemas();
            return None;
        }
        if is_counter && point.reset_hint == ResetHint::Gauge {
            remarks.not_a_counter();
        }
    }
    Some(())
}

/// What a counter had counted whenever it began anew between the edges. Fails with a remark when that cannot be added up.
fn lost_in_resets(
    points: &[HistogramPoint],
    interpolated: bool,
    (left, right): (&Histogram, &Histogram),
    remarks: Remarks<'_>,
) -> Option<Option<HistogramSum>> {
    let mut lost: Option<HistogramSum> = None;
    let mut lose = |histogram: &Histogram| match &mut lost {
        Some(lost) => remarks.add(lost, histogram),
        none => {
            *none = Some(HistogramSum::new(histogram));
            Some(())
        }
    };
    let (mut before, mut from) = (left, 1);
    // The value at the left edge already counts from a beginning between the first two samples.
    if interpolated
        && let [(_, first), (_, second), ..] = points
        && second.is_reset_after(first)
    {
        (before, from) = (second, 2);
    }
    if from > points.len() - 1 {
        return Some(None);
    }
    for (_, point) in &points[from..points.len() - 1] {
        if point.is_reset_after(before) {
            lose(before)?;
        }
        before = point;
    }
    if right.is_reset_after(before) {
        lose(before)?;
    }
    Some(lost)
}
