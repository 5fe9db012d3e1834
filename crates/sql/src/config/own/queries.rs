//! What is asked, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::yaml::Spanned;
use stonechat_model::{Secret, duration};

use super::super::check::Check;
use super::super::time::{ROWS_MAX_DEFAULT, jitter_default, timeout_default};
use super::super::written::{Entries, Shape, Text};
use super::file::{File, OnErrorFile, QueryFile, RestFile};
use super::metrics;
use crate::plan::{OnError, Query, Request, RestRequest, Schedule, Source, SourceKind};

type Sources = BTreeMap<String, Option<Arc<Source>>>;

/// The queries of one file; one that has several sources becomes one for each.
pub(super) fn queries(check: &mut Check<'_>, file: &File, sources: &Sources) -> Vec<Arc<Query>> {
    let mut queries = Vec::new();
    for (name, written) in file.queries.iter().flat_map(Entries::iter) {
        queries.extend(query(check, name, &written.value, sources));
    }
    queries
}

fn query(
    check: &mut Check<'_>,
    name: &Text,
    written: &QueryFile,
    sources: &Sources,
) -> Vec<Arc<Query>> {
    let targets = targets(check, name, written, sources);
    let several = written.sources.is_some();
    for target in &targets {
        let name_of_target = query_name(name, &target.value, several);
        check.query_name(name, &name_of_target);
    }
    let schedule = schedule(check, name, written);
    let request = request(check, name, written);
    let parameters = parameters(check, written);
    let metrics = metrics::metrics(check, name, written);
    let rows_max = match &written.rows_max {
        Some(max) if max.value == 0 => {
            check.at_with_help(max, "`rows_max` is 0", "every answer would be an error");
            None
        }
        given => Some(given.as_ref().map_or(ROWS_MAX_DEFAULT, |max| max.value)),
    };
    let timeout = schedule
        .as_ref()
        .and_then(|schedule| timeout(check, written, schedule));
    let mut queries = Vec::new();
    for target in targets {
        let Some(source) = sources.get(&target.value).cloned().flatten() else {
            continue;
        };
        if let Some(request) = &request {
            fits(check, &target, &source, request);
        }
        for metric in metrics.iter().flatten() {
            metrics::collisions(check, name, metric, &source);
        }
        let complete = (|| {
            let schedule = schedule.clone()?;
            Some(Query {
                name: query_name(name, &target.value, several),
                source,
                request: request.clone()?,
                jitter: jitter(written, &schedule),
                schedule,
                timeout: timeout?,
                rows_max: rows_max?,
                parameters: parameters.clone()?,
                metrics: metrics.clone()?,
                on_error: match written.on_error {
                    None | Some(OnErrorFile::Stale) => OnError::Stale,
                    Some(OnErrorFile::Keep) => OnError::Keep,
                    Some(OnErrorFile::Nan) => OnError::Nan,
                },
                rows_required: written.rows_required.unwrap_or_default(),
                place: check.place(name),
            })
        })();
        queries.extend(complete.map(Arc::new));
    }
    queries
}

fn query_name(name: &Text, source: &str, several: bool) -> String {
    if several {
        format!("{}@{source}", name.value)
    } else {
        name.value.clone()
    }
}

/// The sources that a query names and that are defined.
fn targets(
    check: &mut Check<'_>,
    name: &Text,
    written: &QueryFile,
    sources: &Sources,
) -> Vec<Text> {
    let named: Vec<Text> = match (&written.source, &written.sources) {
        (Some(one), None) => vec![one.clone()],
        (None, Some(several)) if !several.value.is_empty() => several.value.clone(),
        (Some(_), Some(several)) => {
            check.at_with_help(
                several,
                "`source` and `sources` are both given",
                "leave one out",
            );
            return Vec::new();
        }
        _ => {
            let message = format!("the query `{}` has no source", name.value);
            check.at_with_help(name, message, "write `source:` and a name of `sources`");
            return Vec::new();
        }
    };
    let (known, unknown): (Vec<_>, Vec<_>) = named
        .into_iter()
        .partition(|name| sources.contains_key(&name.value));
    for name in &unknown {
        check.unknown("source", name, sources.keys().map(String::as_str));
    }
    known
}

