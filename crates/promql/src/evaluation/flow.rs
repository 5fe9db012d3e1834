//! Series of which each is worked out on its own: the latest samples of a selector, or a function over its windows.
//!
//! Cores share the series, and whoever takes the rows need not keep them: an aggregation adds them up as they come.

use std::thread;
use std::time::Instant;

use stonechat_model::{Labels, Selection, SeriesReader};

use super::select::{Latest, Samples};
use super::window::{RangeSelection, RangeSeries};
use super::{Evaluation, Grid};
use crate::ast::Span;
use crate::error::EvalError;
use crate::functions::OverWindows;
use crate::table::{Cells, Head, Table};

/// With fewer series for each, more threads cost more than they bring.
const SERIES_PER_THREAD: usize = 128;
/// No query takes more, so that others have some left.
const THREADS_MAX: usize = 8;

/// Series to work off.
pub(crate) struct Flow<'a> {
    pub grid: Grid,
    /// Where the selector stands.
    pub span: Span,
    pub work: Work<'a>,
}

/// What is done with each series.
pub(crate) enum Work<'a> {
    Latest(Latest<'a>),
    Windows(RangeSelection<'a>, OverWindows<'a>),
}

/// A row that was worked out.
#[derive(Clone, Copy)]
pub(crate) struct FlowRow<'r> {
    /// Which series it is.
    pub index: usize,
    pub labels: &'r Labels,
    pub cells: &'r Cells,
}

impl Flow<'_> {
    fn selection(&self) -> &dyn Selection {
        match &self.work {
            Work::Latest(latest) => &*latest.selection,
            Work::Windows(range, _) => &*range.selection,
        }
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.selection().len()
    }

    pub fn labels(&self, index: usize) -> &Labels {
        self.selection().labels(index)
    }

    /// The function drops the names of series.
    pub const fn drops_names(&self) -> bool {
        match &self.work {
            Work::Latest(_) => false,
            Work::Windows(_, over) => over.drops_names(),
        }
    }

    fn work_off(
        &self,
        index: usize,
        reader: &mut SeriesReader<'_>,
        samples: &mut Samples,
        cells: &mut Cells,
    ) -> Result<(), EvalError> {
        cells.reset(self.grid.count);
        samples.read(reader, index)?;
        match &self.work {
            Work::Latest(latest) => {
                latest.row(self.labels(index), &samples.columns, self.grid, cells)
            }
            Work::Windows(range, over) => {
                samples.drop_stale();
                let series = RangeSeries {
                    head: self.labels(index).clone().into(),
                    columns: &samples.columns,
                    shift: range.shift,
                    range: range.range,
                    reach: range.reach,
                };
                over.row(&series, self.grid, cells)
            }
        }
    }
}

impl Evaluation<'_> {
    /// Works off all series. Each thread begins with what `begin` gives and takes neighbouring series; the results come
    /// in the order of the series, the same whenever the query is repeated on this machine.
    pub fn work_off<S: Send>(
        &self,
        flow: &Flow<'_>,
        begin: impl Fn() -> S + Sync,
        take: impl Fn(&mut S, FlowRow<'_>) -> Result<(), EvalError> + Sync,
    ) -> Result<Vec<S>, EvalError> {
        let part = |first: usize, behind: usize| -> Result<S, EvalError> {
            let (mut state, began, mut read) = (begin(), Instant::now(), 0);
            let (mut samples, mut cells) = (Samples::new(self, flow.span), Cells::default());
            let mut reader = flow.selection().reader();
            for index in first..behind {
                self.check_alive()?;
                flow.work_off(index, &mut reader, &mut samples, &mut cells)?;
                self.budget.check(samples.columns.len())?;
                read += samples.columns.len();
                let labels = flow.labels(index);
                take(
                    &mut state,
                    FlowRow {
                        index,
                        labels,
                        cells: &cells,
                    },
                )?;
            }
            self.tell(flow.span, began, flow.len(), read);
            Ok(state)
        };
        let all = flow.len();
        let threads = threads_for(all);
        if threads <= 1 {
            return Ok(vec![part(0, all)?]);
        }
        let edge = |thread: usize| all * thread / threads;
        let part = &part;
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map(|thread| scope.spawn(move || part(edge(thread), edge(thread + 1))))
                .collect();
            let own = part(0, edge(1));
            let mut states = vec![own?];
            for other in others {
                // A thread that panicked makes this one panic as well, as if it had done the work itself.
                let state = other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                states.push(state?);
            }
            Ok(states)
        })
    }

    /// All rows as a table.
    pub fn collect(&self, flow: &Flow<'_>) -> Result<Table, EvalError> {
        let parts = self.work_off(flow, Table::default, |table: &mut Table, row| {
            self.push_cells(table, Head::from(row.labels.clone()), row.cells)
        })?;
        let mut parts = parts.into_iter();
        let mut table = parts.next().unwrap_or_default();
        for part in parts {
            table.take(part);
        }
        if flow.drops_names() {
            self.drop_names(table)
        } else {
            Ok(table)
        }
    }
}

fn threads_for(series: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores
        .min(THREADS_MAX)
        .min(series / SERIES_PER_THREAD)
        .max(1)
}
