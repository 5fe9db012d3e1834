//! Exemplars: the newest ones, in memory and in the log.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;
use stonechat_model::{Exemplar, SeriesRef};

/// A ring of the newest exemplars of all series.
#[derive(Debug)]
pub(super) struct Exemplars {
    count_max: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    ring: VecDeque<(SeriesRef, Exemplar)>,
    /// How many of each series are in the ring, and the newest of them.
    newest: HashMap<SeriesRef, (usize, Exemplar)>,
}

impl Kept {
    /// Leaves the newest ones, at most so many.
    fn shorten(&mut self, count_max: usize) {
        while self.ring.len() > count_max
            && let Some((oldest, _)) = self.ring.pop_front()
        {
            if let Some((count, _)) = self.newest.get_mut(&oldest) {
                *count -= 1;
                if *count == 0 {
                    self.newest.remove(&oldest);
                }
            }
        }
    }
}

impl Exemplars {
    /// Keeps at most so many from now on.
    pub fn set_limit(&self, count_max: usize) {
        self.count_max.store(count_max, Ordering::Relaxed);
        self.kept.lock().shorten(count_max);
    }

    /// Keeps at most so many.
    pub fn new(count_max: usize) -> Self {
        Self {
            count_max: AtomicUsize::new(count_max),
            kept: Mutex::default(),
        }
    }

    /// True when it is later than the newest of its series, or of the same time and another.
    pub fn is_new(&self, series: SeriesRef, exemplar: &Exemplar) -> bool {
        let kept = self.kept.lock();
        let newest = kept.newest.get(&series).map(|(_, newest)| newest);
        self.count_max.load(Ordering::Relaxed) > 0
            && newest.is_none_or(|newest| {
                exemplar.timestamp > newest.timestamp
                    || exemplar.timestamp == newest.timestamp && exemplar != newest
            })
    }

    /// Adds one in the place of the oldest.
    pub fn add(&self, series: SeriesRef, exemplar: Exemplar) {
        let mut kept = self.kept.lock();
        let room = self.count_max.load(Ordering::Relaxed).saturating_sub(1);
        kept.shorten(room);
        let entry = kept
            .newest
            .entry(series)
            .or_insert_with(|| (0, exemplar.clone()));
        entry.0 += 1;
        entry.1.clone_from(&exemplar);
        kept.ring.push_back((series, exemplar));
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<(SeriesRef, Exemplar)> {
        self.kept.lock().ring.iter().cloned().collect()
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.kept.lock().ring.len()
    }
}

#[cfg(test)]
mod tests {
    use stonechat_model::{Labels, Timestamp};

    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let exemplars = Exemplars::new(3);
        let exemplar = |time| Exemplar {
            labels: Labels::default(),
            value: 1.0,
            timestamp: Timestamp::from_millis(time),
        };
        for time in 0..5 {
            assert!(exemplars.is_new(SeriesRef(1), &exemplar(time)));
            exemplars.add(SeriesRef(1), exemplar(time));
        }
        exemplars.add(SeriesRef(2), exemplar(0));
        let times: Vec<_> = exemplars
            .all()
            .iter()
            .map(|(_, exemplar)| exemplar.timestamp.millis())
            .collect();
        assert_eq!(times, [3, 4, 0]);
        assert!(!exemplars.is_new(SeriesRef(1), &exemplar(4)));
        assert!(!exemplars.is_new(SeriesRef(1), &exemplar(1)));
        assert!(!Exemplars::new(0).is_new(SeriesRef(1), &exemplar(9)));
    }
}
