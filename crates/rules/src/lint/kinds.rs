//! Functions that are for counters over what is none, and the other way round.

use stonechat_model::{MetricType, QueryableError};
use stonechat_promql::Function;
use stonechat_promql::ast::{Call, ExprKind, Span};

use super::selector::metric;
use super::{Linter, Remark};

impl Linter<'_> {
    /// What is wrong with the kind of metric that a function is given, as far as its application told the kind.
    pub(super) fn kind(&self, call: &Call, span: Span) -> Result<Option<Remark>, QueryableError> {
        let for_counters = match call.function {
            Function::Rate | Function::Irate | Function::Increase => true,
            Function::Delta | Function::Idelta | Function::Deriv | Function::PredictLinear => false,
            _ => return Ok(None),
        };
        let matrix = call.args.iter().find_map(|argument| match &argument.kind {
            ExprKind::MatrixSelector(matrix) => Some(matrix),
            _ => None,
        });
        let Some(name) = matrix.and_then(|matrix| metric(&matrix.selector)) else {
            return Ok(None);
        };
        let function = call.function.name();
        let (message, help) = match self.kind_of(name)? {
            Some(MetricType::Gauge) if for_counters => (
                format!("{name} is a gauge, and {function} takes every fall of it for a restart"),
                "for gauges there are delta, deriv, and avg_over_time",
            ),
            Some(MetricType::Counter) if !for_counters => (
                format!("{name} is a counter, and {function} takes every restart for a fall"),
                "for counters there are increase and rate",
            ),
            _ => return Ok(None),
        };
        Ok(Some(Remark {
            span,
            message,
            help: Some(help.to_owned()),
            missing: false,
        }))
    }

    /// The kind that every application tells of a metric.
    fn kind_of(&self, name: &str) -> Result<Option<MetricType>, QueryableError> {
        // OpenMetrics counts `x_total` under the family `x`.
        for family in [Some(name), name.strip_suffix("_total")]
            .into_iter()
            .flatten()
        {
            let told = self.known.metadata(Some(family))?;
            let mut kinds = told
                .iter()
                .flat_map(|(_, metadata)| metadata)
                .map(|metadata| metadata.kind);
            let Some(first) = kinds.next() else { continue };
            return Ok(kinds.all(|kind| kind == first).then_some(first));
        }
        Ok(None)
    }
}
