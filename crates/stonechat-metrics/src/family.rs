//! Families: one name, and one series for each set of label values.

mod core; // the table of series, and its limit
mod ended; // series whose sessions are over
mod recent; // the series that a thread used last
mod suspect; // label values that look as if there will be ever more of them
mod values; // the label values of one series
mod visit; // what an encoder sees

use std::fmt;
use std::sync::Arc;

use crate::metric::{Counter, Gauge, Histogram, Metric};

pub use self::core::{FamilyCore, Series, is_other};
pub use recent::{Labelled, Recent, RecentKey, Wanted, same};
pub use values::LabelValues;
pub use values::render;
pub use visit::{AnyFamily, Look, View, Visitor};

/// Most series of a family, unless it says otherwise.
pub const SERIES_MAX: usize = 2_000;

/// Longest label value in bytes; a longer one is folded into `other`.
pub const LABEL_VALUE_BYTES_MAX: usize = 1_024;

/// The label value of the one series that takes what the limits keep out.
pub const OTHER: &str = "other";

/// Metrics of one name that differ in the values of `N` labels. Clones are the same family.
///
/// [`Family::with`] looks a series up: without a lock when this thread used it lately, under a shared
/// lock otherwise. Where the label values are known beforehand, call it once and keep the handle.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// let registry = stonechat_metrics::Registry::bare();
/// let logins = registry
///     .counter("logins_total", "Attempts to log in.")
///     .labels(["method", "status"])
///     .register()?;
/// logins.inc(["password", "ok"]);
/// let refused = logins.with(["password", "refused"]); // one look-up,
/// refused.inc(); // then none
/// # Ok(())
/// # }
/// ```
pub struct Family<M: Metric, const N: usize> {
    core: Arc<FamilyCore<M>>,
}

impl<M: Metric, const N: usize> Family<M, N> {
    pub(crate) fn new(core: Arc<FamilyCore<M>>) -> Self {
        Self { core }
    }

    pub(crate) fn core(&self) -> &Arc<FamilyCore<M>> {
        &self.core
    }

    /// The series with these label values, in the order of the label names; it is created at its
    /// first use, with the value zero.
    ///
    /// When the family is full, or a value is longer than [`LABEL_VALUE_BYTES_MAX`], this is the
    /// series in which every label is `other`, which is there beside as many as the limit allows, and
    /// `stonechat_series_limited_total` counts each value that goes there.
    pub fn with(&self, values: [&str; N]) -> M {
        self.core.with(&values)
    }

    /// Removes a series from the exposition, and says whether it was there. A handle that somebody
    /// still holds keeps working, but is no longer shown.
    pub fn remove(&self, values: [&str; N]) -> bool {
        self.core.remove(&values)
    }

    /// Number of series, with the `other` one if there is one, and with those of ended sessions
    /// that still wait for a scrape.
    pub fn series(&self) -> usize {
        self.core.len()
    }
}

impl<const N: usize> Family<Counter, N> {
    /// Adds one to the series with these label values; a little faster than by way of
    /// [`with`](Self::with).
    pub fn inc(&self, values: [&str; N]) {
        self.core.apply(&values, Counter::inc);
    }

    /// Adds a whole number to the series with these label values.
    pub fn inc_by(&self, values: [&str; N], steps: u64) {
        self.core.apply(&values, |counter| counter.inc_by(steps));
    }
}

impl<const N: usize> Family<Gauge, N> {
    /// Sets the series with these label values.
    pub fn set(&self, values: [&str; N], value: f64) {
        self.core.apply(&values, |gauge| gauge.set(value));
    }
}

impl<const N: usize> Family<Histogram, N> {
    /// Records one observation in the series with these label values.
    pub fn observe(&self, values: [&str; N], value: f64) {
        self.core
            .apply(&values, |histogram| histogram.observe(value));
    }
}

impl<M: Metric, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<M: Metric, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.core.desc().name)
            .finish_non_exhaustive()
    }
}
