//! What goes beyond types: everything that is wrong with the jobs, in one run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::duration;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;
use stonechat_model::{Labels, Problem, Problems, is_label_name};

use super::global::given;
use super::relabel::{Source, compile_all};
use super::{ByteSize, GlobalConfig, JobConfig, ScrapeProtocol, StaticConfig};
use crate::job::{Job, Limits, ScrapeSettings, TargetGroup};
use crate::target::{ADDRESS, TargetError, check_address};

/// Checks the section `global` and the jobs of a file and gives what runs.
///
/// `file` and `text` are shown with the mistakes.
///
/// # Errors
/// All mistakes at once: a job name given twice, a timeout longer than its interval, an interval of zero, an address
/// with a scheme or a path, a label name that is none, a path that is none, a scheme or format that cannot be
/// spoken, a relabelling rule that cannot work.
pub fn resolve(
    file: &Path,
    text: &str,
    global: &GlobalConfig,
    jobs: &[JobConfig],
) -> Result<Vec<Job>, Problems> {
    let source = Source { file, text };
    let mut problems = Problems::default();
    check_global(&source, global, &mut problems);
    let mut resolved = Vec::with_capacity(jobs.len());
    let mut names: BTreeMap<&str, &Spanned<String>> = BTreeMap::new();
    for job in jobs {
        let name = job.job_name.value.as_str();
        if name.is_empty() {
            let problem = source.problem(&job.job_name, "the job has no name");
            problems.0.push(problem);
        } else if let Some(first) = names.get(name) {
            let message = format!("two jobs are named `{name}`");
            let problem = source.problem(&job.job_name, message);
            let line = first.referenced.line();
            problems
                .0
                .push(problem.help(format!("the first is in line {line}; each needs its own")));
        } else {
            names.insert(name, &job.job_name);
        }
        resolved.push(
            Resolver {
                source: &source,
                global,
                job,
                problems: &mut problems,
            }
            .job(),
        );
    }
    problems.or(resolved)
}

fn check_global(source: &Source<'_>, global: &GlobalConfig, problems: &mut Problems) {
    let mut found = Vec::new();
    for interval in [&global.scrape_interval, &global.evaluation_interval] {
        found.extend(zero(source, interval.as_ref()));
    }
    if let Some(timeout) = &global.scrape_timeout {
        found.extend(zero(source, Some(timeout)));
        if timeout.value.0 > global.scrape_interval() {
            let every = duration::format(global.scrape_interval());
            let message = "scrape_timeout is longer than scrape_interval";
            let problem = source.problem(timeout, message);
            found.push(problem.help(format!("targets are scraped every {every}")));
        }
    }
    if let Some(protocols) = &global.scrape_protocols {
        found.extend(check_protocols(source, protocols));
    }
    for (name, value) in &global.external_labels {
        if let Err(error) = Labels::from_pairs([(name, &value.value)]) {
            let message = format!("an external label cannot be: {error}");
            found.push(source.problem(value, message));
        }
    }
    problems.0.extend(found);
}

fn zero(source: &Source<'_>, duration: Option<&Spanned<ConfigDuration>>) -> Option<Problem> {
    let duration = duration.filter(|duration| duration.value.0.is_zero())?;
    let problem = source.problem(duration, "a duration of zero");
    Some(problem.help("write for example 15s, or leave the key out"))
}

fn check_protocols(
    source: &Source<'_>,
    protocols: &Spanned<Vec<ScrapeProtocol>>,
) -> Option<Problem> {
    let list = &protocols.value;
    let twice = list
        .iter()
        .enumerate()
        .any(|(index, protocol)| list[..index].contains(protocol));
    let message = if list.is_empty() {
        "scrape_protocols is empty"
    } else if twice {
        "a protocol is listed twice in scrape_protocols"
    } else if list.iter().all(|protocol| protocol.format().is_none()) {
        "PrometheusProto is not supported yet; list a text format too"
    } else {
        return None;
    };
    Some(source.problem(protocols, message))
}

/// One job under check. Mistakes are collected, and something harmless takes the place of what is wrong.
struct Resolver<'a> {
    source: &'a Source<'a>,
    global: &'a GlobalConfig,
    job: &'a JobConfig,
    problems: &'a mut Problems,
}

