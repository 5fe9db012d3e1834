//! Which series of the store the label bytes of a request mean.
//!
//! The key is a 128-bit hash of the bytes under a secret seed: with a million series, the chance that any two meet is below
//! 10^-26, so the bytes themselves need not be kept.
//!
//! Senders repeat their series in the same order, and entries stand in the order in which they first came. So the
//! next series is nearly always the next entry, and the table is not even looked at.

use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use stonechat_model::SeriesRef;
use twox_hash::XxHash3_128;

/// The hash of a series' label bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u64; 2]);

#[derive(Debug)]
struct Known {
    key: Key,
    series: SeriesRef,
    /// Whether it was asked for since the last sweep.
    asked: AtomicBool,
}

/// Series by key.
#[derive(Debug)]
pub(super) struct SeriesCache {
    seed: u64,
    known: Vec<Known>,
    by_key: HashTable<u32>,
    /// At this many entries, those that nobody asks for are forgotten.
    sweep_at: usize,
    limit: usize,
}

/// Below so many entries nothing is ever forgotten.
const SWEEP_MIN: usize = 1 << 16;

impl SeriesCache {
    /// A cache of at most `limit` series.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            // The hasher of a map draws its seed from the system.
            seed: RandomState::default().hash_one(0_u8),
            known: Vec::new(),
            by_key: HashTable::new(),
            sweep_at: SWEEP_MIN.min(limit),
            limit: limit.clamp(1, u32::MAX as usize),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of the hash are meant"
    )]
    pub(super) fn key(&self, labels: &[u8]) -> Key {
        let hash = XxHash3_128::oneshot_with_seed(self.seed, labels);
        Key([hash as u64, (hash >> 64) as u64])
    }

    /// The series with a key, and where the next one is expected. `expected` is what the last call gave.
    #[inline]
    pub(super) fn find(&self, key: Key, expected: usize) -> Option<(SeriesRef, usize)> {
        let place = match self.known.get(expected) {
            Some(known) if known.key == key => expected,
            _ => self.place(key)?,
        };
        let known = &self.known[place];
        // Written only when it changes, so that cores do not take the line from each other.
        if !known.asked.load(Ordering::Relaxed) {
            known.asked.store(true, Ordering::Relaxed);
        }
        Some((known.series, place + 1))
    }

    fn place(&self, key: Key) -> Option<usize> {
        let found = self
            .by_key
            .find(key.0[0], |place| self.known[*place as usize].key == key);
        found.map(|place| *place as usize)
    }

    /// Notes the series of a key, in the place of another one if need be.
    pub(super) fn insert(&mut self, key: Key, series: SeriesRef) {
        if let Some(place) = self.place(key) {
            self.known[place].series = series;
            return;
        }
        if self.known.len() >= self.sweep_at {
            self.sweep();
        }
        let place = u32::try_from(self.known.len()).expect("the limit is below 2^32");
        self.known.push(Known {
            key,
            series,
            asked: AtomicBool::new(true),
        });
        let known = &self.known;
        self.by_key
            .insert_unique(key.0[0], place, |place| known[*place as usize].key.0[0]);
    }

    /// Forgets what was not asked for since the last sweep; all, when that is not enough.
    fn sweep(&mut self) {
        self.known
            .retain_mut(|known| std::mem::take(known.asked.get_mut()));
        if self.known.len() >= self.limit {
            self.known.clear();
        }
        self.sweep_at = (2 * self.known.len()).clamp(SWEEP_MIN.min(self.limit), self.limit);
        self.by_key.clear();
        let known = &self.known;
        for (place, entry) in (0..).zip(known) {
            self.by_key.insert_unique(entry.key.0[0], place, |place| {
                known[*place as usize].key.0[0]
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cache: &SeriesCache, number: usize) -> Key {
        cache.key(format!("series {number}").as_bytes())
    }

    #[test]
    fn the_next_series_is_expected_behind_the_last() {
        let mut cache = SeriesCache::new(100);
        for number in 0..10 {
            cache.insert(key(&cache, number), SeriesRef(number as u64));
        }
        let mut expected = 0;
        for number in [3, 4, 5, 0, 9, 9, 1] {
            let (series, next) = cache.find(key(&cache, number), expected).unwrap();
            assert_eq!(series, SeriesRef(number as u64));
            assert_eq!(next, number + 1);
            expected = next;
        }
        assert_eq!(cache.find(key(&cache, 10), 0), None);
        cache.insert(key(&cache, 4), SeriesRef(44));
        assert_eq!(cache.find(key(&cache, 4), 0).unwrap().0, SeriesRef(44));
        assert_eq!(cache.len(), 10);
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let mut cache = SeriesCache::new(3 * SWEEP_MIN);
        for round in 0..20 {
            for number in 0..SWEEP_MIN {
                cache.insert(key(&cache, round * SWEEP_MIN + number), SeriesRef(0));
            }
            // One series lives through all of it.
            cache.insert(key(&cache, usize::MAX), SeriesRef(7));
            let _ = cache.find(key(&cache, usize::MAX), 0);
            assert!(cache.len() <= 3 * SWEEP_MIN, "{}", cache.len());
        }
        assert_eq!(
            cache.find(key(&cache, usize::MAX), 0).map(|found| found.0),
            Some(SeriesRef(7))
        );
        assert_eq!(cache.by_key.len(), cache.known.len());
    }
}
