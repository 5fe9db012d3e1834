//! Why a query cannot be answered.

use stonechat_model::QueryableError;

use crate::ast::{LengthError, ValueType};

/// Why a query cannot be answered. The texts are those of Prometheus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The time for a query is over: ask for fewer series or a shorter range, or allow more time.
    #[error("query timed out in expression evaluation")]
    Timeout,
    /// Whoever asked does not wait any more.
    #[error("query was canceled in expression evaluation")]
    Cancelled,
    /// The query needs more samples at once than are allowed: ask for fewer series or a shorter range.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// The store cannot answer.
    #[error("expanding series: {0}")]
    Storage(#[from] QueryableError),
    /// A range query needs an expression that has one value per step.
    #[error(
        "invalid expression type {:?} for range query, must be Scalar or instant Vector",
        .0.name()
    )]
    NotForRange(ValueType),
    /// The steps of a range query are none: the step has to be positive, and the end not before the start.
    #[error("invalid steps: the step must be positive and the end not before the start")]
    Steps,
    /// A computed duration cannot be.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// Dropping or changing labels made two series the same: keep a label that tells them apart.
    #[error("vector cannot contain metrics with the same labelset")]
    SameLabels,
    /// Series of both sides of an operator do not find each other: name the labels with `on` or `ignoring`, or use
    /// `group_left`.
    #[error(transparent)]
    Matching(#[from] MatchingError),
    /// A parameter is not a number that fits.
    #[error("{0}")]
    Parameter(String),
    /// Info metrics contradict each other.
    #[error(transparent)]
    Info(#[from] InfoError),
}

/// Why series of both sides of an operator do not find each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchingError {
    /// Several series of the "one" side have the same matching labels.
    #[error(
        "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
    )]
    ManyToMany {
        /// The labels by which they were matched.
        group: String,
        /// `left` or `right`.
        side: &'static str,
        /// One series.
        first: String,
        /// Another.
        second: String,
    },
    /// Several series of the left side match one of the right: say `group_left` or `group_right`.
    #[error(
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    )]
    ManyToOne,
    /// Several matches give the same labels.
    #[error("multiple matches for labels: grouping labels must ensure unique matches")]
    NotUnique,
}

/// Why labels of info metrics cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// Two series of the same info metric belong to the same instance and job at the same time.
    #[error("found duplicate series for info metric: existing {first}, new {second}")]
    Duplicate {
        /// One series.
        first: String,
        /// Another.
        second: String,
    },
    /// Two info metrics have the same label with different values.
    #[error("conflicting label: {0}")]
    Conflict(String),
}

impl EvalError {
    /// What the HTTP API says as `errorType`.
    #[must_use]
    pub const fn api_name(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Cancelled => "canceled",
            Self::Storage(_) => "internal",
            Self::NotForRange(_) | Self::Steps => "bad_data",
            _ => "execution",
        }
    }
}
