mod handles; // what a library holds
mod units; // what it says about units

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;

use metrics::{Key, KeyName, Metadata, Recorder, SharedString, Unit};
use parking_lot::Mutex;

use crate::desc::{Desc, Kind};
use crate::error::{Place, RegisterError};
use crate::metric::{Counter, Gauge, Histogram, Metric};
use crate::registry::Registry;
use handles::{Refused, Remembered};

/// Most names that a recorder takes, and most descriptions that it remembers: a library that makes
/// names up as it goes is kept from filling the registry.
const NAMES_MAX: usize = 1_000;

/// Most names whose refusal is logged.
const LOGGED_MAX: usize = 100;

/// What a metric says that nobody has described.
const HELP: &str = "Recorded by a library.";

/// Takes what libraries record with the `metrics` crate into a registry, under the same rules as
/// everything else: names and labels of the data model, limits, the same metric with the same
/// labels. A counter gets `_total` if it has none. What cannot be taken is dropped: each value is
/// counted in `stonechat_recorder_refused_total`, and the first one of a name logged. Up to 1,000
/// names are taken.
///
/// A histogram has the usual buckets of its unit, which is the one that it was described with, or
/// that its name ends in, such as `_ms` or `_bytes`, and otherwise seconds.
///
/// A handle that a library keeps counts unseen once its family is unregistered; one that it asks for
/// each time, as the macros do, is that of the family which has the name now.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use stonechat_metrics::{Format, MetricsRecorder, Registry};
///
/// let registry = Registry::bare();
/// let recorder = MetricsRecorder::new(&registry)?;
/// metrics::set_global_recorder(recorder)?;
/// metrics::counter!("pool.opened", "pool" => "users").increment(2);
/// assert!(registry.encode(Format::Text).contains(r#"pool_opened_total{pool="users"} 2"#));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MetricsRecorder {
    registry: Registry,
    place: Place,
    refused: Counter,
    buckets: BTreeMap<String, Vec<f64>>,
    names: Mutex<Names>,
    counters: Remembered<metrics::Counter>,
    gauges: Remembered<metrics::Gauge>,
    histograms: Remembered<metrics::Histogram>,
}

#[derive(Debug, Default)]
struct Names {
    /// What was told about a metric, by the name that the library gives it.
    described: BTreeMap<String, Described>,
    /// What a family was registered with, by its name.
    registered: BTreeMap<String, Described>,
    /// Names whose refusal was logged.
    logged: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Described {
    help: String,
    unit: Option<Unit>,
}

impl MetricsRecorder {
    /// A recorder for the registry, to be given to `metrics::set_global_recorder`.
    ///
    /// # Errors
    ///
    /// `stonechat_recorder_refused_total` belongs to a different metric.
    #[track_caller]
    pub fn new(registry: &Registry) -> Result<Self, RegisterError> {
        let help = "Values of libraries whose metric could not be taken.";
        let refused = registry.counter("stonechat_recorder_refused_total", help);
        Ok(Self {
            refused: refused.register()?,
            registry: registry.clone(),
            place: Location::caller(),
            buckets: BTreeMap::new(),
            names: Mutex::default(),
            counters: Remembered::default(),
            gauges: Remembered::default(),
            histograms: Remembered::default(),
        })
    }

    /// The buckets of one histogram, by the name that the library gives it; those of its unit without
    /// this.
    #[must_use]
    pub fn buckets(mut self, name: &str, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.buckets
            .insert(valid_name(name), bounds.into_iter().collect());
        self
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, description: &SharedString) {
        let described = &mut self.names.lock().described;
        let name = valid_name(key.as_str());
        if described.len() < NAMES_MAX || described.contains_key(&name) {
            let help = description.to_string();
            described.insert(name, Described { help, unit });
        }
    }

    /// The metric of a key, or none if it breaks a rule.
    fn metric<M: Metric>(&self, key: &Key) -> Option<M> {
        let told = valid_name(key.name());
        let mut name = told.clone();
        if M::KIND == Kind::Counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        let Some(Described { help, unit }) = self.names.lock().of_family(&told, &name) else {
            let most = format!("there are {NAMES_MAX} names of libraries already");
            self.refuse(&name, &most);
            return None;
        };
        let mut labels: Vec<(String, &str)> = key
            .labels()
            .map(|label| (valid_name(label.key()), label.value()))
            .collect();
        labels.sort();
        let full_name = self.registry.full_name(&name);
        let mut desc = Desc::new(full_name, &help, M::KIND, self.place);
        desc.label_names = labels.iter().map(|(name, _)| name.clone()).collect();
        units::apply(&mut desc, unit);
        if M::KIND == Kind::Histogram
            && let Some(bounds) = self.buckets.get(&told)
        {
            desc.buckets = bounds.as_slice().into();
        }
        match self.registry.register::<M>(desc) {
            Ok(family) => {
                let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
                Some(family.with(&values))
            }
            Err(error) => {
                self.refuse(&name, &error);
                None
            }
        }
    }

    /// Says in the log, once for each name, that it cannot be taken.
    fn refuse(&self, name: &str, why: &dyn Display) {
        let logged = &mut self.names.lock().logged;
        if logged.len() >= LOGGED_MAX || !logged.insert(name.to_owned()) {
            return;
        }
        let last = logged.len() == LOGGED_MAX;
        crate::log::refused(name, why, last);
    }

    fn refused(&self) -> Arc<Refused> {
        Arc::new(Refused(self.refused.clone()))
    }
}

impl Names {
    /// What a family is registered with: what was told before its first value, as it would be a
    /// different family otherwise. None if there are too many.
    fn of_family(&mut self, told: &str, name: &str) -> Option<Described> {
        if let Some(known) = self.registered.get(name) {
            return Some(known.clone());
        }
        if self.registered.len() >= NAMES_MAX {
            return None;
        }
        let described = self.described.get(told).cloned();
        let described = described.unwrap_or_else(|| Described {
            help: HELP.to_owned(),
            unit: None,
        });
        self.registered.insert(name.to_owned(), described.clone());
        Some(described)
    }
}

impl Recorder for MetricsRecorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        self.counters.get(key, self.registry.unregistered(), || {
            match self.metric::<Counter>(key) {
                Some(counter) => metrics::Counter::from_arc(Arc::new(counter)),
                None => metrics::Counter::from_arc(self.refused()),
            }
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        self.gauges.get(key, self.registry.unregistered(), || {
            match self.metric::<Gauge>(key) {
                Some(gauge) => metrics::Gauge::from_arc(Arc::new(gauge)),
                None => metrics::Gauge::from_arc(self.refused()),
            }
        })
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        self.histograms.get(key, self.registry.unregistered(), || {
            match self.metric::<Histogram>(key) {
                Some(histogram) => metrics::Histogram::from_arc(Arc::new(histogram)),
                None => metrics::Histogram::from_arc(self.refused()),
            }
        })
    }
}

/// Names of libraries often have dots and dashes; here they are underscores.
fn valid_name(name: &str) -> String {
    let valid = |character: char| {
        if character.is_ascii_alphanumeric() {
            character
        } else {
            '_'
        }
    };
    let mut valid: String = name.chars().map(valid).collect();
    if valid.starts_with(|first: char| first.is_ascii_digit()) {
        valid.insert(0, '_');
    }
    valid
}
