//! How the metrics of a ready family are called: its own names, or those that dashboards and alert
//! rules already know.

use std::fmt;
use std::sync::Arc;

use crate::desc::{Desc, Kind, TimeUnit};
use crate::error::{Place, Problem, RegisterError};
use crate::family::{FamilyCore, SERIES_MAX};
use crate::metric::{Metric, Shape};
use crate::registry::{Refreshed, Registry};
use crate::session::Session;

/// Most labels of a metric of a ready family.
const LABELS_MAX: usize = 12;

/// What a metric of a ready family is called, and what its labels hold.
///
/// Each metric knows some *parts*, such as `method`, `path` and `status`, which its documentation
/// lists. Without labels of its own it has those of the standard name; the first label that is
/// given replaces them all.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// use stonechat_metrics::{Format, HttpMetric, HttpServer, Named, Registry};
///
/// let registry = Registry::bare();
/// let requests = Named::new("request_total")
///     .fixed("service", "gateway")
///     .label("method", "path")
///     .label("status", "status");
/// let duration = Named::new("request_duration_ms")
///     .label("method", "path")
///     .milliseconds()
///     .buckets([5.0, 50.0, 500.0]);
/// let http = HttpServer::register_as(
///     &registry,
///     &[(HttpMetric::Requests, requests), (HttpMetric::Duration, duration)],
/// )?;
/// http.start("GET", "/login").finish("200");
/// let text = registry.encode(Format::Text);
/// assert!(text.contains(r#"request_total{service="gateway",method="/login",status="200"} 1"#));
/// assert!(text.contains(r#"request_duration_ms_bucket{method="/login",le="5"} 1"#));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Named {
    name: Option<String>,
    help: Option<String>,
    labels: Option<Vec<(String, Source)>>,
    buckets: Option<Vec<f64>>,
    native_buckets_max: Option<usize>,
    time_unit: Option<TimeUnit>,
    series_max: Option<usize>,
}

#[derive(Debug, Clone)]
enum Source {
    Part(String),
    Fixed(String),
}

impl Named {
    /// The metric under this name, after the registry's namespace, and otherwise as it is.
    pub fn new(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// The metric as it is.
    pub fn standard() -> Self {
        Self::default()
    }

    /// Another help text.
    #[must_use]
    pub fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }

    /// Adds a label that holds a part of what is measured. A part that the metric does not know is
    /// an error at registration.
    #[must_use]
    pub fn label(self, name: &str, part: &str) -> Self {
        self.source(name, Source::Part(part.to_owned()))
    }

    /// Adds a label that always holds the same.
    #[must_use]
    pub fn fixed(self, name: &str, value: &str) -> Self {
        self.source(name, Source::Fixed(value.to_owned()))
    }

    /// No labels at all.
    #[must_use]
    pub fn no_labels(mut self) -> Self {
        self.labels = Some(Vec::new());
        self
    }

    fn source(mut self, name: &str, source: Source) -> Self {
        let labels = self.labels.get_or_insert_default();
        labels.push((name.to_owned(), source));
        self
    }

