//! Quantiles of what has no buckets.

use stonechat_model::{MetricType, QueryableError};
use stonechat_promql::Function;
use stonechat_promql::ast::{Call, Expr, ExprKind, Grouping, Span, VectorSelector};

use super::selector::{closed, metric};
use super::{Linter, Remark};

/// The label of a bucket's upper bound.
const BOUND: &str = "le";

/// What becomes of the label on its way up.
enum Bound<'a> {
    /// It arrives, or that cannot be said.
    Arrives,
    /// An aggregation drops it.
    Dropped(Span),
    /// The series never had it.
    Never(&'a VectorSelector),
}

impl Linter<'_> {
    /// Why a function over classic buckets gets none.
    pub(super) fn buckets(
        &self,
        call: &Call,
        span: Span,
    ) -> Result<Option<Remark>, QueryableError> {
        let argument = match call.function {
            Function::HistogramQuantile => call.args.get(1),
            Function::HistogramFraction => call.args.get(2),
            Function::HistogramQuantiles => call.args.first(),
            _ => None,
        };
        let Some(argument) = argument else {
            return Ok(None);
        };
        let function = call.function.name();
        let (span, message, help) = match self.bound(argument)? {
            Bound::Arrives => return Ok(None),
            Bound::Dropped(at) => (
                at,
                format!("this drops the label {BOUND}, and without it {function} has no buckets"),
                format!("add {BOUND} to the labels of `by`, or take it out of `without`"),
            ),
            Bound::Never(selector) => {
                let name = metric(selector).unwrap_or("this");
                let message =
                    format!("{name} has no buckets: none of its series has the label {BOUND}");
                (span, message, format!("did you mean {name}_bucket?"))
            }
        };
        Ok(Some(Remark {
            span,
            message,
            help: Some(help),
            missing: false,
        }))
    }

    /// Follows the label down to the series.
    fn bound<'e>(&self, expr: &'e Expr) -> Result<Bound<'e>, QueryableError> {
        match &expr.kind {
            ExprKind::VectorSelector(selector) => self.bound_of(selector),
            ExprKind::MatrixSelector(matrix) => self.bound_of(&matrix.selector),
            ExprKind::Paren(inner) => self.bound(inner),
            ExprKind::Subquery(subquery) => self.bound(&subquery.expr),
            ExprKind::Aggregation(aggregation) => {
                let below = self.bound(&aggregation.expr)?;
                let drops = match &aggregation.grouping {
                    Grouping::By(labels) => !labels.iter().any(|label| label == BOUND),
                    Grouping::Without(labels) => labels.iter().any(|label| label == BOUND),
                };
                let drops = drops && !aggregation.op.picks_series();
                let is_classic = matches!(below, Bound::Arrives) && self.has_bound(expr)?;
                Ok(match drops && is_classic {
                    true => Bound::Dropped(expr.span),
                    false => below,
                })
            }
            ExprKind::Call(call) if call.args.len() == 1 => self.bound(&call.args[0]),
            // Labels may come from either side of an operator, or be made.
            _ => Ok(Bound::Arrives),
        }
    }

    /// The label at the series themselves.
    fn bound_of<'e>(&self, selector: &'e VectorSelector) -> Result<Bound<'e>, QueryableError> {
        let name = metric(selector).unwrap_or_default();
        if self.recorded.contains(name) {
            return Ok(Bound::Arrives);
        }
        let labels = self.known.label_names(&[closed(selector)], self.range)?;
        if labels.is_empty() || labels.iter().any(|label| label == BOUND) {
            return Ok(Bound::Arrives);
        }
        // A native histogram has its buckets within.
        let told = self.known.metadata(Some(name))?;
        let mut told = told.iter().flat_map(|(_, metadata)| metadata);
        let is_native = told.any(|metadata| {
            matches!(
                metadata.kind,
                MetricType::Histogram | MetricType::GaugeHistogram
            )
        });
        Ok(match is_native {
            true => Bound::Arrives,
            false => Bound::Never(selector),
        })
    }

    /// True when a series below has the label: then it is what the buckets are told apart by.
    fn has_bound(&self, expr: &Expr) -> Result<bool, QueryableError> {
        for selector in expr.selectors() {
            let labels = self.known.label_names(&[closed(selector)], self.range)?;
            if labels.iter().any(|label| label == BOUND) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
