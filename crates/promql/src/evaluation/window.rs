//! Ranges of samples that move over the steps: the arguments of functions over time.

use std::ops::Range;
use std::sync::Arc;

use stonechat_model::{Columns, Histogram, ResetHint, Selection};

use super::grid::Grid;
use super::select::{Samples, Shift, millis};
use super::{Evaluation, Head};
use crate::ast::{Expr, ExprKind, Extension, MatrixSelector, Span, Subquery};
use crate::error::EvalError;
use crate::functions::counters::is_start_of_counting;
use crate::table::Table;

/// The samples of a series that one step looks at. Both columns have the same length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    pub times: &'a [i64],
    pub values: &'a [f64],
    /// When the counting of each sample began; empty when nobody said.
    pub starts: &'a [i64],
    /// The end of the window; its beginning is excluded.
    pub end: i64,
    /// Its length.
    pub range: i64,
    /// The time of evaluation.
    pub now: i64,
    /// Where in the series the window begins.
    pub first: usize,
    /// Which step this is.
    pub step: usize,
    /// How samples beyond the edges were let in.
    pub extension: Option<Extension>,
    /// Positions in `values` where a counter began anew, when the function asked for them.
    pub resets: Resets<'a>,
}

/// The samples of a series that has histograms. With `anchored` and `smoothed` it holds all samples that may be wanted, also
/// those beyond the edges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MixedWindow<'a> {
    /// The numbers.
    pub floats: Window<'a>,
    /// The histograms and their times.
    pub histograms: &'a [(i64, Arc<Histogram>)],
    /// When the counting of each histogram began; empty when nobody said.
    pub histogram_starts: &'a [i64],
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

/// The series of a range selector.
pub(crate) struct RangeSelection<'a> {
    pub selection: Box<dyn Selection + 'a>,
    pub shift: Shift,
    pub range: i64,
    pub reach: Reach,
}

impl<'a> Evaluation<'a> {
    /// The series of a range selector, of which samples in any of the windows are wanted.
    pub fn range_selection(
        &self,
        matrix: &MatrixSelector,
        grid: Grid,
    ) -> Result<RangeSelection<'a>, EvalError> {
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
        Ok(RangeSelection {
            selection,
            shift,
            range,
            reach,
        })
    }

    /// Visits the series of a range selector or subquery, one after the other, so that the samples of only one are held.
    pub fn each_range_series(
        &self,
        expr: &Expr,
        grid: Grid,
        visit: &mut Visit<'_>,
    ) -> Result<(), EvalError> {
        match &expr.without_parens().kind {
            ExprKind::MatrixSelector(matrix) => {
                self.each_of_selector(matrix, expr.without_parens().span, grid, visit)
            }
            ExprKind::Subquery(subquery) => self.each_of_subquery(subquery, grid, visit),
            _ => Ok(()),
        }
    }

    fn each_of_selector(
        &self,
        matrix: &MatrixSelector,
        span: Span,
        grid: Grid,
        visit: &mut Visit<'_>,
    ) -> Result<(), EvalError> {
        let range = self.range_selection(matrix, grid)?;
        let (mut samples, mut reader) = (Samples::new(self, span), range.selection.reader());
        for index in 0..range.selection.len() {
            self.check_alive()?;
            samples.read(&mut reader, index)?;
            self.budget.check(samples.columns.len())?;
            samples.drop_stale();
            visit(RangeSeries {
                head: range.selection.labels(index).clone().into(),
                columns: &samples.columns,
                shift: range.shift,
                range: range.range,
                reach: range.reach,
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
            for (step, cell) in row.cells() {
                let time = inner.time(step);
                match cell.histogram() {
                    Some(histogram) => columns.histograms.push((time, without_hint(histogram))),
                    None => {
                        columns.timestamps.push(time);
                        columns.values.push(row.at(step));
                    }
                }
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
        let Columns {
            timestamps: times,
            values,
            starts,
            ..
        } = self.columns;
        let resets = if with_resets {
            counter_resets(self.columns)
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
                first: samples.start,
                times: &times[samples.clone()],
                values: &values[samples.clone()],
                starts: starts.get(samples.clone()).unwrap_or_default(),
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

    /// True when some of the samples are histograms, so that [`each_mixed_window`](Self::each_mixed_window) is to be used.
    pub fn has_histograms(&self) -> bool {
        !self.columns.histograms.is_empty()
    }

    /// As [`each_window`](Self::each_window) for a series that has histograms.
    pub fn each_mixed_window(
        &self,
        grid: Grid,
        mut at: impl FnMut(MixedWindow<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let columns = self.columns;
        let (mut floats, mut histograms) = (Slide::default(), Slide::default());
        for (step, now) in grid.times().enumerate() {
            let end = self.shift.reference(now);
            let after = end
                .saturating_sub(self.range)
                .saturating_sub(self.reach.before);
            let until = end.saturating_add(self.reach.behind);
            let floats = floats.move_to(&columns.timestamps, |time| *time, after, until);
            let histograms =
                histograms.move_to(&columns.histograms, |(time, _)| *time, after, until);
            if floats.is_empty() && histograms.is_empty() {
                continue;
            }
            let starts = &columns.histogram_starts;
            at(MixedWindow {
                floats: Window {
                    first: floats.start,
                    times: &columns.timestamps[floats.clone()],
                    values: &columns.values[floats.clone()],
                    starts: columns.starts.get(floats).unwrap_or_default(),
                    end,
                    range: self.range,
                    now,
                    step,
                    extension: self.reach.extension,
                    resets: Resets {
                        positions: &[],
                        window_start: 0,
                    },
                },
                histograms: &columns.histograms[histograms.clone()],
                histogram_starts: starts.get(histograms).unwrap_or_default(),
            })?;
        }
        Ok(())
    }
}

/// What a histogram says of the sample before it does not hold where samples were left out between them.
fn without_hint(histogram: &Arc<Histogram>) -> Arc<Histogram> {
    match histogram.reset_hint {
        ResetHint::Unknown | ResetHint::Gauge => Arc::clone(histogram),
        ResetHint::Reset | ResetHint::NotReset => Arc::new(Histogram {
            reset_hint: ResetHint::Unknown,
            ..Histogram::clone(histogram)
        }),
    }
}

/// The positions of the samples in a window that moves forward.
#[derive(Debug, Default)]
struct Slide {
    low: usize,
    high: usize,
}

impl Slide {
    fn move_to<T>(
        &mut self,
        samples: &[T],
        time: impl Fn(&T) -> i64,
        after: i64,
        until: i64,
    ) -> Range<usize> {
        let steps = |from: usize, limit: i64| {
            samples[from..]
                .iter()
                .take_while(|sample| time(sample) <= limit)
                .count()
        };
        self.high += steps(self.high, until);
        self.low += steps(self.low, after);
        self.low..self.high.max(self.low)
    }
}

/// Positions of samples at which a counter began anew: it is less than before, or says so.
fn counter_resets(columns: &Columns) -> Vec<usize> {
    let Columns {
        timestamps,
        values,
        starts,
        ..
    } = columns;
    let fell = |at: &usize| values[*at] < values[at - 1];
    if starts.is_empty() {
        return (1..values.len()).filter(fell).collect();
    }
    let began = |at: &usize| {
        is_start_of_counting(
            (starts[at - 1], timestamps[at - 1]),
            (starts[*at], timestamps[*at]),
        )
    };
    (1..values.len())
        .filter(|at| fell(at) || began(at))
        .collect()
}
