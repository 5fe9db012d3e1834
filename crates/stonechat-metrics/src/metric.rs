//! The three kinds of metric. A handle is one pointer: clone it once, then use it without locks.

mod counter;
mod gauge;
mod histogram;
mod timer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use counter::Counter;
pub use gauge::{Gauge, GaugeGuard};
pub use histogram::Histogram;
pub use timer::Timer;

pub(crate) use sealed::{Create, HistogramReading, Reading, Shape};

/// A kind of metric that a registry can create: [`Counter`], [`Gauge`] or [`Histogram`].
pub trait Metric: Create + Clone + Send + Sync + 'static {}

impl<M: Create + Clone + Send + Sync + 'static> Metric for M {}

mod sealed {
    use super::{Arc, AtomicU64};
    use crate::desc::Kind;

    /// What the registry needs of a metric; out of reach, so that no other kind can be made.
    pub trait Create: Sized {
        const KIND: Kind;

        fn create(shape: &Shape) -> Self;

        fn read(&self) -> Reading;
    }

    /// What all series of a family share.
    #[derive(Debug, Clone)]
    pub struct Shape {
        pub buckets: Arc<[f64]>,
        /// Values that could not be recorded.
        pub ignored: Arc<AtomicU64>,
    }

    /// The value of one series at one moment.
    #[derive(Debug, Clone, PartialEq)]
    pub enum Reading {
        Number(f64),
        Histogram(HistogramReading),
    }

    /// A histogram at one moment; the count is that of the buckets, so the two always agree.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HistogramReading {
        pub sum: f64,
        /// Upper bound and number of observations in this bucket alone; `+Inf` is the last.
        pub buckets: Vec<(f64, u64)>,
    }
}

impl HistogramReading {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

/// Adds to a float that is kept as bits.
fn add_to_bits(cell: &AtomicU64, value: f64) {
    let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
    // The closure always returns a value, so this cannot fail.
    let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
}
