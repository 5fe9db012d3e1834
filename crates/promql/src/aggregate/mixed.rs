//! Aggregations over values of which some are histograms.

use std::sync::Arc;

use stonechat_model::{Histogram, HistogramSum};

use super::fold;
use crate::ast::AggregateOp;
use crate::functions::histogram_mean::HistogramMean;
use crate::functions::mixed::Hints;
use crate::functions::remarks::{Operation, Remarks};
use crate::table::{Cell, Cells, Table, is_float, is_histogram};

/// Aggregates rows of a table into one cell per step.
pub(super) fn fold(
    op: AggregateOp,
    table: &Table,
    rows: &[usize],
    (steps, remarks): (usize, Remarks<'_>),
) -> Cells {
    let floats = fold::fold(op, table, rows, steps);
    with_histograms(op, &floats, (table, rows), remarks)
}

/// The cells of a group of which the numbers alone give `floats`.
pub(super) fn with_histograms(
    op: AggregateOp,
    floats: &[f64],
    (table, rows): (&Table, &[usize]),
    remarks: Remarks<'_>,
) -> Cells {
    let mut cells = Cells::gaps(floats.len());
    match op {
        AggregateOp::Sum | AggregateOp::Avg => {
            for (step, float) in floats.iter().enumerate() {
                let at_step = AtStep { table, rows, step };
                cells.set(step, at_step.fold(op, *float, remarks));
            }
        }
        AggregateOp::Count | AggregateOp::Group => cells.values_mut().copy_from_slice(floats),
        _ => {
            let has_histograms = rows
                .iter()
                .flat_map(|&row| table.row(row).values)
                .any(|value| is_histogram(*value));
            if has_histograms {
                remarks.histogram_ignored_in(op.name());
            }
            cells.values_mut().copy_from_slice(floats);
        }
    }
    cells
}

/// The values of a group at one step.
struct AtStep<'a> {
    table: &'a Table,
    rows: &'a [usize],
    step: usize,
}

impl<'a> AtStep<'a> {
    /// The histograms with the names of their metrics.
    fn histograms(&self) -> impl Iterator<Item = (&'a str, &'a Arc<Histogram>)> {
        let (table, step) = (self.table, self.step);
        self.rows.iter().filter_map(move |&row| {
            let row = table.row(row);
            match row.cell(row.at(step))? {
                Cell::Histogram(histogram) => Some((row.head.labels.metric_name(), histogram)),
                _ => None,
            }
        })
    }

    /// The sum or the mean, given what the numbers alone give.
    fn fold(&self, op: AggregateOp, float: f64, remarks: Remarks<'_>) -> Option<Cell<'static>> {
        let mut histograms = self.histograms();
        let Some((_, first)) = histograms.next() else {
            return is_float(float).then_some(Cell::Float(float));
        };
        if is_float(float) {
            remarks.mixed_samples_in_aggregation();
            return None;
        }
        let mut hints = Hints::default();
        hints.see(first);
        let mut reconciled = false;
        let mut sum = Either::new(op, first);
        for (metric, histogram) in histograms {
            hints.see(histogram);
            let Some(changed) = sum.add(histogram) else {
                remarks.of(metric).mixed_schemas();
                return None;
            };
            reconciled |= changed;
        }
        if reconciled {
            remarks.bounds_reconciled(Operation::Aggregation);
        }
        if hints.collide() {
            remarks.hints_collide(Operation::Aggregation);
        }
        Some(sum.finish().into())
    }
}

enum Either {
    Sum(Box<HistogramSum>),
    Mean(Box<HistogramMean>),
}

impl Either {
    fn new(op: AggregateOp, first: &Histogram) -> Self {
        if op == AggregateOp::Sum {
            Self::Sum(Box::new(HistogramSum::new(first)))
        } else {
            Self::Mean(Box::new(HistogramMean::new(first)))
        }
    }

    /// Adds a histogram; says whether bounds were reconciled, or nothing when it does not fit.
    fn add(&mut self, histogram: &Histogram) -> Option<bool> {
        let addition = match self {
            Self::Sum(sum) => sum.add(histogram),
            Self::Mean(mean) => mean.add(histogram),
        };
        addition.ok().map(|addition| addition.bounds_reconciled)
    }

    fn finish(self) -> Histogram {
        match self {
            Self::Sum(sum) => sum.finish(),
            Self::Mean(mean) => mean.finish(),
        }
    }
}
