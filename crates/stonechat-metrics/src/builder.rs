//! Describing a metric: name and help first, then what it needs, `register()` at the end.

use std::marker::PhantomData;
use std::panic::Location;

use crate::buckets;
use crate::desc::{Desc, Kind};
use crate::error::RegisterError;
use crate::family::{Family, SERIES_MAX};
use crate::metric::{Histogram, Metric};
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
        let desc = Desc {
            name: registry.full_name(name),
            help: help.to_owned(),
            kind: M::KIND,
            unit: String::new(),
            label_names: Vec::new(),
            buckets: buckets.into(),
            series_max: SERIES_MAX,
            place: Location::caller(),
        };
        Self {
            registry,
            desc,
            metric: PhantomData,
        }
    }

    /// The unit that ends the name, such as `seconds` or `bytes`; OpenMetrics shows it.
    pub fn unit(mut self, unit: &str) -> Self {
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

impl MetricBuilder<'_, Histogram> {
    /// The upper bounds of the buckets, rising, without `+Inf` (which is always there). Without
    /// this they are those of [`buckets::SECONDS`](crate::buckets::SECONDS).
    pub fn buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.desc.buckets = bounds.into_iter().collect();
        self
    }
}

/// A family that is being described; made by [`MetricBuilder::labels`].
#[derive(Debug)]
#[must_use = "nothing is registered before `register()`"]
pub struct FamilyBuilder<'r, M, const N: usize>(MetricBuilder<'r, M>);

impl<M: Metric, const N: usize> FamilyBuilder<'_, M, N> {
    /// The most series that the family may have, [`SERIES_MAX`] without this. Values for further
    /// label values go to one series more, in which every label is `other`.
    pub fn series_max(mut self, series_max: usize) -> Self {
        self.0.desc.series_max = series_max;
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
