//! References and label sets to series.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use stonechat_model::{Labels, SeriesRef};

use super::Series;

/// Series by slot. A reference is a slot and how often it was given away before, so that the reference of a
/// removed series is not taken for that of its successor.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    slots: Vec<Slot>,
    /// Slots of the series, by the hash of their labels.
    by_labels: HashTable<u32>,
    hasher: RandomState,
    /// Slots that are free for a new series.
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    series: Option<Arc<Series>>,
}

/// The slot in a reference.
pub(crate) fn slot_of(series: SeriesRef) -> u32 {
    // The low half.
    series.0 as u32
}

fn reference(slot: u32, generation: u32) -> SeriesRef {
    SeriesRef(u64::from(generation) << 32 | u64::from(slot))
}

/// Makes room in a list with an entry for each slot. Doubling would leave half of it unused; a million series would pay for it, and so would
/// those that live, for what others needed before them.
pub(crate) fn make_room<T>(list: &mut Vec<T>, length: usize) {
    if list.capacity() < length {
        list.reserve_exact(length - list.len() + length / 8);
    }
}

impl Registry {
    /// Number of series.
    pub fn len(&self) -> usize {
        self.by_labels.len()
    }

    /// The reference of a label set.
    pub fn find(&self, labels: &Labels) -> Option<SeriesRef> {
        let hash = self.hasher.hash_one(labels);
        let found = self.by_labels.find(hash, |&slot| {
            self.at(slot)
                .is_some_and(|series| series.labels() == labels)
        });
        found.map(|&slot| reference(slot, self.slots[slot as usize].generation))
    }

    /// The series behind a reference.
    pub fn get(&self, series: SeriesRef) -> Option<&Arc<Series>> {
        let slot = self.slots.get(slot_of(series) as usize)?;
        if u64::from(slot.generation) != series.0 >> 32 {
            return None;
        }
        slot.series.as_ref()
    }

    /// The series in a slot.
    pub fn at(&self, slot: u32) -> Option<&Arc<Series>> {
        self.slots.get(slot as usize)?.series.as_ref()
    }

    /// The series in a slot with its reference.
    pub fn with_reference(&self, slot: u32) -> Option<(SeriesRef, &Arc<Series>)> {
        let place = self.slots.get(slot as usize)?;
        Some((reference(slot, place.generation), place.series.as_ref()?))
    }

    /// All series with their references.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesRef, Arc<Series>)> {
        (0..).zip(&self.slots).filter_map(|(number, slot)| {
            let series = slot.series.clone()?;
            Some((reference(number, slot.generation), series))
        })
    }

    /// All series.
    pub fn iter_series(&self) -> impl Iterator<Item = &Arc<Series>> {
        self.slots.iter().filter_map(|slot| slot.series.as_ref())
    }

    /// A slot for a new series.
    pub fn reserve(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.slots.len()).expect("the limit of series is a u32");
            make_room(&mut self.slots, slot as usize + 1);
            self.slots.push(Slot::default());
            slot
        })
    }

    /// Puts a series into its reserved slot.
    pub fn put(&mut self, slot: u32, series: Arc<Series>) -> SeriesRef {
        let hash = self.hasher.hash_one(series.labels());
        self.slots[slot as usize].series = Some(series);
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_labels.insert_unique(hash, slot, |&slot| {
            let series = slots[slot as usize].series.as_ref();
            hasher.hash_one(series.expect("a slot in the table has a series").labels())
        });
        reference(slot, self.slots[slot as usize].generation)
    }

    /// Takes a series out. Its slot stays reserved until [`free`](Self::free).
    pub fn remove(&mut self, series: SeriesRef) -> Option<(u32, Arc<Series>)> {
        let removed = self.get(series)?.clone();
        let slot = slot_of(series);
        let hash = self.hasher.hash_one(removed.labels());
        if let Ok(entry) = self.by_labels.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        let place = &mut self.slots[slot as usize];
        place.series = None;
        place.generation = place.generation.wrapping_add(1);
        Some((slot, removed))
    }

    /// Gives a slot back.
    pub fn free(&mut self, slot: u32) {
        self.free.push(slot);
    }
}
