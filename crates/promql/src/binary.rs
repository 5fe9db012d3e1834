//! Operators between two expressions.

mod element; // one value with one value
mod histograms; // the same where a value may be a histogram
mod sets; // and, or, unless
mod signature; // by which labels series of both sides find each other
mod vectors; // series with series

use crate::ast::{Binary, BinaryOp};
use crate::error::EvalError;
use crate::evaluation::{Evaluated, Evaluation, Grid};
use crate::table::{ABSENT, Cell, Table};
use element::{Outcome, compute};
use histograms::Mixed;

impl Evaluation<'_> {
    /// The values of an operator at all steps, from the values of both sides.
    pub(crate) fn binary(
        &self,
        binary: &Binary,
        left: Evaluated,
        right: Evaluated,
        grid: Grid,
    ) -> Result<Evaluated, EvalError> {
        let table = match (left, right) {
            (Evaluated::Scalar(left), Evaluated::Scalar(right)) => {
                if is_trim(binary.op) {
                    // Numbers have nothing to trim.
                    return Ok(Evaluated::Scalar(vec![f64::NAN; grid.count]));
                }
                let pairs = left.into_iter().zip(right);
                let values = pairs.map(|(left, right)| scalars(binary.op, left, right));
                return Ok(Evaluated::Scalar(values.collect()));
            }
            (Evaluated::Table(left), Evaluated::Scalar(right)) => {
                let plain =
                    |step: usize, value: f64| compute(binary.op, value, right[step]).kept(value);
                if left.is_plain() && !is_trim(binary.op) {
                    self.with_scalar(binary, left, plain)?
                } else {
                    let mixed = Mixed::new(self, binary);
                    self.with_scalar_mixed(binary, &left, |step, cell| {
                        mixed.meet(&cell, &Cell::Float(right[step])).flatten()
                    })?
                }
            }
            (Evaluated::Scalar(left), Evaluated::Table(right)) => {
                let plain =
                    |step: usize, value: f64| compute(binary.op, left[step], value).kept(value);
                if right.is_plain() && !is_trim(binary.op) {
                    self.with_scalar(binary, right, plain)?
                } else {
                    let mixed = Mixed::new(self, binary);
                    let keeps_right = binary.op.is_comparison() && !binary.returns_bool;
                    self.with_scalar_mixed(binary, &right, |step, cell| {
                        let met = mixed.meet(&Cell::Float(left[step]), &cell).flatten()?;
                        Some(if keeps_right { cell.owned() } else { met })
                    })?
                }
            }
            (Evaluated::Table(left), Evaluated::Table(right)) if binary.op.is_set() => {
                self.set(binary.op, &binary.matching, &left, &right)?
            }
            (Evaluated::Table(left), Evaluated::Table(right)) => {
                self.vectors(binary, &left, &right, grid)?
            }
            // The parser lets no text stand beside an operator.
            _ => Table::default(),
        };
        Ok(Evaluated::Table(table))
    }

    /// A vector with a number at each step. A comparison without `bool` keeps the values, and so the names.
    fn with_scalar(
        &self,
        binary: &Binary,
        table: Table,
        compute: impl Fn(usize, f64) -> (f64, bool),
    ) -> Result<Table, EvalError> {
        let result = table.map_steps(|step, value| {
            let (result, keep) = compute(step, value);
            match (binary.returns_bool, keep) {
                (true, keep) => f64::from(u8::from(keep)),
                (false, true) => result,
                (false, false) => ABSENT,
            }
        });
        if binary.op.changes_meaning() || binary.returns_bool {
            self.drop_names(result)
        } else {
            Ok(result)
        }
    }

    /// The same where some values are histograms.
    fn with_scalar_mixed<'t>(
        &self,
        binary: &Binary,
        table: &'t Table,
        meet: impl Fn(usize, Cell<'t>) -> Option<Cell<'static>>,
    ) -> Result<Table, EvalError> {
        let result = table.map_cells(meet);
        if binary.op.changes_meaning() || binary.returns_bool {
            self.drop_names(result)
        } else {
            Ok(result)
        }
    }
}

const fn is_trim(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper)
}

/// Two numbers; comparisons of numbers always give 0 or 1.
fn scalars(op: BinaryOp, left: f64, right: f64) -> f64 {
    match compute(op, left, right) {
        Outcome::Value(value) => value,
        Outcome::Holds(holds) => f64::from(u8::from(holds)),
    }
}
