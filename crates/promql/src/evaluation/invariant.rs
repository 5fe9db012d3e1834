//! What is the same at every step, and so has to be evaluated only once.

use crate::ast::{Expr, ExprKind};
use crate::functions::Function;

/// True when the expression does not depend on the time of evaluation: everything in it is fixed by `@` or a constant.
pub(super) fn is_invariant(expr: &Expr) -> bool {
    match &expr.kind {
        // Repeating a number costs as much as evaluating it.
        ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::VectorSelector(selector) => selector.at.is_some(),
        ExprKind::MatrixSelector(matrix) => matrix.selector.at.is_some(),
        ExprKind::Subquery(subquery) => subquery.at.is_some(),
        ExprKind::Call(call) => {
            !uses_time(call.function, call.args.len()) && call.args.iter().all(is_invariant)
        }
        _ => expr.children().into_iter().all(is_invariant),
    }
}

/// True for functions that look at the time of evaluation.
const fn uses_time(function: Function, args: usize) -> bool {
    match function {
        Function::Time | Function::Timestamp | Function::PredictLinear | Function::Info => true,
        // Without an argument they take the time of evaluation.
        Function::DayOfMonth
        | Function::DayOfWeek
        | Function::DayOfYear
        | Function::DaysInMonth
        | Function::Hour
        | Function::Minute
        | Function::Month
        | Function::Year => args == 0,
        _ => false,
    }
}
