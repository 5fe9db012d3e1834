//! The trait by which samples leave a store.

use std::sync::Arc;

use crate::{Exemplar, Histogram, Labels, Matcher, Metadata, Timestamp};

/// From `start` to `end`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First moment.
    pub start: Timestamp,
    /// Last moment.
    pub end: Timestamp,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self {
        start: Timestamp::MIN,
        end: Timestamp::MAX,
    };

    /// True when the moment lies in the range.
    #[must_use]
    pub fn contains(self, moment: Timestamp) -> bool {
        self.start <= moment && moment <= self.end
    }
}

/// The samples of one series, ordered by time: floats as two columns of equal length, and native histograms beside
/// them. A series is nearly always one or the other; no time stands in both. Stale markers are among the floats.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Milliseconds since the epoch, rising.
    pub timestamps: Vec<i64>,
    /// The values at those times.
    pub values: Vec<f64>,
    /// When the counting of each float began, in milliseconds, 0 where nobody said; empty when nobody said so of any.
    pub starts: Vec<i64>,
    /// Native histograms and their times, rising.
    pub histograms: Vec<(i64, Arc<Histogram>)>,
    /// The same as `starts`, for `histograms`.
    pub histogram_starts: Vec<i64>,
}

impl Columns {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timestamps.len() + self.histograms.len()
    }

    /// True when there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty() && self.histograms.is_empty()
    }

    /// Removes all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
        self.starts.clear();
        self.histograms.clear();
        self.histogram_starts.clear();
    }

    /// Adds a float behind the last.
    pub fn push(&mut self, timestamp: Timestamp, value: f64) {
        self.timestamps.push(timestamp.millis());
        self.values.push(value);
    }
}

/// Why a store cannot answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryableError {
    /// Stored bytes cannot be read: verify the data directory.
    #[error("{what} is damaged")]
    Damaged {
        /// The file or part that is damaged.
        what: String,
    },
    /// A file cannot be read.
    #[error("reading the store failed")]
    Read(#[from] std::io::Error),
    /// The engine behind the store answered with an error.
    #[error("the remote engine failed: {0}")]
    Remote(String),
}

/// Series that matched, each read at most once and from any thread, so that several cores can share the work.
pub trait Selection: Send + Sync {
    /// Number of series.
    fn len(&self) -> usize;

    /// True when nothing matched.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label set of a series. Series are sorted by [`Labels`]' order.
    fn labels(&self, index: usize) -> &Labels;

    /// Appends the samples of a series within the selected range to `columns`.
    ///
    /// # Errors
    /// When stored bytes cannot be read.
    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError>;

    /// For whoever reads many series one after the other: what neighbours share is looked up once.
    fn reader(&self) -> SeriesReader<'_> {
        Box::new(|index, columns| self.read(index, columns))
    }
}

/// Reads series of a [`Selection`] on one thread, as [`Selection::read`] does.
pub type SeriesReader<'a> = Box<dyn FnMut(usize, &mut Columns) -> Result<(), QueryableError> + 'a>;

/// Where samples come from: the local store, a remote engine, or a test.
pub trait Queryable: Send + Sync {
    /// The series that satisfy every matcher and have, or may have, samples in the range.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError>;

    /// The label sets of the series that satisfy any of the matcher sets (all series when there is none), sorted, each once.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError>;

    /// The label names of those series, sorted.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError>;

    /// The values that one label has among those series, sorted.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError>;

    /// The exemplars of the series that satisfy any of the matcher sets, by series, oldest first. A store that keeps
    /// none has none.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn exemplars(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<(Labels, Vec<Exemplar>)>, QueryableError> {
        let _ = (matcher_sets, range);
        Ok(Vec::new())
    }

    /// What families mean, sorted by family: all of them, or one. Two applications may tell different things of one
    /// family. A store that keeps none has none.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn metadata(
        &self,
        family: Option<&str>,
    ) -> Result<Vec<(String, Vec<Metadata>)>, QueryableError> {
        let _ = family;
        Ok(Vec::new())
    }

    /// What everybody has to know who reads an answer of this moment, such as that history is not complete yet. Usually nothing.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}
