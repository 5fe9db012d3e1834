//! The same expression with its time fixed by `@`, which must give the same whenever it is evaluated.

use stonechat_model::Timestamp;

use crate::ast::{At, Expr, ExprKind};
use crate::functions::Function;

/// The expression with `@ time` wherever there is none, or nothing when a function in it looks at the time of evaluation.
pub(super) fn fix_time(expr: &Expr, time: Timestamp) -> Option<Expr> {
    let mut looks = false;
    expr.walk(&mut |part| {
        if let ExprKind::Call(call) = &part.kind {
            looks |= looks_at_time(call.function);
        }
    });
    if looks {
        return None;
    }
    let mut fixed = expr.clone();
    fix(&mut fixed, At::Time(time));
    Some(fixed)
}

fn fix(expr: &mut Expr, at: At) {
    let mut ahead = vec![expr];
    while let Some(expr) = ahead.pop() {
        match &mut expr.kind {
            ExprKind::VectorSelector(selector) => {
                selector.at.get_or_insert(at);
            }
            ExprKind::MatrixSelector(matrix) => {
                matrix.selector.at.get_or_insert(at);
            }
            // What is inside is evaluated at the subquery's times, which are fixed now.
            ExprKind::Subquery(subquery) => {
                subquery.at.get_or_insert(at);
            }
            _ => {
                ahead.extend(expr.children_mut());
            }
        }
    }
}

const fn looks_at_time(function: Function) -> bool {
    matches!(
        function,
        Function::Time
            | Function::Timestamp
            | Function::PredictLinear
            | Function::Minute
            | Function::Hour
            | Function::Month
            | Function::Year
            | Function::DayOfWeek
            | Function::DayOfMonth
            | Function::DayOfYear
            | Function::DaysInMonth
            | Function::Start
            | Function::End
            | Function::Range
            | Function::Step
    )
}
