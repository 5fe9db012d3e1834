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
    collect(expr, false, &mut found);
    found
}

fn collect(expr: &Expr, statistics: bool, found: &mut HashSet<u32>) {
    let within = match &expr.kind {
        ExprKind::VectorSelector(_) | ExprKind::MatrixSelector(_) => {
            if statistics {
                found.insert(expr.span.start);
            }
            return;
        }
        // These need buckets, and a subquery needs them to see whether a counter began anew.
        ExprKind::Subquery(_) => return,
        ExprKind::Binary(binary)
            if matches!(binary.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) =>
        {
            return;
        }
        ExprKind::Call(call) => match call.function {
            Function::HistogramFraction
            | Function::HistogramQuantile
            | Function::HistogramQuantiles => return,
            Function::HistogramAvg | Function::HistogramCount | Function::HistogramSum => true,
            _ => statistics,
        },
        _ => statistics,
    };
    for child in expr.children() {
        collect(child, within, found);
    }
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
