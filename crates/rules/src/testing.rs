//! A store, results and a sink for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::{
    Alert, AlertSink, AppendError, Appended, Appender, Batch, Columns, Labels, Matcher, Queryable,
    QueryableError, STALE_NAN, Selection, SeriesRef, TimeRange, Timestamp, is_stale,
};
use stonechat_promql::{EvalError, Expr};

use crate::alerts::Tolerance;
use crate::config::{GroupDefaults, parse};
use crate::evaluate::Workshop;
use crate::rule::Group;
use crate::source::{Source, SourceError};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// `up{job="a"}`, without regular expressions or escapes.
pub(crate) fn labels(text: &str) -> Labels {
    let expr = stonechat_promql::parse_selector(text).expect("labels of a test are a selector");
    Labels::from_pairs(expr.iter().map(|matcher| (matcher.name(), matcher.value())))
        .expect("labels of a test are valid")
}

/// The groups of a rule file that is given as the list of rules of its group `g`.
pub(crate) fn groups(rules: &str) -> Vec<Group> {
    let text = format!("groups:\n- name: g\n  interval: 10s\n  rules:\n{rules}");
    parse(Path::new("r.yml"), &text, GroupDefaults::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// Series in memory, of which some can be forgotten.
#[derive(Default)]
pub(crate) struct Store {
    series: Mutex<Vec<(Labels, Columns)>>,
    forgotten: Mutex<Vec<SeriesRef>>,
    pub series_max: Mutex<Option<usize>>,
}

impl Store {
    /// All samples from a time on, one series a line: `up{job="a"} 1@10 stale@20`.
    pub fn shown(&self, from: Timestamp) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (labels, columns) in &*self.series.lock() {
            let samples = columns
                .timestamps
                .iter()
                .zip(&columns.values)
                .filter(|(time, _)| **time >= from.millis());
            let samples: Vec<String> = samples
                .map(|(time, value)| {
                    let value = if is_stale(*value) {
                        "stale".to_owned()
                    } else {
                        value.to_string()
                    };
                    format!(" {value}@{}", time / 1000)
                })
                .collect();
            if !samples.is_empty() {
                lines.push(format!("{labels}{}", samples.concat()));
            }
        }
        lines.sort();
        lines.join("\n")
    }

    /// Adds a series with samples at these seconds.
    pub fn put(&self, labels: &Labels, samples: &[(i64, f64)]) {
        let mut columns = Columns::default();
        for (seconds, value) in samples {
            columns.push(at(*seconds), *value);
        }
        self.series.lock().push((labels.clone(), columns));
    }

    /// References to what is there now become unknown, as after a store removed old series.
    pub fn forget(&self) {
        let count = self.series.lock().len();
        let known = (0..count).map(|index| SeriesRef(index as u64));
        self.forgotten.lock().extend(known);
    }
}

impl Appender for Store {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        let mut series = self.series.lock();
        let forgotten = self.forgotten.lock();
        let found = series.iter().enumerate().rposition(|(index, (known, _))| {
            known == labels && !forgotten.contains(&SeriesRef(index as u64))
        });
        if let Some(index) = found {
            return Ok(SeriesRef(index as u64));
        }
        if let Some(limit) = self
            .series_max
            .lock()
            .filter(|limit| series.len() >= *limit)
        {
            return Err(AppendError::SeriesLimit { limit });
        }
        series.push((labels.clone(), Columns::default()));
        Ok(SeriesRef(series.len() as u64 - 1))
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let (mut series, forgotten) = (self.series.lock(), self.forgotten.lock());
        let mut appended = Appended::default();
        for (reference, time, value) in batch.iter() {
            if forgotten.contains(&reference) {
                appended.unknown_series.push(reference);
                continue;
            }
            let columns = &mut series[usize::try_from(reference.0).expect("small")].1;
            match columns.timestamps.last() {
                Some(last) if *last >= time.millis() => appended.out_of_order += 1,
                _ => {
                    columns.push(time, value);
                    appended.accepted += 1;
                }
            }
        }
        Ok(appended)
    }
}

struct Selected(Vec<(Labels, Columns)>);

impl Selection for Selected {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.0[index].0
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        *columns = self.0[index].1.clone();
        Ok(())
    }
}

