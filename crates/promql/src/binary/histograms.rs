//! Operators where at least one value may be a histogram.

use stonechat_model::{Histogram, HistogramSum, ResetHint};

use super::element::compute;
use crate::ast::{Binary, BinaryOp, Span};
use crate::evaluation::Evaluation;
use crate::functions::remarks::{Operation, Remarks};
use crate::table::Cell;
use crate::value::Severity;

/// An operator with the place that remarks on it belong to.
pub(super) struct Mixed<'a> {
    evaluation: &'a Evaluation<'a>,
    op: BinaryOp,
    returns_bool: bool,
    span: Span,
}

impl<'a> Mixed<'a> {
    pub fn new(evaluation: &'a Evaluation<'a>, binary: &Binary) -> Self {
        Self {
            evaluation,
            op: binary.op,
            returns_bool: binary.returns_bool,
            span: binary.left.span.to(binary.right.span),
        }
    }

    /// What the operator gives for two values. Values that do not fit together give nothing (not even with `bool`) and a
    /// remark; `None` within means that a comparison does not hold.
    pub fn meet(&self, left: &Cell<'_>, right: &Cell<'_>) -> Option<Option<Cell<'static>>> {
        let (cell, keep) = self.outcome(left, right)?;
        if self.returns_bool {
            return Some(Some(Cell::Float(f64::from(u8::from(keep)))));
        }
        Some(keep.then_some(cell))
    }

    fn outcome(&self, left: &Cell<'_>, right: &Cell<'_>) -> Option<(Cell<'static>, bool)> {
        match (left.histogram(), right.histogram(), left, right) {
            (Some(left), Some(right), ..) => self.histograms(left, right),
            (Some(histogram), None, _, Cell::Float(number)) => {
                let result = match self.op {
                    BinaryOp::Mul => histogram.times(*number),
                    BinaryOp::Div => histogram.over(*number),
                    BinaryOp::TrimUpper => histogram.trimmed_above(*number),
                    BinaryOp::TrimLower => histogram.trimmed_below(*number),
                    _ => return self.unfit("histogram", "float"),
                };
                Some((result.into(), true))
            }
            (None, Some(histogram), Cell::Float(number), _) if self.op == BinaryOp::Mul => {
                Some((histogram.times(*number).into(), true))
            }
            (None, Some(_), ..) => self.unfit("float", "histogram"),
            (_, _, Cell::Float(left), Cell::Float(right)) => {
                if matches!(self.op, BinaryOp::TrimUpper | BinaryOp::TrimLower) {
                    return self.unfit("float", "float");
                }
                let (value, keep) = compute(self.op, *left, *right).kept(*left);
                Some((Cell::Float(value), keep))
            }
            _ => None,
        }
    }

    fn histograms(&self, left: &Histogram, right: &Histogram) -> Option<(Cell<'static>, bool)> {
        let operation = match self.op {
            BinaryOp::Add => Operation::Addition,
            BinaryOp::Sub => Operation::Subtraction,
            BinaryOp::Equal => {
                return Some((left.clone().into(), left.same_observations(right)));
            }
            BinaryOp::NotEqual => {
                return Some((left.clone().into(), !left.same_observations(right)));
            }
            _ => return self.unfit("histogram", "histogram"),
        };
        let mut sum = HistogramSum::new(left);
        let added = if operation == Operation::Addition {
            sum.add(right)
        } else {
            sum.sub(right)
        };
        let Ok(added) = added else {
            let message = format!(
                "incompatible bucket layout encountered for binary operator {}",
                self.op.symbol()
            );
            self.evaluation.note(Severity::Warning, self.span, message);
            return None;
        };
        let remarks = Remarks::new(self.evaluation, self.span, "");
        if added.hints_collide {
            // As in Prometheus, nothing is left of counters that contradict each other.
            remarks.hints_collide(operation);
            return None;
        }
        if added.bounds_reconciled {
            remarks.bounds_reconciled(operation);
        }
        if operation == Operation::Subtraction {
            sum.reset_hint = ResetHint::Gauge;
        }
        Some((sum.finish().into(), true))
    }

    fn unfit(&self, left: &str, right: &str) -> Option<(Cell<'static>, bool)> {
        let symbol = self.op.symbol();
        let message = format!(
            "incompatible sample types encountered for binary operator {symbol:?}: {left} {symbol} {right}"
        );
        self.evaluation.note(Severity::Info, self.span, message);
        None
    }
}
