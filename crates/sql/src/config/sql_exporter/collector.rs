//! Metrics that are collected together. Those that refer to the same query share its rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::yaml::Spanned;

use super::super::check::Check;
use super::super::time::{ROWS_MAX_DEFAULT, TIMEOUT_DEFAULT, jitter_default};
use super::super::written::{Entries, Text};
use super::Global;
use super::file::{CollectorFile, MetricFile, QueryFile};
use crate::plan::{
    Metric, MetricKind, OnError, OnNull, Place, Query, Request, Schedule, Source, Values,
};

/// A checked collector.
pub(super) struct Collector {
    pub(super) name: String,
    pub(super) place: Place,
    interval: Duration,
    timeout: Duration,
    statements: Vec<Statement>,
}

/// A statement and what its rows become.
struct Statement {
    name: String,
    text: String,
    metrics: Vec<Metric>,
    place: Place,
    /// The name of the query, if the metrics refer to one.
    shared_as: Option<String>,
}

pub(super) fn collector(
    check: &mut Check<'_>,
    written: &Spanned<CollectorFile>,
    global: &Global,
) -> Collector {
    let file = &written.value;
    // Zero is "on each scrape", also where the others have an interval.
    let given = match &file.min_interval {
        Some(given) => Some(given.value.0).filter(|given| !given.is_zero()),
        None => global.interval,
    };
    let interval = super::interval(check, &file.collector_name, given);
    // No limit at all would let one answer hold its connection for ever.
    let timeout = match global.timeout {
        None => TIMEOUT_DEFAULT,
        Some(timeout) if timeout.is_zero() => interval,
        Some(timeout) => timeout,
    };
    let mut collector = Collector {
        name: file.collector_name.value.clone(),
        place: check.place(&file.collector_name),
        interval,
        timeout: timeout.min(interval),
        statements: Vec::new(),
    };
    if file.metrics.as_ref().is_none_or(Vec::is_empty) {
        let message = format!("the collector `{}` has no metrics", collector.name);
        check.at(&file.collector_name, message);
    }
    for metric in file.metrics.iter().flatten() {
        collector.add(check, &metric.value, file.queries.as_deref());
    }
    for query in file.queries.iter().flatten() {
        no_prepared_statement(check, query.value.no_prepared_statement.as_ref());
        let used = collector
            .statements
            .iter()
            .any(|statement| statement.shared_as.as_ref() == Some(&query.value.query_name.value));
        if !used {
            let message = format!(
                "no metric uses the query `{}`",
                query.value.query_name.value
            );
            check.warn(&query.value.query_name, message);
        }
    }
    collector
}

fn no_prepared_statement(check: &mut Check<'_>, written: Option<&Spanned<bool>>) {
    check.unsupported(
        written.filter(|written| written.value),
        "`no_prepared_statement`",
    );
}

impl Collector {
    /// Adds a metric to the statement that it names, or with a statement of its own.
    fn add(
        &mut self,
        check: &mut Check<'_>,
        written: &MetricFile,
        queries: Option<&[Spanned<QueryFile>]>,
    ) {
        no_prepared_statement(check, written.no_prepared_statement.as_ref());
        let metric = metric(check, written);
        let name = &written.metric_name;
        let (named, text) = match (&written.query, &written.query_ref) {
            (Some(query), None) => (name, query),
            (None, Some(named)) => {
                let queries = queries.unwrap_or_default().iter().map(|query| &query.value);
                let mut found = queries.clone();
                match found.find(|query| query.query_name.value == named.value) {
                    Some(query) => (&query.query_name, &query.query),
                    None => {
                        let known = queries.map(|query| query.query_name.value.as_str());
                        check.unknown("query", named, known);
                        return;
                    }
                }
            }
            _ => {
                let message = format!("the metric `{}` needs a query", name.value);
                check.at_with_help(name, message, "give either `query` or `query_ref`");
                return;
            }
        };
        if text.value.trim().is_empty() {
            check.at(text, "the statement is empty");
        }
        let Some(metric) = metric else { return };
        let shared_as = written.query_ref.as_ref().map(|named| named.value.clone());
        let shared = self
            .statements
            .iter_mut()
            .find(|statement| shared_as.is_some() && statement.shared_as == shared_as);
        if let Some(statement) = shared {
            statement.metrics.push(metric);
            return;
        }
        // Two metrics may have the same name and a statement each.
        let mut name = named.value.clone();
        let taken = |name: &str| self.statements.iter().any(|other| other.name == name);
        for number in 2.. {
            if !taken(&name) {
                break;
            }
            name = format!("{}-{number}", named.value);
        }
        self.statements.push(Statement {
            name,
            text: text.value.trim().to_owned(),
            metrics: vec![metric],
            place: check.place(named),
            shared_as,
        });
    }

