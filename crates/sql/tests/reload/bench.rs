use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stonechat_metrics::Registry;
use stonechat_model::{AppendError, Appended, Appender, Batch, Labels, SeriesRef, parse_float};
use stonechat_sql::plan::{
    Metric, MetricKind, OnError, OnNull, Place, Plan, PoolLimits, Query, Request, Schedule, Source,
    SourceKind, Tls, Values,
};
use stonechat_sql::rows::{Rows, Value};
use stonechat_sql::source::{Answering, Ask, Question, SourceError};
use stonechat_sql::{SqlManager, SqlMetrics};

const WAIT_MAX: Duration = Duration::from_secs(20);

/// What the source answers to the request of one name.
#[derive(Clone)]
pub struct Script {
    outcome: Arc<dyn Fn() -> Result<f64, SourceError> + Send + Sync>,
    time: Duration,
    /// Whether the time is still to be taken; always, where there is nothing.
    once: Option<Arc<AtomicBool>>,
}

impl Script {
    pub fn value(value: f64) -> Self {
        Self {
            outcome: Arc::new(move || Ok(value)),
            time: Duration::ZERO,
            once: None,
        }
    }

    pub fn error(message: &'static str) -> Self {
        Self::fails(move || SourceError::Refused(message.to_owned()))
    }

    pub fn fails(error: impl Fn() -> SourceError + Send + Sync + 'static) -> Self {
        Self {
            outcome: Arc::new(move || Err(error())),
            time: Duration::ZERO,
            once: None,
        }
    }

    pub fn taking(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Only the first answer takes the time.
    pub fn taking_once(self, time: Duration) -> Self {
        Self {
            time,
            once: Some(Arc::new(AtomicBool::new(true))),
            ..self
        }
    }

    fn time(&self) -> Duration {
        let is_due = |once: &Arc<AtomicBool>| once.swap(false, Ordering::SeqCst);
        if self.once.as_ref().is_none_or(is_due) {
            self.time
        } else {
            Duration::ZERO
        }
    }
}

/// A source of which a test decides what it answers and how long that takes; a database would take its own time.
#[derive(Default)]
struct Scripted {
    scripts: Mutex<HashMap<String, Script>>,
    asked: Mutex<HashMap<String, usize>>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// Milliseconds that an answer takes at most, at random.
    random: AtomicU64,
    seed: AtomicU64,
}

impl Scripted {
    fn time(&self) -> Duration {
        let most = self.random.load(Ordering::Relaxed);
        if most == 0 {
            return Duration::ZERO;
        }
        let seed = self
            .seed
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Duration::from_micros((mixed >> 20) % (most * 1000))
    }
}

impl Ask for Scripted {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        Box::pin(async move {
            let Request::Sql(request) = question.request else {
                return Err(SourceError::Refused("only SQL".to_owned()));
            };
            *self
                .asked
                .lock()
                .unwrap()
                .entry(request.clone())
                .or_default() += 1;
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let script = self.scripts.lock().unwrap().get(request).cloned();
            let time = script.as_ref().map_or(Duration::ZERO, Script::time) + self.time();
            let waited = tokio::time::timeout(question.timeout, tokio::time::sleep(time)).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            if waited.is_err() {
                return Err(SourceError::Timeout(question.timeout));
            }
            let value = match (script, request.strip_prefix("SELECT ")) {
                (Some(script), _) => (script.outcome)()?,
                (None, Some(number)) => parse_float(number).unwrap(),
                (None, None) => {
                    return Err(SourceError::Refused(format!("no answer to {request}")));
                }
            };
            Ok(Rows {
                columns: vec!["v".to_owned()],
                rows: vec![vec![Value::Float(value)]],
            })
        })
    }
}

/// A store that keeps everything.
#[derive(Default)]
struct Kept {
    series: Mutex<Vec<(Labels, Vec<f64>)>>,
}

impl Appender for Kept {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        let mut series = self.series.lock().unwrap();
        let position = series.iter().position(|(own, _)| own == labels);
        let position = position.unwrap_or_else(|| {
            series.push((labels.clone(), Vec::new()));
            series.len() - 1
        });
        Ok(SeriesRef(position as u64))
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let mut series = self.series.lock().unwrap();
        for (reference, _, value) in batch.iter() {
            series[reference.0 as usize].1.push(value);
        }
        let mut appended = Appended::default();
        appended.accepted = batch.len();
        Ok(appended)
    }
}

