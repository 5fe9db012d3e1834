//! `x smoothed`: values on the line between the samples around each step.

use std::sync::Arc;

use stonechat_model::{Columns, Histogram, ResetHint};

use super::grid::{Grid, elapsed};
use super::select::{Samples, millis};
use super::{Evaluation, Head};
use crate::ast::{Span, VectorSelector};
use crate::error::EvalError;
use crate::functions::remarks::Remarks;
use crate::table::{Cell, Cells, Table};

impl Evaluation<'_> {
    /// The interpolated value of each series at every step.
    pub(super) fn smoothed(
        &self,
        selector: &VectorSelector,
        span: Span,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        let lookback = millis(self.options.lookback);
        let shift = self.shift(selector.at, &selector.offset)?;
        let after = shift.reference(grid.start).saturating_sub(lookback);
        let until = shift.reference(grid.end()).saturating_add(lookback);
        let selection = self.select(selector, after, until)?;
        let (mut table, mut samples) = (Table::default(), Samples::new(self, span));
        let (mut cells, mut reader) = (Cells::default(), selection.reader());
        for index in 0..selection.len() {
            self.check_alive()?;
            samples.read(&mut reader, index)?;
            self.budget.check(samples.columns.len())?;
            samples.drop_stale();
            cells.reset(grid.count);
            let labels = selection.labels(index);
            let near = Near {
                columns: &samples.columns,
                lookback,
                remarks: Remarks::new(self, span, labels.metric_name()),
            };
            for (step, time) in grid.times().enumerate() {
                cells.set(step, near.at(shift.reference(time)));
            }
            self.push_cells(&mut table, Head::from(labels.clone()), &cells)?;
        }
        Ok(table)
    }
}

/// The samples of a series, of which those near a moment count.
struct Near<'a> {
    columns: &'a Columns,
    lookback: i64,
    remarks: Remarks<'a>,
}

impl Near<'_> {
    fn at(&self, moment: i64) -> Option<Cell<'_>> {
        let after = moment.saturating_sub(self.lookback);
        let until = moment.saturating_add(self.lookback);
        let times = &self.columns.timestamps;
        let floats = times.partition_point(|time| *time <= after)
            ..times.partition_point(|time| *time <= until);
        let all = &self.columns.histograms;
        let histograms = &all[all.partition_point(|(time, _)| *time <= after)
            ..all.partition_point(|(time, _)| *time <= until)];
        if histograms.is_empty() {
            let (times, values) = (&times[floats.clone()], &self.columns.values[floats]);
            return float_at(times, values, moment).map(Cell::Float);
        }
        if !floats.is_empty() {
            self.remarks.mixed_samples();
            return None;
        }
        self.histogram_at(histograms, moment)
    }

    fn histogram_at<'h>(
        &self,
        histograms: &'h [(i64, Arc<Histogram>)],
        moment: i64,
    ) -> Option<Cell<'h>> {
        let next = histograms.partition_point(|(time, _)| *time < moment);
        if let Some((time, histogram)) = histograms.get(next)
            && *time == moment
        {
            return Some(Cell::Histogram(histogram));
        }
        let before = next.checked_sub(1).map(|at| &histograms[at])?;
        let Some(after) = histograms.get(next) else {
            // What it says about the sample before it does not hold here.
            let mut histogram = Histogram::clone(&before.1);
            histogram.reset_hint = ResetHint::Unknown;
            return Some(histogram.into());
        };
        if before.1.has_custom_buckets() != after.1.has_custom_buckets() {
            self.remarks.mixed_schemas();
            return None;
        }
        let is_counter =
            before.1.reset_hint != ResetHint::Gauge || after.1.reset_hint != ResetHint::Gauge;
        let between = self.remarks.between(before, after, moment, is_counter)?;
        Some(between.into())
    }
}

/// The number at a moment on the line between its neighbours, or the last one when no later one is near.
fn float_at(times: &[i64], values: &[f64], moment: i64) -> Option<f64> {
    let next = times.partition_point(|time| *time < moment);
    if times.get(next) == Some(&moment) {
        return values.get(next).copied();
    }
    let before = next.checked_sub(1)?;
    let value = values[before];
    let Some(&next_time) = times.get(next) else {
        return Some(value);
    };
    let share = elapsed(times[before], moment) / elapsed(times[before], next_time);
    Some(value + (values[next] - value) * share)
}
