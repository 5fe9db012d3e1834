//! Operators between two expressions.

mod element; // one value with one value
mod sets; // and, or, unless
mod signature; // by which labels series of both sides find each other
mod vectors; // series with series

use crate::ast::{Binary, BinaryOp};
use crate::error::EvalError;
use crate::evaluation::{Evaluated, Evaluation, Grid};
use crate::table::{ABSENT, Table};
use crate::value::Severity;
use element::{Outcome, compute};

impl Evaluation<'_> {
    /// The values of an operator at all steps.
    pub(crate) fn binary(&self, binary: &Binary, grid: Grid) -> Result<Evaluated, EvalError> {
        let left = self.eval(&binary.left, grid)?;
        let right = self.eval(&binary.right, grid)?;
        if matches!(binary.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
            return Ok(self.trim_of_floats(binary, left, grid));
        }
        let table = match (left, right) {
            (Evaluated::Scalar(left), Evaluated::Scalar(right)) => {
                let pairs = left.into_iter().zip(right);
                let values = pairs.map(|(left, right)| scalars(binary.op, left, right));
                return Ok(Evaluated::Scalar(values.collect()));
            }
            (Evaluated::Table(left), Evaluated::Scalar(right)) => {
                self.with_scalar(binary, left, |step, value| {
                    compute(binary.op, value, right[step]).kept(value)
                })?
            }
            (Evaluated::Scalar(left), Evaluated::Table(right)) => {
                self.with_scalar(binary, right, |step, value| {
                    compute(binary.op, left[step], value).kept(value)
                })?
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
        if binary.op.is_comparison() && !binary.returns_bool {
            Ok(result)
        } else {
            self.drop_names(result)
        }
    }

    /// Trimming is for histograms: between floats there is nothing to trim, and that is remarked.
    fn trim_of_floats(&self, binary: &Binary, left: Evaluated, grid: Grid) -> Evaluated {
        match left {
            Evaluated::Scalar(_) => Evaluated::Scalar(vec![f64::NAN; grid.count]),
            Evaluated::Table(table) if table.len() == 0 => Evaluated::Table(table),
            _ => {
                let message = format!(
                    "incompatible sample types encountered for binary operator {:?}: float {} float",
                    binary.op.symbol(),
                    binary.op.symbol()
                );
                let span = binary.left.span.to(binary.right.span);
                self.note(Severity::Info, span, message);
                Evaluated::Table(Table::default())
            }
        }
    }
}

/// Two numbers; comparisons of numbers always give 0 or 1.
fn scalars(op: BinaryOp, left: f64, right: f64) -> f64 {
    match compute(op, left, right) {
        Outcome::Value(value) => value,
        Outcome::Holds(holds) => f64::from(u8::from(holds)),
    }
}
