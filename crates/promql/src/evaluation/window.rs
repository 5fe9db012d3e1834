//! Ranges of samples that move over the steps: the arguments of functions over time.

use std::ops::Range;

use stonechat_model::Columns;

use super::grid::Grid;
use super::select::{Shift, drop_stale, millis};
use super::{Evaluation, Head};
use crate::ast::{Expr, ExprKind, Extension, MatrixSelector, Subquery};
use crate::error::EvalError;
use crate::table::Table;

/// The samples of a series that one step looks at. Both columns have the same length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    pub times: &'a [i64],
    pub values: &'a [f64],
    /// The end of the window; its beginning is excluded.
    pub end: i64,
    /// Its length.
    pub range: i64,
    /// The time of evaluation.
    pub now: i64,
    /// Which step this is.
    pub step: usize,
    /// How samples beyond the edges were let in.
    pub extension: Option<Extension>,
    /// Positions in `values` where a counter fell, when the function asked for them.
    pub resets: Resets<'a>,
}

/// Where a counter fell, as positions in the whole series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resets<'a> {
    positions: &'a [usize],
    window_start: usize,
}

impl Resets<'_> {
    /// Positions within the window, each the first sample after a fall.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let start = self.window_start;
        self.positions.iter().map(move |position| position - start)
    }
}

/// A series whose samples are looked at window by window.
pub(crate) struct RangeSeries<'a> {
    pub head: Head,
    /// Its samples, stale markers taken out.
    pub columns: &'a Columns,
    pub shift: Shift,
    pub range: i64,
    pub reach: Reach,
}

/// How far windows reach beyond their edges, in milliseconds, for `anchored` and `smoothed`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reach {
    extension: Option<Extension>,
    before: i64,
    behind: i64,
}

impl Window<'_> {
    /// The moment at which the window begins; a sample exactly there is not in it.
    pub const fn start(&self) -> i64 {
        self.end.saturating_sub(self.range)
    }
}

impl Reach {
    fn of(extension: Option<Extension>, lookback: i64) -> Self {
        Self {
            extension,
            before: extension.map_or(0, |_| lookback),
            behind: match extension {
                Some(Extension::Smoothed) => lookback,
                _ => 0,
            },
        }
    }

    /// Widens the samples of a window, given by their positions, to those that the extension wants, if the window is to
    /// be looked at.
    fn widen(
        self,
        times: &[i64],
        inside: Range<usize>,
        after: i64,
        end: i64,
    ) -> Option<Range<usize>> {
        let earliest = after.saturating_sub(self.before);
        let anchor = inside
            .start
            .checked_sub(1)
            .filter(|&at| self.extension.is_some() && times[at] > earliest);
        let first = anchor.unwrap_or(inside.start);
        match self.extension {
            None | Some(Extension::Anchored) => (!inside.is_empty()).then_some(first..inside.end),
            Some(Extension::Smoothed) => {
                let latest = end.saturating_add(self.behind);
                let ends_before = inside.end == 0 || times[inside.end - 1] < end;
                let next = times.get(inside.end).filter(|&&time| time <= latest);
                let last = inside.end + usize::from(ends_before && next.is_some());
                let wide = times.get(first..last)?;
                (*wide.last()? > after && *wide.first()? <= end).then_some(first..last)
            }
        }
    }
}

/// Called with each series.
type Visit<'v> = dyn FnMut(RangeSeries<'_>) -> Result<(), EvalError> + 'v;

