use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::Timer;
use super::bounds::Bounds;
use super::exemplar::{Exemplar, TraceId, TraceSource};
use super::native::NativeCell;
use super::places::{Place, Places};
use super::sealed::{Beyond, Create, HistogramReading, Reading, Shape};
use crate::desc::Kind;
use crate::family::{Recent, RecentKey, Series};

/// Counts observations by size: durations, message sizes, queue lengths.
///
/// Clones observe into the same series, without locks; only a [native](crate::MetricBuilder::native) one takes a short
/// lock of its own, so that a scrape finds its buckets in agreement.
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
    bounds: Bounds,
    observed: Places<Observed>,
    second: f64,
    ignored: Arc<AtomicU64>,
    /// What most histograms do not have, out of the way of those that are in a hot path.
    extras: Option<Box<Extras>>,
}

/// The bits of the partial sums, then a count for each bound, and one for what is above the last. In lines of the cache
/// of its own: next to it may be what another thread adds to.
#[derive(Debug)]
struct Observed(Box<[Line]>);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU64; LINE]);

const LINE: usize = 8;

/// So many partial sums. An addition waits for the one before it on the same number, and a float that goes through
/// memory takes much longer for that than a count does; with several, neighbouring observations do not wait.
const SUMS: usize = 4;

/// Up to so many observations of a bucket go into the first partial sum.
const FEW: u64 = 1 << 10;

impl Observed {
    fn new(bounds: usize) -> Self {
        let numbers = SUMS + bounds + 1;
        Self(
            (0..numbers.div_ceil(LINE))
                .map(|_| Line::default())
                .collect(),
        )
    }

    /// The partial sum for the next observation in a bucket of so many. A bucket of few is not hot, and its sum is what
    /// adding one after the other gives, to the last digit.
    #[inline]
    fn sum(&self, count: u64) -> &AtomicU64 {
        let lane = if count < FEW { 0 } else { count as usize };
        &self.0[0].0[lane % SUMS]
    }

    fn sums(&self) -> &[AtomicU64] {
        &self.0[0].0[..SUMS]
    }

    #[inline]
    fn count(&self, bucket: usize) -> &AtomicU64 {
        let place = bucket + SUMS;
        &self.0[place / LINE].0[place % LINE]
    }
}

impl Place for Observed {
    fn alike(&self) -> Self {
        Self(self.0.iter().map(|_| Line::default()).collect())
    }

    fn stamp(&self) -> u64 {
        let numbers = self.0.iter().flat_map(|line| &line.0);
        let numbers = numbers.map(|number| number.load(Ordering::Relaxed));
        numbers.fold(0, u64::wrapping_add)
    }
}

#[derive(Debug)]
struct Extras {
    native: Option<Mutex<NativeCell>>,
    traces: Option<TraceSource>,
    /// One for each bucket.
    exemplars: Box<[Mutex<Option<Exemplar>>]>,
    /// Then the rest is empty.
    beyond: Option<Beyond<Histogram>>,
}

impl Histogram {
    /// Records one observation. NaN and infinities, which would spoil the sum for good, are ignored
    /// and counted in `stonechat_values_ignored_total`, and so is what would make the sum infinite.
    #[inline]
    pub fn observe(&self, value: f64) {
        match &self.0.extras {
            None => _ = self.0.record(value),
            Some(extras) => extras.record(&self.0, value, None),
        }
    }

    /// Records one observation, and keeps the trace as the example of its bucket: OpenMetrics and
    /// protobuf show it. Only histograms of a registry with
    /// [`trace_ids`](crate::RegistryBuilder::trace_ids) have room for it.
    pub fn observe_traced(&self, value: f64, trace: TraceId) {
        match &self.0.extras {
            None => _ = self.0.record(value),
            Some(extras) => extras.record(&self.0, value, Some(trace)),
        }
    }

    /// Records a duration in the unit of the histogram: seconds, unless it was registered with
    /// [`time_unit`](crate::MetricBuilder::time_unit).
    pub fn observe_duration(&self, duration: Duration) {
        self.observe_seconds(duration.as_secs_f64());
    }

    /// Records seconds in the unit of the histogram.
    #[inline]
    pub(crate) fn observe_seconds(&self, seconds: f64) {
        self.observe(seconds * self.0.second);
    }

    /// Starts a clock; what it shows is recorded, in the unit of the histogram, when it is dropped.
    pub fn start_timer(&self) -> Timer {
        Timer::start(self.clone())
    }

    /// Number of observations so far.
    pub fn count(&self) -> u64 {
        let cell = self.shown();
        (0..=cell.bounds.len())
            .map(|bucket| cell.count(bucket))
            .sum()
    }

