//! The three kinds of metric. A handle is one pointer: clone it once, then use it without locks.

mod bounds;
mod counter;
mod exemplar;
mod gauge;
mod histogram;
mod native;
mod places; // where the threads of a process add
mod stopwatch; // the time between two moments
mod timer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use counter::Counter;
pub use exemplar::TraceId;
pub use gauge::{Gauge, GaugeGuard};
pub use histogram::Histogram;
pub(crate) use stopwatch::Stopwatch;
pub use timer::Timer;

pub(crate) use bounds::Bounds;
pub(crate) use exemplar::{Exemplar, TraceSource};
#[cfg(feature = "protobuf")]
pub(crate) use native::{NativeReading, ZERO_THRESHOLD};
pub(crate) use sealed::{Beyond, Create, HistogramReading, Reading, Shape};

/// A kind of metric that a registry can create: [`Counter`], [`Gauge`] or [`Histogram`].
pub trait Metric: Create + Clone + Send + Sync + 'static {}

impl<M: Create + Clone + Send + Sync + 'static> Metric for M {}

mod sealed {
    use super::bounds::Bounds;
    use super::exemplar::{Exemplar, TraceSource};
    use super::native::NativeReading;
    use super::{Arc, AtomicU64, Ordering};
    use crate::desc::Kind;
    use crate::family::{RecentKey, Series};

    /// What the registry needs of a metric; out of reach, so that no other kind can be made.
    pub trait Create: Sized {
        const KIND: Kind;

        fn create(shape: &Shape) -> Self;

        /// A handle whose values go to another series, `other`, because a limit keeps them out.
        fn beyond(shape: &Shape, beyond: Beyond<Self>) -> Self;

        /// The series of this kind that the current thread used last.
        fn recent() -> &'static RecentKey<Series<Self>>;

        /// The value now, if there is one to show; `scratch` is where a histogram puts its counts, so that reading many of
        /// them allocates once, and says whether native buckets are wanted.
        fn read<'a>(&self, scratch: &'a mut HistogramReading) -> Option<Reading<'a>>;
    }

    /// Where the values go that a limit keeps out of a family.
    #[derive(Debug)]
    pub struct Beyond<M> {
        other: M,
        limited: Arc<AtomicU64>,
    }

    impl<M> Beyond<M> {
        pub fn new(other: M, limited: &Arc<AtomicU64>) -> Self {
            Self {
                other,
                limited: Arc::clone(limited),
            }
        }

        /// The series `other`, to read it.
        pub fn other(&self) -> &M {
            &self.other
        }

        /// The series `other`, for one value.
        #[cold]
        pub fn pass(&self) -> &M {
            self.limited.fetch_add(1, Ordering::Relaxed);
            &self.other
        }
    }

    /// What all series of a family share.
    #[derive(Debug, Clone)]
    pub struct Shape {
        pub bounds: Bounds,
        /// Values that could not be recorded.
        pub ignored: Arc<AtomicU64>,
        /// What a second is in the unit of the histogram.
        pub second: f64,
        /// Whether a gauge shows nothing before it is set.
        pub absent_until_set: bool,
        /// Most buckets of the native histogram, if there is one beside the classic.
        pub native_buckets_max: Option<usize>,
        pub traces: Option<TraceSource>,
    }

    impl Shape {
        /// For a metric that nobody sees.
        pub fn detached() -> Self {
            Self {
                bounds: Bounds::new(Arc::from([])),
                ignored: Arc::default(),
                second: 1.0,
                absent_until_set: false,
                native_buckets_max: None,
                traces: None,
            }
        }
    }

    /// The value of one series at one moment.
    #[derive(Debug, Clone, Copy)]
    pub enum Reading<'a> {
        Number(f64),
        Histogram(&'a HistogramReading),
    }

    /// A histogram at one moment; the count is that of the buckets, so the two always agree.
    #[derive(Debug, Default)]
    pub struct HistogramReading {
        pub sum: f64,
        /// Observations in each bucket alone; the last is that of `+Inf`.
        pub counts: Vec<u64>,
        /// As many as buckets, or none at all.
        pub exemplars: Vec<Option<Exemplar>>,
        /// Whether native buckets are to be read: most formats do not show them.
        pub wants_native: bool,
        /// Whether `native` is that of this histogram.
        pub has_native: bool,
        pub native: NativeReading,
    }
}

impl HistogramReading {
    /// The exemplar of a bucket, if it has one.
    pub(crate) fn exemplar(&self, bucket: usize) -> Option<&Exemplar> {
        self.exemplars.get(bucket)?.as_ref()
    }

    /// The native buckets, if they were wanted and the histogram has some.
    #[cfg(feature = "protobuf")]
    pub(crate) fn native(&self) -> Option<&NativeReading> {
        self.has_native.then_some(&self.native)
    }
}

/// The bits of a number that has no value yet: a NaN that no calculation gives.
const UNSET: u64 = 0x7ff8_5e77_1e55_0000;

/// Adds to a float that is kept as bits, and says whether that was possible: a number that becomes infinite would stay
/// so for good.
#[inline]
fn add_to_bits(cell: &AtomicU64, value: f64) -> bool {
    let mut bits = cell.load(Ordering::Relaxed);
    loop {
        let mut sum = (f64::from_bits(bits) + value).to_bits();
        if is_special(sum) {
            match special_sum(bits, value) {
                Some(special) => sum = special,
                None => return false,
            }
        }
        match cell.compare_exchange_weak(bits, sum, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(newer) => bits = newer,
        }
    }
}

/// Whether the bits are those of an infinity or a NaN. A comparison of floats would take as long as the addition.
#[inline]
fn is_special(bits: u64) -> bool {
    const EXPONENT: u64 = 0x7ff << 52;
    bits & EXPONENT == EXPONENT
}

/// The sum that is not finite, unless only this addition would make it so. What has no value yet counts from zero.
#[cold]
fn special_sum(bits: u64, value: f64) -> Option<u64> {
    if bits == UNSET {
        return Some(value.to_bits());
    }
    is_special(bits).then(|| (f64::from_bits(bits) + value).to_bits())
}
