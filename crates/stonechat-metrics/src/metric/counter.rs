use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::add_to_bits;
use super::sealed::{Beyond, Create, HistogramReading, Reading, Shape};
use crate::desc::Kind;
use crate::family::{Recent, RecentKey};

/// A number that only grows: requests served, bytes sent, seconds spent.
///
/// Clones count into the same series. Whole steps are one atomic addition. A counter that has counted 2^63 of them
/// stays there instead of beginning again at zero.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// let registry = stonechat_metrics::Registry::bare();
/// let logins = registry.counter("logins_total", "Logins that succeeded.").register()?;
/// logins.inc();
/// logins.inc_by(2);
/// logins.inc_by_f64(-1.0); // ignored, and counted as such
/// assert_eq!(logins.get(), 3.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Counter(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    whole: AtomicU64,
    /// Bits of a float: what was added in parts.
    parts: AtomicU64,
    ignored: Arc<AtomicU64>,
    beyond: Option<Box<Beyond<Counter>>>,
}

/// Where whole steps end. The room above it takes the steps of threads that have not noticed yet.
const WHOLE_MAX: u64 = 1 << 63;

/// Steps from this size on could use up that room, and are added with more care.
const LARGE: u64 = 1 << 32;

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        // No program lives long enough to fill what `inc_by` leaves free.
        self.cell().whole.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a whole number.
    pub fn inc_by(&self, steps: u64) {
        let whole = &self.cell().whole;
        if steps >= LARGE {
            add_large(whole, steps);
        } else if whole.fetch_add(steps, Ordering::Relaxed) >= WHOLE_MAX {
            whole.store(WHOLE_MAX, Ordering::Relaxed);
        }
    }

    /// Adds an amount, such as seconds. A negative, infinite or NaN amount, or one with which the sum would be
    /// infinite, is ignored, and counted in `stonechat_values_ignored_total`.
    pub fn inc_by_f64(&self, amount: f64) {
        let cell = self.cell();
        let taken = amount.is_finite() && amount >= 0.0 && add_to_bits(&cell.parts, amount);
        if !taken {
            cell.ignored.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Where the next value goes.
    #[inline]
    fn cell(&self) -> &Cell {
        match &self.0.beyond {
            None => &self.0,
            Some(beyond) => &beyond.pass().0,
        }
    }

    /// Makes the whole number that was counted at least this.
    #[cfg(feature = "metrics")]
    pub(crate) fn raise_to(&self, steps: u64) {
        let whole = &self.cell().whole;
        whole.fetch_max(steps.min(WHOLE_MAX), Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> f64 {
        let cell = match &self.0.beyond {
            None => &self.0,
            Some(beyond) => &beyond.other().0,
        };
        let whole = cell.whole.load(Ordering::Relaxed).min(WHOLE_MAX);
        whole as f64 + f64::from_bits(cell.parts.load(Ordering::Relaxed))
    }

    fn new(shape: &Shape, beyond: Option<Box<Beyond<Self>>>) -> Self {
        Self(Arc::new(Cell {
            whole: AtomicU64::new(0),
            parts: AtomicU64::new(0.0_f64.to_bits()),
            ignored: Arc::clone(&shape.ignored),
            beyond,
        }))
    }
}

#[cold]
fn add_large(whole: &AtomicU64, steps: u64) {
    let sum = |before: u64| before.saturating_add(steps).min(WHOLE_MAX);
    let mut before = whole.load(Ordering::Relaxed);
    while let Err(newer) =
        whole.compare_exchange_weak(before, sum(before), Ordering::Relaxed, Ordering::Relaxed)
    {
        before = newer;
    }
}

impl Create for Counter {
    const KIND: Kind = Kind::Counter;

    fn recent() -> &'static RecentKey<Self> {
        thread_local! {
            static RECENT: RefCell<Recent<Counter>> = const { RefCell::new(Recent::new()) };
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
        Some(Reading::Number(self.get()))
    }
}
