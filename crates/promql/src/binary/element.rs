//! One value with one value.

use crate::ast::BinaryOp;

/// What an operator gives for two values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// Arithmetic gives a value.
    Value(f64),
    /// A comparison holds or not.
    Holds(bool),
}

impl Outcome {
    /// The value of the result and whether there is one, when a comparison gives `compared`.
    pub fn kept(self, compared: f64) -> (f64, bool) {
        match self {
            Self::Value(value) => (value, true),
            Self::Holds(holds) => (compared, holds),
        }
    }
}

/// Applies an operator. Set operators have no meaning for single values.
pub(super) fn compute(op: BinaryOp, left: f64, right: f64) -> Outcome {
    let value = match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        BinaryOp::Equal => return Outcome::Holds(left == right),
        BinaryOp::NotEqual => return Outcome::Holds(left != right),
        BinaryOp::Less => return Outcome::Holds(left < right),
        BinaryOp::LessEqual => return Outcome::Holds(left <= right),
        BinaryOp::Greater => return Outcome::Holds(left > right),
        BinaryOp::GreaterEqual => return Outcome::Holds(left >= right),
        _ => f64::NAN,
    };
    Outcome::Value(value)
}
