//! Series out of the store, and the latest sample of each at every step.

use std::time::Duration;

use stonechat_model::{Columns, Labels, Selection, SeriesReader, TimeRange, Timestamp, is_stale};

use super::flow::{Flow, Work};
use super::grid::{Grid, seconds};
use super::{Evaluation, statistics};
use crate::ast::{At, Length, Span, VectorSelector, label_set};
use crate::error::EvalError;
use crate::table::{Cell, Cells, Table, sound};

/// What a selector of latest samples gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    Value,
    /// The time of the sample, in seconds, for `timestamp()`.
    Time,
    /// When its counting began, in seconds, for `start_timestamp()`.
    Start,
    /// The time of a sample that must not be a histogram, for `info()`.
    InfoTime,
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
        span: Span,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        if selector.extension.is_some() {
            return self.smoothed(selector, span, grid);
        }
        self.latest(selector, span, grid, Pick::Value)
    }

    /// The latest sample of each series at every step: its value, or a time of it.
    pub fn latest(
        &self,
        selector: &VectorSelector,
        span: Span,
        grid: Grid,
        pick: Pick,
    ) -> Result<Table, EvalError> {
        let shifts = [self.shift(selector.at, &selector.offset)?];
        self.latest_shifted((selector, span), grid, &shifts, pick)
    }

    /// The same at moments that are shifted several times, from the outside in.
    pub fn latest_shifted(
        &self,
        (selector, span): (&VectorSelector, Span),
        grid: Grid,
        shifts: &[Shift],
        pick: Pick,
    ) -> Result<Table, EvalError> {
        let latest = self.latest_of(selector, grid, shifts, pick)?;
        self.collect(&Flow {
            grid,
            span,
            work: Work::Latest(latest),
        })
    }

    /// What [`latest`](Self::latest) works off.
    pub fn latest_of(
        &self,
        selector: &VectorSelector,
        grid: Grid,
        shifts: &[Shift],
        pick: Pick,
    ) -> Result<Latest<'a>, EvalError> {
        let lookback = millis(self.options.lookback);
        let after = reference(shifts, grid.start).saturating_sub(lookback);
        let selection = self.select(selector, after, reference(shifts, grid.end()))?;
        Ok(Latest {
            selection,
            shifts: shifts.to_vec(),
            pick,
            lookback,
        })
    }
}

/// The latest samples of series.
pub(crate) struct Latest<'a> {
    pub selection: Box<dyn Selection + 'a>,
    shifts: Vec<Shift>,
    pick: Pick,
    lookback: i64,
}

fn reference(shifts: &[Shift], time: i64) -> i64 {
    shifts
        .iter()
        .fold(time, |time, shift| shift.reference(time))
}

impl Latest<'_> {
    /// The latest sample of a series at every step.
    pub fn row(
        &self,
        labels: &Labels,
        columns: &Columns,
        grid: Grid,
        cells: &mut Cells,
    ) -> Result<(), EvalError> {
        let mut cursor = Cursor::new(columns);
        for (step, time) in grid.times().enumerate() {
            let reference = reference(&self.shifts, time);
            cursor.move_to(reference);
            let cell = cursor.latest(reference.saturating_sub(self.lookback), self.pick);
            if self.pick == Pick::InfoTime && matches!(cell, Some(Cell::Histogram(_))) {
                return Err(EvalError::Parameter(format!(
                    "this should be an info metric, with float samples: {}",
                    label_set(labels)
                )));
            }
            cells.set(step, cell);
        }
        Ok(())
    }
}

/// The samples of one series, made ready for evaluation.
#[derive(Debug)]
pub(crate) struct Samples {
    pub columns: Columns,
    keeps_starts: bool,
    /// Only count and sum of histograms are asked for.
    statistics: bool,
}

impl Samples {
    /// For the series of the selector at a place of the query.
    pub fn new(evaluation: &Evaluation<'_>, selector: Span) -> Self {
        Self {
            columns: Columns::default(),
            keeps_starts: evaluation.options.start_timestamps,
            statistics: evaluation.statistics_only.contains(&selector.start),
        }
    }

    pub fn read(&mut self, reader: &mut SeriesReader<'_>, index: usize) -> Result<(), EvalError> {
        self.columns.clear();
        reader(index, &mut self.columns)?;
        if !self.keeps_starts {
            self.columns.starts.clear();
            self.columns.histogram_starts.clear();
        }
        if self.statistics {
            statistics::strip(&mut self.columns.histograms);
        }
        if self.columns.values.iter().any(|value| value.is_nan()) {
            for value in &mut self.columns.values {
                *value = sound(*value);
            }
        }
        Ok(())
    }

    /// Takes stale markers out, for whoever does not look at them.
    pub fn drop_stale(&mut self) {
        let Columns {
            timestamps,
            values,
            starts,
            ..
        } = &mut self.columns;
        if !values.iter().any(|value| is_stale(*value)) {
            return;
        }
        for column in [timestamps, starts] {
            let mut kept = values.iter().map(|value| !is_stale(*value));
            column.retain(|_| kept.next().unwrap_or_default());
        }
        values.retain(|value| !is_stale(*value));
    }
}

/// Moves over the samples of a series.
struct Cursor<'a> {
    columns: &'a Columns,
    /// How many numbers are not after the moment.
    floats: usize,
    /// How many histograms.
    histograms: usize,
}

impl<'a> Cursor<'a> {
    const fn new(columns: &'a Columns) -> Self {
        Self {
            columns,
            floats: 0,
            histograms: 0,
        }
    }

    fn move_to(&mut self, moment: i64) {
        let later = &self.columns.timestamps[self.floats..];
        self.floats += later.iter().take_while(|&&time| time <= moment).count();
        let later = &self.columns.histograms[self.histograms..];
        self.histograms += later.iter().take_while(|(time, _)| *time <= moment).count();
    }

    /// The last sample, unless it is too old or says that the series ended.
    fn latest(&self, after: i64, pick: Pick) -> Option<Cell<'a>> {
        let columns = self.columns;
        let float = self.floats.checked_sub(1);
        let float_time = float.map(|index| columns.timestamps[index]);
        let histogram = self.histograms.checked_sub(1);
        if let Some(index) = histogram {
            let (time, histogram) = &columns.histograms[index];
            if float_time.is_none_or(|float_time| float_time < *time) {
                let start = columns.histogram_starts.get(index);
                return (*time > after).then(|| match pick {
                    Pick::Value | Pick::InfoTime => Cell::Histogram(histogram),
                    Pick::Time => Cell::Float(seconds(*time)),
                    Pick::Start => Cell::Float(seconds(start.copied().unwrap_or_default())),
                });
            }
        }
        let (index, time) = (float?, float_time?);
        let value = columns.values[index];
        if time <= after || is_stale(value) {
            return None;
        }
        Some(Cell::Float(match pick {
            Pick::Value => value,
            Pick::Time | Pick::InfoTime => seconds(time),
            Pick::Start => seconds(columns.starts.get(index).copied().unwrap_or_default()),
        }))
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
