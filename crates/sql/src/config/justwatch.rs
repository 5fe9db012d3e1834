//! The format of `justwatchcom/sql_exporter`: jobs, each with connections and queries whose columns become values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::yaml::Spanned;

use super::check::Check;
use super::time::{ROWS_MAX_DEFAULT, TIMEOUT_DEFAULT, jitter_default};
use super::written::{Entries, Text};
use super::{dsn, variables};
use crate::plan::{
    Metric, MetricKind, OnError, OnNull, Plan, PoolLimits, Query, Request, Schedule, Source, Tls,
    Values,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    configuration: Option<Spanned<IgnoredAny>>,
    cloudsql_config: Option<Spanned<IgnoredAny>>,
    jobs: Option<Vec<JobFile>>,
    queries: Option<Entries<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobFile {
    name: Text,
    keepalive: Option<Spanned<bool>>,
    interval: Option<Text>,
    cron_schedule: Option<Text>,
    connections: Option<Vec<Text>>,
    queries: Option<Vec<Spanned<QueryFile>>>,
    startup_sql: Option<Vec<Text>>,
    iterator: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryFile {
    name: Text,
    help: Option<String>,
    labels: Option<Vec<Text>>,
    values: Option<Vec<Text>>,
    timestamp: Option<String>,
    query: Option<Text>,
    query_ref: Option<Text>,
    allow_zero_rows: Option<bool>,
}

/// Labels that every series has besides its own.
const OWN_LABELS: [&str; 6] = ["driver", "host", "database", "user", "sql_job", "col"];

pub(super) fn plan(check: &mut Check<'_>, text: &str) -> Option<Plan> {
    let expanded = variables::braces(check, text);
    let file: File = check.read(&expanded)?;
    check.unsupported(file.cloudsql_config.as_ref(), "`cloudsql_config`");
    if let Some(configuration) = &file.configuration {
        let message =
            "`configuration` has no effect: the duration of queries has buckets of its own";
        check.warn(configuration, message);
    }
    if file.jobs.as_ref().is_none_or(Vec::is_empty) {
        check.of_file("there are no jobs");
    }
    let mut plan = Plan::default();
    for job in file.jobs.iter().flatten() {
        of_job(check, job, file.queries.as_ref(), &mut plan);
    }
    Some(plan)
}

fn of_job(check: &mut Check<'_>, job: &JobFile, named: Option<&Entries<Text>>, plan: &mut Plan) {
    check.unsupported(job.iterator.as_ref(), "`iterator`");
    if let Some(keepalive) = job.keepalive.as_ref().filter(|keepalive| !keepalive.value) {
        check.warn(
            keepalive,
            "`keepalive` has no effect: a connection is kept as long as it is of use",
        );
    }
    let schedule = schedule(check, job);
    let sources = sources(check, job);
    let queries = job.queries.as_deref().unwrap_or_default();
    if queries.is_empty() {
        let message = format!("the job `{}` has no queries", job.name.value);
        check.at(&job.name, message);
    }
    for query in queries {
        let checked = checked(check, &query.value, named);
        let (Some((statement, metric)), Some(schedule)) = (checked, &schedule) else {
            continue;
        };
        for source in &sources {
            let name = format!("{}@{}", query.value.name.value, source.name);
            check.query_name(&query.value.name, &name);
            plan.queries.push(Arc::new(Query {
                name,
                source: Arc::clone(source),
                request: Request::Sql(statement.clone()),
                jitter: jitter_default(schedule),
                schedule: schedule.clone(),
                timeout: timeout(schedule),
                rows_max: ROWS_MAX_DEFAULT,
                parameters: Vec::new(),
                metrics: vec![metric.clone()],
                on_error: OnError::Stale,
                rows_required: !query.value.allow_zero_rows.unwrap_or_default(),
                place: check.place(&query.value.name),
            }));
        }
    }
    for source in sources {
        plan.sources.insert(source.name.clone(), source);
    }
}

/// There a query may take for ever. Here it may take until it is asked again, or a minute.
fn timeout(schedule: &Schedule) -> Duration {
    match schedule {
        Schedule::Every(interval) => (*interval).min(Duration::from_mins(1)),
        Schedule::Cron { .. } => TIMEOUT_DEFAULT.max(Duration::from_mins(1)),
    }
}

fn schedule(check: &mut Check<'_>, job: &JobFile) -> Option<Schedule> {
    if let Some(cron) = &job.cron_schedule {
        return cron_schedule(check, cron);
    }
    match &job.interval {
        Some(interval) => {
            let duration = check.go_duration(interval)?;
            check.interval(interval, duration)
        }
        None => {
            let message = format!("the job `{}` has no `interval`", job.name.value);
            check.at_with_help(&job.name, message, "write for example `interval: 5m`");
            None
        }
    }
}

/// Besides five fields: `@every 1h`, and `CRON_TZ=Asia/Shanghai` in front.
fn cron_schedule(check: &mut Check<'_>, cron: &Text) -> Option<Schedule> {
    let with = |text: &str| Spanned::new(text.to_owned(), cron.referenced, cron.defined);
    if let Some(every) = cron.value.strip_prefix("@every ") {
        let duration = check.go_duration(&with(every.trim()))?;
        return check.interval(cron, duration);
    }
    let prefix = ["CRON_TZ=", "TZ="]
        .iter()
        .find_map(|prefix| cron.value.strip_prefix(prefix));
    match prefix.and_then(|rest| rest.split_once(' ')) {
        Some((zone, expression)) => {
            let zone = check.zone(&with(zone))?;
            check.cron(&with(expression.trim()), &zone)
        }
        None => {
            let zone = check.local_zone(cron);
            check.cron(cron, &zone)
        }
    }
}

/// A source for each connection, with the labels that say which it is.
fn sources(check: &mut Check<'_>, job: &JobFile) -> Vec<Arc<Source>> {
    let connections = job.connections.as_deref().unwrap_or_default();
    if connections.is_empty() {
        let message = format!("the job `{}` has no connections", job.name.value);
        check.at(&job.name, message);
    }
    let mut sources = Vec::new();
    for (index, connection) in connections.iter().enumerate() {
        let name = match index {
            0 => job.name.value.clone(),
            _ => format!("{}-{}", job.name.value, index + 1),
        };
        check.source_name(connection, &name);
        let text = &connection.value;
        let Some(mut dsn) = dsn::checked(check, connection, text, dsn::go) else {
            continue;
        };
        for statement in job.startup_sql.iter().flatten() {
            if let Err(reason) = dsn.startup(&statement.value) {
                check.at(statement, reason);
            }
        }
        let labels = [
            ("driver", &dsn.driver),
            ("host", &dsn.host),
            ("database", &dsn.database),
            ("user", &dsn.user),
            ("sql_job", &job.name.value),
        ];
        let default = PoolLimits::default();
        sources.push(Arc::new(Source {
            name,
            kind: dsn.kind,
            // There a connection is used for two rounds, which costs each statement to be prepared again and again.
            pool: PoolLimits {
                connect_timeout: dsn.connect_timeout.unwrap_or(default.connect_timeout),
                ..default
            },
            labels: labels
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(label, value)| (label.to_owned(), value.clone()))
                .collect(),
            tls: Tls::default(),
            place: check.place(connection),
        }));
    }
    sources
}

/// The statement of a query, and the metric that its rows become.
fn checked(
    check: &mut Check<'_>,
    written: &QueryFile,
    named: Option<&Entries<Text>>,
) -> Option<(String, Metric)> {
    let name = &written.name;
    // As there: what a metric's name cannot have is left out.
    let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == ':';
    let metric: String = "sql_"
        .chars()
        .chain(name.value.chars().filter(allowed))
        .collect();
    let kind = MetricKind::Gauge;
    let full = Spanned::new(metric.clone(), name.referenced, name.defined);
    check.metric_name(&full, Some(&kind));
    let mut labels: Vec<(String, String)> = Vec::new();
    for label in written.labels.iter().flatten() {
        check.label_name(label, Some(&kind));
        let is_own = OWN_LABELS.contains(&label.value.as_str());
        if is_own || labels.iter().any(|(other, _)| *other == label.value) {
            check.at(label, format!("the label `{}` is given twice", label.value));
        }
        labels.push((label.value.clone(), label.value.clone()));
    }
    let columns: Vec<String> = written
        .values
        .iter()
        .flatten()
        .map(|it| it.value.clone())
        .collect();
    if columns.is_empty() {
        let message = format!("the query `{}` has no values", name.value);
        check.at_with_help(name, message, "write `values:` and the columns");
    }
    let statement = statement(check, written, named)?;
    let metric = Metric {
        name: metric,
        help: written.help.clone().unwrap_or_default(),
        kind,
        labels,
        constant_labels: BTreeMap::new(),
        values: Values::Columns {
            label: "col".to_owned(),
            columns,
        },
        timestamp: written.timestamp.clone().filter(|it| !it.is_empty()),
        on_null: OnNull::Skip,
    };
    Some((statement, metric))
}

fn statement(
    check: &mut Check<'_>,
    written: &QueryFile,
    named: Option<&Entries<Text>>,
) -> Option<String> {
    let own = written
        .query
        .as_ref()
        .filter(|query| !query.value.trim().is_empty());
    if let Some(query) = own {
        return Some(query.value.trim().to_owned());
    }
    let Some(reference) = &written.query_ref else {
        let message = format!("the query `{}` has no statement", written.name.value);
        check.at_with_help(&written.name, message, "write `query:` or `query_ref:`");
        return None;
    };
    let all = named.map(|named| named.0.as_slice()).unwrap_or_default();
    let found = all.iter().find(|(name, _)| name.value == reference.value);
    if found.is_none() {
        let known = all.iter().map(|(name, _)| name.value.as_str());
        check.unknown("query", reference, known);
    }
    found.map(|(_, statement)| statement.value.trim().to_owned())
}
