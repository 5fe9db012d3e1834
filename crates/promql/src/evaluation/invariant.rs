//! What is the same at every step, and so has to be evaluated only once.

use crate::ast::{Expr, ExprKind};
use crate::functions::Function;

/// True when the expression does not depend on the time of evaluation: everything in it is fixed by `@` or a constant.
pub(super) fn is_invariant(expr: &Expr) -> bool {
    let mut ahead = vec![expr];
    while let Some(expr) = ahead.pop() {
        let is_fixed = match &expr.kind {
            ExprKind::VectorSelector(selector) => selector.at.is_some(),
            ExprKind::MatrixSelector(matrix) => matrix.selector.at.is_some(),
            // What is inside is evaluated at the subquery's own times.
            ExprKind::Subquery(subquery) if subquery.at.is_some() => continue,
            ExprKind::Subquery(_) => false,
            ExprKind::Call(call) => !uses_time(call.function, call.args.len()),
            _ => true,
        };
        if !is_fixed {
            return false;
        }
        ahead.extend(expr.children());
    }
    true
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