    /// Other buckets for a histogram, in its unit. Other metrics have none: an error at registration.
    #[must_use]
    pub fn buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.buckets = Some(bounds.into_iter().collect());
        self
    }

    /// A native histogram beside the classic one, of at most so many buckets. For other metrics than histograms it is
    /// an error at registration.
    #[must_use]
    pub fn native(mut self, buckets_max: usize) -> Self {
        self.native_buckets_max = Some(buckets_max.max(1));
        self
    }

    /// Durations in milliseconds. Buckets that are not given are the usual ones, in milliseconds. Only for histograms of
    /// time: the unit of a gauge is what its name ends in.
    #[must_use]
    pub fn milliseconds(mut self) -> Self {
        self.time_unit = Some(TimeUnit::Milliseconds);
        self
    }

    /// The most series that the metric may have, [`SERIES_MAX`] without this.
    #[must_use]
    pub fn series_max(mut self, series_max: usize) -> Self {
        self.series_max = Some(series_max);
        self
    }

    fn full_name(&self, registry: &Registry, template: &Template) -> String {
        registry.full_name(self.name.as_deref().unwrap_or(template.name))
    }

    fn desc(&self, registry: &Registry, template: &Template, kind: Kind, place: Place) -> Desc {
        let name = self.full_name(registry, template);
        let help = self.help.as_deref().unwrap_or(template.help);
        let mut desc = Desc::new(name, help, kind, place);
        desc.series_max = self.series_max.unwrap_or(SERIES_MAX);
        desc.absent_until_set = template.absent_until_set;
        desc.label_names = match &self.labels {
            Some(labels) => labels.iter().map(|(name, _)| name.clone()).collect(),
            None => template
                .labels
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        };
        let mut unit = template.unit;
        if unit == TimeUnit::Seconds.as_str() {
            unit = TimeUnit::of_name(&desc.name).as_str();
        }
        if kind == Kind::Histogram {
            let mut factor = 1.0;
            if template.unit == TimeUnit::Seconds.as_str() {
                desc.time_unit = self.time_unit.unwrap_or_default();
                factor = desc.time_unit.second();
                unit = desc.time_unit.as_str();
            }
            let usual = || {
                template
                    .buckets
                    .iter()
                    .map(|bound| bound * factor)
                    .collect()
            };
            desc.buckets = self.buckets.clone().unwrap_or_else(usual).into();
            desc.native_buckets_max = self.native_buckets_max;
        }
        // A name that is already in use may not end in its unit; OpenMetrics has none then.
        if desc.family_name().ends_with(&format!("_{unit}")) {
            unit.clone_into(&mut desc.unit);
        }
        desc
    }

    /// Fails for what would be given in vain.
    fn check_options(&self, template: &Template, kind: Kind) -> Result<(), Problem> {
        let is_histogram = kind == Kind::Histogram;
        let is_time = is_histogram && template.unit == TimeUnit::Seconds.as_str();
        let histograms = "histograms";
        for (option, is_given, wanted, is_wanted) in [
            ("buckets", self.buckets.is_some(), histograms, is_histogram),
            (
                "native",
                self.native_buckets_max.is_some(),
                histograms,
                is_histogram,
            ),
            (
                "milliseconds",
                self.time_unit.is_some(),
                "histograms of time",
                is_time,
            ),
        ] {
            if is_given && !is_wanted {
                let kind = kind.as_str();
                return Err(Problem::OptionUnused {
                    option,
                    wanted,
                    kind,
                });
            }
        }
        Ok(())
    }

    fn slots(&self, template: &Template) -> Result<Vec<Slot>, Problem> {
        let position = |part: &str| template.parts.iter().position(|known| *known == part);
        let Some(labels) = &self.labels else {
            let known = template.labels.iter().filter_map(|part| position(part));
            return Ok(known.map(Slot::Part).collect());
        };
        if labels.len() > LABELS_MAX {
            return Err(Problem::LabelsTooMany {
                count: labels.len(),
                max: LABELS_MAX,
            });
        }
        let slot = |(label, source): &(String, Source)| match source {
            Source::Fixed(value) => Ok(Slot::Fixed(value.clone())),
            Source::Part(part) => position(part).map(Slot::Part).ok_or(Problem::PartUnknown {
                label: label.clone(),
                part: part.clone(),
                known: template.parts,
            }),
        };
        labels.iter().map(slot).collect()
    }
}

/// A metric of a ready family as it is without other names.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    pub name: &'static str,
    pub help: &'static str,
    /// What labels can hold, in the order in which values are given.
    pub parts: &'static [&'static str],
    /// The labels, which are called as the parts that they hold.
    pub labels: &'static [&'static str],
    /// `seconds`, `bytes` and so on, or empty.
    pub unit: &'static str,
    pub buckets: &'static [f64],
    /// Whether a gauge shows nothing before it is set, because zero would say something.
    pub absent_until_set: bool,
}

impl Template {
    /// A metric without labels, unit and buckets.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            parts: &[],
            labels: &[],
            unit: "",
            buckets: &[],
            absent_until_set: false,
        }
    }

    /// All its parts are labels.
    pub const fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.parts = labels;
        self.labels = labels;
        self
    }

    /// More parts, which are no labels unless somebody asks for them. They begin with the labels.
    pub const fn parts(mut self, parts: &'static [&'static str]) -> Self {
        self.parts = parts;
        self
    }

    pub const fn seconds(mut self, buckets: &'static [f64]) -> Self {
        self.unit = "seconds";
        self.buckets = buckets;
        self
    }

    pub const fn bytes(mut self, buckets: &'static [f64]) -> Self {
        self.unit = "bytes";
        self.buckets = buckets;
        self
    }

    /// What is measured: there is nothing to show before.
    pub const fn measured(mut self) -> Self {
        self.absent_until_set = true;
        self
    }

    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }
}

/// The metrics of one ready family.
pub trait Key: Copy + PartialEq + 'static {
    fn template(self) -> Template;
}

/// The metrics that are wanted, under which names, and where.
pub struct Chosen<'a, K> {
    pub registry: &'a Registry,
    pub names: &'a [(K, Named)],
    pub place: Place,
}

impl<K: Key> Chosen<'_, K> {
    /// Registers a metric; one that is not wanted counts into the void.
    pub fn part<M: Metric>(&self, key: K) -> Result<Part<M>, RegisterError> {
        let mut names = self.names.iter().filter(|(own, _)| *own == key);
        let Some((_, named)) = names.next() else {
            return Ok(Part::absent());
        };
        let template = key.template();
        if let Some((_, again)) = names.next() {
            let name = |named: &Named| named.full_name(self.registry, &template);
            let first = name(named);
            return Err(RegisterError::Invalid {
                name: name(again),
                place: self.place,
                problem: Problem::MetricTwice { first },
            });
        }
        let desc = named.desc(self.registry, &template, M::KIND, self.place);
        let invalid = |problem| RegisterError::Invalid {
            name: desc.name.clone(),
            place: self.place,
            problem,
        };
        named.check_options(&template, M::KIND).map_err(invalid)?;
        let slots = named.slots(&template).map_err(invalid)?;
        Ok(Part {
            core: Some(self.registry.register(desc)?),
            is_plain: (slots.iter().enumerate())
                .all(|(label, slot)| matches!(slot, Slot::Part(part) if *part == label)),
            slots: slots.into(),
            spare: M::create(&Shape::detached()),
        })
    }
}