impl Queryable for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        let mut found = BTreeMap::<Labels, Columns>::new();
        for (labels, columns) in &*self.series.lock() {
            let matches =
                |matcher: &Matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default());
            if !matchers.iter().all(matches) {
                continue;
            }
            let entry = found.entry(labels.clone()).or_default();
            for (time, value) in columns.timestamps.iter().zip(&columns.values) {
                if range.contains(Timestamp::from_millis(*time)) {
                    entry.push(Timestamp::from_millis(*time), *value);
                }
            }
        }
        found.retain(|_, columns| !columns.is_empty());
        Ok(Box::new(Selected(found.into_iter().collect())))
    }

    fn series(&self, _: &[Vec<Matcher>], _: TimeRange) -> Result<Vec<Labels>, QueryableError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &[Vec<Matcher>], _: TimeRange) -> Result<Vec<String>, QueryableError> {
        Ok(Vec::new())
    }

    fn label_values(
        &self,
        _: &str,
        _: &[Vec<Matcher>],
        _: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        Ok(Vec::new())
    }
}

/// Results by the text of their query; a query that has none fails.
#[derive(Clone, Default)]
pub(crate) struct Results(Arc<Mutex<BTreeMap<String, Vector>>>);

type Vector = Vec<(Labels, f64)>;

impl Results {
    pub fn set(&self, query: &str, series: &[(&str, f64)]) {
        let series = series.iter().map(|(text, value)| {
            (
                if *text == "{}" {
                    Labels::default()
                } else {
                    labels(text)
                },
                *value,
            )
        });
        self.0.lock().insert(query.to_owned(), series.collect());
    }

    pub fn fail(&self, query: &str) {
        self.0.lock().remove(query);
    }
}

impl Source for Results {
    fn vector(&self, expr: &Expr, at: Timestamp) -> Result<Vec<(Labels, f64)>, SourceError> {
        let query = expr.to_string();
        if query == "time()" {
            return Ok(vec![(Labels::default(), at.seconds())]);
        }
        self.0
            .lock()
            .get(&query)
            .cloned()
            .ok_or(SourceError::Eval(EvalError::Timeout))
    }
}

/// Alerts as they were told.
#[derive(Default)]
pub(crate) struct Sink(pub Mutex<Vec<Alert>>);

impl AlertSink for Sink {
    fn put(&self, alerts: Vec<Alert>) {
        self.0.lock().extend(alerts);
    }
}

impl Sink {
    /// What was told since the last look: `{alertname="Down"} 10..250`.
    pub fn take(&self) -> Vec<String> {
        let mut shown: Vec<String> = std::mem::take(&mut *self.0.lock())
            .into_iter()
            .map(|alert| {
                format!(
                    "{} {}..{}",
                    alert.labels,
                    alert.starts_at.millis() / 1000,
                    alert.ends_at.millis() / 1000
                )
            })
            .collect();
        shown.sort();
        shown
    }
}

/// A store, results and a sink, and the workshop that uses them.
pub(crate) struct Bench {
    pub store: Arc<Store>,
    pub results: Results,
    pub sink: Arc<Sink>,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            store: Arc::default(),
            results: Results::default(),
            sink: Arc::default(),
        }
    }

    pub fn workshop(&self) -> Workshop {
        Workshop {
            source: Box::new(self.results.clone()),
            queryable: Arc::clone(&self.store) as Arc<dyn Queryable>,
            appender: Arc::clone(&self.store) as Arc<dyn Appender>,
            sink: Arc::clone(&self.sink) as Arc<dyn AlertSink>,
            external_url: "http://monitor:9090".to_owned(),
            external_labels: Mutex::default(),
            resend_delay: Duration::from_mins(1),
            outage_tolerance: Duration::from_hours(1),
            tolerance: Tolerance {
                grace: Duration::from_mins(10),
            },
            settle: Duration::ZERO,
            state: None,
        }
    }
}

#[test]
fn the_store_of_the_tests_shows_what_it_has() {
    let store = Store::default();
    let series = Appender::series(&store, &labels("up{job=\"a\"}")).unwrap();
    for (time, value) in [(10, 1.5), (20, STALE_NAN)] {
        let mut batch = Batch::at(at(time));
        batch.values.push((series, value));
        store.append(&batch).unwrap();
    }
    assert_eq!(store.shown(at(0)), "up{job=\"a\"} 1.5@10 stale@20");
}
