//! A store in memory that behaves like a real one, and can be made to fail.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::{
    AppendError, Appended, Appender, Batch, Labels, SeriesRef, Timestamp, format_float, is_stale,
};
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct Store {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    by_labels: BTreeMap<Labels, SeriesRef>,
    labels: BTreeMap<SeriesRef, Labels>,
    newest: BTreeMap<SeriesRef, (Timestamp, u64)>,
    appended: Vec<(Labels, Timestamp, f64)>,
    lookups: usize,
    series_max: Option<usize>,
    is_closed: bool,
}

impl Store {
    /// Takes at most so many series.
    pub(super) fn limit(&self, series_max: usize) {
        self.state.lock().series_max = Some(series_max);
    }

    /// Takes nothing any more.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
    }

    /// Forgets the reference of every series.
    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        state.by_labels.clear();
        state.labels.clear();
    }

    /// How often a reference was asked for.
    pub(super) fn lookups(&self) -> usize {
        self.state.lock().lookups
    }

    /// What was appended since the last call.
    pub(super) fn drain(&self) -> Vec<(Labels, Timestamp, f64)> {
        std::mem::take(&mut self.state.lock().appended)
    }

    /// The samples of a series so far, as `time value`, `time stale`.
    pub(super) fn samples(&self, series: &str) -> Vec<(Timestamp, f64)> {
        let state = self.state.lock();
        let samples = state.appended.iter();
        samples
            .filter(|(labels, ..)| labels.to_string() == series)
            .map(|(_, time, value)| (*time, *value))
            .collect()
    }

    /// How many samples the series of a metric have so far.
    pub(super) fn samples_named(&self, metric: &str) -> usize {
        let state = self.state.lock();
        let samples = state.appended.iter();
        samples
            .filter(|(labels, ..)| labels.metric_name() == metric)
            .count()
    }

    /// Waits until `done` holds; panics with what there is when that takes far too long.
    pub(super) async fn until(&self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if done(self) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .is_err()
        {
            panic!("waited in vain until {what}; there is {:?}", self.drain());
        }
    }
}

impl Appender for Store {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        let mut state = self.state.lock();
        state.lookups += 1;
        if let Some(known) = state.by_labels.get(labels) {
            return Ok(*known);
        }
        if state.is_closed {
            return Err(AppendError::Closed);
        }
        if let Some(limit) = state.series_max.filter(|max| state.by_labels.len() >= *max) {
            return Err(AppendError::SeriesLimit { limit });
        }
        let reference = SeriesRef(state.lookups as u64);
        state.by_labels.insert(labels.clone(), reference);
        state.labels.insert(reference, labels.clone());
        Ok(reference)
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(AppendError::Closed);
        }
        let mut appended = Appended::default();
        let mut unknown = HashSet::new();
        for (reference, time, value) in batch.iter() {
            let Some(labels) = state.labels.get(&reference).cloned() else {
                unknown.insert(reference);
                continue;
            };
            match state.newest.get(&reference) {
                Some((newest, _)) if time < *newest => appended.out_of_order += 1,
                Some((newest, bits)) if time == *newest => {
                    appended.duplicate += usize::from(*bits != value.to_bits());
                }
                _ => {
                    state.newest.insert(reference, (time, value.to_bits()));
                    state.appended.push((labels, time, value));
                    appended.accepted += 1;
                }
            }
        }
        appended.unknown_series.extend(unknown);
        self.changed.notify_waiters();
        Ok(appended)
    }
}

/// A value as tests write it.
pub(super) fn shown(value: f64) -> String {
    if is_stale(value) {
        "stale".to_owned()
    } else {
        format_float(value)
    }
}
