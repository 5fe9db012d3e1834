use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::places::{Place, Places, Writers};
use super::sealed::{Beyond, Create, HistogramReading, Reading, Shape};
use crate::desc::Kind;
use crate::family::{Recent, RecentKey, Series};

/// A number that only grows: requests served, bytes sent, seconds spent.
///
/// Clones count into the same series, and threads that count at once do not wait for each other. A counter that has counted 2^63 of them
/// stays there instead of beginning again at zero.
///
/// Not for signal handlers: additions of one thread to a series take no lock, so one that interrupts another in its
/// middle is lost, or takes the other away. Let the handler set an atomic or write to a pipe, as `tokio::signal`
/// does, and count where that is read. The same holds for histograms.
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
    counted: Places<Counted>,
    ignored: Arc<AtomicU64>,
    beyond: Option<Box<Beyond<Counter>>>,
}

#[derive(Debug, Default)]
struct Counted {
    whole: AtomicU64,
    /// Bits of a float: what was added in parts.
    parts: AtomicU64,
}

impl Place for Counted {
    fn alike(&self) -> Self {
        Self::default()
    }

    fn stamp(&self) -> u64 {
        let parts = self.parts.load(Ordering::Relaxed);
        self.whole.load(Ordering::Relaxed).wrapping_add(parts)
    }
}

/// Where whole steps end. The room above it takes the steps of threads that have not noticed yet.
const WHOLE_MAX: u64 = 1 << 63;

/// Steps from this size on could use up that room, and are added with more care.
const LARGE: u64 = 1 << 32;

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        // No program lives long enough to fill what `inc_by` leaves free.
        let counted = &self.cell().counted;
        counted.here(|counted, writers| writers.add(&counted.whole, 1));
    }

    /// Adds a whole number.
    pub fn inc_by(&self, steps: u64) {
        let counted = &self.cell().counted;
        counted.here(|counted, writers| {
            let whole = &counted.whole;
            if steps >= LARGE {
                add_large(whole, steps);
            } else if writers.add(whole, steps) >= WHOLE_MAX {
                whole.store(WHOLE_MAX, Ordering::Relaxed);
            }
        });
    }

    /// Adds an amount, such as seconds. A negative, infinite or NaN amount, or one with which the sum would be
    /// infinite, is ignored, and counted in `stonechat_values_ignored_total`.
    pub fn inc_by_f64(&self, amount: f64) {
        let cell = self.cell();
        let add = |counted: &Counted, writers: Writers| writers.add_float(&counted.parts, amount);
        let taken = amount.is_finite() && amount >= 0.0 && cell.counted.here(add);
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
        let cell = self.cell();
        let common = &cell.counted.common().whole;
        loop {
            let seen = common.load(Ordering::Relaxed);
            let missing = steps.min(WHOLE_MAX).saturating_sub(cell.whole());
            // Another thread that raises it changes the same number.
            let raised =
                common.compare_exchange(seen, seen + missing, Ordering::Relaxed, Ordering::Relaxed);
            if missing == 0 || raised.is_ok() {
                return;
            }
        }
    }

    /// The value now.
    pub fn get(&self) -> f64 {
        let cell = match &self.0.beyond {
            None => &self.0,
            Some(beyond) => &beyond.other().0,
        };
        let parts = cell.counted.iter().map(|counted| &counted.parts);
        let parts: f64 = parts
            .map(|parts| f64::from_bits(parts.load(Ordering::Relaxed)))
            .sum();
        (cell.whole() as f64 + parts).min(f64::MAX)
    }

    fn new(shape: &Shape, beyond: Option<Box<Beyond<Self>>>) -> Self {
        Self(Arc::new(Cell {
            counted: Places::new(Counted::default()),
            ignored: Arc::clone(&shape.ignored),
            beyond,
        }))
    }
}

impl Cell {
    fn whole(&self) -> u64 {
        let whole = self.counted.iter().map(|counted| &counted.whole);
        whole
            .fold(0_u64, |sum, whole| {
                sum.saturating_add(whole.load(Ordering::Relaxed))
            })
            .min(WHOLE_MAX)
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

    fn recent() -> &'static RecentKey<Series<Self>> {
        thread_local! {
            static RECENT: RefCell<Recent<Series<Counter>>> = const { RefCell::new(Recent::new()) };
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