    /// Sum of the observations so far.
    pub fn sum(&self) -> f64 {
        let sums = self.shown().observed.iter().flat_map(Observed::sums);
        let sums = sums.map(|sum| f64::from_bits(sum.load(Ordering::Relaxed)));
        sums.sum::<f64>().clamp(f64::MIN, f64::MAX)
    }

    /// Where the observations are.
    fn shown(&self) -> &Cell {
        let extras = self.0.extras.as_deref();
        match extras.and_then(|extras| extras.beyond.as_ref()) {
            None => &self.0,
            Some(beyond) => &beyond.other().0,
        }
    }

    fn new(shape: &Shape, extras: Option<Box<Extras>>) -> Self {
        Self(Arc::new(Cell {
            bounds: shape.bounds.clone(),
            observed: Places::new(Observed::new(shape.bounds.len())),
            second: shape.second,
            ignored: Arc::clone(&shape.ignored),
            extras,
        }))
    }
}

impl Cell {
    /// Counts the value and returns its bucket, or none if it cannot be recorded.
    #[inline]
    fn record(&self, value: f64) -> Option<usize> {
        let bucket = self.bounds.bucket(value);
        let taken = value.is_finite()
            && self.observed.here(|observed, writers| {
                let count = observed.count(bucket);
                let sum = observed.sum(count.load(Ordering::Relaxed));
                let taken = writers.add_float(sum, value);
                if taken {
                    writers.add(count, 1);
                }
                taken
            });
        if !taken {
            self.ignored.fetch_add(1, Ordering::Relaxed);
        }
        taken.then_some(bucket)
    }

    /// Observations in one bucket alone.
    fn count(&self, bucket: usize) -> u64 {
        let counts = self.observed.iter().map(|observed| observed.count(bucket));
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

impl Extras {
    fn new(shape: &Shape) -> Option<Box<Self>> {
        if shape.native_buckets_max.is_none() && shape.traces.is_none() {
            return None;
        }
        let places = match shape.traces {
            Some(_) => shape.bounds.len() + 1,
            None => 0,
        };
        Some(Box::new(Self {
            native: shape
                .native_buckets_max
                .map(|buckets_max| Mutex::new(NativeCell::new(buckets_max))),
            traces: shape.traces.clone(),
            exemplars: (0..places).map(|_| Mutex::new(None)).collect(),
            beyond: None,
        }))
    }

    fn record(&self, cell: &Cell, value: f64, trace: Option<TraceId>) {
        if let Some(beyond) = &self.beyond {
            match trace {
                Some(trace) => beyond.pass().observe_traced(value, trace),
                None => beyond.pass().observe(value),
            }
            return;
        }
        let mut native = self.native.as_ref().map(Mutex::lock);
        let Some(bucket) = cell.record(value) else {
            return;
        };
        if let Some(native) = &mut native {
            native.record(value);
        }
        // Whoever tells the trace may observe something too.
        drop(native);
        let trace = trace.or_else(|| self.traces.as_ref()?.current());
        // Whoever finds the place taken does not wait: the other example is as good.
        if let Some(trace) = trace
            && let Some(mut place) = self.exemplars.get(bucket).and_then(Mutex::try_lock)
        {
            *place = Some(Exemplar::now(trace, value));
        }
    }
}

impl Create for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn recent() -> &'static RecentKey<Series<Self>> {
        thread_local! {
            static RECENT: RefCell<Recent<Series<Histogram>>> = const { RefCell::new(Recent::new()) };
        }
        &RECENT
    }

    fn create(shape: &Shape) -> Self {
        Self::new(shape, Extras::new(shape))
    }

    fn beyond(shape: &Shape, beyond: Beyond<Self>) -> Self {
        let extras = Extras {
            native: None,
            traces: None,
            exemplars: Box::default(),
            beyond: Some(beyond),
        };
        Self::new(shape, Some(Box::new(extras)))
    }

    fn read<'a>(&self, scratch: &'a mut HistogramReading) -> Option<Reading<'a>> {
        let cell = &*self.0;
        let extras = cell.extras.as_deref();
        let native = extras.and_then(|extras| extras.native.as_ref());
        // Nobody observes while it is held, so that both kinds of buckets show the same.
        let native = native.filter(|_| scratch.wants_native).map(Mutex::lock);
        scratch.has_native = native.is_some();
        if let Some(native) = &native {
            native.read(&mut scratch.native);
        }
        scratch.sum = self.sum();
        scratch.counts.clear();
        let buckets = 0..=cell.bounds.len();
        scratch
            .counts
            .extend(buckets.map(|bucket| cell.count(bucket)));
        drop(native);
        scratch.exemplars.clear();
        if let Some(extras) = extras {
            let places = extras.exemplars.iter();
            scratch.exemplars.extend(places.map(|place| *place.lock()));
        }
        Some(Reading::Histogram(scratch))
    }
}
