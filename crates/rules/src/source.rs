//! Where results of queries come from.

use std::sync::Arc;

use stonechat_model::{Labels, Queryable, Timestamp};
use stonechat_promql::{Cancel, Engine, EvalError, Expr, ParseError, Value};
use stonechat_template::CallError;
use stonechat_template::prometheus::Sample;

/// Why a query gave no result that a rule can use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(transparent)]
    Eval(#[from] EvalError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("rule result is not a vector or scalar")]
    NotVector,
}

/// Answers instant queries. Tests put their own results here.
pub(crate) trait Source: Send + Sync {
    /// One sample of each series; a number counts as a series without labels.
    fn vector(&self, expr: &Expr, at: Timestamp) -> Result<Vec<(Labels, f64)>, SourceError>;

    /// A query of a template.
    fn template_query(&self, text: &str, at: Timestamp) -> Result<Vec<Sample>, CallError> {
        let vector = stonechat_promql::parse(text)
            .map_err(SourceError::from)
            .and_then(|expr| self.vector(&expr, at));
        let samples = vector.map_err(|error| CallError::new(error.to_string()))?;
        Ok(samples
            .into_iter()
            .map(|(labels, value)| Sample { labels, value })
            .collect())
    }
}

/// The engine over a store.
pub(crate) struct EngineSource {
    pub engine: Engine,
    pub queryable: Arc<dyn Queryable>,
    /// Stops queries that are under way.
    pub cancel: Cancel,
}

impl Source for EngineSource {
    fn vector(&self, expr: &Expr, at: Timestamp) -> Result<Vec<(Labels, f64)>, SourceError> {
        let answer = self
            .engine
            .instant(&*self.queryable, expr, at, &self.cancel)?;
        match answer.value {
            Value::Vector(samples) => Ok(samples
                .into_iter()
                .map(|sample| (sample.labels, sample.point.value))
                .collect()),
            Value::Scalar(point) => Ok(vec![(Labels::default(), point.value)]),
            Value::String(_) | Value::Matrix(_) => Err(SourceError::NotVector),
        }
    }
}