fn schedule(check: &mut Check<'_>, name: &Text, written: &QueryFile) -> Option<Schedule> {
    if let (None, Some(zone)) = (&written.cron, &written.timezone) {
        check.at(zone, "`timezone` is for `cron`");
    }
    if let (None, Some(repeat)) = (&written.cron, &written.repeat) {
        check.at(repeat, "`repeat` is for `cron`");
    }
    match (&written.interval, &written.cron) {
        (Some(interval), None) => check.interval(interval, interval.value.0),
        (None, Some(cron)) => {
            let zone = match &written.timezone {
                Some(zone) => check.zone(zone),
                None => {
                    let help = "write for example `timezone: Asia/Shanghai`";
                    check.at_with_help(cron, "`cron` needs a `timezone`", help);
                    None
                }
            };
            let schedule = check.cron(cron, zone.as_deref().unwrap_or("UTC"));
            let mut schedule = zone.and(schedule)?;
            if let (Schedule::Cron { repeat, .. }, Some(given)) = (&mut schedule, &written.repeat) {
                if given.value.0.is_zero() {
                    check.at_with_help(given, "`repeat` is 0", "write for example 1m");
                    return None;
                }
                *repeat = given.value.0;
            }
            Some(schedule)
        }
        (Some(_), Some(cron)) => {
            check.at_with_help(
                cron,
                "`interval` and `cron` are both given",
                "leave one out",
            );
            None
        }
        (None, None) => {
            let message = format!("the query `{}` does not say when it is asked", name.value);
            let help = "write `interval: 15s`, or `cron` and `timezone`";
            check.at_with_help(name, message, help);
            None
        }
    }
}

fn timeout(check: &mut Check<'_>, written: &QueryFile, schedule: &Schedule) -> Option<Duration> {
    let Some(given) = &written.timeout else {
        return Some(timeout_default(schedule));
    };
    if given.value.0.is_zero() {
        check.at_with_help(given, "the timeout is 0", "write for example 5s");
        return None;
    }
    if let Schedule::Every(interval) = schedule
        && given.value.0 > *interval
    {
        let every = duration::format(*interval);
        check.warn(
            given,
            format!(
                "the timeout is longer than the interval of {every}: a slow answer leaves out the next question"
            ),
        );
    }
    Some(given.value.0)
}

fn jitter(written: &QueryFile, schedule: &Schedule) -> Duration {
    let given = written.jitter.as_ref().map(|given| given.value.0);
    given.unwrap_or_else(|| jitter_default(schedule))
}

fn request(check: &mut Check<'_>, name: &Text, written: &QueryFile) -> Option<Request> {
    match (&written.sql, &written.redis, &written.rest) {
        (Some(sql), None, None) => {
            let text = sql.value.trim();
            if text.is_empty() {
                check.at(sql, "the statement is empty");
                return None;
            }
            Some(Request::Sql(text.to_owned()))
        }
        (None, Some(redis), None) => {
            let command: Vec<String> = match &redis.value {
                Shape::Scalar(text) => text.split_whitespace().map(str::to_owned).collect(),
                Shape::List(words) => words.clone(),
                Shape::Map(never) => match *never {},
            };
            if command.first().is_none_or(String::is_empty) {
                check.at_with_help(
                    redis,
                    "the command is empty",
                    "write for example [GET, key]",
                );
                return None;
            }
            Some(Request::Redis { command })
        }
        (None, None, Some(rest)) => rest_request(check, rest).map(Request::Rest),
        (None, None, None) => {
            let message = format!("the query `{}` asks nothing", name.value);
            check.at_with_help(name, message, "write one of sql, redis, rest");
            None
        }
        _ => {
            let message = format!("the query `{}` asks several things", name.value);
            check.at_with_help(name, message, "leave one of sql, redis, rest");
            None
        }
    }
}

