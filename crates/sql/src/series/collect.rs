use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use stonechat_model::{Labels, METRIC_NAME, Timestamp};

use super::distribution::Observations;
use super::error::SeriesError;
use crate::number::number;
use crate::plan::{Metric, MetricKind, OnNull, Query, Values};
use crate::rows::{Rows, Value};

/// Longest text of an answer that is shown in an error.
const SHOWN_CHARS_MAX: usize = 40;

/// One sample of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Position of its metric in the query.
    pub metric: usize,
    /// With the name of the series.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
    /// The time that the answer gives it; otherwise it is that of the query.
    pub timestamp: Option<Timestamp>,
}

/// What one round of a query has become.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// Each series once.
    pub samples: Vec<Sample>,
    /// Rows that were read.
    pub rows: usize,
    /// Rows whose series an earlier row had given; the last one counts.
    pub duplicates: u64,
    /// Values with more digits than a float can hold.
    pub lossy: u64,
}

/// Turns the answers of a query into samples, round after round. Keeps what metrics with `accumulate` add up.
#[derive(Debug)]
pub struct Collector {
    query: Arc<Query>,
    totals: HashMap<(usize, Labels), f64>,
    distributions: HashMap<(usize, Labels), Observations>,
}

/// A round that is under way. Nothing of it is kept before it is whole.
struct Round<'a> {
    query: &'a Query,
    collected: Collected,
    /// Where each series stands in `samples`.
    positions: HashMap<Labels, usize>,
    totals: HashMap<(usize, Labels), f64>,
    distributions: HashMap<(usize, Labels), Observations>,
}

/// One row with the names of its columns.
struct Row<'a> {
    rows: &'a Rows,
    values: &'a [Value],
    parameters: &'a BTreeMap<String, String>,
    /// From 1.
    number: usize,
}

impl Collector {
    /// For a query, with nothing added up so far.
    #[must_use]
    pub fn new(query: Arc<Query>) -> Self {
        Self {
            query,
            totals: HashMap::new(),
            distributions: HashMap::new(),
        }
    }

    /// Takes the answers of one round: one for each set of parameters.
    ///
    /// # Errors
    /// When any answer does not fit; then nothing of the round counts.
    pub fn collect(
        &mut self,
        answers: &[(&BTreeMap<String, String>, Rows)],
    ) -> Result<Collected, SeriesError> {
        let query = Arc::clone(&self.query);
        let mut round = Round {
            query: &query,
            collected: Collected::default(),
            positions: HashMap::new(),
            totals: self.kept(&self.totals),
            distributions: self.kept(&self.distributions),
        };
        for (parameters, rows) in answers {
            round.answer(parameters, rows)?;
        }
        if round.collected.rows == 0 && query.rows_required {
            return Err(SeriesError::NoRows);
        }
        round.finish()?;
        self.totals = round.totals;
        self.distributions = round.distributions;
        Ok(round.collected)
    }

