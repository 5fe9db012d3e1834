//! The registry: which families there are, and who may add one.

mod build; // a registry that differs from the usual one
mod refresh; // what is done before a scrape
mod scrape; // everything that one scrape shows

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::builder::MetricBuilder;
use crate::collect::{self, Collect, OwnMetrics};
use crate::desc::Desc;
use crate::encode::{self, Format};
use crate::error::RegisterError;
use crate::family::{AnyFamily, FamilyCore};
use crate::metric::{Counter, Gauge, Histogram, Metric, TraceSource};
use crate::session::Session;

pub use build::RegistryBuilder;
use refresh::Refresher;
pub(crate) use refresh::{Refresh, Refreshed};
pub(crate) use scrape::Reader;

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

pub(crate) struct Shared {
    constant_labels: Vec<(String, String)>,
    /// The same as text, without braces.
    constant_rendered: String,
    traces: Option<TraceSource>,
    /// Scrapes that are to see the end of a session.
    scrapers: u64,
    own: OwnMetrics,
    names: Mutex<Names>,
    /// How many families were unregistered so far.
    unregistered: AtomicU64,
}

/// What a builder of registries can change.
#[derive(Debug, Clone)]
struct Settings {
    constant_labels: Vec<(String, String)>,
    traces: Option<TraceSource>,
    scrapers: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            constant_labels: Vec::new(),
            traces: None,
            scrapers: 1,
        }
    }
}

#[derive(Default)]
struct Names {
    families: BTreeMap<String, Arc<dyn AnyFamily>>,
    /// Every name that appears in an exposition, and the family that brings it there.
    samples: BTreeMap<String, Arc<Desc>>,
    collectors: Vec<Arc<dyn Collect>>,
    included: Vec<Registry>,
    refreshers: Vec<Refresher>,
}

/// How many registries may stand inside of each other.
const INCLUDED_DEPTH_MAX: usize = 8;

impl Registry {
    /// A registry with the metrics of the process and, with the feature `tokio-runtime`, of the
    /// tokio runtime: the one in which this is called, otherwise the first in which it is scraped.
    #[track_caller]
    pub fn new() -> Self {
        let place = Location::caller();
        let collectors = collect::standard(place, true, true);
        let own = OwnMetrics::from_start(place);
        Self::assemble(Settings::default(), collectors, own)
    }

    /// A registry without the metrics of the process and the runtime, for tests and for a second
    /// registry beside the main one. Its own limits appear once they are reached.
    #[track_caller]
    pub fn bare() -> Self {
        let own = OwnMetrics::once_reached(Location::caller());
        Self::assemble(Settings::default(), Vec::new(), own)
    }

