//! Expressions that give something whatever the data is, so that leaving them out hides no mistake.

use crate::ast::{AggregateOp, BinaryOp, Expr, ExprKind, Length, ValueType, VectorSelector};
use crate::functions::Function;

/// True when nothing in the expression can fail but for limits: its selectors name one metric each, so that dropping names makes
/// no two series the same, and nothing in it matches series with series.
pub(super) fn cannot_fail(expr: &Expr) -> bool {
    let mut certain = true;
    expr.walk(&mut |part| certain &= is_certain(part));
    certain
}

fn is_certain(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Unary(_) | ExprKind::Paren(_) => true,
        ExprKind::VectorSelector(selector) => names_one_metric(selector),
        ExprKind::MatrixSelector(matrix) => {
            names_one_metric(&matrix.selector) && is_fixed(&matrix.range)
        }
        ExprKind::Subquery(subquery) => {
            is_fixed(&subquery.range)
                && is_fixed(&subquery.offset)
                && subquery.step.as_ref().is_none_or(is_fixed)
        }
        ExprKind::Binary(binary) => {
            let with_scalar = [&binary.left, &binary.right]
                .iter()
                .any(|side| side.value_type() == ValueType::Scalar);
            with_scalar || matches!(binary.op, BinaryOp::And | BinaryOp::Unless)
        }
        ExprKind::Aggregation(aggregation) => matches!(
            aggregation.op,
            AggregateOp::Avg
                | AggregateOp::Count
                | AggregateOp::Group
                | AggregateOp::Max
                | AggregateOp::Min
                | AggregateOp::Quantile
                | AggregateOp::Stddev
                | AggregateOp::Stdvar
                | AggregateOp::Sum
        ),
        ExprKind::Call(call) => !matches!(
            call.function,
            Function::DoubleExponentialSmoothing
                | Function::HistogramQuantiles
                | Function::Info
                | Function::LabelJoin
                | Function::LabelReplace
        ),
    }
}

fn names_one_metric(selector: &VectorSelector) -> bool {
    selector.name.is_some() && selector.extension.is_none() && is_fixed(&selector.offset)
}

const fn is_fixed(length: &Length) -> bool {
    matches!(length, Length::Fixed(_))
}