impl Resolver<'_> {
    fn job(&mut self) -> Job {
        let job = self.job;
        let (interval, timeout) = self.times();
        let relabel = self.rules(&job.relabel_configs);
        let metrics_path = self.metrics_path();
        let scheme = self.scheme();
        let groups = job
            .static_configs
            .iter()
            .map(|group| self.group(group))
            .collect();
        let dropped_max = limit(job.keep_dropped_targets, self.global.keep_dropped_targets);
        Job {
            name: job.job_name.value.clone(),
            interval,
            timeout,
            metrics_path,
            scheme,
            params: job.params.clone(),
            relabel,
            dropped_max: dropped_max.unwrap_or(usize::MAX),
            groups,
            settings: Arc::new(self.settings()),
        }
    }

    fn settings(&mut self) -> ScrapeSettings {
        let job = self.job;
        let metric_relabel = self.rules(&job.metric_relabel_configs);
        ScrapeSettings {
            honor_labels: job.honor_labels,
            honor_timestamps: job.honor_timestamps,
            track_timestamps_staleness: job.track_timestamps_staleness,
            metric_relabel,
            limits: self.limits(),
            accept: self.accept(),
            fallback: self.fallback(),
            compression: job.enable_compression,
            follow_redirects: job.follow_redirects,
            extra_metrics: job
                .extra_scrape_metrics
                .unwrap_or(self.global.extra_scrape_metrics),
        }
    }

    fn report(&mut self, problem: Problem) {
        self.problems.0.push(problem);
    }

    fn rules(&mut self, rules: &[super::RelabelConfig]) -> Vec<crate::relabel::Rule> {
        compile_all(self.source, rules, &self.job.job_name, self.problems)
    }

    fn times(&mut self) -> (Duration, Duration) {
        let job = self.job;
        for duration in [&job.scrape_interval, &job.scrape_timeout] {
            self.problems.0.extend(zero(self.source, duration.as_ref()));
        }
        let interval =
            given(job.scrape_interval.as_ref()).unwrap_or_else(|| self.global.scrape_interval());
        let inherited = self.global.scrape_timeout().min(interval);
        let Some(timeout) = &job.scrape_timeout else {
            return (interval, inherited);
        };
        if timeout.value.0 > interval {
            let message = "scrape_timeout is longer than scrape_interval";
            let name = &job.job_name.value;
            let every = duration::format(interval);
            let problem = self.source.problem(timeout, message);
            self.report(problem.help(format!("job `{name}` is scraped every {every}")));
        }
        (interval, timeout.value.0)
    }

    fn metrics_path(&mut self) -> String {
        let Some(path) = &self.job.metrics_path else {
            return "/metrics".to_owned();
        };
        let help = if path.value.contains('?') {
            Some("parameters belong in `params`")
        } else if path.value.contains("://") {
            Some("the host belongs in `targets`, http or https in `scheme`")
        } else if path.value.contains('#') {
            Some("a server never sees what follows `#`")
        } else if path
            .value
            .chars()
            .any(|c| c.is_whitespace() || c.is_control())
        {
            Some("a path has no spaces")
        } else {
            None
        };
        if let Some(help) = help {
            let message = format!("{:?} is no path of a URL", path.value);
            self.report(self.source.problem(path, message).help(help));
        }
        if path.value.is_empty() {
            "/metrics".to_owned()
        } else {
            path.value.clone()
        }
    }

    fn scheme(&mut self) -> String {
        if let Some(scheme) = &self.job.scheme {
            let problem = match scheme.value.as_str() {
                "http" => return scheme.value.clone(),
                "https" => self.source.problem(scheme, "https is not supported yet"),
                other => self
                    .source
                    .problem(scheme, format!("unknown scheme `{other}`"))
                    .help("known here: http"),
            };
            self.report(problem);
        }
        "http".to_owned()
    }

    fn group(&mut self, group: &StaticConfig) -> TargetGroup {
        // With relabelling an address may be anything that a rule makes one of.
        if self.job.relabel_configs.is_empty() {
            for address in &group.targets {
                if let Err(error) = check_address(&address.value) {
                    let problem = self.source.problem(address, error.to_string());
                    self.report(match (error, address.value.contains("://")) {
                        (TargetError::Address(_), true) => {
                            problem.help("http or https belongs in `scheme`")
                        }
                        (TargetError::Address(_), false) if address.value.contains('/') => {
                            problem.help("the path belongs in `metrics_path`")
                        }
                        _ => problem,
                    });
                }
            }
        }
        for (name, value) in &group.labels {
            if !is_label_name(name) {
                let problem = self.source.problem(value, "a label has an empty name");
                self.report(problem);
            }
        }
        TargetGroup {
            targets: group
                .targets
                .iter()
                .map(|address| BTreeMap::from([(ADDRESS.to_owned(), address.value.clone())]))
                .collect(),
            labels: group
                .labels
                .iter()
                .map(|(name, value)| (name.clone(), value.value.clone()))
                .collect(),
        }
    }

    fn limits(&self) -> Limits {
        let (job, global) = (self.job, self.global);
        let body = [job.body_size_limit, global.body_size_limit]
            .into_iter()
            .find(|limit| *limit != ByteSize(0));
        Limits {
            body_bytes: body.map_or(Limits::BODY_BYTES_DEFAULT, |limit| limit.0),
            samples: limit(job.sample_limit, global.sample_limit),
            labels: limit(job.label_limit, global.label_limit),
            label_name_bytes: limit(job.label_name_length_limit, global.label_name_length_limit),
            label_value_bytes: limit(
                job.label_value_length_limit,
                global.label_value_length_limit,
            ),
        }
    }

    fn accept(&mut self) -> String {
        if let Some(protocols) = &self.job.scrape_protocols {
            self.problems
                .0
                .extend(check_protocols(self.source, protocols));
        }
        let chosen = self
            .job
            .scrape_protocols
            .as_ref()
            .or(self.global.scrape_protocols.as_ref());
        let readable: Vec<ScrapeProtocol> = chosen
            .map_or(ScrapeProtocol::DEFAULT.as_slice(), |list| &list.value)
            .iter()
            .copied()
            .filter(|protocol| protocol.format().is_some())
            .collect();
        ScrapeProtocol::accept(&readable)
    }

    fn fallback(&mut self) -> Option<stonechat_exposition::Format> {
        let fallback = self.job.fallback_scrape_protocol.as_ref()?;
        if fallback.value.format().is_none() {
            let problem = self
                .source
                .problem(fallback, "PrometheusProto is not supported yet");
            self.report(problem);
        }
        fallback.value.format()
    }
}

/// The job's limit, or else the global one; 0 is none.
fn limit(job: u64, global: u64) -> Option<usize> {
    let limit = if job == 0 { global } else { job };
    (limit != 0).then(|| usize::try_from(limit).unwrap_or(usize::MAX))
}
