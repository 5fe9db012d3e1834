//! Aggregations that take one value after the other.

use crate::ast::AggregateOp;
use crate::kahan::{Kahan, Mean};
use crate::table::{ABSENT, Table};

/// Aggregates rows of a table into one cell per step.
pub(super) fn fold(op: AggregateOp, table: &Table, rows: &[usize], steps: usize) -> Vec<f64> {
    let by_step = ByStep { table, rows, steps };
    match op {
        AggregateOp::Sum => by_step.fold(
            Kahan::new,
            |sum, value| *sum = sum.plus(value),
            |sum| {
                // What was lost does not matter beside infinity, and infinity minus itself is NaN.
                if sum.sum.is_infinite() {
                    sum.sum
                } else {
                    sum.total()
                }
            },
        ),
        AggregateOp::Avg => by_step.fold(Mean::new, Mean::add, Mean::mean),
        AggregateOp::Min => by_step.fold(
            |first| first,
            |least, value| {
                if value < *least || least.is_nan() {
                    *least = value;
                }
            },
            |least| *least,
        ),
        AggregateOp::Max => by_step.fold(
            |first| first,
            |most, value| {
                if value > *most || most.is_nan() {
                    *most = value;
                }
            },
            |most| *most,
        ),
        AggregateOp::Count => by_step.fold(|_| 1.0, |count, _| *count += 1.0, |count| *count),
        AggregateOp::Stddev => by_step.fold(Variance::new, Variance::add, |v| v.variance().sqrt()),
        AggregateOp::Stdvar => by_step.fold(Variance::new, Variance::add, Variance::variance),
        _ => by_step.fold(|_| (), |(), _| (), |()| 1.0),
    }
}

struct ByStep<'a> {
    table: &'a Table,
    rows: &'a [usize],
    steps: usize,
}

impl ByStep<'_> {
    /// One accumulator per step; it begins with the first value, so that a step without any has none.
    fn fold<A: Clone>(
        &self,
        begin: impl Fn(f64) -> A,
        add: impl Fn(&mut A, f64),
        end: impl Fn(&A) -> f64,
    ) -> Vec<f64> {
        let mut accumulators: Vec<Option<A>> = vec![None; self.steps];
        for &row in self.rows {
            for (step, value) in self.table.row(row).present() {
                match &mut accumulators[step] {
                    Some(accumulator) => add(accumulator, value),
                    empty => *empty = Some(begin(value)),
                }
            }
        }
        accumulators
            .iter()
            .map(|accumulator| accumulator.as_ref().map_or(ABSENT, &end))
            .collect()
    }
}

/// The population variance, by Welford's method.
#[derive(Clone)]
struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    fn new(first: f64) -> Self {
        Self {
            count: 1.0,
            mean: first,
            squares: if first.is_finite() { 0.0 } else { f64::NAN },
        }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / self.count
    }
}
