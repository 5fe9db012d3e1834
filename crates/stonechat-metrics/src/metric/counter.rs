use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::add_to_bits;
use super::sealed::{Create, HistogramReading, Reading, Shape};
use crate::desc::Kind;
use crate::family::{Recent, RecentKey};

/// A number that only grows: requests served, bytes sent, seconds spent.
///
/// Clones count into the same series. Whole steps are one atomic addition.
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
}

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds a whole number.
    pub fn inc_by(&self, steps: u64) {
        self.0.whole.fetch_add(steps, Ordering::Relaxed);
    }

    /// Adds an amount, such as seconds. A negative, infinite or NaN amount is ignored, and counted
    /// in `stonechat_values_ignored_total`.
    pub fn inc_by_f64(&self, amount: f64) {
        if amount.is_finite() && amount >= 0.0 {
            add_to_bits(&self.0.parts, amount);
        } else {
            self.0.ignored.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Makes the whole number that was counted at least this.
    #[cfg(feature = "metrics")]
    pub(crate) fn raise_to(&self, steps: u64) {
        self.0.whole.fetch_max(steps, Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self) -> f64 {
        let whole = self.0.whole.load(Ordering::Relaxed);
        whole as f64 + f64::from_bits(self.0.parts.load(Ordering::Relaxed))
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
        Self(Arc::new(Cell {
            whole: AtomicU64::new(0),
            parts: AtomicU64::new(0.0_f64.to_bits()),
            ignored: Arc::clone(&shape.ignored),
        }))
    }

    fn read<'a>(&self, _: &'a mut HistogramReading) -> Reading<'a> {
        Reading::Number(self.get())
    }
}
