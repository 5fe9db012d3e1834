//! What a query answers.

use std::fmt;
use std::sync::Arc;

use stonechat_model::{Columns, Histogram, Labels, Timestamp};

use crate::ast::{Span, ValueType};
use crate::table::Cell;

/// The answer to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The result.
    pub value: Value,
    /// What is likely wrong with the query or its data, each once, in the order of the text.
    pub warnings: Vec<Annotation>,
    /// What is worth knowing, each once, in the order of the text.
    pub infos: Vec<Annotation>,
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; only instant queries give one.
    Scalar(Point),
    /// A text; only instant queries give one.
    String(String),
    /// One sample of each series, in the order that the expression asks for; only instant queries give one.
    Vector(Vec<Sample>),
    /// The samples of each series: sorted by labels for a range query, as the store has them for an instant query of
    /// a range selector.
    Matrix(Vec<Series>),
}

impl Value {
    /// Which type this is; a matrix is a range vector, whatever the expression's type was.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Scalar(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::Vector(_) => ValueType::InstantVector,
            Self::Matrix(_) => ValueType::RangeVector,
        }
    }
}

/// A number at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub timestamp: Timestamp,
    /// How much.
    pub value: f64,
}

/// One sample of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The series.
    pub labels: Labels,
    /// Time and value; the value is 0 where there is a histogram, as in Prometheus.
    pub point: Point,
    /// The histogram, if the sample is one.
    pub histogram: Option<Arc<Histogram>>,
}

impl Sample {
    pub(crate) fn new(labels: Labels, timestamp: Timestamp, cell: &Cell<'_>) -> Self {
        let value = match cell {
            Cell::Float(value) => *value,
            _ => 0.0,
        };
        Self {
            labels,
            point: Point { timestamp, value },
            histogram: cell.histogram().cloned(),
        }
    }
}

/// Samples of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The series.
    pub labels: Labels,
    /// Its samples, numbers and histograms; there is at least one.
    pub points: Columns,
}

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The result is likely not what was meant.
    Warning,
    /// The result is right, but something was left out or mended.
    Info,
}

/// A remark on a part of a query. Shows as Prometheus does: `PromQL warning: ... (1:5)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Annotation {
    /// How grave it is.
    pub severity: Severity,
    /// What it says.
    pub message: String,
    /// The part of the query that it is about.
    pub span: Span,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let Span { line, column, .. } = self.span;
        write!(f, "PromQL {severity}: {} ({line}:{column})", self.message)
    }
}
