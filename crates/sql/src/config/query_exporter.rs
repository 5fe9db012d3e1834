//! The format of `query-exporter`: databases, metrics, and queries whose columns have the names of metrics and labels.

mod file; // as it is written

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::duration;
use stonechat_model::yaml::Spanned;

use self::file::{DatabaseFile, DsnFile, File, MetricFile, QueryFile, TypeFile};
use super::check::Check;
use super::dsn;
use super::time::{INTERVAL_DEFAULT, ROWS_MAX_DEFAULT, jitter_default};
use super::url::encode;
use super::variables;
use super::written::{Entries, Shape, Text};
use crate::plan::{
    Metric, MetricKind, OnError, OnNull, Plan, PoolLimits, Query, Request, Schedule, Source, Tls,
    Values,
};

/// The buckets of Python's client.
const BUCKETS_DEFAULT: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// There a query without `timeout` may take for ever.
const TIMEOUT_MAX: Duration = Duration::from_mins(1);

type Sources = BTreeMap<String, Option<Arc<Source>>>;
type Metrics = BTreeMap<String, Option<Metric>>;

pub(super) fn plan(check: &mut Check<'_>, text: &str) -> Option<Plan> {
    let expanded = variables::tags(check, text);
    if !check.report.problems.0.is_empty() {
        // What a tag should have given is missing, and would be complained of again.
        return None;
    }
    let file: File = check.read_last_wins(&expanded)?;
    if let Some(builtin) = &file.builtin_metrics {
        let message =
            "`builtin-metrics` has no effect: Stonechat's own metrics of queries are always there";
        check.warn(builtin, message);
    }
    let mut sources = Sources::new();
    let databases = file.databases.iter().flat_map(Entries::iter);
    let mut labels: Option<Vec<&String>> = None;
    for (name, written) in databases {
        check.source_name(name, &name.value);
        let of_this = written.labels.iter().flat_map(Entries::iter);
        let mut of_this: Vec<&String> = of_this.map(|(label, _)| &label.value).collect();
        of_this.sort();
        if labels.as_ref().is_some_and(|labels| *labels != of_this) {
            check.at(name, "not all databases have the same labels");
        }
        labels.get_or_insert(of_this);
        let source = source(check, name, written).map(Arc::new);
        sources.insert(name.value.clone(), source);
    }
    let of_databases: Vec<String> = labels.into_iter().flatten().cloned().collect();
    let mut metrics = Metrics::new();
    for (name, written) in file.metrics.iter().flat_map(Entries::iter) {
        let metric = metric(check, name, written, &of_databases);
        metrics.insert(name.value.clone(), metric);
    }
    let mut plan = Plan::default();
    for (name, written) in file.queries.iter().flat_map(Entries::iter) {
        let queries = queries(check, name, written, &sources, &metrics);
        plan.queries.extend(queries.into_iter().map(Arc::new));
    }
    unused(check, &file);
    plan.sources = sources
        .into_iter()
        .filter_map(|(name, source)| Some((name, source?)))
        .collect();
    Some(plan)
}

/// What no query uses.
fn unused(check: &mut Check<'_>, file: &File) {
    let queries: Vec<&QueryFile> = file
        .queries
        .iter()
        .flat_map(Entries::iter)
        .map(|it| it.1)
        .collect();
    let uses = |list: fn(&QueryFile) -> &Vec<Text>, name: &str| {
        queries
            .iter()
            .any(|query| list(query).iter().any(|it| it.value == name))
    };
    for (name, _) in file.databases.iter().flat_map(Entries::iter) {
        if !uses(|query| &query.databases, &name.value) {
            check.warn(name, format!("no query uses the database `{}`", name.value));
        }
    }
    for (name, _) in file.metrics.iter().flat_map(Entries::iter) {
        if !uses(|query| &query.metrics, &name.value) {
            check.warn(name, format!("no query uses the metric `{}`", name.value));
        }
    }
}

