use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::add_to_bits;
use super::sealed::{Create, HistogramReading, Reading, Shape};
use crate::desc::Kind;
use crate::family::{Recent, RecentKey};

/// A number that goes up and down: connections open, messages waiting, bytes in use.
///
/// Clones change the same series. For something that begins and ends, take a [`GaugeGuard`] with
/// [`Gauge::hold`], so that an early return or a panic cannot forget the end.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// let registry = stonechat_metrics::Registry::bare();
/// let calls = registry.gauge("calls_active", "Calls under way.").register()?;
/// let call = calls.hold();
/// assert_eq!(calls.get(), 1.0);
/// drop(call);
/// assert_eq!(calls.get(), 0.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Gauge(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    bits: AtomicU64,
    second: f64,
    ignored: Arc<AtomicU64>,
}

impl Gauge {
    /// Sets the value. NaN is a value too: it says that there is none to show.
    pub fn set(&self, value: f64) {
        self.0.bits.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Sets a time, in the unit that the name ends in: seconds, or milliseconds for a name that ends
    /// in `_milliseconds` or `_ms`.
    pub fn set_duration(&self, time: Duration) {
        self.set(time.as_secs_f64() * self.0.second);
    }

    /// Adds one.
    pub fn inc(&self) {
        add_to_bits(&self.0.bits, 1.0);
    }

    /// Takes one away.
    pub fn dec(&self) {
        add_to_bits(&self.0.bits, -1.0);
    }

    /// Adds an amount, which may be negative. An infinite or NaN amount, from which the gauge could
    /// never return, is ignored and counted in `stonechat_values_ignored_total`.
    pub fn add(&self, amount: f64) {
        if amount.is_finite() {
            add_to_bits(&self.0.bits, amount);
        } else {
            self.0.ignored.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The value now.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.bits.load(Ordering::Relaxed))
    }

    /// Adds one, and takes it away when the guard is dropped.
    pub fn hold(&self) -> GaugeGuard {
        self.inc();
        GaugeGuard(self.clone())
    }
}

/// Keeps a [`Gauge`] one higher for as long as it lives.
#[derive(Debug)]
#[must_use = "the gauge goes down again when the guard is dropped"]
pub struct GaugeGuard(Gauge);

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Create for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn recent() -> &'static RecentKey<Self> {
        thread_local! {
            static RECENT: RefCell<Recent<Gauge>> = const { RefCell::new(Recent::new()) };
        }
        &RECENT
    }

    fn create(shape: &Shape) -> Self {
        Self(Arc::new(Cell {
            bits: AtomicU64::new(0.0_f64.to_bits()),
            second: shape.second,
            ignored: Arc::clone(&shape.ignored),
        }))
    }

    fn read<'a>(&self, _: &'a mut HistogramReading) -> Reading<'a> {
        Reading::Number(self.get())
    }
}
