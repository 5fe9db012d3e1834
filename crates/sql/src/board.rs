//! What is shown: the last outcome of every query of the set that is in force, on the page and in the store.
//!
//! There is one set at any time, and it is exchanged as a whole. Whoever publishes an outcome has to name the slot that it was collected
//! for; a slot that is no longer of the set is refused, so what was under way for an old set cannot write into the new one.

mod owners; // which query gives a series
mod shown; // the samples of one query
mod store; // into the store

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::{Appender, Labels, Timestamp};

use crate::metrics::SqlMetrics;
use crate::plan::{OnError, Query};
use crate::report::{self, AboutLabels};
use crate::series::{Collected, Sample};
use owners::Owners;
pub(crate) use shown::Shown;
use store::Writer;
pub(crate) use store::Written;

/// A query in the set: the same query under a new configuration is another slot.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) query: Arc<Query>,
    pub(crate) key: Key,
    /// Built once, since they are stored at every round.
    pub(crate) about: AboutLabels,
}

/// Name and source of a query, unique in a set.
pub(crate) type Key = (String, String);

impl Slot {
    pub(crate) fn new(query: Arc<Query>) -> Arc<Self> {
        Arc::new(Self {
            key: key(&query),
            about: report::labels(&query),
            query,
        })
    }
}

pub(crate) fn key(query: &Query) -> Key {
    (query.name.clone(), query.source.name.clone())
}

/// How a round of a query ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Samples, or what is wrong.
    pub(crate) result: Result<Collected, String>,
    /// It failed because the source did not answer at all.
    pub(crate) is_silence: bool,
    pub(crate) duration: Duration,
    /// When the round began; the time of its samples.
    pub(crate) at: Timestamp,
}

/// The set in force.
pub(crate) struct Board {
    /// Changes go one after the other, into the store too.
    state: Mutex<State>,
    /// What the page shows, at the positions of the entries. Locked for as long as it takes to change or to copy pointers, so that a
    /// page waits neither for the store nor for a database.
    page: Mutex<Vec<Option<Arc<Shown>>>>,
    metrics: SqlMetrics,
}

struct State {
    entries: BTreeMap<Key, Entry>,
    owners: Owners,
    writer: Writer,
}

struct Entry {
    slot: Arc<Slot>,
    /// Its place among all.
    position: usize,
    /// None until the first outcome.
    shown: Option<Arc<Shown>>,
}

impl Board {
    pub(crate) fn new(appender: Arc<dyn Appender>, metrics: SqlMetrics) -> Self {
        Self {
            state: Mutex::new(State {
                entries: BTreeMap::new(),
                owners: Owners::default(),
                writer: Writer::new(appender),
            }),
            page: Mutex::default(),
            metrics,
        }
    }

    /// What is shown now: always of one whole set.
    pub(crate) fn page(&self) -> Vec<Arc<Shown>> {
        self.page.lock().iter().flatten().cloned().collect()
    }

    /// Shows an outcome, and returns false if the slot is no longer in the set.
    pub(crate) fn publish(&self, slot: &Arc<Slot>, outcome: Outcome) -> bool {
        let mut state = self.state.lock();
        let State {
            entries,
            owners,
            writer,
        } = &mut *state;
        let entry = entries.get_mut(&slot.key);
        let Some(entry) = entry.filter(|entry| Arc::ptr_eq(&entry.slot, slot)) else {
            self.metrics.late();
            return false;
        };
        let before = entry.shown.clone();
        let shown = Arc::new(self.next(owners, slot, before.as_deref(), outcome));
        writer.begin(shown.at);
        if let Some(before) = &before {
            writer.end_missing(before, &shown);
        }
        writer.values(&shown);
        self.metrics.wrote(writer.commit());
        self.page.lock()[entry.position] = Some(Arc::clone(&shown));
        entry.shown = Some(shown);
        true
    }