/// A metric of a ready family, whose labels hold parts of what is measured.
pub struct Part<M> {
    core: Option<Arc<FamilyCore<M>>>,
    slots: Arc<[Slot]>,
    /// The labels hold the first parts, in their order, so that nothing has to be copied.
    is_plain: bool,
    /// What a metric that is not registered counts into.
    spare: M,
}

#[derive(Debug, Clone)]
enum Slot {
    /// Position in the values that are given.
    Part(usize),
    Fixed(String),
}

impl<M: Metric> Part<M> {
    pub fn absent() -> Self {
        Self {
            core: None,
            slots: Arc::from([]),
            is_plain: true,
            spare: M::create(&Shape::detached()),
        }
    }

    pub fn is_absent(&self) -> bool {
        self.core.is_none()
    }

    /// What something that sets it before each scrape is registered for, unless it is absent.
    pub fn refreshed(&self) -> Option<Refreshed> {
        use crate::family::AnyFamily;
        let core = self.core.as_ref()?;
        Some(Refreshed {
            name: core.desc().name.clone(),
            labels: format!("{:?}", self.slots),
        })
    }

    /// How many series were removed so far; see [`FamilyCore::removals`].
    pub fn removals(&self) -> u64 {
        self.core.as_ref().map_or(0, |core| core.removals())
    }

    /// The series for the parts, unless the metric is absent.
    pub fn get(&self, parts: &[&str]) -> Option<M> {
        (!self.is_absent()).then(|| self.with(parts))
    }

    /// Whether a label holds this part.
    pub fn uses(&self, part: usize) -> bool {
        let is = |slot: &Slot| matches!(slot, Slot::Part(own) if *own == part);
        self.slots.iter().any(is)
    }

    /// The series for the parts, in the order of the template.
    pub fn with(&self, parts: &[&str]) -> M {
        let with = |core: &Arc<FamilyCore<M>>, values: &[&str]| core.with(values);
        self.find(parts, with)
    }

    /// The same, owned by a session.
    pub fn own(&self, session: &Session, parts: &[&str]) -> M {
        self.find(parts, |core, values| session.own_in(core, values))
    }

    /// Does something with the series for the parts, without taking a handle; nothing, if the metric is absent.
    #[inline]
    pub fn apply(&self, parts: &[&str], action: impl Fn(&M)) {
        if let Some(core) = &self.core {
            self.with_values(parts, |values| core.apply(values, action));
        }
    }

    fn find(&self, parts: &[&str], find: impl FnOnce(&Arc<FamilyCore<M>>, &[&str]) -> M) -> M {
        match &self.core {
            Some(core) => self.with_values(parts, |values| find(core, values)),
            None => self.spare.clone(),
        }
    }

    /// The values of the labels, which hold parts.
    #[inline]
    fn with_values<A>(&self, parts: &[&str], action: impl FnOnce(&[&str]) -> A) -> A {
        if let (Some(same), true) = (parts.get(..self.slots.len()), self.is_plain) {
            return action(same);
        }
        let mut values = [""; LABELS_MAX];
        for (value, slot) in values.iter_mut().zip(self.slots.iter()) {
            *value = match slot {
                Slot::Part(position) => parts.get(*position).copied().unwrap_or(""),
                Slot::Fixed(fixed) => fixed,
            };
        }
        action(&values[..self.slots.len().min(LABELS_MAX)])
    }
}

impl<M: Clone> Clone for Part<M> {
    fn clone(&self) -> Self {
        Self {
            core: self.core.clone(),
            slots: Arc::clone(&self.slots),
            is_plain: self.is_plain,
            spare: self.spare.clone(),
        }
    }
}

impl<M: Metric> fmt::Debug for Part<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::family::AnyFamily;
        let name = self.core.as_ref().map(|core| core.desc().name.as_str());
        f.debug_tuple("Part").field(&name).finish()
    }
}

/// Every key under its standard name.
pub fn standard<K: Key, const N: usize>(keys: [K; N]) -> [(K, Named); N] {
    keys.map(|key| (key, Named::standard()))
}

impl<'a, K> Chosen<'a, K> {
    /// The place is where the ready family is registered.
    #[track_caller]
    pub fn here(registry: &'a Registry, names: &'a [(K, Named)]) -> Self {
        Self {
            registry,
            names,
            place: std::panic::Location::caller(),
        }
    }
}
