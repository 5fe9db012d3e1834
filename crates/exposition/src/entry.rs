//! What a page consists of.

use stonechat_model::{MetricType, Timestamp};

use crate::error::ParseErrorKind;
use crate::series::{self, Escaped, LabelPairs};

/// One line that says something. Comments and blank lines are stepped over.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// A value of a series.
    Sample(Sample<'a>),
    /// `# TYPE`: the type of the families' series from here on.
    Type {
        /// The family's name.
        family: Escaped<'a>,
        /// Its type.
        kind: MetricType,
    },
    /// `# HELP`: what the family means.
    Help {
        /// The family's name.
        family: Escaped<'a>,
        /// Its help text.
        text: Escaped<'a>,
    },
    /// `# UNIT`: what the family is measured in (OpenMetrics).
    Unit {
        /// The family's name.
        family: Escaped<'a>,
        /// Its unit, which may be empty.
        unit: Escaped<'a>,
    },
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Name and labels exactly as they are written: the key by which a cache knows the series again.
    /// Its structure is checked, so that [`labels`](Self::labels) seldom fails.
    pub series: &'a [u8],
    /// The value. NaN is always the same one, never the stale marker.
    pub value: f64,
    /// The time, when the application gives one.
    pub timestamp: Option<Timestamp>,
    /// An example of what was counted (OpenMetrics).
    pub exemplar: Option<Exemplar<'a>>,
    /// The type that was last announced.
    pub kind: MetricType,
    /// True when this is the series that [`Entries::next_expecting`](crate::Entries::next_expecting) was told of.
    pub is_expected: bool,
    /// Where the series begins in the page, in bytes.
    pub(crate) at: usize,
}

impl<'a> Sample<'a> {
    /// The labels with the metric name among them, as [`read_labels`](crate::read_labels) gives them.
    ///
    /// # Errors
    /// When a quoted name is empty or no UTF-8.
    pub fn labels(&self) -> Result<LabelPairs<'a>, ParseErrorKind> {
        series::read_labels(self.series, self.kind)
    }
}

/// An example of what a series counted: usually the trace of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar<'a> {
    /// Its labels as they are written, without the braces.
    pub(crate) labels: &'a [u8],
    /// The value of the example.
    pub value: f64,
    /// When it was taken, if the application says so.
    pub timestamp: Option<Timestamp>,
}

impl<'a> Exemplar<'a> {
    /// The labels of the example.
    ///
    /// # Errors
    /// When a quoted name is empty or no UTF-8.
    pub fn labels(&self) -> Result<LabelPairs<'a>, ParseErrorKind> {
        series::read_exemplar_labels(self.labels)
    }
}
