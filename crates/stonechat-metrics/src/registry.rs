//! The registry: which families there are, and who may add one.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::builder::MetricBuilder;
use crate::collect::{self, Collect, OwnMetrics};
use crate::desc::{Desc, check_label_name};
use crate::encode::{self, Format};
use crate::error::{Place, Problem, RegisterError};
use crate::family::{AnyFamily, FamilyCore, LabelValues};
use crate::metric::{Counter, Gauge, Histogram, Metric, Reading};

/// All metrics of a service. Clones are the same registry, and may be used by any thread.
///
/// Nothing in it panics. Registering a metric that is there already returns its handles;
/// registering a different one under the same name is an error that names both places.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// let chat = stonechat_metrics::Registry::new().namespace("chat");
/// let sent = chat.counter("messages_total", "Messages sent.").register()?;
/// let same = chat.counter("messages_total", "Messages sent.").register()?;
/// sent.inc();
/// assert_eq!(same.get(), 1.0);
///
/// let error = chat.gauge("messages_total", "Messages sent.").register().unwrap_err();
/// assert!(error.to_string().contains("type differs: counter vs gauge"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
    /// Empty, or what stands before the `_` of every name registered through this handle.
    namespace: Arc<str>,
}

struct Shared {
    constant_labels: Vec<(String, String)>,
    collectors: Vec<Box<dyn Collect>>,
    own: OwnMetrics,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    families: BTreeMap<String, Arc<dyn AnyFamily>>,
    /// Every name that appears in an exposition, and the family that brings it there.
    samples: BTreeMap<String, Arc<Desc>>,
}

/// One family at one moment, for the encoders.
pub(crate) struct Snapshot {
    pub desc: Arc<Desc>,
    /// Sorted by label values.
    pub series: Vec<(LabelValues, Reading)>,
}

impl Registry {
    /// A registry with the metrics of the process and, with the feature `tokio-runtime`, of the
    /// tokio runtime: the one in which this is called, otherwise the first in which it is scraped.
    #[track_caller]
    pub fn new() -> Self {
        let place = Location::caller();
        let collectors = collect::standard(place, true, true);
        Self::assemble(Vec::new(), collectors, OwnMetrics::from_start(place))
    }

    /// A registry without the metrics of the process and the runtime, for tests and for a second
    /// registry beside the main one. Its own limits appear once they are reached.
    #[track_caller]
    pub fn bare() -> Self {
        Self::assemble(
            Vec::new(),
            Vec::new(),
            OwnMetrics::once_reached(Location::caller()),
        )
    }

    /// Starts the description of a registry that is neither [`new`](Self::new) nor
    /// [`bare`](Self::bare).
    #[track_caller]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder {
            constant_labels: Vec::new(),
            process: true,
            runtime: true,
            place: Location::caller(),
        }
    }

    fn assemble(
        constant_labels: Vec<(String, String)>,
        collectors: Vec<Box<dyn Collect>>,
        own: OwnMetrics,
    ) -> Self {
        let mut names = Names::default();
        let collected = collectors.iter().flat_map(|collector| collector.describe());
        for desc in collected.chain(own.describe()) {
            for sample in desc.sample_names() {
                names.samples.insert(sample, Arc::clone(&desc));
            }
        }
        let shared = Shared {
            constant_labels,
            collectors,
            own,
            names: Mutex::new(names),
        };
        Self {
            shared: Arc::new(shared),
            namespace: Arc::from(""),
        }
    }

    /// The same registry; names registered through the returned handle get `name` and `_` in front,
    /// after the namespace that this handle has already. An empty name adds nothing.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        if name.is_empty() {
            return self.clone();
        }
        Self {
            shared: Arc::clone(&self.shared),
            namespace: self.full_name(name).into(),
        }
    }

    /// Describes a counter. Its name ends in `_total`.
    #[track_caller]
    pub fn counter(&self, name: &str, help: &str) -> MetricBuilder<'_, Counter> {
        MetricBuilder::new(self, name, help)
    }

    /// Describes a gauge.
    #[track_caller]
    pub fn gauge(&self, name: &str, help: &str) -> MetricBuilder<'_, Gauge> {
        MetricBuilder::new(self, name, help)
    }

    /// Describes a histogram, with the buckets of
    /// [`buckets::SECONDS`](crate::buckets::SECONDS) unless it gets others.
    #[track_caller]
    pub fn histogram(&self, name: &str, help: &str) -> MetricBuilder<'_, Histogram> {
        MetricBuilder::new(self, name, help)
    }

    /// Every metric and its value now, as one answer to a scrape. The order is always the same:
    /// families by name, series by label values.
    pub fn encode(&self, format: Format) -> String {
        encode::encode(self, format)
    }

    pub(crate) fn full_name(&self, name: &str) -> String {
        if self.namespace.is_empty() {
            name.to_owned()
        } else {
            format!("{}_{name}", self.namespace)
        }
    }

    pub(crate) fn constant_labels(&self) -> &[(String, String)] {
        &self.shared.constant_labels
    }

    pub(crate) fn register<M: Metric>(
        &self,
        desc: Desc,
    ) -> Result<Arc<FamilyCore<M>>, RegisterError> {
        desc.check(self.constant_labels())?;
        let mut names = self.shared.names.lock();
        if let Some(family) = names.families.get(&desc.name) {
            family.desc().check_same(&desc)?;
            let family = Arc::clone(family).into_any();
            // The kinds are the same, so the cast succeeds; if not, the names clash below.
            if let Ok(family) = family.downcast::<FamilyCore<M>>() {
                return Ok(family);
            }
        }
        let samples = desc.sample_names();
        for sample in &samples {
            if let Some(first) = names.samples.get(sample) {
                return Err(first.clash(&desc, sample));
            }
        }
        let name = desc.name.clone();
        let family = Arc::new(FamilyCore::<M>::new(desc));
        let claims = samples
            .into_iter()
            .map(|sample| (sample, Arc::clone(family.desc())));
        names.samples.extend(claims);
        names
            .families
            .insert(name, Arc::clone(&family) as Arc<dyn AnyFamily>);
        Ok(family)
    }

    /// All families that have something to show, sorted by name.
    pub(crate) fn snapshot(&self) -> Vec<Snapshot> {
        // The lock is not held while values are read: a scrape does not delay a registration.
        let families: Vec<Arc<dyn AnyFamily>> = self
            .shared
            .names
            .lock()
            .families
            .values()
            .cloned()
            .collect();
        let mut snapshots: Vec<Snapshot> = families
            .iter()
            .map(|family| Snapshot {
                desc: Arc::clone(family.desc()),
                series: family.read(),
            })
            .collect();
        for collector in &self.shared.collectors {
            collector.collect(&mut snapshots);
        }
        self.shared.own.collect(&families, &mut snapshots);
        snapshots.retain(|snapshot| !snapshot.series.is_empty());
        snapshots.sort_unstable_by(|left, right| left.desc.name.cmp(&right.desc.name));
        snapshots
    }
}

