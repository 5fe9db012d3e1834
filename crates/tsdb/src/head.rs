//! The head: every series in memory, found by reference, by labels and by matchers.
//!
//! Locks are taken in the order `creating`, index, registry, series, and none is held while bytes are written or
//! samples decoded. A series stands in the index before the registry hands out its reference and leaves the
//! registry before the index, and its slot is free for another only after both: so a query that holds the index
//! never finds one series in another's place.

mod index; // label names and values to series
mod literals; // what a regular expression can match at all
mod order; // the order of series by labels, kept
mod postings; // sets of slots
mod registry; // references and label sets to series
mod series; // labels and chunks of one series

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
use roaring::RoaringBitmap;
use stonechat_model::{Labels, Matcher, SeriesRef, TimeRange};

use index::Index;
pub(crate) use literals::Literals;
use order::Order;
pub(crate) use order::Ranked;
pub(crate) use registry::{Registry, make_room, slot_of};
pub(crate) use series::{Series, Weight};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// Held by whoever makes or removes series, so that no label set is made twice.
    creating: Mutex<()>,
    registry: RwLock<Registry>,
    index: RwLock<Index>,
    /// Series that were ever made.
    made: AtomicU64,
    order: RwLock<Arc<Order>>,
}

/// What slots can count.
const SERIES_MAX: usize = u32::MAX as usize;

/// The limit of series is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Head {
    /// The reference of a label set, made if it is new and fewer than `series_max` are there.
    pub fn get_or_create(&self, labels: &Labels, series_max: usize) -> Result<SeriesRef, Full> {
        if let Some(known) = self.registry.read().find(labels) {
            return Ok(known);
        }
        let _creating = self.creating.lock();
        let slot = {
            let mut registry = self.registry.write();
            if let Some(known) = registry.find(labels) {
                return Ok(known);
            }
            if registry.len() >= series_max.min(SERIES_MAX) {
                return Err(Full);
            }
            registry.reserve()
        };
        self.index.write().insert(slot, labels);
        self.made.fetch_add(1, Ordering::Relaxed);
        let series = Arc::new(Series::new(labels.clone()));
        Ok(self.registry.write().put(slot, series))
    }

    /// References to series, for as long as the guard lives. Series cannot be made meanwhile, so be short.
    pub fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read()
    }

    /// All series.
    pub fn all(&self) -> Vec<(SeriesRef, Arc<Series>)> {
        self.registry.read().iter().collect()
    }

    /// Begins to remove series. No series can be made until it is finished.
    pub fn remove(&self) -> Removal<'_> {
        Removal {
            head: self,
            _creating: self.creating.lock(),
            taken: Vec::new(),
        }
    }

    /// The series that satisfy any of the matcher sets (all when there is none), in any order.
    pub fn select_any(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Vec<(SeriesRef, Arc<Series>)> {
        let index = self.index.read();
        let slots = index.resolve_any(matcher_sets);
        let registry = self.registry.read();
        let found = slots
            .iter()
            .filter_map(|slot| registry.with_reference(slot));
        found
            .filter(|(_, series)| series.overlaps(range))
            .map(|(reference, series)| (reference, Arc::clone(series)))
            .collect()
    }

    /// How many series were ever made.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Sorts series by labels, those of the head mostly without looking at them.
    pub fn sort<T: Ranked>(&self, series: &mut [T]) {
        let order = Arc::clone(&self.order.read());
        order.sort(series);
    }

    /// Brings the order of all series up to date, if many have come since it was made.
    pub fn renew_order(&self) {
        let order = Arc::clone(&self.order.read());
        let made = self.made();
        if order.is_due(made) {
            let all = self.registry.read().iter().collect();
            *self.order.write() = Arc::new(order.renewed(all, made));
        }
    }

    /// Gives every label name, value and the number of their series to `visit`, sorted.
    pub fn visit_pairs(&self, visit: impl FnMut(&str, &str, u64)) {
        self.index.read().visit(visit);
    }

    /// The label names of those series, sorted.
    pub fn label_names(&self, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> Vec<String> {
        let index = self.index.read();
        let slots = self.present_slots(&index, matcher_sets, range);
        index.names(slots.as_ref())
    }

    /// The values of one label among those series, sorted.
    pub fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Vec<String> {
        let index = self.index.read();
        let slots = self.present_slots(&index, matcher_sets, range);
        index.values(name, slots.as_ref())
    }

    /// The series that satisfy any of the matcher sets and may have samples in the range. Nothing when that is all of them. The caller holds the index.
    fn present_slots(
        &self,
        index: &Index,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Option<RoaringBitmap> {
        if matcher_sets.is_empty() && range == TimeRange::ALL {
            return None;
        }
        let registry = self.registry.read();
        let present = |slot: &u32| {
            registry
                .at(*slot)
                .is_some_and(|series| series.overlaps(range))
        };
        let slots = index.resolve_any(matcher_sets);
        Some(slots.iter().filter(present).collect())
    }
}

/// Series on their way out. What is taken can no longer be appended to; queries that found it before still read it.
pub(crate) struct Removal<'a> {
    head: &'a Head,
    _creating: MutexGuard<'a, ()>,
    taken: Vec<(u32, Arc<Series>)>,
}

impl Removal<'_> {
    /// Takes a series out of the registry.
    pub fn take(&mut self, series: SeriesRef) {
        let taken = self.head.registry.write().remove(series);
        self.taken.extend(taken);
    }

    /// Takes the series out of the index and frees their slots. Returns how many they were.
    pub fn finish(self) -> usize {
        if !self.taken.is_empty() {
            self.head.index.write().remove(&self.taken);
            let mut registry = self.head.registry.write();
            for (slot, _) in &self.taken {
                registry.free(*slot);
            }
        }
        self.taken.len()
    }
}