fn source(check: &mut Check<'_>, name: &Text, written: &DatabaseFile) -> Option<Source> {
    let mut labels = BTreeMap::from([("database".to_owned(), name.value.clone())]);
    for (label, value) in written.labels.iter().flat_map(Entries::iter) {
        check.label_name(label, None);
        if labels
            .insert(label.value.clone(), value.value.clone())
            .is_some()
        {
            check.at(label, "the label `database` is reserved");
        }
    }
    let text = match &written.dsn.value {
        Shape::Scalar(text) => text.clone(),
        Shape::Map(parts) => of_parts(parts),
        Shape::List(never) => match *never {},
    };
    let mut dsn = dsn::checked(check, &written.dsn, &text, dsn::sqlalchemy)?;
    for statement in written.connect_sql.iter().flatten() {
        if let Err(reason) = dsn.startup(&statement.value) {
            check.at(statement, reason);
        }
    }
    let default = PoolLimits::default();
    let connections = written.connection_pool.as_ref().map_or(1, |pool| {
        pool.size
            .unwrap_or(1)
            .saturating_add(pool.max_overflow.unwrap_or_default())
    });
    Some(Source {
        name: name.value.clone(),
        kind: dsn.kind,
        pool: PoolLimits {
            connections_max: connections.max(1),
            // As there: tried before each use, and replaced after an hour.
            lifetime_max: Some(Duration::from_hours(1)),
            ping: true,
            connect_timeout: dsn.connect_timeout.unwrap_or(default.connect_timeout),
            ..default
        },
        labels,
        tls: Tls::default(),
        place: check.place(name),
    })
}

/// The same in one text.
fn of_parts(parts: &DsnFile) -> String {
    let mut text = format!("{}://", parts.dialect);
    if let Some(user) = &parts.user {
        text.push_str(&encode(user));
        if let Some(password) = &parts.password {
            text.push(':');
            text.push_str(&encode(password));
        }
        text.push('@');
    }
    text.push_str(parts.host.as_deref().unwrap_or_default());
    if let Some(port) = parts.port {
        text.push_str(&format!(":{port}"));
    }
    text.push('/');
    text.push_str(parts.database.as_deref().unwrap_or_default());
    for (index, (name, value)) in parts.options.iter().flatten().enumerate() {
        let mark = if index == 0 { '?' } else { '&' };
        text.push_str(&format!("{mark}{}={}", encode(name), encode(value)));
    }
    text
}

fn metric(
    check: &mut Check<'_>,
    name: &Text,
    written: &MetricFile,
    of_databases: &[String],
) -> Option<Metric> {
    let kind = kind(check, name, written);
    check.metric_name(name, kind.as_ref());
    if let Some(expiration) = &written.expiration {
        let message =
            "`expiration` has no effect: a series ends as soon as an answer is without it";
        check.warn(expiration, message);
    }
    let mut labels = Vec::new();
    for label in written.labels.iter().flatten() {
        check.label_name(label, kind.as_ref());
        if label.value == "database" || of_databases.contains(&label.value) {
            let message = format!("the label `{}` is one of the database", label.value);
            check.at_with_help(label, message, "leave it out here");
        }
        labels.push((label.value.clone(), label.value.clone()));
    }
    Some(Metric {
        name: name.value.clone(),
        help: written.description.clone().unwrap_or_default(),
        kind: kind?,
        labels,
        constant_labels: BTreeMap::new(),
        values: Values::Column(name.value.clone()),
        timestamp: None,
        // As there, because counting rows may give a NULL.
        on_null: OnNull::Zero,
    })
}

fn kind(check: &mut Check<'_>, name: &Text, written: &MetricFile) -> Option<MetricKind> {
    let increment = written.increment.as_ref().is_some_and(|it| it.value);
    if let Some(increment) = &written.increment
        && increment.value
        && !matches!(written.kind.value, TypeFile::Counter)
    {
        check.at(increment, "`increment` is for a counter");
    }
    match written.kind.value {
        TypeFile::Gauge => Some(MetricKind::Gauge),
        TypeFile::Counter => Some(MetricKind::Counter {
            accumulate: increment,
        }),
        TypeFile::Histogram => {
            let buckets = match &written.buckets {
                Some(buckets) => check.buckets(buckets)?,
                None => BUCKETS_DEFAULT.to_vec(),
            };
            Some(MetricKind::Histogram {
                buckets,
                accumulate: true,
            })
        }
        TypeFile::Summary => {
            let message = format!(
                "`{}` becomes a histogram without buckets: its `_sum` and `_count` are the same",
                name.value
            );
            check.warn(name, message);
            Some(MetricKind::Histogram {
                buckets: Vec::new(),
                accumulate: true,
            })
        }
        TypeFile::Enum => {
            check.unsupported(Some(&written.kind), "the type `enum`");
            None
        }
    }
}

