//! Aggregations that take one value after the other.

use stonechat_model::Kahan;

use crate::ast::AggregateOp;
use crate::mean::Mean;
use crate::table::{ABSENT, Table, is_float};

/// Aggregates rows of a table into one cell per step.
pub(super) fn fold(op: AggregateOp, table: &Table, rows: &[usize], steps: usize) -> Vec<f64> {
    let any = matches!(op, AggregateOp::Count | AggregateOp::Group);
    let by_step = ByStep {
        table,
        rows,
        steps,
        any,
    };
    match op {
        AggregateOp::Sum => by_step.fold(
            Kahan::new,
            |sum, value| *sum = sum.plus(value),
            |sum| sum.total(),
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
    any: bool,
}

impl<'a> ByStep<'a> {
    /// What counts at the steps of a row: numbers, or anything where only the number of values matters.
    fn steps_of(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        let any = self.any;
        let present = self.table.row(row).present();
        present.filter(move |(_, value)| any || is_float(*value))
    }

    /// One accumulator per step; it begins with the first value, so that a step without any has none.
    fn fold<A: Clone>(
        &self,
        begin: impl Fn(f64) -> A,
        add: impl Fn(&mut A, f64),
        end: impl Fn(&A) -> f64,
    ) -> Vec<f64> {
        let mut accumulators: Vec<Option<A>> = vec![None; self.steps];
        for &row in self.rows {
            for (step, value) in self.steps_of(row) {
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
#[derive(Clone, Copy)]
pub(super) struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    pub fn new(first: f64) -> Self {
        Self {
            count: 1.0,
            mean: first,
            squares: if first.is_finite() { 0.0 } else { f64::NAN },
        }
    }

    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    /// The variance of the values of both (Chan's method).
    pub fn join(&mut self, other: Self) {
        let count = self.count + other.count;
        let delta = other.mean - self.mean;
        self.mean += delta * (other.count / count);
        self.squares += other.squares + delta * delta * (self.count * other.count / count);
        self.count = count;
    }

    pub fn variance(&self) -> f64 {
        self.squares / self.count
    }
}
