//! Lengths of time in an expression: ranges, steps of subqueries, offsets.

use super::{BinaryOp, Expr, ExprKind, Span, UnaryOp};
use crate::functions::Function;

/// A length of time as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Length {
    /// `5m`, in milliseconds; negative only in offsets.
    Fixed(i64),
    /// `step() * 2`: arithmetic that gives seconds. It holds only numbers, operators, parentheses, `step()`,
    /// `range()`, `min_of` and `max_of`.
    Computed(Box<Expr>),
}

impl Default for Length {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

/// What a computed length may ask for, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LengthContext {
    /// The step of the query, `step()`.
    pub step_millis: i64,
    /// From the first to the last step of the query, `range()`.
    pub range_millis: i64,
}

/// Why a computed length cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {reason}", span.line, span.column)]
pub struct LengthError {
    /// Where the length stands.
    pub span: Span,
    reason: &'static str,
}

/// Go's `time.Duration` ends after 292 years, and so does every length here.
const SECONDS_MAX: f64 = 9_223_372_036.0;

impl Length {
    /// The length in milliseconds.
    ///
    /// # Errors
    /// When a computed length divides by zero or is too long.
    pub fn millis(&self, context: LengthContext) -> Result<i64, LengthError> {
        match self {
            Self::Fixed(millis) => Ok(*millis),
            Self::Computed(expr) => {
                let seconds = seconds(expr, context)?;
                seconds_to_millis(seconds).ok_or_else(|| error(expr, "duration is out of range"))
            }
        }
    }

    /// The length in milliseconds, which has to be positive.
    ///
    /// # Errors
    /// As [`millis`](Self::millis), and when the length is zero or negative.
    pub fn positive_millis(&self, context: LengthContext) -> Result<i64, LengthError> {
        let millis = self.millis(context)?;
        match self {
            Self::Computed(expr) if millis <= 0 => {
                Err(error(expr, "duration must be greater than 0"))
            }
            _ => Ok(millis),
        }
    }
}

/// Whole milliseconds, cut towards zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the bound is checked before"
)]
pub(crate) fn seconds_to_millis(seconds: f64) -> Option<i64> {
    // Rounding to nanoseconds first, as Go's durations do, keeps 0.29 s at 290 ms.
    let nanos = (seconds * 1e9).round();
    (seconds.abs() <= SECONDS_MAX).then(|| (nanos / 1e6).trunc() as i64)
}

fn error(expr: &Expr, reason: &'static str) -> LengthError {
    LengthError {
        span: expr.span,
        reason,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "steps stay exact for 285,000 years"
)]
fn seconds(expr: &Expr, context: LengthContext) -> Result<f64, LengthError> {
    match &expr.kind {
        ExprKind::Number(number) => Ok(number.value),
        ExprKind::Paren(inner) => seconds(inner, context),
        ExprKind::Unary(unary) => {
            let value = seconds(&unary.operand, context)?;
            Ok(if unary.op == UnaryOp::Minus {
                -value
            } else {
                value
            })
        }
        ExprKind::Call(call) => match (call.function, call.args.as_slice()) {
            (Function::Step, _) => Ok(context.step_millis as f64 / 1000.0),
            (Function::Range, _) => Ok(context.range_millis as f64 / 1000.0),
            (Function::MinOf, [a, b]) => Ok(seconds(a, context)?.min(seconds(b, context)?)),
            (Function::MaxOf, [a, b]) => Ok(seconds(a, context)?.max(seconds(b, context)?)),
            _ => Err(error(expr, "unexpected function in duration expression")),
        },
        ExprKind::Binary(_) => {
            let (operators, first) = expr.chain();
            let mut left = seconds(first, context)?;
            for (whole, binary) in operators.into_iter().rev() {
                let right = seconds(&binary.right, context)?;
                left = arithmetic(binary.op, left, right).map_err(|reason| error(whole, reason))?;
            }
            Ok(left)
        }
        _ => Err(error(expr, "unexpected expression in duration expression")),
    }
}

fn arithmetic(op: BinaryOp, left: f64, right: f64) -> Result<f64, &'static str> {
    match op {
        BinaryOp::Add => Ok(left + right),
        BinaryOp::Sub => Ok(left - right),
        BinaryOp::Mul => Ok(left * right),
        BinaryOp::Div if right == 0.0 => Err("division by zero"),
        BinaryOp::Div => Ok(left / right),
        BinaryOp::Mod if right == 0.0 => Err("modulo by zero"),
        BinaryOp::Mod => Ok(left % right),
        BinaryOp::Pow => Ok(left.powf(right)),
        _ => Err("unexpected operator in duration expression"),
    }
}
