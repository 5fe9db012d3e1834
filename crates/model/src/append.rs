//! The trait by which samples enter a store.

use std::sync::Arc;

use crate::{Exemplar, Histogram, Labels, Metadata, Timestamp};

/// Names a series while the process lives; never written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesRef(pub u64);

/// What is stored in one step: usually one scrape of one target.
///
/// A target's samples arrive together and nearly all carry the time of the scrape, so that time is
/// given once. Samples with a time of their own stand apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Time of every sample in `values`.
    pub timestamp: Timestamp,
    /// Samples at `timestamp`.
    pub values: Vec<(SeriesRef, f64)>,
    /// Samples that bring their own time.
    pub stamped: Vec<(SeriesRef, Timestamp, f64)>,
    /// Samples of native histograms, with their times. The end of such a series is a stale marker in `values`.
    pub histograms: Vec<(SeriesRef, Timestamp, Arc<Histogram>)>,
    /// Examples of what samples counted. They are no samples: a refused one costs nothing else.
    pub exemplars: Vec<(SeriesRef, Exemplar)>,
}

impl Batch {
    /// An empty batch at a time.
    #[must_use]
    pub fn at(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            ..Self::default()
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() + self.stamped.len() + self.histograms.len()
    }

    /// True when there is neither a sample nor an exemplar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.exemplars.is_empty()
    }

    /// All float samples with their times.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesRef, Timestamp, f64)> {
        let shared = self
            .values
            .iter()
            .map(|&(series, value)| (series, self.timestamp, value));
        shared.chain(self.stamped.iter().copied())
    }
}

/// What became of a batch. Refused samples are counted, never an error: one bad sample must not cost the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Samples that are stored.
    pub accepted: usize,
    /// Refused: older than the newest sample of their series.
    pub out_of_order: usize,
    /// Refused: the series has another value at that very time.
    pub duplicate: usize,
    /// Refused: older than the store still takes.
    pub too_old: usize,
    /// Refused: the reference is not known (any more); ask [`Appender::series`] again.
    pub unknown_series: Vec<SeriesRef>,
}

/// Why nothing of a batch could be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log cannot be written, for example because the disk is full: make room; writing resumes by itself.
    #[error("the write-ahead log cannot be written")]
    Log(#[from] std::io::Error),
    /// The store's limit of series is reached: raise it, or drop series by relabelling.
    #[error("the limit of {limit} series is reached")]
    SeriesLimit {
        /// The limit in force.
        limit: usize,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// Where samples go: the local store, a remote engine, or a test.
pub trait Appender: Send + Sync {
    /// The reference of a series; makes the series if it is new. Ask once and keep it:
    /// appending by reference neither builds nor hashes a label set.
    ///
    /// # Errors
    /// When a new series cannot be taken.
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError>;

    /// Stores a batch. When it returns `Ok`, the accepted samples survive the death of the process.
    ///
    /// # Errors
    /// When nothing of the batch could be stored.
    fn append(&self, batch: &Batch) -> Result<Appended, AppendError>;

    /// Remembers what a family of metrics means. A store that keeps no metadata takes it and forgets it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn describe(&self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        let _ = (family, metadata);
        Ok(())
    }
}
