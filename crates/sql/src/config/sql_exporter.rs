//! The format of `burningalchemist/sql_exporter` and of its ancestor `free/sql_exporter`: collectors of metrics, run on targets.

mod collector; // metrics and their queries
mod file; // as it is written

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::yaml::{self, Spanned};

use self::collector::Collector;
use self::file::{CollectorFile, File, GlobalFile, JobFile, TargetFile};
use super::check::Check;
use super::time::INTERVAL_DEFAULT;
use super::written::{Entries, Text};
use super::{dsn, variables};
use crate::plan::{Plan, PoolLimits, Source, Tls};

/// What holds for all.
struct Global {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    pool: PoolLimits,
}

/// A target under its name, with the collectors that run on it.
struct Target {
    source: Option<Arc<Source>>,
    collectors: Vec<usize>,
}

pub(super) fn plan(check: &mut Check<'_>, text: &str) -> Option<Plan> {
    let file: File = check.read(text)?;
    let global = global(check, file.global.as_ref());
    let others = collector_files(check, &file);
    let mut collectors = Vec::new();
    for written in file.collectors.iter().flatten() {
        let collector = collector::collector(check, written, &global);
        add(check, &mut collectors, written, collector);
    }
    for (path, text, written) in &others {
        let mut check = check.other(path, text);
        let collector = collector::collector(&mut check, written, &global);
        add(&mut check, &mut collectors, written, collector);
    }
    let targets = targets(check, &file, &collectors, &global);
    let mut plan = Plan::default();
    for target in targets {
        let Some(source) = target.source else {
            continue;
        };
        for index in target.collectors {
            let queries = collectors[index].queries(&source);
            plan.queries.extend(queries.into_iter().map(Arc::new));
        }
        plan.sources.insert(source.name.clone(), source);
    }
    Some(plan)
}

/// Collectors have names of their own.
fn add(
    check: &mut Check<'_>,
    collectors: &mut Vec<Collector>,
    written: &Spanned<CollectorFile>,
    collector: Collector,
) {
    let first = collectors.iter().find(|other| other.name == collector.name);
    if let Some(first) = first {
        let place = first.place.clone();
        let name = &written.value.collector_name;
        check.twice(name, "collector", &collector.name, &place);
        return;
    }
    collectors.push(collector);
}

fn collector_files(
    check: &mut Check<'_>,
    file: &File,
) -> Vec<(PathBuf, String, Spanned<CollectorFile>)> {
    let mut files = Vec::new();
    for pattern in file.collector_files.iter().flatten() {
        for path in check.files(pattern) {
            let text = match yaml::read_text(&path) {
                Ok(text) => text,
                Err(problem) => {
                    check.report.problems.0.push(problem);
                    continue;
                }
            };
            let collector = check.other(&path, &text).read(&text);
            files.extend(collector.map(|collector| (path, text, collector)));
        }
    }
    files
}

fn global(check: &mut Check<'_>, written: Option<&GlobalFile>) -> Global {
    let empty = GlobalFile::default();
    let file = written.unwrap_or(&empty);
    for (given, why) in file.without_effect() {
        check.warn(&given, why);
    }
    let connections_max = match &file.max_connections {
        None => 3,
        Some(max) => u32::try_from(max.value)
            .ok()
            .filter(|max| *max > 0)
            .unwrap_or_else(|| {
                check.warn(
                    max,
                    "without a bound on connections Stonechat uses at most 10",
                );
                10
            }),
    };
    if let Some(idle) = &file.max_idle_connections
        && idle.value < i64::from(connections_max)
    {
        check.warn(
            idle,
            "`max_idle_connections` has no effect: a connection is kept as long as it is of use",
        );
    }
    let lifetime = file.max_connection_lifetime.as_ref();
    let lifetime = lifetime.and_then(|lifetime| check.go_duration(lifetime));
    let set = |given: &Option<Spanned<stonechat_model::duration::ConfigDuration>>| {
        given.as_ref().map(|given| given.value.0)
    };
    Global {
        interval: set(&file.min_interval).filter(|interval| !interval.is_zero()),
        timeout: set(&file.scrape_timeout),
        pool: PoolLimits {
            connections_max,
            lifetime_max: lifetime.filter(|lifetime| !lifetime.is_zero()),
            ping: true,
            ..PoolLimits::default()
        },
    }
}

fn targets(
    check: &mut Check<'_>,
    file: &File,
    collectors: &[Collector],
    global: &Global,
) -> Vec<Target> {
    let mut targets = Vec::new();
    match (&file.target, &file.jobs) {
        (Some(target), None) => targets.push(single(check, target, collectors, global)),
        (None, Some(jobs)) => {
            for job in jobs {
                targets.extend(of_job(check, &job.value, collectors, global));
            }
        }
        (Some(target), Some(_)) => {
            check.at_with_help(
                target,
                "`target` and `jobs` are both given",
                "leave one out",
            );
        }
        (None, None) => check.of_file("there is neither `target` nor `jobs`"),
    }
    targets
}

