use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::sealed::{Create, HistogramReading, Reading, Shape};
use super::{Timer, add_to_bits};
use crate::desc::Kind;

/// Counts observations by size: durations, message sizes, queue lengths.
///
/// Clones observe into the same series, without locks.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// let registry = stonechat_metrics::Registry::bare();
/// let sizes = registry
///     .histogram("frame_size_bytes", "Size of frames received.")
///     .unit("bytes")
///     .buckets([64.0, 1024.0, 65536.0])
///     .register()?;
/// sizes.observe(512.0);
/// assert_eq!(sizes.count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    bounds: Arc<[f64]>,
    /// One for each bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    /// Bits of a float.
    sum: AtomicU64,
    ignored: Arc<AtomicU64>,
}

impl Histogram {
    /// Records one observation. NaN and infinities, which would spoil the sum for good, are ignored
    /// and counted in `stonechat_values_ignored_total`.
    pub fn observe(&self, value: f64) {
        if !value.is_finite() {
            self.0.ignored.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let bucket = self.0.bounds.partition_point(|bound| *bound < value);
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        add_to_bits(&self.0.sum, value);
    }

    /// Records a duration, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// Starts a clock; what it shows is recorded, in seconds, when it is dropped.
    pub fn start_timer(&self) -> Timer {
        Timer::start(self.clone())
    }

    /// Number of observations so far.
    pub fn count(&self) -> u64 {
        self.0
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// Sum of the observations so far.
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.0.sum.load(Ordering::Relaxed))
    }
}

impl Create for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn create(shape: &Shape) -> Self {
        Self(Arc::new(Cell {
            bounds: Arc::clone(&shape.buckets),
            counts: (0..=shape.buckets.len())
                .map(|_| AtomicU64::new(0))
                .collect(),
            sum: AtomicU64::new(0.0_f64.to_bits()),
            ignored: Arc::clone(&shape.ignored),
        }))
    }

    fn read(&self) -> Reading {
        let bounds = self.0.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self
            .0
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        Reading::Histogram(HistogramReading {
            sum: self.sum(),
            buckets: bounds.zip(counts).collect(),
        })
    }
}
