use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::sealed::{Beyond, Create, HistogramReading, Reading, Shape};
use super::{UNSET, add_to_bits};
use crate::desc::Kind;
use crate::family::{Recent, RecentKey, Series};

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
    beyond: Option<Box<Beyond<Gauge>>>,
}

/// The number that bits stand for; one that is not set counts from zero.
fn number(bits: u64) -> f64 {
    if bits == UNSET {
        0.0
    } else {
        f64::from_bits(bits)
    }
}

impl Gauge {
    /// Sets the value. NaN is a value too: it says that there is none to show.
    pub fn set(&self, value: f64) {
        self.cell().bits.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Sets a time, in the unit that the name ends in: seconds, or milliseconds for a name that ends
    /// in `_milliseconds` or `_ms`.
    pub fn set_duration(&self, time: Duration) {
        self.set(time.as_secs_f64() * self.0.second);
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Takes one away.
    pub fn dec(&self) {
        self.add(-1.0);
    }

    /// Adds an amount, which may be negative. An infinite or NaN amount, or one with which the gauge would be infinite,
    /// from which it could never return, is ignored and counted in `stonechat_values_ignored_total`.
    pub fn add(&self, amount: f64) {
        let cell = self.cell();
        if !amount.is_finite() || !add_to_bits(&cell.bits, amount) {
            cell.ignored.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The value now; zero, if it was never set.
    pub fn get(&self) -> f64 {
        number(self.shown().bits.load(Ordering::Relaxed))
    }

    /// Where the next value goes.
    #[inline]
    fn cell(&self) -> &Cell {
        match &self.0.beyond {
            None => &self.0,
            Some(beyond) => &beyond.pass().0,
        }
    }

    /// Where the values are.
    fn shown(&self) -> &Cell {
        match &self.0.beyond {
            None => &self.0,
            Some(beyond) => &beyond.other().0,
        }
    }

    fn new(shape: &Shape, beyond: Option<Box<Beyond<Self>>>) -> Self {
        let bits = if shape.absent_until_set {
            UNSET
        } else {
            0.0_f64.to_bits()
        };
        Self(Arc::new(Cell {
            bits: AtomicU64::new(bits),
            second: shape.second,
            ignored: Arc::clone(&shape.ignored),
            beyond,
        }))
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

    fn recent() -> &'static RecentKey<Series<Self>> {
        thread_local! {
            static RECENT: RefCell<Recent<Series<Gauge>>> = const { RefCell::new(Recent::new()) };
        }
        &RECENT
    }

    fn create(shape: &Shape) -> Self {
        Self::new(shape, None)
    }

    fn beyond(shape: &Shape, beyond: Beyond<Self>) -> Self {
        Self::new(shape, Some(Box::new(beyond)))
    }

    fn read<'a>(&self, _: &'a mut HistogramReading) -> Option<Reading<'a>> {
        let bits = self.0.bits.load(Ordering::Relaxed);
        (bits != UNSET).then(|| Reading::Number(f64::from_bits(bits)))
    }
}
