//! What it means for an alerting rule that what it looks at is not there.
//!
//! Prometheus takes a result without an alert for the alert's end, also where nothing was measured: a scrape that fails for
//! five minutes looks like recovery. An annotation of ours says it otherwise for one rule; Prometheus takes it for a text.

use stonechat_promql::ast::{BinaryOp, ExprKind};
use stonechat_promql::{Expr, ValueType};

use crate::rule::Query;

/// The annotation that says it.
pub(crate) const ANNOTATION: &str = "stonechat_missing_data";

/// What missing data means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingData {
    /// The alert is over, as in Prometheus.
    #[default]
    Resolve,
    /// The alert stays as it is, pending or firing, until there is data again.
    Keep,
    /// It is as bad as what the rule looks for.
    Alert,
}

impl MissingData {
    /// Reads the annotation's text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "resolve" => Some(Self::Resolve),
            "keep" => Some(Self::Keep),
            "alert" => Some(Self::Alert),
            _ => None,
        }
    }
}

/// What a rule looks at: its expression without the conditions that filter, so that a series is in the result whenever there
/// is data for it.
pub(crate) fn data_of(expr: &Expr) -> Query {
    let mut expr = expr.clone();
    unfilter(&mut expr);
    Query {
        text: expr.to_string(),
        expr,
    }
}

fn unfilter(expr: &mut Expr) {
    while let ExprKind::Binary(binary) = &expr.kind {
        let filters = (binary.op.is_comparison() && !binary.returns_bool)
            || matches!(binary.op, BinaryOp::And | BinaryOp::Unless);
        if !filters {
            break;
        }
        // `5 < x` gives the values of `x`; of two vectors the left one gives them.
        let looks_right = binary.left.value_type() == ValueType::Scalar;
        let side = if looks_right {
            &binary.right
        } else {
            &binary.left
        };
        *expr = (**side).clone();
    }
    for child in expr.children_mut() {
        unfilter(child);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_looks_at_is_its_expression_without_conditions() {
        for (expr, data) in [
            ("up == 0", "up"),
            ("5 < sum by (job) (x)", "sum by (job) (x)"),
            ("a / b > 0.05 and b > 10", "a / b"),
            ("a > 1 or b > 2", "a or b"),
            ("count by (job) (up == 0) > 2", "count by (job) (up)"),
            ("(rate(x[5m]) > 1) unless on (job) y", "(rate(x[5m]))"),
            ("a > bool 1", "a > bool 1"),
            ("a > b", "a"),
            ("absent(x)", "absent(x)"),
            ("vector(7)", "vector(7)"),
        ] {
            let expr = stonechat_promql::parse(expr).unwrap();
            assert_eq!(data_of(&expr).text, data);
        }
    }
}
