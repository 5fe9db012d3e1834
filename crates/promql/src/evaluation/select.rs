//! Series out of the store, and the latest sample of each at every step.

use std::time::Duration;

use stonechat_model::{Columns, Selection, TimeRange, Timestamp, is_stale};

use super::Evaluation;
use super::grid::{Grid, elapsed, seconds};
use crate::ast::{At, Length, VectorSelector};
use crate::error::EvalError;
use crate::table::{ABSENT, Head, Table};

/// What a selector of latest samples gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    Value,
    /// The time of the sample, in seconds, for `timestamp()`.
    Time,
}

/// How `@` and `offset` move the time of evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift {
    at: Option<i64>,
    offset: i64,
}

impl Shift {
    /// The moment that a selector looks at when it is evaluated at `time`. It never falls when `time` rises.
    pub const fn reference(self, time: i64) -> i64 {
        let time = match self.at {
            Some(at) => at,
            None => time,
        };
        time.saturating_sub(self.offset)
    }
}

impl<'a> Evaluation<'a> {
    /// Resolves `@` and `offset`.
    pub fn shift(&self, at: Option<At>, offset: &Length) -> Result<Shift, EvalError> {
        Ok(Shift {
            at: at.map(|at| match at {
                At::Time(time) => time.millis(),
                At::Start => self.query.start,
                At::End => self.end,
            }),
            offset: offset.millis(self.lengths())?,
        })
    }

    /// The series of a selector with the samples behind `after` up to `until`.
    pub fn select(
        &self,
        selector: &VectorSelector,
        after: i64,
        until: i64,
    ) -> Result<Box<dyn Selection + 'a>, EvalError> {
        let range = TimeRange {
            start: Timestamp::from_millis(after.saturating_add(1)),
            end: Timestamp::from_millis(until),
        };
        Ok(self.source.select(&selector.all_matchers(), range)?)
    }

    /// The latest sample of each series at every step.
    pub fn instant_selector(
        &self,
        selector: &VectorSelector,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        if selector.extension.is_some() {
            return self.smoothed(selector, grid);
        }
        self.latest(selector, grid, Pick::Value)
    }

    /// The interpolated value of each series at every step.
    fn smoothed(&self, selector: &VectorSelector, grid: Grid) -> Result<Table, EvalError> {
        let lookback = millis(self.options.lookback);
        let shifts = [self.shift(selector.at, &selector.offset)?];
        self.at_each_step(
            selector,
            (grid, &shifts),
            lookback,
            |columns, next, reference| between(columns, next, reference, lookback),
        )
    }

    /// The latest sample of each series at every step: its value, or its time.
    pub fn latest(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        pick: Pick,
    ) -> Result<Table, EvalError> {
        let shifts = [self.shift(selector.at, &selector.offset)?];
        self.latest_shifted(selector, grid, &shifts, pick)
    }

    /// The same at moments that are shifted several times, from the outside in.
    pub fn latest_shifted(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        shifts: &[Shift],
        pick: Pick,
    ) -> Result<Table, EvalError> {
        let lookback = millis(self.options.lookback);
        self.at_each_step(selector, (grid, shifts), 0, |columns, next, reference| {
            latest_at(columns, next, reference.saturating_sub(lookback), pick)
        })
    }

    /// What `value` gives for each series at every step, from its samples, the position behind the last that is not
    /// after the moment, and that moment.
    fn at_each_step(
        &self,
        selector: &VectorSelector,
        (grid, shifts): (Grid, &[Shift]),
        ahead: i64,
        value: impl Fn(&Columns, usize, i64) -> f64,
    ) -> Result<Table, EvalError> {
        let reference = |time| {
            shifts
                .iter()
                .fold(time, |time, shift| shift.reference(time))
        };
        let lookback = millis(self.options.lookback);
        let after = reference(grid.start).saturating_sub(lookback);
        let until = reference(grid.end()).saturating_add(ahead);
        let selection = self.select(selector, after, until)?;
        let (mut table, mut columns) = (Table::default(), Columns::default());
        let mut row = Vec::with_capacity(grid.count);
        for index in 0..selection.len() {
            self.check_alive()?;
            columns.clear();
            selection.read(index, &mut columns)?;
            self.budget.check(columns.len())?;
            if ahead > 0 {
                drop_stale(&mut columns);
            }
            row.clear();
            let mut next = 0;
            row.extend(grid.times().map(|time| {
                let reference = reference(time);
                let later = &columns.timestamps[next..];
                next += later.iter().take_while(|&&time| time <= reference).count();
                value(&columns, next, reference)
            }));
            let head = Head::from(selection.labels(index).clone());
            self.push(&mut table, head, 0, &row)?;
        }
        Ok(table)
    }
}

/// Takes stale markers out, for whoever does not look at them.
pub(super) fn drop_stale(columns: &mut Columns) {
    if !columns.values.iter().any(|value| is_stale(*value)) {
        return;
    }
    let mut kept = columns.values.iter().map(|value| !is_stale(*value));
    columns
        .timestamps
        .retain(|_| kept.next().unwrap_or_default());
    columns.values.retain(|value| !is_stale(*value));
}

/// The value at a moment on the line between its neighbours, or the last value when no later one is near.
fn between(columns: &Columns, next: usize, reference: i64, lookback: i64) -> f64 {
    let before = next
        .checked_sub(1)
        .map(|at| (columns.timestamps[at], columns.values[at]))
        .filter(|(time, _)| *time > reference.saturating_sub(lookback));
    let Some((time, value)) = before else {
        return ABSENT;
    };
    match (columns.timestamps.get(next), columns.values.get(next)) {
        (Some(&next_time), Some(&next_value))
            if time < reference && next_time <= reference.saturating_add(lookback) =>
        {
            let share = elapsed(time, reference) / elapsed(time, next_time);
            value + (next_value - value) * share
        }
        _ => value,
    }
}

/// The sample before position `next`, unless it is too old or says that the series ended.
fn latest_at(columns: &Columns, next: usize, after: i64, pick: Pick) -> f64 {
    let Some(index) = next.checked_sub(1) else {
        return ABSENT;
    };
    let (time, value) = (columns.timestamps[index], columns.values[index]);
    if time <= after || is_stale(value) {
        return ABSENT;
    }
    match pick {
        Pick::Value => value,
        Pick::Time => seconds(time),
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
