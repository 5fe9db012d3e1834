use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use hashbrown::HashTable;
use metrics::{
    CounterFn, GaugeFn, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use parking_lot::{Mutex, RwLock};

use crate::buckets;
use crate::desc::{Desc, Kind};
use crate::error::{Place, RegisterError};
use crate::metric::{Counter, Gauge, Histogram, Metric};
use crate::registry::Registry;

/// Most series of each kind whose look-up is remembered; the families have limits of their own.
const REMEMBERED_MAX: usize = 10_000;

/// What a metric says that nobody has described.
const HELP: &str = "Recorded by a library.";

/// Takes what libraries record with the `metrics` crate into a registry, under the same rules as
/// everything else: names and labels of the data model, limits, the same metric with the same
/// labels. A counter gets `_total` if it has none. What cannot be taken is dropped, counted in
/// `stonechat_recorder_refused_total`, and the first time logged.
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
    /// By name: what was told about a metric, and what it was registered with.
    described: Mutex<BTreeMap<String, String>>,
    registered: Mutex<BTreeMap<String, String>>,
    counters: Remembered<metrics::Counter>,
    gauges: Remembered<metrics::Gauge>,
    histograms: Remembered<metrics::Histogram>,
}

impl MetricsRecorder {
    /// A recorder for the registry, to be given to `metrics::set_global_recorder`.
    ///
    /// # Errors
    ///
    /// `stonechat_recorder_refused_total` belongs to a different metric.
    #[track_caller]
    pub fn new(registry: &Registry) -> Result<Self, RegisterError> {
        let help = "Metrics of libraries that could not be taken.";
        let refused = registry.counter("stonechat_recorder_refused_total", help);
        Ok(Self {
            refused: refused.register()?,
            registry: registry.clone(),
            place: Location::caller(),
            buckets: BTreeMap::new(),
            described: Mutex::default(),
            registered: Mutex::default(),
            counters: Remembered::default(),
            gauges: Remembered::default(),
            histograms: Remembered::default(),
        })
    }

    /// The buckets of one histogram, by the name that the library gives it; those of
    /// [`buckets::SECONDS`] without this.
    #[must_use]
    pub fn buckets(mut self, name: &str, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.buckets
            .insert(valid_name(name), bounds.into_iter().collect());
        self
    }

    fn describe(&self, key: &KeyName, description: &SharedString) {
        let name = valid_name(key.as_str());
        self.described.lock().insert(name, description.to_string());
    }

    /// The metric of a key, or none if it breaks a rule.
    fn metric<M: Metric>(&self, key: &Key) -> Option<M> {
        let mut name = valid_name(key.name());
        let mut labels: Vec<(String, &str)> = key
            .labels()
            .map(|label| (valid_name(label.key()), label.value()))
            .collect();
        labels.sort();
        let help = self.described.lock().get(&name).cloned();
        let bounds = self.buckets.get(&name).cloned();
        if M::KIND == Kind::Counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        // What is told after the first value comes too late: it would be a different metric.
        let help = help.unwrap_or_else(|| HELP.to_owned());
        let help = self
            .registered
            .lock()
            .entry(name.clone())
            .or_insert(help)
            .clone();
        let name = self.registry.full_name(&name);
        let mut desc = Desc::new(name, &help, M::KIND, self.place);
        desc.label_names = labels.iter().map(|(name, _)| name.clone()).collect();
        if M::KIND == Kind::Histogram {
            desc.buckets = bounds.unwrap_or_else(|| buckets::SECONDS.to_vec()).into();
        }
        match self.registry.register::<M>(desc) {
            Ok(family) => {
                let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
                Some(family.with(&values))
            }
            Err(error) => {
                if self.refused.get() == 0.0 {
                    crate::log::refused(&error);
                }
                self.refused.inc();
                None
            }
        }
    }
}

impl Recorder for MetricsRecorder {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        self.counters.get(key, || {
            let counter: Option<Counter> = self.metric(key);
            counter.map_or_else(metrics::Counter::noop, |counter| {
                metrics::Counter::from_arc(Arc::new(counter))
            })
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        self.gauges.get(key, || {
            let gauge: Option<Gauge> = self.metric(key);
            gauge.map_or_else(metrics::Gauge::noop, |gauge| {
                metrics::Gauge::from_arc(Arc::new(gauge))
            })
        })
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        self.histograms.get(key, || {
            let histogram: Option<Histogram> = self.metric(key);
            histogram.map_or_else(metrics::Histogram::noop, |histogram| {
                metrics::Histogram::from_arc(Arc::new(histogram))
            })
        })
    }
}

impl CounterFn for Counter {
    fn increment(&self, value: u64) {
        self.inc_by(value);
    }

    fn absolute(&self, value: u64) {
        self.raise_to(value);
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        Gauge::set(self, value);
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value);
    }
}

/// What was looked up before, as the macros of `metrics` ask each time.
struct Remembered<H>(RwLock<HashTable<(Key, H)>>);

impl<H> Default for Remembered<H> {
    fn default() -> Self {
        Self(RwLock::new(HashTable::new()))
    }
}

impl<H> std::fmt::Debug for Remembered<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} series", self.0.read().len())
    }
}

impl<H: Clone> Remembered<H> {
    fn get(&self, key: &Key, look_up: impl FnOnce() -> H) -> H {
        let hash = key.get_hash();
        if let Some((_, handle)) = self.0.read().find(hash, |(known, _)| known == key) {
            return handle.clone();
        }
        let handle = look_up();
        let mut table = self.0.write();
        if table.len() < REMEMBERED_MAX {
            table.insert_unique(hash, (key.clone(), handle.clone()), |(key, _)| {
                key.get_hash()
            });
        }
        handle
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