    /// Starts the description of a registry that is neither [`new`](Self::new) nor
    /// [`bare`](Self::bare).
    #[track_caller]
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new(Location::caller())
    }

    fn assemble(settings: Settings, collectors: Vec<Arc<dyn Collect>>, own: OwnMetrics) -> Self {
        let mut names = Names::default();
        let collected = collectors.iter().flat_map(|collector| collector.describe());
        for desc in collected.chain(own.describe()) {
            names.claim(&desc);
        }
        names.collectors = collectors;
        let pairs = settings.constant_labels.iter();
        let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str()));
        let shared = Shared {
            constant_rendered: encode::render(pairs),
            constant_labels: settings.constant_labels,
            traces: settings.traces,
            scrapers: settings.scrapers,
            own,
            names: Mutex::new(names),
            unregistered: AtomicU64::new(0),
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

    /// Removes a family from the exposition, and says whether it was there; its name is free then.
    /// Handles that somebody still holds keep working, but are no longer shown, not even when the name
    /// is registered again: that is another family, which gives handles of its own.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// let registry = stonechat_metrics::Registry::bare();
    /// registry.gauge("online", "Users online.").register()?;
    /// assert!(registry.unregister("online"));
    /// registry.counter("online_total", "Users that came online.").register()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unregister(&self, name: &str) -> bool {
        let name = self.full_name(name);
        let mut names = self.shared.names.lock();
        let Some(family) = names.families.remove(&name) else {
            return false;
        };
        for sample in family.desc().sample_names() {
            names.samples.remove(&sample);
        }
        let gone = |refresher: &mut Refresher| !refresher.outlives(&name);
        let gone: Vec<Refresher> = names.refreshers.extract_if(.., gone).collect();
        drop(names);
        // Whoever keeps handles looks at this.
        self.shared.unregistered.fetch_add(1, Ordering::Relaxed);
        // What they hold is let go of when nothing is locked any more.
        drop(gone);
        true
    }

    /// How many families were unregistered so far.
    #[cfg(feature = "metrics")]
    pub(crate) fn unregistered(&self) -> u64 {
        self.shared.unregistered.load(Ordering::Relaxed)
    }

    /// Shows the families of another registry too, those it has now and those it gets later, with
    /// its constant labels. What both have by themselves, such as the metrics of the process, is
    /// shown once.
    ///
    /// # Errors
    ///
    /// A name of the other registry belongs to a different family here, or the two would show each
    /// other. A name that is taken only later cannot be refused any more: this registry's family
    /// is shown then, and `stonechat_families_hidden` counts the other's.
    #[track_caller]
    pub fn include(&self, other: &Self) -> Result<(), RegisterError> {
        let place = Location::caller();
        if other.shows(self, INCLUDED_DEPTH_MAX) {
            return Err(RegisterError::Circle { place });
        }
        let theirs: Vec<Arc<Desc>> = {
            let names = other.shared.names.lock();
            let families = names.families.values();
            families.map(|family| Arc::clone(family.desc())).collect()
        };
        let mut names = self.shared.names.lock();
        for desc in theirs {
            for sample in desc.sample_names() {
                if let Some(first) = names.samples.get(&sample) {
                    return Err(first.clash(&desc, &sample));
                }
            }
        }
        let known = |one: &Self| Arc::ptr_eq(&one.shared, &other.shared);
        if !names.included.iter().any(known) {
            names.included.push(other.clone());
        }
        Ok(())
    }

    /// Whether a scrape of this registry shows the other one. Deeper than `depth` it is assumed to.
    fn shows(&self, other: &Self, depth: usize) -> bool {
        if depth == 0 || Arc::ptr_eq(&self.shared, &other.shared) {
            return true;
        }
        let included = self.shared.names.lock().included.clone();
        included.iter().any(|inner| inner.shows(other, depth - 1))
    }

    /// Starts a session: what it owns is removed once it is over and the scrapes have seen the end.
    pub fn session(&self) -> Session {
        Session::new()
    }

    /// Every metric and its value now, as one answer to a scrape: whoever calls this is taken for a
    /// scraper that has seen the ends of sessions. The order is always the same: families by name,
    /// series by label values.
    pub fn encode(&self, format: Format) -> String {
        let mut out = String::new();
        self.encode_into(format, &mut out);
        out
    }

    /// Like [`encode`](Self::encode), behind what is in `out` already. With a string that is used
    /// again and again, a scrape allocates nothing that depends on the number of series.
    pub fn encode_into(&self, format: Format, out: &mut String) {
        encode::encode(self, Reader::Scraper, format, out);
    }

    /// The same text for somebody who only looks: series of ended sessions go on waiting for a scrape.
    ///
    /// ```
    /// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
    /// use stonechat_metrics::{Format, Registry};
    ///
    /// let registry = Registry::bare();
    /// let rtt = registry.gauge("rtt_seconds", "Round trip.").labels(["session_id"]).register()?;
    /// drop(registry.session().own(&rtt, ["s-1"]));
    /// assert_eq!(registry.peek(Format::Text), registry.peek(Format::Text));
    /// assert!(registry.encode(Format::Text).contains("s-1"));
    /// assert_eq!(registry.peek(Format::Text), "");
    /// # Ok(())
    /// # }
    /// ```
    pub fn peek(&self, format: Format) -> String {
        let mut out = String::new();
        self.peek_into(format, &mut out);
        out
    }

    /// Like [`peek`](Self::peek), behind what is in `out` already.
    pub fn peek_into(&self, format: Format, out: &mut String) {
        encode::encode(self, Reader::Person, format, out);
    }

    /// Every metric and its value now, as delimited messages `io.prometheus.client.MetricFamily`, for a
    /// scraper as in [`encode`](Self::encode). Only these hold native histograms.
    #[cfg(feature = "protobuf")]
    pub fn encode_protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_protobuf_into(&mut out);
        out
    }

    /// Like [`encode_protobuf`](Self::encode_protobuf), behind what is in `out` already.
    #[cfg(feature = "protobuf")]
    pub fn encode_protobuf_into(&self, out: &mut Vec<u8>) {
        encode::encode_protobuf(self, Reader::Scraper, out);
    }

    /// The same messages for somebody who only looks, as in [`peek`](Self::peek).
    #[cfg(feature = "protobuf")]
    pub fn peek_protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode::encode_protobuf(self, Reader::Person, &mut out);
        out
    }

    pub(crate) fn full_name(&self, name: &str) -> String {
        if self.namespace.is_empty() {
            name.to_owned()
        } else {
            format!("{}_{name}", self.namespace)
        }
    }

    pub(crate) fn register<M: Metric>(
        &self,
        desc: Desc,
    ) -> Result<Arc<FamilyCore<M>>, RegisterError> {
        desc.check(&self.shared.constant_labels)?;
        let mut names = self.shared.names.lock();
        if let Some(family) = names.families.get(&desc.name) {
            family.desc().check_same(&desc)?;
            let family = Arc::clone(family).into_any();
            // The kinds are the same, so the cast succeeds; if not, the names clash below.
            if let Ok(family) = family.downcast::<FamilyCore<M>>() {
                return Ok(family);
            }
        }
        for sample in &desc.sample_names() {
            if let Some(first) = names.samples.get(sample) {
                return Err(first.clash(&desc, sample));
            }
        }
        let name = desc.name.clone();
        let family = Arc::new(FamilyCore::<M>::new(desc, self.shared.traces.clone()));
        names.claim(family.desc());
        names
            .families
            .insert(name, Arc::clone(&family) as Arc<dyn AnyFamily>);
        Ok(family)
    }
}

impl Names {
    fn claim(&mut self, desc: &Arc<Desc>) {
        for sample in desc.sample_names() {
            self.samples.insert(sample, Arc::clone(desc));
        }
    }
}

impl Shared {
    pub(crate) fn constant_labels(&self) -> &[(String, String)] {
        &self.constant_labels
    }

    pub(crate) fn constant_rendered(&self) -> &str {
        &self.constant_rendered
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
