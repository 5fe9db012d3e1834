//! Samples into the store, in order of time.

use std::collections::HashMap;

use anyhow::{Context, Result};
use stonechat_model::{Appender, Batch, Columns, Labels, SeriesRef, Timestamp};

/// A time that so many samples share is stored once for them.
const SHARED_MIN: usize = 8;

/// The most samples in a batch.
const BATCH_SAMPLES_MAX: usize = 100_000;

/// Collects the samples of a window of time, which then go into the store in the order in which they once came.
pub(super) struct Sink<'a> {
    store: &'a dyn Appender,
    references: HashMap<Labels, SeriesRef>,
    labels: HashMap<SeriesRef, Labels>,
    samples: Vec<(i64, SeriesRef, f64)>,
    batch: Batch,
    pub(super) totals: Totals,
}

/// What became of the samples.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) stored: usize,
    pub(super) out_of_order: usize,
    pub(super) duplicate: usize,
    pub(super) too_old: usize,
}

impl<'a> Sink<'a> {
    pub(super) fn new(store: &'a dyn Appender) -> Self {
        Self {
            store,
            references: HashMap::new(),
            labels: HashMap::new(),
            samples: Vec::new(),
            batch: Batch::default(),
            totals: Totals::default(),
        }
    }

    /// Adds samples of a series.
    pub(super) fn add(&mut self, labels: &Labels, columns: &Columns) -> Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        let series = match self.references.get(labels) {
            Some(series) => *series,
            None => self.ask(labels.clone())?,
        };
        let floats = columns.timestamps.iter().zip(&columns.values);
        self.samples
            .extend(floats.map(|(at, value)| (*at, series, *value)));
        let histograms = columns.histograms.iter();
        self.batch.histograms.extend(
            histograms
                .map(|(at, histogram)| (series, Timestamp::from_millis(*at), histogram.clone())),
        );
        Ok(())
    }

    /// Stores what was added.
    pub(super) fn flush(&mut self) -> Result<()> {
        // Stable: samples of one time keep the order of their series.
        self.samples.sort_by_key(|sample| sample.0);
        self.batch.histograms.sort_by_key(|sample| sample.1);
        let samples = std::mem::take(&mut self.samples);
        for run in samples.chunk_by(|one, other| one.0 == other.0) {
            let at = Timestamp::from_millis(run[0].0);
            if run.len() < SHARED_MIN {
                let stamped = run.iter().map(|&(_, series, value)| (series, at, value));
                self.batch.stamped.extend(stamped);
                if self.batch.stamped.len() < BATCH_SAMPLES_MAX {
                    continue;
                }
            } else {
                self.append()?;
                self.batch.timestamp = at;
                let values = run.iter().map(|&(_, series, value)| (series, value));
                self.batch.values.extend(values);
            }
            self.append()?;
        }
        self.append()
    }

    /// The reference of a series, from the store.
    fn ask(&mut self, labels: Labels) -> Result<SeriesRef> {
        let series = self.store.series(&labels)?;
        self.references.insert(labels.clone(), series);
        self.labels.insert(series, labels);
        Ok(series)
    }

    fn append(&mut self) -> Result<()> {
        let mut batch = std::mem::take(&mut self.batch);
        while !batch.is_empty() {
            let appended = self
                .store
                .append(&batch)
                .context("samples cannot be stored")?;
            self.totals.stored += appended.accepted;
            self.totals.out_of_order += appended.out_of_order;
            self.totals.duplicate += appended.duplicate;
            self.totals.too_old += appended.too_old;
            // The store forgets series that were in none of the latest batches. Their samples go in under new references.
            let mut renewed = HashMap::new();
            for gone in appended.unknown_series {
                if let Some(labels) = self.labels.remove(&gone) {
                    renewed.insert(gone, self.ask(labels)?);
                }
            }
            batch = only(&batch, &renewed);
        }
        Ok(())
    }
}

/// What of a batch belongs to series that have a new reference, under that.
fn only(batch: &Batch, renewed: &HashMap<SeriesRef, SeriesRef>) -> Batch {
    let new = |series: &SeriesRef| renewed.get(series).copied();
    let values = batch.values.iter();
    let stamped = batch.stamped.iter();
    let histograms = batch.histograms.iter();
    Batch {
        timestamp: batch.timestamp,
        values: values
            .filter_map(|(series, value)| Some((new(series)?, *value)))
            .collect(),
        stamped: stamped
            .filter_map(|(series, at, value)| Some((new(series)?, *at, *value)))
            .collect(),
        histograms: histograms
            .filter_map(|(series, at, histogram)| Some((new(series)?, *at, histogram.clone())))
            .collect(),
        exemplars: Vec::new(),
    }
}

impl Totals {
    /// Adds what became of others.
    pub(super) fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.out_of_order += other.out_of_order;
        self.duplicate += other.duplicate;
        self.too_old += other.too_old;
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} samples stored", self.stored)?;
        for (count, what) in [
            (self.out_of_order, "older than what their series has"),
            (self.duplicate, "other values at times that are taken"),
            (self.too_old, "too old"),
        ] {
            if count > 0 {
                write!(f, ", {count} left out: {what}")?;
            }
        }
        Ok(())
    }
}
