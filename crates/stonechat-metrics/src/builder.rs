//! Describing a metric: name and help first, then what it needs, `register()` at the end.

use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

use crate::buckets;
use crate::desc::{Desc, Kind, TimeUnit};
use crate::error::RegisterError;
use crate::family::Family;
use crate::metric::{Gauge, Histogram, Metric};
use crate::registry::Registry;

/// A metric without labels that is being described; made by [`Registry::counter`] and its sisters.
#[derive(Debug)]
#[must_use = "nothing is registered before `register()`"]
pub struct MetricBuilder<'r, M> {
    registry: &'r Registry,
    desc: Desc,
    metric: PhantomData<M>,
}

impl<'r, M: Metric> MetricBuilder<'r, M> {
    #[track_caller]
    pub(crate) fn new(registry: &'r Registry, name: &str, help: &str) -> Self {
        let histogram = M::KIND == Kind::Histogram;
        let buckets = if histogram { buckets::SECONDS } else { &[] };
        let name = registry.full_name(name);
        let mut desc = Desc::new(name, help, M::KIND, Location::caller());
        desc.buckets = buckets.into();
        Self {
            registry,
            desc,
            metric: PhantomData,
        }
    }

    /// The unit that ends the name, such as `seconds` or `bytes`; OpenMetrics shows it. With
    /// `milliseconds`, a histogram observes durations in them.
    pub fn unit(mut self, unit: &str) -> Self {
        if unit == TimeUnit::Milliseconds.as_str() {
            self.desc.time_unit = TimeUnit::Milliseconds;
        }
        unit.clone_into(&mut self.desc.unit);
        self
    }

    /// Makes it a family: one series for each set of values of these labels.
    pub fn labels<const N: usize>(mut self, names: [&str; N]) -> FamilyBuilder<'r, M, N> {
        self.desc.label_names = names.map(str::to_owned).to_vec();
        FamilyBuilder(self)
    }

    /// Registers the metric, or returns the handle of the same metric if it is there already.
    ///
    /// # Errors
    ///
    /// The description breaks a rule of the data model, or the name belongs to a different metric.
    pub fn register(self) -> Result<M, RegisterError> {
        Ok(self.registry.register::<M>(self.desc)?.with(&[]))
    }
}

impl MetricBuilder<'_, Gauge> {
    /// Shows nothing before the gauge is set. Without this it shows zero, which for something that is measured, such as
    /// a round trip or a share, says that it was measured and is perfect.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// use stonechat_metrics::{Format, Registry};
    ///
    /// let registry = Registry::bare();
    /// let rtt = registry.gauge("rtt_seconds", "Round trip.").absent_until_set().register()?;
    /// assert_eq!(registry.encode(Format::Text), "");
    /// rtt.set(0.0);
    /// assert!(registry.encode(Format::Text).contains("rtt_seconds 0"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn absent_until_set(mut self) -> Self {
        self.desc.absent_until_set = true;
        self
    }
}

impl MetricBuilder<'_, Histogram> {
    /// The upper bounds of the buckets, rising, without `+Inf` (which is always there). Without
    /// this they are those of [`buckets::SECONDS`](crate::buckets::SECONDS).
    pub fn buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.desc.buckets = bounds.into_iter().collect();
        self
    }

    /// What durations are observed in; seconds without this. The buckets are in the same unit.
    pub fn time_unit(mut self, unit: TimeUnit) -> Self {
        self.desc.time_unit = unit;
        self
    }

    /// Adds a native histogram, of at most so many buckets, beside the classic one: scrapers that
    /// ask for protobuf get both. Buckets begin 9 % wide, and widen when there are too many. An observation takes a short
    /// lock then.
    pub fn native(mut self, buckets_max: usize) -> Self {
        self.desc.native_buckets_max = Some(buckets_max.max(1));
        self
    }
}

/// A family that is being described; made by [`MetricBuilder::labels`].
#[derive(Debug)]
#[must_use = "nothing is registered before `register()`"]
pub struct FamilyBuilder<'r, M, const N: usize>(MetricBuilder<'r, M>);

impl<M: Metric, const N: usize> FamilyBuilder<'_, M, N> {
    /// The most series that the family may have, [`SERIES_MAX`](crate::SERIES_MAX) without this. Values for further
    /// label values go to one series more, in which every label is `other`.
    pub fn series_max(mut self, series_max: usize) -> Self {
        self.0.desc.series_max = series_max;
        self
    }

    /// How long the series of an ended [`Session`](crate::Session) wait for the scrapes; five minutes
    /// without this. From then on the next session of the family that begins or ends removes them, or the next scrape,
    /// which shows them once more.
    pub fn ended_wait_max(mut self, wait: Duration) -> Self {
        self.0.desc.ended_wait_max = wait;
        self
    }

    /// Registers the family, or returns the same family if it is there already.
    ///
    /// # Errors
    ///
    /// The description breaks a rule of the data model, or the name belongs to a different metric.
    pub fn register(self) -> Result<Family<M, N>, RegisterError> {
        Ok(Family::new(self.0.registry.register(self.0.desc)?))
    }
}