fn queries(
    check: &mut Check<'_>,
    name: &Text,
    written: &QueryFile,
    sources: &Sources,
    metrics: &Metrics,
) -> Vec<Query> {
    let mut of_query = Vec::new();
    for named in &written.metrics {
        match metrics.get(&named.value) {
            Some(metric) => of_query.push(metric.clone()),
            None => check.unknown("metric", named, metrics.keys().map(String::as_str)),
        }
    }
    if written.metrics.is_empty() {
        check.at(name, format!("the query `{}` has no metrics", name.value));
    }
    if written.databases.is_empty() {
        check.at(name, format!("the query `{}` has no databases", name.value));
    }
    let of_query: Option<Vec<Metric>> = of_query.into_iter().collect();
    let schedule = schedule(check, name, written);
    let timeout = schedule
        .as_ref()
        .and_then(|schedule| timeout(check, written, schedule));
    let parameters = parameters(check, written);
    let mut queries = Vec::new();
    for database in &written.databases {
        let Some(source) = sources.get(&database.value) else {
            check.unknown("database", database, sources.keys().map(String::as_str));
            continue;
        };
        let complete = (|| {
            let schedule = schedule.clone()?;
            Some(Query {
                name: match written.databases.as_slice() {
                    [_] => name.value.clone(),
                    _ => format!("{}@{}", name.value, database.value),
                },
                source: source.clone()?,
                // `\:` is a colon that begins no parameter.
                request: Request::Sql(written.sql.value.trim().replace("\\:", ":")),
                jitter: jitter_default(&schedule),
                schedule,
                timeout: timeout?,
                rows_max: ROWS_MAX_DEFAULT,
                parameters: parameters.clone()?,
                metrics: of_query.clone()?,
                on_error: OnError::Stale,
                rows_required: false,
                place: check.place(name),
            })
        })();
        queries.extend(complete);
    }
    for query in &queries {
        check.query_name(name, &query.name);
    }
    queries
}

fn schedule(check: &mut Check<'_>, name: &Text, written: &QueryFile) -> Option<Schedule> {
    match (&written.interval, &written.schedule) {
        (Some(_), Some(schedule)) => {
            let message = "`interval` and `schedule` are both given";
            check.at_with_help(schedule, message, "leave one out");
            None
        }
        (Some(interval), None) => {
            let Some(duration) = seconds(&interval.value) else {
                let message = format!("`{}` is not an interval", interval.value);
                check.at_with_help(interval, message, "seconds, or for example 30s, 5m, 2h, 1d");
                return None;
            };
            check.interval(interval, duration)
        }
        (None, Some(schedule)) => {
            let zone = check.local_zone(schedule);
            let expression = weekdays_from_monday(&schedule.value);
            let expression = Spanned::new(expression, schedule.referenced, schedule.defined);
            check.cron(&expression, &zone)
        }
        (None, None) => {
            let every = duration::format(INTERVAL_DEFAULT);
            let message =
                format!("without `interval` the query is asked every {every}, not on each scrape");
            check.warn(name, message);
            Some(Schedule::Every(INTERVAL_DEFAULT))
        }
    }
}

/// `90`, `90s`, `5m`, `2h`, `1d`.
fn seconds(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        (at, 'd') => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_secs(number.checked_mul(unit)?))
}

