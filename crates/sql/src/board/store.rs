use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use stonechat_model::{AppendError, Appender, Batch, Labels, STALE_NAN, SeriesRef, Timestamp};

use super::Shown;
use crate::report;

/// Writes samples into the store, many in one step.
pub(super) struct Writer {
    appender: Arc<dyn Appender>,
    /// References of the series that are shown; asked for once.
    known: HashMap<Labels, SeriesRef>,
    pending: Vec<(Labels, Option<Timestamp>, f64)>,
    at: Timestamp,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) stored: usize,
    pub(crate) refused: usize,
}

impl Writer {
    pub(super) fn new(appender: Arc<dyn Appender>) -> Self {
        Self {
            appender,
            known: HashMap::new(),
            pending: Vec::new(),
            at: Timestamp::default(),
        }
    }

    pub(super) fn begin(&mut self, at: Timestamp) {
        self.pending.clear();
        self.at = at;
    }

    /// The samples of a query, and what there is to say about it.
    pub(super) fn values(&mut self, shown: &Shown) {
        let samples = shown.samples.iter();
        self.pending
            .extend(samples.map(|sample| (sample.labels.clone(), sample.timestamp, sample.value)));
        let about = report::about(shown);
        self.pending
            .extend(about.map(|(labels, value)| (labels.clone(), None, value)));
    }

    /// A series ends here.
    pub(super) fn end(&mut self, labels: Labels) {
        self.pending.push((labels, None, STALE_NAN));
    }

    /// The series end that were shown and are no longer.
    pub(super) fn end_missing(&mut self, before: &Shown, after: &Shown) {
        if before.labels().eq(after.labels()) {
            return;
        }
        let still: HashSet<&Labels> = after.labels().collect();
        let ended = before.labels().filter(|labels| !still.contains(labels));
        ended.cloned().for_each(|labels| self.end(labels));
    }

    /// Stores everything since [`begin`](Self::begin).
    pub(super) fn commit(&mut self) -> Written {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Written::default();
        }
        let outcome = self.try_commit(&pending);
        for (labels, _, value) in &pending {
            if stonechat_model::is_stale(*value) {
                self.known.remove(labels);
            }
        }
        let count = pending.len();
        self.pending = pending;
        self.pending.clear();
        match outcome {
            Ok(stored) => Written {
                stored,
                refused: count - stored,
            },
            Err(error) => {
                tracing::error!("{count} samples of queries are not stored: {error}");
                Written {
                    stored: 0,
                    refused: count,
                }
            }
        }
    }

    fn try_commit(
        &mut self,
        pending: &[(Labels, Option<Timestamp>, f64)],
    ) -> Result<usize, AppendError> {
        let batch = self.batch(pending)?;
        let appended = self.appender.append(&batch)?;
        if appended.unknown_series.is_empty() {
            return Ok(appended.accepted);
        }
        // The store has forgotten series that were quiet for long; they get new references.
        let gone: HashSet<SeriesRef> = appended.unknown_series.iter().copied().collect();
        let again: Vec<_> = pending
            .iter()
            .filter(|(labels, _, _)| self.known.get(labels).is_some_and(|own| gone.contains(own)))
            .cloned()
            .collect();
        self.known.retain(|_, series| !gone.contains(series));
        let batch = self.batch(&again)?;
        let second = self.appender.append(&batch)?;
        Ok(appended.accepted + second.accepted)
    }

    fn batch(
        &mut self,
        pending: &[(Labels, Option<Timestamp>, f64)],
    ) -> Result<Batch, AppendError> {
        let mut batch = Batch::at(self.at);
        for (labels, timestamp, value) in pending {
            let series = match self.known.get(labels) {
                Some(series) => *series,
                None => {
                    let series = self.appender.series(labels)?;
                    self.known.insert(labels.clone(), series);
                    series
                }
            };
            match timestamp {
                Some(timestamp) => batch.stamped.push((series, *timestamp, *value)),
                None => batch.values.push((series, *value)),
            }
        }
        Ok(batch)
    }
}