    /// Stores the last values of a slot again, so that its series go on.
    pub(crate) fn repeat(&self, slot: &Arc<Slot>, now: Timestamp) {
        let mut state = self.state.lock();
        let entry = state.entries.get(&slot.key);
        let Some(entry) = entry.filter(|entry| Arc::ptr_eq(&entry.slot, slot)) else {
            return;
        };
        if let Some(shown) = entry.shown.clone() {
            state.writer.begin(now);
            state.writer.values(&shown);
            self.metrics.wrote(state.writer.commit());
        }
    }

    /// Puts another set in force, at once. Slots that are in force already keep what they show; the others bring their first outcome, or
    /// none, if they are only to be filled later.
    pub(crate) fn exchange(&self, set: Vec<(Arc<Slot>, Option<Outcome>)>, now: Timestamp) {
        let mut state = self.state.lock();
        let mut old = std::mem::take(&mut state.entries);
        let mut entries = BTreeMap::new();
        let mut fresh = Vec::new();
        for (slot, outcome) in set {
            let key = slot.key.clone();
            let kept = match old.get(&key) {
                Some(entry) if Arc::ptr_eq(&entry.slot, &slot) => old.remove(&key),
                _ => None,
            };
            let entry = kept.unwrap_or_else(|| {
                fresh.extend(outcome.map(|outcome| (key.clone(), outcome)));
                Entry {
                    slot,
                    position: 0,
                    shown: None,
                }
            });
            entries.insert(key, entry);
        }
        // Whoever goes gives its series free before others may take them.
        for entry in old.values() {
            if let Some(shown) = &entry.shown {
                state.owners.release(&entry.slot.key, shown);
            }
        }
        state.writer.begin(now);
        for (key, outcome) in fresh {
            if let Some(entry) = entries.get_mut(&key) {
                let shown = self.next(&mut state.owners, &entry.slot, None, outcome);
                state.writer.values(&shown);
                entry.shown = Some(Arc::new(shown));
            }
        }
        for (key, entry) in &old {
            let Some(shown) = &entry.shown else { continue };
            let ended = shown
                .labels()
                .filter(|labels| !state.owners.is_given(labels));
            let ended: Vec<Labels> = ended.cloned().collect();
            ended
                .into_iter()
                .for_each(|labels| state.writer.end(labels));
            if !entries.contains_key(key) {
                let about = report::about(shown);
                about.for_each(|(labels, _)| state.writer.end(labels.clone()));
            }
        }
        self.metrics.wrote(state.writer.commit());
        for (position, entry) in entries.values_mut().enumerate() {
            entry.position = position;
        }
        let shown = entries.values().map(|entry| entry.shown.clone());
        *self.page.lock() = shown.collect();
        self.metrics.queries(entries.len());
        state.entries = entries;
    }

    /// What a slot shows after an outcome.
    fn next(
        &self,
        owners: &mut Owners,
        slot: &Arc<Slot>,
        before: Option<&Shown>,
        outcome: Outcome,
    ) -> Shown {
        let mut shown = Shown::new(slot, before, &outcome);
        let key = &slot.key;
        match outcome.result {
            Ok(collected) => {
                self.metrics.collected(&collected);
                let (samples, taken) = owners.claim(key, before, collected.samples);
                if let Some(taken) = taken {
                    shown.conflict(&taken);
                    self.metrics.conflict();
                }
                shown.samples = samples;
            }
            Err(_) => {
                self.metrics.failed();
                shown.samples = after_error(slot.query.on_error, before);
                if shown.samples.is_empty()
                    && let Some(before) = before
                {
                    owners.release(key, before);
                }
            }
        }
        shown
    }
}

fn after_error(on_error: OnError, before: Option<&Shown>) -> Vec<Sample> {
    let before = before
        .map(|shown| shown.samples.clone())
        .unwrap_or_default();
    match on_error {
        OnError::Stale => Vec::new(),
        // A time of its own says when the value was true; it is not stored twice.
        OnError::Keep => before,
        OnError::Nan => before
            .into_iter()
            .map(|sample| Sample {
                value: f64::NAN,
                timestamp: None,
                ..sample
            })
            .collect(),
    }
}