    /// The queries of a collector on one source.
    pub(super) fn queries(&self, source: &Arc<Source>) -> Vec<Query> {
        let schedule = Schedule::Every(self.interval);
        let mut queries = Vec::new();
        for statement in &self.statements {
            let name = format!("{}/{}@{}", self.name, statement.name, source.name);
            queries.push(Query {
                name,
                source: Arc::clone(source),
                request: Request::Sql(statement.text.clone()),
                jitter: jitter_default(&schedule),
                schedule: schedule.clone(),
                timeout: self.timeout,
                rows_max: ROWS_MAX_DEFAULT,
                parameters: Vec::new(),
                metrics: statement.metrics.clone(),
                on_error: OnError::Stale,
                rows_required: false,
                place: statement.place.clone(),
            });
        }
        queries
    }
}

fn metric(check: &mut Check<'_>, written: &MetricFile) -> Option<Metric> {
    let name = &written.metric_name;
    let kind = kind(check, written);
    check.metric_name(name, kind.as_ref());
    let mut labels: Vec<(String, String)> = Vec::new();
    for label in written.key_labels.iter().flatten() {
        label_name(check, label);
        if labels.iter().any(|(other, _)| *other == label.value) {
            check.at(label, format!("the label `{}` is given twice", label.value));
        }
        labels.push((label.value.clone(), label.value.clone()));
    }
    let mut constant_labels = BTreeMap::new();
    for (label, value) in written.static_labels.iter().flat_map(Entries::iter) {
        label_name(check, label);
        if labels.iter().any(|(other, _)| *other == label.value) {
            check.at(label, format!("the label `{}` is given twice", label.value));
        }
        constant_labels.insert(label.value.clone(), value.value.clone());
    }
    let value_label = written
        .value_label
        .as_ref()
        .filter(|it| !it.value.is_empty());
    if let Some(label) = value_label {
        label_name(check, label);
        if constant_labels.contains_key(&label.value)
            || labels.iter().any(|(other, _)| *other == label.value)
        {
            check.at(label, format!("the label `{}` is given twice", label.value));
        }
    }
    let values = values(check, written, value_label);
    Some(Metric {
        name: name.value.clone(),
        help: written.help.clone().unwrap_or_default(),
        kind: kind?,
        labels,
        constant_labels,
        values: values?,
        timestamp: written.timestamp_value.clone().filter(|it| !it.is_empty()),
        on_null: OnNull::Skip,
    })
}

fn label_name(check: &mut Check<'_>, label: &Text) {
    check.label_name(label, None);
    if matches!(label.value.as_str(), "job" | "target") {
        check.at(label, format!("the label `{}` is reserved", label.value));
    }
}

fn kind(check: &mut Check<'_>, written: &MetricFile) -> Option<MetricKind> {
    let name = &written.metric_name;
    let Some(type_) = &written.kind else {
        let message = format!("the metric `{}` has no type", name.value);
        check.at_with_help(name, message, "gauge or counter");
        return None;
    };
    match type_.value.to_ascii_lowercase().as_str() {
        "gauge" => Some(MetricKind::Gauge),
        "counter" => Some(MetricKind::Counter { accumulate: false }),
        other => {
            let message = format!("the type `{other}` is not known");
            check.at_with_help(type_, message, "gauge or counter");
            None
        }
    }
}

fn values(
    check: &mut Check<'_>,
    written: &MetricFile,
    value_label: Option<&Text>,
) -> Option<Values> {
    let name = &written.metric_name;
    let columns = written.values.as_deref().unwrap_or_default();
    match (columns, &written.static_value, value_label) {
        ([], Some(value), _) => Some(Values::Constant(value.value)),
        ([], None, _) => {
            let message = format!("the metric `{}` has no values", name.value);
            check.at_with_help(name, message, "write `values:` and the columns");
            None
        }
        ([..], Some(value), _) => {
            check.at_with_help(
                value,
                "`values` and `static_value` are both given",
                "leave one out",
            );
            None
        }
        ([one], None, None) => Some(Values::Column(one.value.clone())),
        ([..], None, Some(label)) => Some(Values::Columns {
            label: label.value.clone(),
            columns: columns.iter().map(|column| column.value.clone()).collect(),
        }),
        ([several, ..], None, None) => {
            let help = "the label that says from which column a value is";
            check.at_with_help(several, "several `values` need a `value_label`", help);
            None
        }
    }
}
