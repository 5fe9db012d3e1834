//! Histograms of which only count and sum are asked for: their buckets are left out.

use std::sync::Arc;

use hashbrown::HashSet;
use stonechat_model::{Histogram, ResetHint};

use crate::ast::{BinaryOp, Expr, ExprKind};
use crate::functions::Function;
use crate::functions::remarks::HistogramPoint;

/// Where the selectors begin of whose histograms only count and sum are asked for.
pub(super) fn selectors(expr: &Expr) -> HashSet<u32> {
    let mut found = HashSet::new();
    let mut ahead = vec![(expr, false)];
    while let Some((expr, statistics)) = ahead.pop() {
        if let ExprKind::VectorSelector(_) | ExprKind::MatrixSelector(_) = &expr.kind {
            if statistics {
                found.insert(expr.span.start);
            }
        } else if let Some(within) = within(expr, statistics) {
            ahead.extend(expr.children().into_iter().map(|child| (child, within)));
        }
    }
    found
}

/// Whether only statistics are asked for of what stands below an expression; nothing where it needs all of it.
fn within(expr: &Expr, statistics: bool) -> Option<bool> {
    Some(match &expr.kind {
        // These need buckets, and a subquery needs them to see whether a counter began anew.
        ExprKind::Subquery(_) => return None,
        ExprKind::Binary(binary)
            if matches!(binary.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) =>
        {
            return None;
        }
        ExprKind::Call(call) => match call.function {
            Function::HistogramFraction
            | Function::HistogramQuantile
            | Function::HistogramQuantiles => return None,
            Function::HistogramAvg | Function::HistogramCount | Function::HistogramSum => true,
            _ => statistics,
        },
        _ => statistics,
    })
}

/// Takes the buckets out. What they told about a counter that began anew becomes a hint.
pub(super) fn strip(histograms: &mut [HistogramPoint]) {
    let mut before: Option<Arc<Histogram>> = None;
    for (_, histogram) in histograms {
        let reset_hint = match (histogram.reset_hint, &before) {
            (ResetHint::Unknown, Some(before)) if histogram.is_reset_after(before) => {
                ResetHint::Reset
            }
            (ResetHint::Unknown, Some(_)) => ResetHint::NotReset,
            (hint, _) => hint,
        };
        let stripped = Arc::new(Histogram {
            reset_hint,
            schema: histogram.schema,
            count: histogram.count,
            sum: histogram.sum,
            ..Histogram::default()
        });
        before = Some(std::mem::replace(histogram, stripped));
    }
}