/// `target`: its name, if it has one, becomes a label.
fn single(
    check: &mut Check<'_>,
    written: &Spanned<TargetFile>,
    collectors: &[Collector],
    global: &Global,
) -> Target {
    let file = &written.value;
    let name = file.name.as_ref().filter(|name| !name.value.is_empty());
    let labels = name.map(|name| ("target".to_owned(), name.value.clone()));
    let Some(dsn) = &file.data_source_name else {
        let help =
            "write `data_source_name: ${SQLEXPORTER_TARGET_DSN}` to take it from the environment";
        check.at_with_help(written, "the target has no `data_source_name`", help);
        return Target {
            source: None,
            collectors: Vec::new(),
        };
    };
    let source = source(
        check,
        dsn,
        Named {
            name: name.map_or("target", |name| name.value.as_str()),
            labels: labels.into_iter().collect(),
            ping: file.enable_ping,
        },
        global,
    );
    Target {
        source,
        collectors: chosen(check, written, &file.collectors, collectors),
    }
}

/// A job: each of its targets is labelled with the names of both.
fn of_job(
    check: &mut Check<'_>,
    job: &JobFile,
    collectors: &[Collector],
    global: &Global,
) -> Vec<Target> {
    let chosen = chosen(check, &job.job_name, &job.collectors, collectors);
    let mut targets = Vec::new();
    let configs = job.static_configs.iter().flatten();
    for config in configs {
        for (name, dsn) in config.targets.iter().flat_map(Entries::iter) {
            let mut labels = BTreeMap::from([
                ("job".to_owned(), job.job_name.value.clone()),
                ("target".to_owned(), name.value.clone()),
            ]);
            for (label, value) in config.labels.iter().flat_map(Entries::iter) {
                check.label_name(label, None);
                let value = value.value.clone();
                if labels.insert(label.value.clone(), value).is_some() {
                    check.at(label, format!("the label `{}` is given twice", label.value));
                }
            }
            let named = Named {
                name: &format!("{}/{}", job.job_name.value, name.value),
                labels,
                ping: job.enable_ping,
            };
            check.source_name(name, named.name);
            targets.push(Target {
                source: source(check, dsn, named, global),
                collectors: chosen.clone(),
            });
        }
    }
    if targets.is_empty() {
        let message = format!("the job `{}` has no targets", job.job_name.value);
        check.at_with_help(&job.job_name, message, "write `static_configs`");
    }
    targets
}

/// What is said of a source beside its data source name.
struct Named<'a> {
    name: &'a str,
    labels: BTreeMap<String, String>,
    ping: Option<bool>,
}

fn source(
    check: &mut Check<'_>,
    written: &Text,
    named: Named<'_>,
    global: &Global,
) -> Option<Arc<Source>> {
    let text = variables::shell(check, &written.value);
    let dsn = dsn::checked(check, written, &text, dsn::go)?;
    let mut pool = global.pool.clone();
    pool.ping = named.ping.unwrap_or(pool.ping);
    if let Some(timeout) = dsn.connect_timeout.filter(|timeout| !timeout.is_zero()) {
        pool.connect_timeout = timeout;
    }
    Some(Arc::new(Source {
        name: named.name.to_owned(),
        kind: dsn.kind,
        pool,
        labels: named.labels,
        tls: Tls::default(),
        place: check.place(written),
    }))
}

/// The collectors that a target names, by name or by pattern.
fn chosen<T>(
    check: &mut Check<'_>,
    place: &Spanned<T>,
    named: &Option<Vec<Text>>,
    collectors: &[Collector],
) -> Vec<usize> {
    let mut chosen = Vec::new();
    let Some(named) = named.as_ref().filter(|named| !named.is_empty()) else {
        check.at_with_help(place, "there are no `collectors` here", "name at least one");
        return chosen;
    };
    for name in named {
        let pattern = match glob::Pattern::new(&name.value) {
            Ok(pattern) => pattern,
            Err(error) => {
                check.at(name, format!("not a valid pattern: {error}"));
                continue;
            }
        };
        let matching = collectors.iter().enumerate().filter(|(_, collector)| {
            collector.name == name.value || pattern.matches(&collector.name)
        });
        let matching: Vec<usize> = matching.map(|(index, _)| index).collect();
        if matching.is_empty() {
            let known = collectors.iter().map(|collector| collector.name.as_str());
            check.unknown("collector", name, known);
        }
        for index in matching {
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
    }
    chosen
}

/// How often a collector without `min_interval` runs. There it runs whenever it is scraped; here nothing waits for a scrape.
fn interval(check: &mut Check<'_>, collector: &Text, given: Option<Duration>) -> Duration {
    given.unwrap_or_else(|| {
        let every = stonechat_model::duration::format(INTERVAL_DEFAULT);
        let message =
            format!("without `min_interval` the collector runs every {every}, not on each scrape");
        check.warn(collector, message);
        INTERVAL_DEFAULT
    })
}