fn rest_request(check: &mut Check<'_>, written: &Spanned<RestFile>) -> Option<RestRequest> {
    let rest = &written.value;
    let method = match &rest.method {
        None => "GET".to_owned(),
        Some(method) if matches!(method.value.as_str(), "GET" | "POST") => method.value.clone(),
        Some(method) => {
            let message = format!("the method `{}` is not for reading", method.value);
            check.at_with_help(method, message, "GET or POST");
            return None;
        }
    };
    let Some(rows) = &rest.rows else {
        let help = "a JSONPath such as `$.data[*]`, or `$` for the whole answer";
        check.at_with_help(written, "the key `rows` is missing", help);
        return None;
    };
    let mut paths = vec![rows];
    let mut columns = BTreeMap::new();
    for (name, path) in rest.columns.iter().flat_map(Entries::iter) {
        paths.push(path);
        columns.insert(name.value.clone(), path.value.clone());
    }
    for path in paths {
        if !path.value.starts_with('$') {
            let message = format!("`{}` is not a JSONPath", path.value);
            check.at_with_help(path, message, "it begins with `$`, such as `$.name`");
        }
    }
    Some(RestRequest {
        method,
        path: rest.path.clone().unwrap_or_default(),
        headers: headers(check, rest.headers.as_ref())?,
        body: rest.body.clone(),
        rows: rows.value.clone(),
        columns,
        retries: rest.retries.unwrap_or_default(),
    })
}

/// Headers, each of which may hold a secret.
pub(super) fn headers(
    check: &mut Check<'_>,
    written: Option<&Entries<Text>>,
) -> Option<BTreeMap<String, Secret>> {
    let mut headers = BTreeMap::new();
    for (name, value) in written.into_iter().flat_map(Entries::iter) {
        headers.insert(name.value.clone(), Secret::new(check.expand(value)?));
    }
    Some(headers)
}

/// The sets of parameters with which a query is asked: those of a list, or all combinations of a matrix.
fn parameters(check: &mut Check<'_>, written: &QueryFile) -> Option<Vec<BTreeMap<String, String>>> {
    let Some(written) = &written.parameters else {
        return Some(Vec::new());
    };
    let sets: Vec<BTreeMap<String, String>> = match &written.value {
        Shape::List(sets) => {
            let sets = sets.iter().map(|set| {
                let set = set.iter();
                set.map(|(name, value)| (name.value.clone(), value.value.clone()))
                    .collect()
            });
            sets.collect()
        }
        Shape::Map(matrix) => {
            let mut sets = vec![BTreeMap::new()];
            for (name, values) in matrix.iter() {
                sets = combined(&sets, &name.value, values);
            }
            sets
        }
        Shape::Scalar(_) => {
            let help = "a list of `{name: value}`, or `{name: [value, value]}`";
            check.at_with_help(written, "parameters are a list or a mapping", help);
            return None;
        }
    };
    let names = |set: &BTreeMap<String, String>| set.keys().cloned().collect::<Vec<_>>();
    if sets.is_empty() || sets.iter().any(BTreeMap::is_empty) {
        let help = "leave the key out when there are none";
        check.at_with_help(written, "there is a set without parameters", help);
        return None;
    }
    if sets
        .windows(2)
        .any(|pair| names(&pair[0]) != names(&pair[1]))
    {
        let help = "every set needs the same names";
        check.at_with_help(written, "the sets of parameters have different names", help);
        return None;
    }
    Some(sets)
}

fn combined(
    sets: &[BTreeMap<String, String>],
    name: &str,
    values: &[String],
) -> Vec<BTreeMap<String, String>> {
    let with = |set: &BTreeMap<String, String>, value: &String| {
        let mut set = set.clone();
        set.insert(name.to_owned(), value.clone());
        set
    };
    sets.iter()
        .flat_map(|set| values.iter().map(move |value| with(set, value)))
        .collect()
}

/// A statement is for a database, a command for Redis, a request for a REST service.
fn fits(check: &mut Check<'_>, target: &Text, source: &Source, request: &Request) {
    let wanted = match source.kind {
        SourceKind::Redis(_) => "redis",
        SourceKind::Rest(_) => "rest",
        _ => "sql",
    };
    let asked = match request {
        Request::Sql(_) => "sql",
        Request::Redis { .. } => "redis",
        Request::Rest(_) => "rest",
    };
    if wanted != asked {
        let message = format!("the source `{}` cannot be asked by `{asked}`", target.value);
        check.at_with_help(target, message, format!("write `{wanted}:`"));
    }
}