    /// What is added up, as the start of a round.
    fn kept<T: Clone>(&self, sums: &HashMap<(usize, Labels), T>) -> HashMap<(usize, Labels), T> {
        let accumulates = |metric: usize| {
            matches!(
                self.query.metrics[metric].kind,
                MetricKind::Counter { accumulate: true }
                    | MetricKind::Histogram {
                        accumulate: true,
                        ..
                    }
            )
        };
        let sums = sums.iter().filter(|((metric, _), _)| accumulates(*metric));
        sums.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

impl Round<'_> {
    fn answer(
        &mut self,
        parameters: &BTreeMap<String, String>,
        rows: &Rows,
    ) -> Result<(), SeriesError> {
        check_columns(self.query, parameters, rows)?;
        for (index, values) in rows.rows.iter().enumerate() {
            let row = Row {
                rows,
                values,
                parameters,
                number: index + 1,
            };
            for metric in 0..self.query.metrics.len() {
                self.row(metric, &row)?;
            }
        }
        self.collected.rows += rows.rows.len();
        Ok(())
    }

    fn row(&mut self, position: usize, row: &Row<'_>) -> Result<(), SeriesError> {
        let metric = &self.query.metrics[position];
        let timestamp = match &metric.timestamp {
            Some(column) => Some(row.time(column)?),
            None => None,
        };
        match &metric.values {
            Values::Constant(value) => {
                let labels = self.labels(metric, row, None)?;
                self.value(position, labels, *value, timestamp);
            }
            Values::Scalar if row.number > 1 => {}
            Values::Scalar => {
                let first = row.rows.columns.first().cloned().unwrap_or_default();
                if let Some(value) = self.number(metric, row, &first)? {
                    let labels = self.labels(metric, row, None)?;
                    self.value(position, labels, value, timestamp);
                }
            }
            Values::Column(column) => {
                if let Some(value) = self.number(metric, row, column)? {
                    let labels = self.labels(metric, row, None)?;
                    self.value(position, labels, value, timestamp);
                }
            }
            Values::Columns { label, columns } => {
                for column in columns {
                    if let Some(value) = self.number(metric, row, column)? {
                        let labels = self.labels(metric, row, Some((label, column)))?;
                        self.value(position, labels, value, timestamp);
                    }
                }
            }
        }
        if self.totals.len() + self.distributions.len() > self.query.rows_max {
            return Err(SeriesError::TooManySeries(self.query.rows_max));
        }
        Ok(())
    }

    /// The number in a column; `None` where there is nothing to store.
    fn number(
        &mut self,
        metric: &Metric,
        row: &Row<'_>,
        column: &str,
    ) -> Result<Option<f64>, SeriesError> {
        let value = row.value(column);
        if matches!(value, Value::Null) {
            return Ok(match metric.on_null {
                OnNull::Skip => None,
                OnNull::Zero => Some(0.0),
                OnNull::Nan => Some(f64::NAN),
            });
        }
        let number = number(&value).ok_or_else(|| SeriesError::NoNumber {
            row: row.number,
            column: column.to_owned(),
            value: shown(&value),
        })?;
        self.collected.lossy += u64::from(number.is_lossy);
        let grows = matches!(metric.kind, MetricKind::Counter { accumulate: true });
        if grows && !(number.value >= 0.0 && number.value.is_finite()) {
            return Err(SeriesError::Negative {
                row: row.number,
                column: column.to_owned(),
                value: shown(&value),
            });
        }
        Ok(Some(number.value))
    }

    fn labels(
        &self,
        metric: &Metric,
        row: &Row<'_>,
        column: Option<(&str, &str)>,
    ) -> Result<Labels, SeriesError> {
        let of_row = metric
            .labels
            .iter()
            .map(|(name, column)| (name.as_str(), label_text(&row.value(column))));
        let constant = self
            .query
            .source
            .labels
            .iter()
            .chain(&metric.constant_labels);
        let constant = constant.map(|(name, value)| (name.as_str(), value.clone()));
        let of_column = column.map(|(name, value)| (name, value.to_owned()));
        let name = (METRIC_NAME, metric.name.clone());
        let pairs = constant.chain(of_row).chain(of_column).chain([name]);
        // What stands nearer to the row goes before what stands farther: a label of the source gives way.
        let pairs: BTreeMap<&str, String> = pairs.collect();
        Labels::from_pairs(pairs).map_err(|error| SeriesError::Labels {
            row: row.number,
            reason: error.to_string(),
        })
    }

    fn value(&mut self, metric: usize, labels: Labels, value: f64, timestamp: Option<Timestamp>) {
        match &self.query.metrics[metric].kind {
            MetricKind::Counter { accumulate: true } => {
                *self.totals.entry((metric, labels)).or_insert(0.0) += value;
            }
            MetricKind::Gauge | MetricKind::Counter { .. } => {
                self.put(Sample {
                    metric,
                    labels,
                    value,
                    timestamp,
                });
            }
            // A value that is no number has no place among others.
            MetricKind::Histogram { .. } | MetricKind::Summary { .. } if value.is_nan() => {}
            MetricKind::Histogram { buckets, .. } => {
                let observations = self.distributions.entry((metric, labels)).or_default();
                observations.count(buckets, value);
            }
            MetricKind::Summary { .. } => {
                self.distributions
                    .entry((metric, labels))
                    .or_default()
                    .keep(value);
            }
        }
    }

    /// Of two samples of one series the last counts.
    fn put(&mut self, sample: Sample) {
        let samples = &mut self.collected.samples;
        match self.positions.get(&sample.labels) {
            Some(position) => {
                samples[*position] = sample;
                self.collected.duplicates += 1;
            }
            None => {
                self.positions.insert(sample.labels.clone(), samples.len());
                samples.push(sample);
            }
        }
    }

    /// Adds what was added up.
    fn finish(&mut self) -> Result<(), SeriesError> {
        let mut samples = Vec::new();
        for ((metric, labels), value) in &self.totals {
            samples.push(Sample {
                metric: *metric,
                labels: labels.clone(),
                value: *value,
                timestamp: None,
            });
        }
        for ((metric, labels), observations) in &self.distributions {
            let described = &self.query.metrics[*metric];
            let parts = match &described.kind {
                MetricKind::Summary { quantiles } => observations.summary(quantiles),
                MetricKind::Histogram { buckets, .. } => observations.histogram(buckets),
                MetricKind::Gauge | MetricKind::Counter { .. } => Vec::new(),
            };
            for (suffix, label, value) in parts {
                let mut builder = labels.to_builder();
                builder.set(METRIC_NAME, &format!("{}{suffix}", described.name));
                if let Some((name, value)) = &label {
                    builder.set(name, value);
                }
                let labels = builder.build().map_err(|error| SeriesError::Labels {
                    row: 0,
                    reason: error.to_string(),
                })?;
                samples.push(Sample {
                    metric: *metric,
                    labels,
                    value,
                    timestamp: None,
                });
            }
        }
        samples.into_iter().for_each(|sample| self.put(sample));
        Ok(())
    }
}

impl Row<'_> {
    /// The value of a column or parameter; that all are there was checked before.
    fn value(&self, column: &str) -> Value {
        match self.rows.column(column) {
            Some(position) => self.values.get(position).cloned().unwrap_or(Value::Null),
            None => self
                .parameters
                .get(column)
                .map_or(Value::Null, |value| Value::Text(value.clone())),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond the end of time becomes the end of time"
    )]
    fn time(&self, column: &str) -> Result<Timestamp, SeriesError> {
        let value = self.value(column);
        let seconds = number(&value).map(|number| number.value);
        seconds
            .filter(|seconds| seconds.is_finite())
            .map(|seconds| Timestamp::from_millis((seconds * 1000.0).round() as i64))
            .ok_or_else(|| SeriesError::NoTime {
                row: self.number,
                column: column.to_owned(),
                value: shown(&value),
            })
    }
}

