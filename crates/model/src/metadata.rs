//! What is told about series beside their samples: what a family means, and examples of what was counted.

use crate::{Labels, Timestamp};

/// What a family of metrics means, as its `# TYPE`, `# HELP` and `# UNIT` lines say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metadata {
    /// What kind of metric.
    pub kind: MetricType,
    /// What it counts, for people.
    pub help: String,
    /// The unit of its values, often empty.
    pub unit: String,
}

/// Kinds of metrics, of both text formats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MetricType {
    /// Only ever rises, but for restarts.
    Counter,
    /// May rise and fall.
    Gauge,
    /// Counts of observations in buckets, rising.
    Histogram,
    /// Counts of observations in buckets, which may fall.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Labels that describe something.
    Info,
    /// One of several states.
    StateSet,
    /// Not said.
    #[default]
    Unknown,
}

impl MetricType {
    /// The word for it in an exposition and in Prometheus' API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }
}

/// One example of what a sample counted, such as the trace of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Such as `trace_id`.
    pub labels: Labels,
    /// What was observed.
    pub value: f64,
    /// When.
    pub timestamp: Timestamp,
}