impl Evaluation<'_> {
    /// Visits the series of a range selector or subquery, one after the other, so that the samples of only one are held.
    pub fn each_range_series(
        &self,
        expr: &Expr,
        grid: Grid,
        visit: &mut Visit<'_>,
    ) -> Result<(), EvalError> {
        match &expr.without_parens().kind {
            ExprKind::MatrixSelector(matrix) => self.each_of_selector(matrix, grid, visit),
            ExprKind::Subquery(subquery) => self.each_of_subquery(subquery, grid, visit),
            _ => Ok(()),
        }
    }

    fn each_of_selector(
        &self,
        matrix: &MatrixSelector,
        grid: Grid,
        visit: &mut Visit<'_>,
    ) -> Result<(), EvalError> {
        let selector = &matrix.selector;
        let shift = self.shift(selector.at, &selector.offset)?;
        let range = matrix.range.positive_millis(self.lengths())?;
        let reach = Reach::of(selector.extension, millis(self.options.lookback));
        let after = shift.reference(grid.start).saturating_sub(range);
        let until = shift.reference(grid.end());
        let selection = self.select(
            selector,
            after.saturating_sub(reach.before),
            until.saturating_add(reach.behind),
        )?;
        let mut columns = Columns::default();
        for index in 0..selection.len() {
            self.check_alive()?;
            columns.clear();
            selection.read(index, &mut columns)?;
            self.budget.check(columns.len())?;
            drop_stale(&mut columns);
            visit(RangeSeries {
                head: selection.labels(index).clone().into(),
                columns: &columns,
                shift,
                range,
                reach,
            })?;
        }
        Ok(())
    }

    fn each_of_subquery(
        &self,
        subquery: &Subquery,
        grid: Grid,
        visit: &mut Visit<'_>,
    ) -> Result<(), EvalError> {
        let shift = self.shift(subquery.at, &subquery.offset)?;
        let range = subquery.range.positive_millis(self.lengths())?;
        let Some(inner) = self.subquery_grid(subquery, grid, shift)? else {
            return Ok(());
        };
        let table: Table = self.table(&subquery.expr, inner)?;
        let mut columns = Columns::default();
        for row in table.rows() {
            columns.clear();
            for (step, value) in row.present() {
                columns.timestamps.push(inner.time(step));
                columns.values.push(value);
            }
            visit(RangeSeries {
                head: row.head.clone(),
                columns: &columns,
                shift,
                range,
                reach: Reach::default(),
            })?;
        }
        Ok(())
    }

    /// The steps of a subquery over all its windows. They are multiples of its step, whatever the time of evaluation.
    fn subquery_grid(
        &self,
        subquery: &Subquery,
        grid: Grid,
        shift: Shift,
    ) -> Result<Option<Grid>, EvalError> {
        let step = match &subquery.step {
            Some(step) => step.positive_millis(self.lengths())?,
            None => millis(self.options.subquery_step).max(1),
        };
        let range = subquery.range.positive_millis(self.lengths())?;
        let after = shift.reference(grid.start).saturating_sub(range);
        let mut start = after / step * step;
        if start <= after {
            start = start.saturating_add(step);
        }
        let inner = Grid::new(start, shift.reference(grid.end()), step);
        if let Some(inner) = inner {
            self.budget.check(inner.count)?;
        }
        Ok(inner)
    }
}

impl RangeSeries<'_> {
    /// Calls `at` with the window of every step that has samples in it. Both edges of the window move forward only, so
    /// each sample is passed twice, however many steps there are.
    pub fn each_window(
        &self,
        grid: Grid,
        with_resets: bool,
        mut at: impl FnMut(Window<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let (times, values) = (&self.columns.timestamps, &self.columns.values);
        let resets = if with_resets {
            counter_resets(values)
        } else {
            Vec::new()
        };
        let (mut low, mut high) = (0, 0);
        let (mut first_reset, mut last_reset) = (0, 0);
        for (step, now) in grid.times().enumerate() {
            let end = self.shift.reference(now);
            let after = end.saturating_sub(self.range);
            high += times[high..]
                .iter()
                .take_while(|&&time| time <= end)
                .count();
            low += times[low..]
                .iter()
                .take_while(|&&time| time <= after)
                .count();
            let Some(samples) = self.reach.widen(times, low..high, after, end) else {
                continue;
            };
            // A fall at the first sample of the window happened before it.
            let behind = |from: usize, limit: usize| {
                resets[from..].iter().take_while(|&&at| at < limit).count()
            };
            last_reset += behind(last_reset, samples.end);
            first_reset += behind(first_reset, samples.start + 1);
            at(Window {
                times: &times[samples.clone()],
                values: &values[samples.clone()],
                end,
                range: self.range,
                now,
                step,
                extension: self.reach.extension,
                resets: Resets {
                    positions: &resets[first_reset.min(last_reset)..last_reset],
                    window_start: samples.start,
                },
            })?;
        }
        Ok(())
    }
}

/// Positions of samples that are less than the one before.
fn counter_resets(values: &[f64]) -> Vec<usize> {
    let pairs = values.windows(2).enumerate();
    pairs
        .filter(|(_, pair)| pair[1] < pair[0])
        .map(|(index, _)| index + 1)
        .collect()
}