/// Every column that a metric needs is there. Checked before the first row, so that an empty answer with other columns
/// is noticed too; an answer that has no columns at all has no rows either.
fn check_columns(
    query: &Query,
    parameters: &BTreeMap<String, String>,
    rows: &Rows,
) -> Result<(), SeriesError> {
    if rows.columns.is_empty() {
        return Ok(());
    }
    let of_values = |metric: &Metric| match &metric.values {
        Values::Column(column) => vec![column.clone()],
        Values::Columns { columns, .. } => columns.clone(),
        Values::Constant(_) | Values::Scalar => Vec::new(),
    };
    for metric in &query.metrics {
        let labels = metric.labels.iter().map(|(_, column)| column.clone());
        let mut needed = labels
            .chain(of_values(metric))
            .chain(metric.timestamp.clone());
        let missing =
            needed.find(|column| rows.column(column).is_none() && !parameters.contains_key(column));
        if let Some(column) = missing {
            let found: Vec<String> = rows
                .columns
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            return Err(SeriesError::NoColumn {
                column,
                found: found.join(", "),
            });
        }
    }
    Ok(())
}

/// A value as a label has it; NULL is the empty text, which is no label.
fn label_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => stonechat_model::format_float(*value),
        Value::Decimal(text) | Value::Text(text) | Value::Local(text) => text.clone(),
        Value::Time(millis) => {
            stonechat_model::format_float(Timestamp::from_millis(*millis).seconds())
        }
    }
}

/// A value as an error shows it.
fn shown(value: &Value) -> String {
    let text = label_text(value);
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