impl Default for Registry {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families = self.shared.names.lock().families.len();
        f.debug_struct("Registry")
            .field("namespace", &self.namespace)
            .field("families", &families)
            .finish_non_exhaustive()
    }
}

/// Describes a [`Registry`] that differs from the usual one.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// use stonechat_metrics::{Format, Registry};
///
/// let registry = Registry::builder().process(false).constant_label("zone", "eu-1").build()?;
/// registry.gauge("users_online", "Users online.").register()?.set(3.0);
/// assert!(registry.encode(Format::Text).contains(r#"users_online{zone="eu-1"} 3"#));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "there is no registry before `build()`"]
pub struct RegistryBuilder {
    constant_labels: Vec<(String, String)>,
    process: bool,
    runtime: bool,
    place: Place,
}

impl RegistryBuilder {
    /// Whether the metrics of the process are there; they are, unless this says `false`.
    pub fn process(mut self, on: bool) -> Self {
        self.process = on;
        self
    }

    /// Whether the metrics of the tokio runtime are there; with the feature `tokio-runtime` they
    /// are, unless this says `false`.
    pub fn runtime(mut self, on: bool) -> Self {
        self.runtime = on;
        self
    }

    /// Sets a label on every series of the registry.
    pub fn constant_label(mut self, name: &str, value: &str) -> Self {
        self.constant_labels
            .push((name.to_owned(), value.to_owned()));
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    ///
    /// The name of a constant label is not valid, is reserved, or is there twice.
    pub fn build(self) -> Result<Registry, RegisterError> {
        self.check_labels()?;
        let collectors = collect::standard(self.place, self.process, self.runtime);
        let own = OwnMetrics::from_start(self.place);
        Ok(Registry::assemble(self.constant_labels, collectors, own))
    }

    fn check_labels(&self) -> Result<(), RegisterError> {
        for (position, (name, _)) in self.constant_labels.iter().enumerate() {
            let earlier = &self.constant_labels[..position];
            let twice = earlier.iter().any(|(other, _)| other == name);
            // A histogram sets `le`, and the registry's own metrics set the rest.
            let reserved = ["le", "family", "worker"].contains(&name.as_str());
            let problem = match check_label_name(name) {
                Err(problem) => problem,
                Ok(()) if twice => Problem::LabelTwice(name.clone()),
                Ok(()) if reserved => Problem::LabelReserved(name.clone()),
                Ok(()) => continue,
            };
            let place = self.place;
            return Err(RegisterError::ConstantLabel { place, problem });
        }
        Ok(())
    }
}