/// Its library counts days of the week from Monday, where cron has Sunday: numbers become names.
fn weekdays_from_monday(expression: &str) -> String {
    const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let mut fields: Vec<String> = expression.split_whitespace().map(str::to_owned).collect();
    let Some(days) = fields.get(4).filter(|_| fields.len() == 5) else {
        return expression.to_owned();
    };
    if days == "*" || !days.contains(|c: char| c.is_ascii_digit()) {
        return expression.to_owned();
    }
    let mut chosen: Vec<usize> = Vec::new();
    for part in days.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, until) = match range.split_once('-') {
            _ if range == "*" => ("0", "6"),
            Some(both) => both,
            None if part.contains('/') => (range, "6"),
            None => (range, range),
        };
        let day = |text: &str| {
            let named = DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
            named.or_else(|| text.parse().ok().filter(|day| *day < 7))
        };
        let (Some(from), Some(until), Ok(step @ 1..)) = (day(from), day(until), step.parse())
        else {
            return expression.to_owned();
        };
        chosen.extend((from..=until).step_by(step));
    }
    let names = (0..7)
        .filter(|day| chosen.contains(day))
        .map(|day| DAYS[day]);
    fields[4] = names.collect::<Vec<_>>().join(",");
    fields.join(" ")
}

fn timeout(check: &mut Check<'_>, written: &QueryFile, schedule: &Schedule) -> Option<Duration> {
    let interval = match schedule {
        Schedule::Every(interval) => *interval,
        Schedule::Cron { .. } => TIMEOUT_MAX,
    };
    let Some(given) = &written.timeout else {
        return Some(interval.min(TIMEOUT_MAX));
    };
    match Duration::try_from_secs_f64(given.value) {
        Ok(timeout) if !timeout.is_zero() => {
            if matches!(schedule, Schedule::Every(_)) && timeout > interval {
                let message = "the timeout is longer than the interval: a slow answer leaves out the next question";
                check.warn(given, message);
            }
            Some(timeout)
        }
        _ => {
            check.at_with_help(
                given,
                "the timeout has to be positive",
                "seconds, such as 2.5",
            );
            None
        }
    }
}

/// The sets of a list, or all combinations of the sets of a matrix, whose names then have the name of their list in front.
fn parameters(check: &mut Check<'_>, written: &QueryFile) -> Option<Vec<BTreeMap<String, String>>> {
    let Some(written) = &written.parameters else {
        return Some(Vec::new());
    };
    let set = |entries: &Entries<Text>, prefix: &str| -> BTreeMap<String, String> {
        let entries = entries.iter();
        entries
            .map(|(name, value)| (format!("{prefix}{}", name.value), value.value.clone()))
            .collect()
    };
    let sets: Vec<BTreeMap<String, String>> = match &written.value {
        Shape::List(list) => list.iter().map(|entries| set(entries, "")).collect(),
        Shape::Map(matrix) => {
            let mut sets = vec![BTreeMap::new()];
            for (name, list) in matrix.iter() {
                let prefix = format!("{}__", name.value);
                sets = sets
                    .iter()
                    .flat_map(|before: &BTreeMap<String, String>| {
                        list.iter().map(|entries| {
                            let mut all = before.clone();
                            all.extend(set(entries, &prefix));
                            all
                        })
                    })
                    .collect();
            }
            sets
        }
        Shape::Scalar(_) => Vec::new(),
    };
    let names = |set: &BTreeMap<String, String>| set.keys().cloned().collect::<Vec<_>>();
    let differ = sets
        .windows(2)
        .any(|pair| names(&pair[0]) != names(&pair[1]));
    if sets.is_empty() || differ {
        let help = "a list of sets with the same names, or a mapping of such lists";
        check.at_with_help(written, "these are no sets of parameters", help);
        return None;
    }
    Some(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_week_become_names() {
        for (expression, expected) in [
            ("0 9 * * *", "0 9 * * *"),
            ("0 9 * * mon-fri", "0 9 * * mon-fri"),
            ("0 9 * * 0", "0 9 * * MON"),
            ("0 9 * * 0-4", "0 9 * * MON,TUE,WED,THU,FRI"),
            ("0 9 * * 5,6", "0 9 * * SAT,SUN"),
            ("0 9 * * */3", "0 9 * * MON,THU,SUN"),
            ("0 9 * * 9", "0 9 * * 9"),
        ] {
            assert_eq!(weekdays_from_monday(expression), expected);
        }
    }

    #[test]
    fn intervals_are_seconds_unless_they_say_more() {
        for (text, expected) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("2m", Some(120)),
            ("1d", Some(86_400)),
            ("1.5m", None),
            ("", None),
            ("m", None),
        ] {
            assert_eq!(seconds(text), expected.map(Duration::from_secs), "{text}");
        }
    }
}