/// A manager with a scripted source and a store that keeps everything.
pub struct Bench {
    pub manager: SqlManager,
    source: Arc<Scripted>,
    store: Arc<Kept>,
}

impl Bench {
    pub fn new() -> Self {
        let (source, store) = (Arc::new(Scripted::default()), Arc::new(Kept::default()));
        let asked = Arc::clone(&source);
        let open = Box::new(move |_: &Source| -> Arc<dyn Ask> { asked.clone() });
        let metrics = SqlMetrics::register(&Registry::bare()).unwrap();
        Self {
            manager: SqlManager::new(store.clone(), open, metrics),
            source,
            store,
        }
    }

    /// What the query of [`gauge`] with this name gets from now on.
    pub fn answer(&self, name: &str, script: Script) {
        self.source
            .scripts
            .lock()
            .unwrap()
            .insert(name.to_owned(), script);
    }

    /// Makes a query ask for a value.
    pub fn ask_for(&self, query: &mut Query, value: f64) {
        query.request = Request::Sql(format!("SELECT {value}"));
    }

    pub fn random_times(&self, most: Duration) {
        self.source
            .random
            .store(most.as_millis() as u64, Ordering::Relaxed);
    }

    pub fn asked(&self, name: &str) -> usize {
        self.source
            .asked
            .lock()
            .unwrap()
            .get(name)
            .copied()
            .unwrap_or_default()
    }

    pub fn most_at_a_time(&self) -> usize {
        self.source.most.load(Ordering::SeqCst)
    }

    /// The values on the page by the names of their series.
    pub fn page(&self) -> BTreeMap<String, f64> {
        let page = self.manager.page();
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap_or_default();
                (name.to_owned(), parse_float(value).unwrap())
            })
            .collect()
    }

    pub fn shown(&self, name: &str) -> Option<f64> {
        self.page().get(name).copied()
    }

    pub async fn until(&self, name: &str, value: Option<f64>) {
        let start = Instant::now();
        while self.shown(name) != value {
            assert!(
                start.elapsed() < WAIT_MAX,
                "{name} is {:?}",
                self.shown(name)
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn until_asked(&self, name: &str, times: usize) {
        let start = Instant::now();
        while self.asked(name) < times {
            assert!(start.elapsed() < WAIT_MAX, "{name}: {}", self.asked(name));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// All values that were stored of the first series that begins so.
    pub fn stored(&self, start: &str) -> Vec<f64> {
        let series = self.store.series.lock().unwrap();
        let found = series
            .iter()
            .find(|(labels, _)| labels.to_string().starts_with(start));
        found.map(|(_, values)| values.clone()).unwrap_or_default()
    }
}

pub fn every(interval: Duration) -> Schedule {
    Schedule::Every(interval)
}

/// A gauge of this name, asked once an hour by the request of the same name.
pub fn gauge(name: &str) -> Query {
    let source = Source {
        name: "db".to_owned(),
        kind: SourceKind::Sqlite(String::new()),
        pool: PoolLimits::default(),
        labels: BTreeMap::new(),
        tls: Tls::default(),
        place: Place::default(),
    };
    Query {
        name: name.to_owned(),
        source: Arc::new(source),
        request: Request::Sql(name.to_owned()),
        schedule: every(Duration::from_secs(3600)),
        jitter: Duration::ZERO,
        timeout: Duration::from_secs(5),
        rows_max: 100,
        parameters: Vec::new(),
        metrics: vec![Metric {
            name: name.to_owned(),
            help: "A gauge.".to_owned(),
            kind: MetricKind::Gauge,
            labels: Vec::new(),
            constant_labels: BTreeMap::new(),
            values: Values::Column("v".to_owned()),
            timestamp: None,
            on_null: OnNull::Skip,
        }],
        on_error: OnError::Stale,
        rows_required: false,
        place: Place::default(),
    }
}

pub fn plan(queries: impl IntoIterator<Item = Query>) -> Plan {
    let queries: Vec<Arc<Query>> = queries.into_iter().map(Arc::new).collect();
    let sources = queries
        .iter()
        .map(|query| (query.source.name.clone(), Arc::clone(&query.source)));
    Plan {
        sources: sources.collect(),
        queries,
    }
}
