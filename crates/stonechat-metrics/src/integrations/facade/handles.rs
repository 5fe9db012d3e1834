//! What a library holds, and what was looked up for it before.

use std::fmt;

use hashbrown::HashTable;
use metrics::{CounterFn, GaugeFn, HistogramFn, Key};
use parking_lot::RwLock;

use crate::metric::{Counter, Gauge, Histogram};

/// Most series of each kind whose look-up is remembered; the families have limits of their own.
const REMEMBERED_MAX: usize = 10_000;

impl CounterFn for Counter {
    fn increment(&self, value: u64) {
        self.inc_by(value);
    }

    fn absolute(&self, value: u64) {
        let rise = value as f64 - self.get();
        if rise < 0.0 {
            // A counter does not go down: this is counted among the values that are ignored.
            self.inc_by_f64(rise);
        } else {
            self.raise_to(value);
        }
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        Gauge::set(self, value);
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value);
    }
}

/// In the place of a metric that could not be taken: counts what is recorded with it.
pub struct Refused(pub Counter);

impl CounterFn for Refused {
    fn increment(&self, _: u64) {
        self.0.inc();
    }

    fn absolute(&self, _: u64) {
        self.0.inc();
    }
}

impl GaugeFn for Refused {
    fn increment(&self, _: f64) {
        self.0.inc();
    }

    fn decrement(&self, _: f64) {
        self.0.inc();
    }

    fn set(&self, _: f64) {
        self.0.inc();
    }
}

impl HistogramFn for Refused {
    fn record(&self, _: f64) {
        self.0.inc();
    }
}

/// What was looked up before, as the macros of `metrics` ask each time.
pub struct Remembered<H>(RwLock<Known<H>>);

struct Known<H> {
    /// How many families had been unregistered: what was looked up before that may be gone.
    unregistered: u64,
    handles: HashTable<(Key, H)>,
}

impl<H> Default for Remembered<H> {
    fn default() -> Self {
        Self(RwLock::new(Known {
            unregistered: 0,
            handles: HashTable::new(),
        }))
    }
}

impl<H> fmt::Debug for Remembered<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} series", self.0.read().handles.len())
    }
}

impl<H: Clone> Remembered<H> {
    /// The handle of a key, when so many families have been unregistered.
    pub fn get(&self, key: &Key, unregistered: u64, look_up: impl FnOnce() -> H) -> H {
        let hash = key.get_hash();
        {
            let known = self.0.read();
            if known.unregistered == unregistered
                && let Some((_, handle)) = known.handles.find(hash, |(known, _)| known == key)
            {
                return handle.clone();
            }
        }
        let handle = look_up();
        let mut known = self.0.write();
        if known.unregistered < unregistered {
            known.unregistered = unregistered;
            known.handles.clear();
        }
        if known.unregistered == unregistered && known.handles.len() < REMEMBERED_MAX {
            let entry = (key.clone(), handle.clone());
            let same = |(known, _): &(Key, H)| known == key;
            if known.handles.find(hash, same).is_none() {
                let hash_of = |(key, _): &(Key, H)| key.get_hash();
                known.handles.insert_unique(hash, entry, hash_of);
            }
        }
        handle
    }
}
