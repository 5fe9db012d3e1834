//! Families: one name, and one series for each set of label values.

use std::any::Any;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::RwLock;

use crate::desc::Desc;
use crate::metric::{Metric, Reading, Shape};

/// Most series of a family, unless it says otherwise.
pub const SERIES_MAX: usize = 2_000;

/// Longest label value in bytes; a longer one is folded into `other`.
pub const LABEL_VALUE_BYTES_MAX: usize = 1_024;

/// The label value of the one series that takes what the limits keep out.
pub const OTHER: &str = "other";

/// Metrics of one name that differ in the values of `N` labels. Clones are the same family.
///
/// [`Family::with`] looks a series up under a shared lock. Where the label values are known
/// beforehand, call it once and keep the handle.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// let registry = stonechat_metrics::Registry::bare();
/// let logins = registry
///     .counter("logins_total", "Attempts to log in.")
///     .labels(["method", "status"])
///     .register()?;
/// logins.with(["password", "ok"]).inc();
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

    /// The series with these label values, in the order of the label names; it is created at its
    /// first use, with the value zero.
    ///
    /// When the family is full, or a value is longer than [`LABEL_VALUE_BYTES_MAX`], this is the
    /// series in which every label is `other`, and `stonechat_series_limited_total` counts it.
    pub fn with(&self, values: [&str; N]) -> M {
        self.core.with(&values)
    }

    /// Removes a series from the exposition, and says whether it was there. A handle that somebody
    /// still holds keeps working, but is no longer shown.
    pub fn remove(&self, values: [&str; N]) -> bool {
        self.core.remove(&values)
    }

    /// Number of series, with the `other` one if there is one.
    pub fn series(&self) -> usize {
        self.core.table.read().len()
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
            .field("name", &self.core.desc.name)
            .finish_non_exhaustive()
    }
}

/// The label values of a series, in the order of the family's label names.
pub type LabelValues = Arc<[Box<str>]>;

/// What the registry keeps of a family.
pub struct FamilyCore<M> {
    desc: Arc<Desc>,
    shape: Shape,
    hasher: DefaultHashBuilder,
    table: RwLock<HashTable<Series<M>>>,
    limited: AtomicU64,
}

struct Series<M> {
    hash: u64,
    values: LabelValues,
    metric: M,
}

impl<M> Series<M> {
    fn is(&self, values: &[&str]) -> bool {
        let mut pairs = self.values.iter().zip(values);
        pairs.all(|(own, value)| **own == **value)
    }
}

impl<M: Metric> FamilyCore<M> {
    pub fn new(desc: Desc) -> Self {
        Self {
            shape: Shape {
                buckets: Arc::clone(&desc.buckets),
                ignored: Arc::default(),
            },
            desc: Arc::new(desc),
            hasher: DefaultHashBuilder::default(),
            table: RwLock::default(),
            limited: AtomicU64::new(0),
        }
    }

    pub fn with(&self, values: &[&str]) -> M {
        let hash = self.hasher.hash_one(values);
        let table = self.table.read();
        if let Some(series) = table.find(hash, |series| series.is(values)) {
            return series.metric.clone();
        }
        // A family that is full is left under the shared lock: a flood of label values must not
        // make the known ones wait.
        let too_long = values
            .iter()
            .any(|value| value.len() > LABEL_VALUE_BYTES_MAX);
        let full = table.len() >= self.desc.series_max;
        drop(table);
        if !too_long && !full {
            let created = self.find_or_insert(hash, values, self.desc.series_max);
            // None, if other threads have filled the family in the meantime.
            if let Some(metric) = created {
                return metric;
            }
        }
        self.other(values.len())
    }

    #[cold]
    fn other(&self, labels: usize) -> M {
        self.limited.fetch_add(1, Ordering::Relaxed);
        let values = vec![OTHER; labels];
        let hash = self.hasher.hash_one(values.as_slice());
        if let Some(series) = self.table.read().find(hash, |series| series.is(&values)) {
            return series.metric.clone();
        }
        // Without a limit there always is one; if not, the values are lost and nothing worse.
        self.find_or_insert(hash, &values, usize::MAX)
            .unwrap_or_else(|| M::create(&self.shape))
    }

    #[cold]
    fn find_or_insert(&self, hash: u64, values: &[&str], series_max: usize) -> Option<M> {
        let mut table = self.table.write();
        // Another thread may have created it while this one waited.
        if let Some(series) = table.find(hash, |series| series.is(values)) {
            return Some(series.metric.clone());
        }
        if table.len() >= series_max {
            return None;
        }
        let metric = M::create(&self.shape);
        let values: LabelValues = values.iter().map(|value| Box::from(*value)).collect();
        let series = Series {
            hash,
            values,
            metric: metric.clone(),
        };
        table.insert_unique(hash, series, |series| series.hash);
        Some(metric)
    }

    fn remove(&self, values: &[&str]) -> bool {
        let hash = self.hasher.hash_one(values);
        match self
            .table
            .write()
            .find_entry(hash, |series| series.is(values))
        {
            Ok(entry) => {
                entry.remove();
                true
            }
            Err(_) => false,
        }
    }
}

/// A family whose kind of metric is not known, as the registry and the encoders see it.
pub trait AnyFamily: Send + Sync {
    fn desc(&self) -> &Arc<Desc>;

    /// All series, sorted by their label values.
    fn read(&self) -> Vec<(LabelValues, Reading)>;

    /// Look-ups that a limit sent to the `other` series.
    fn limited(&self) -> u64;

    /// Values that could not be recorded.
    fn ignored(&self) -> u64;

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Metric> AnyFamily for FamilyCore<M> {
    fn desc(&self) -> &Arc<Desc> {
        &self.desc
    }

    fn read(&self) -> Vec<(LabelValues, Reading)> {
        let table = self.table.read();
        let mut series: Vec<(LabelValues, M)> = table
            .iter()
            .map(|one| (Arc::clone(&one.values), one.metric.clone()))
            .collect();
        // The rest needs no lock, and a writer may be waiting for it.
        drop(table);
        series.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        series
            .into_iter()
            .map(|(values, metric)| (values, metric.read()))
            .collect()
    }

    fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }

    fn ignored(&self) -> u64 {
        self.shape.ignored.load(Ordering::Relaxed)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
