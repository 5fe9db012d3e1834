//! Samples of a request into batches for the store.
//!
//! A store keeps the time of a batch once. A request holds what one or several targets showed, each at its own time, so a run
//! of samples of one time becomes a batch; samples in short runs go along with their own times.

use std::collections::HashSet;

use stonechat_model::{Appender, Batch, SeriesRef, Timestamp};

use super::Place;
use super::outcome::Outcome;
use super::refusal::Refusal;
use super::request::Request;

/// A run of so many samples of one time is a batch of its own: below, the call costs more than it spares.
const RUN_MIN: usize = 32;

/// Makes batches. Kept from request to request for its memory.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// Samples beyond this time, in milliseconds, are refused.
    pub(super) newest: i64,
    samples: Vec<(SeriesRef, i64, f64)>,
    batch: Batch,
    /// Apart from the others, so that it is known how many of them were stored.
    histograms: Batch,
}

impl Batches {
    /// Stores the samples of all series that have a place, in their order. Gives the series that the store does not know.
    pub(super) fn append(
        &mut self,
        store: &dyn Appender,
        request: &Request,
        series: &[Place],
        outcome: &mut Outcome,
    ) -> Result<HashSet<SeriesRef>, Refusal> {
        self.samples.clear();
        clear(&mut self.batch);
        clear(&mut self.histograms);
        for (index, place) in series.iter().enumerate() {
            if let Place::At(series) = place {
                self.collect(*series, request, index, outcome);
            }
        }
        let mut gone = HashSet::new();
        let mut flush = |batch: &mut Batch, outcome: &mut Outcome| {
            if !batch.is_empty() {
                let appended = store
                    .append(batch)
                    .map_err(|error| outcome.failed(&error))?;
                outcome.add(&appended, !batch.histograms.is_empty());
                outcome.written.exemplars += batch.exemplars.len();
                gone.extend(appended.unknown_series);
                clear(batch);
            }
            Ok(())
        };
        for run in self.samples.chunk_by(|one, other| one.1 == other.1) {
            if run.len() < RUN_MIN {
                let stamped = run.iter().map(|&(series, timestamp, value)| {
                    (series, Timestamp::from_millis(timestamp), value)
                });
                self.batch.stamped.extend(stamped);
                continue;
            }
            if !(self.batch.values.is_empty() && self.batch.stamped.is_empty()) {
                flush(&mut self.batch, outcome)?;
            }
            self.batch.timestamp = Timestamp::from_millis(run[0].1);
            let values = run.iter().map(|&(series, _, value)| (series, value));
            self.batch.values.extend(values);
        }
        flush(&mut self.batch, outcome)?;
        flush(&mut self.histograms, outcome)?;
        Ok(gone)
    }

    fn collect(
        &mut self,
        series: SeriesRef,
        request: &Request,
        index: usize,
        outcome: &mut Outcome,
    ) {
        let parts = request.parts(index);
        for &(timestamp, value) in &request.samples[parts.samples] {
            if timestamp > self.newest {
                outcome.ahead += 1;
            } else {
                self.samples.push((series, timestamp, value));
            }
        }
        for (timestamp, histogram) in &request.histograms[parts.histograms] {
            if *timestamp > self.newest {
                outcome.ahead += 1;
            } else {
                let timestamp = Timestamp::from_millis(*timestamp);
                self.histograms
                    .histograms
                    .push((series, timestamp, histogram.clone()));
            }
        }
        // Exemplars are no samples: one that cannot be kept is no reason for the sender to do anything.
        let exemplars = request.exemplars[parts.exemplars].iter();
        let exemplars = exemplars.filter(|exemplar| exemplar.timestamp.millis() <= self.newest);
        self.batch
            .exemplars
            .extend(exemplars.map(|exemplar| (series, exemplar.clone())));
    }
}

/// Empties a batch and keeps its memory.
fn clear(batch: &mut Batch) {
    batch.values.clear();
    batch.stamped.clear();
    batch.histograms.clear();
    batch.exemplars.clear();
}
