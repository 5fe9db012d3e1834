//! `alertmanager.yml`: read, checked, and turned into what cannot be wrong.

mod channels; // from entries of receivers to ways out
mod check; // problems with their places
mod external; // other Alertmanagers, of prometheus.yml
mod file; // as it is written
mod global; // what holds for all receivers
mod http; // how requests are made
mod intervals; // spans of the calendar
mod receivers; // all kinds of receivers
mod routes; // the routing tree
mod show; // without secrets

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::yaml;
use stonechat_model::{Labels, Problem, Problems};

use self::file::{File, InhibitFile};
use self::intervals::IntervalFile;
use self::routes::Defined;
use crate::channel::Integration;
use crate::inhibit::Inhibition;
use crate::interval::Interval;
use crate::route::{Route, Routes};
use crate::template::{SharedTemplates, TemplateSet};

pub(crate) use self::check::{Check, or_text};
pub use self::external::{AlertmanagersFile, ExternalAlertmanager, external_alertmanagers};
pub(crate) use self::file::Text;
pub(crate) use self::global::{GlobalFile, SLACK_APP_URL, SecretText};
pub(crate) use self::http::{Auth, HttpConfig, HttpFile, SecretSource, TlsConfig, beside};
pub(crate) use self::receivers::{
    DiscordFile, EmailFile, MattermostFile, PagerdutyFile, SlackFile, TeamsWorkflowFile,
    TelegramFile, WechatFile,
};

/// A checked configuration of notifications.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How long an alert that is known only from before a restart may fire without being heard of again.
    pub(crate) resolve_timeout: Duration,
    pub(crate) routes: Routes,
    pub(crate) receivers: BTreeMap<Arc<str>, Vec<Integration>>,
    pub(crate) inhibitions: Vec<Inhibition>,
    pub(crate) intervals: BTreeMap<String, Vec<Interval>>,
    pub(crate) templates: SharedTemplates,
    /// Who is told when a receiver cannot be.
    pub(crate) fallbacks: BTreeMap<Arc<str>, Arc<str>>,
    /// What is no mistake, but has no effect or will fail later.
    warnings: Vec<Problem>,
}

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every mistake in it with its place. The first error in the YAML itself hides the others.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        Self::parse(file, &yaml::read_text(file)?)
    }

    /// Checks `text`, the content of `file`. Paths in it count from the file's folder.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        let written: File = yaml::parse(file, text)?;
        let mut check = Check::new(file, text);
        refuse_others(&mut check, &written);
        let nothing = GlobalFile::default();
        let global = written.global.as_ref().unwrap_or(&nothing);
        global.check(&mut check);
        let intervals = named_intervals(&mut check, &written);
        let http = global.http_config.as_ref();
        let http = http.map(|http| http.check(&mut check)).unwrap_or_default();
        let receivers = receivers(&mut check, &written, (global, &http));
        let defined = Defined {
            receivers: receivers.keys().map(|name| &**name).collect(),
            intervals: intervals.keys().map(String::as_str).collect(),
        };
        let routes = match &written.route {
            Some(root) => routes::routes(&mut check, root, &defined),
            None => {
                check.of_file("there is no `route`");
                Routes::new(vec![Route::default()])
            }
        };
        let inhibit_rules = written.inhibit_rules.iter().flatten();
        let inhibitions = inhibit_rules
            .map(|rule| inhibition(&mut check, rule))
            .collect();
        let resolve_timeout = global.resolve_timeout;
        let fallbacks = fallbacks(&mut check, &written);
        let templates = templates(&mut check, &written, global);
        let warnings = check.warnings();
        check.or(Self {
            warnings,
            resolve_timeout: resolve_timeout.map_or(RESOLVE_TIMEOUT, |timeout| timeout.0),
            routes,
            receivers,
            inhibitions,
            intervals,
            templates,
            fallbacks,
        })
    }

    /// The configuration when there is no file: alerts are taken, and nobody is told.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            resolve_timeout: RESOLVE_TIMEOUT,
            routes: Routes::new(vec![Route::default()]),
            receivers: BTreeMap::new(),
            inhibitions: Vec::new(),
            intervals: BTreeMap::new(),
            templates: SharedTemplates::default(),
            fallbacks: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// What in the file is no mistake, but has no effect yet or will fail later, each with its place.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The names of the receivers, sorted.
    pub fn receiver_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.receivers.keys().map(|name| &**name)
    }

    /// The receivers of an alert with these labels, in the order of the routes.
    #[must_use]
    pub fn receivers_for(&self, labels: &Labels) -> Vec<&str> {
        let routes = self.routes.matching(labels);
        routes
            .into_iter()
            .map(|route| &*self.routes.get(route).receiver)
            .collect()
    }

    /// What sends to a receiver; nothing when it only swallows.
    pub(crate) fn integrations(&self, receiver: &str) -> &[Integration] {
        self.receivers.get(receiver).map_or(&[], Vec::as_slice)
    }
}

/// Refuses what Alertmanager knows and Stonechat cannot honour yet, so that nobody believes it to be in force.
fn refuse_others(check: &mut Check<'_>, file: &File) {
    for (key, section) in file.other_sections() {
        check.at(section, format!("`{key}` is not supported yet"));
    }
    if let Some(tracing) = &file.tracing {
        let endpoint = tracing.value.endpoint.as_ref();
        match endpoint.is_some_and(|endpoint| !endpoint.value.is_empty()) {
            true => check.warn(
                tracing,
                "`tracing` has no effect: Stonechat sends no traces of its own work",
            ),
            false => check.at(tracing, "`tracing` needs an `endpoint`"),
        }
    }
}

/// Reads the files of templates. A pattern may match nothing, as in Alertmanager.
fn templates(check: &mut Check<'_>, file: &File, global: &GlobalFile) -> SharedTemplates {
    let mut set = TemplateSet::default();
    if let Some(zone) = &global.time_zone {
        match jiff::tz::TimeZone::get(&zone.value) {
            Ok(_) => set.zone.clone_from(&zone.value),
            Err(_) => {
                check.at_with_help(zone, "not a time zone", "write for example Asia/Shanghai");
            }
        }
    }
    for pattern in file.templates.iter().flatten() {
        let path = beside(check.file, &pattern.value);
        let found = match glob::glob(&path.to_string_lossy()) {
            Ok(found) => found,
            Err(error) => {
                check.at(pattern, format!("not a valid pattern: {error}"));
                continue;
            }
        };
        for path in found {
            let read = path.map_err(|error| error.to_string()).and_then(|path| {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
                let shown = path.display().to_string();
                set.add_file(path, text)
                    .map_err(|error| format!("{shown}: {error}"))
            });
            if let Err(error) = read {
                check.at(pattern, error);
            }
        }
    }
    Arc::new(set)
}

fn fallbacks(check: &mut Check<'_>, file: &File) -> BTreeMap<Arc<str>, Arc<str>> {
    let receivers = || file.receivers.iter().flatten();
    let mut fallbacks = BTreeMap::new();
    for receiver in receivers() {
        let Some(fallback) = &receiver.fallback else {
            continue;
        };
        check.known(
            "receiver",
            fallback,
            receivers().map(|receiver| receiver.name.value.as_str()),
        );
        if fallback.value == receiver.name.value {
            check.at(fallback, "a receiver cannot take over from itself");
        }
        fallbacks.insert(
            Arc::from(receiver.name.value.as_str()),
            Arc::from(fallback.value.as_str()),
        );
    }
    fallbacks
}

fn receivers(
    check: &mut Check<'_>,
    file: &File,
    (global, http): (&GlobalFile, &HttpConfig),
) -> BTreeMap<Arc<str>, Vec<Integration>> {
    let mut receivers = BTreeMap::new();
    for receiver in file.receivers.iter().flatten() {
        let name = &receiver.name;
        if name.value.is_empty() {
            check.at(name, "a receiver has no name");
        }
        receiver.check_kinds(check, global);
        let integrations = channels::integrations(check, receiver, (global, http));
        if receivers
            .insert(Arc::from(name.value.as_str()), integrations)
            .is_some()
        {
            check.at_with_help(
                name,
                format!("the receiver `{}` is defined twice", name.value),
                "rename one",
            );
        }
    }
    receivers
}

fn inhibition(check: &mut Check<'_>, rule: &InhibitFile) -> Inhibition {
    for name in rule.equal.iter().flatten() {
        check.label_name(name);
    }
    let equal: BTreeSet<String> = rule
        .equal
        .iter()
        .flatten()
        .map(|name| name.value.clone())
        .collect();
    Inhibition {
        source: check.matchers(
            &rule.source_equal,
            &rule.source_regex,
            rule.source_matchers.as_ref(),
        ),
        target: check.matchers(
            &rule.target_equal,
            &rule.target_regex,
            rule.target_matchers.as_ref(),
        ),
        equal: equal.into_iter().collect(),
    }
}

fn named_intervals(check: &mut Check<'_>, file: &File) -> BTreeMap<String, Vec<Interval>> {
    let mut named = BTreeMap::new();
    let older = file.mute_time_intervals.iter().flatten();
    for IntervalFile {
        name,
        time_intervals,
    } in older.chain(file.time_intervals.iter().flatten())
    {
        if name.value.is_empty() {
            check.at(name, "a time interval has no name");
        }
        let spans = time_intervals.as_deref().unwrap_or_default();
        let intervals = intervals::intervals(check, spans);
        if named.insert(name.value.clone(), intervals).is_some() {
            check.at_with_help(
                name,
                format!("the time interval `{}` is defined twice", name.value),
                "rename one",
            );
        }
    }
    named
}

/// Reads a list of spans by itself.
#[cfg(test)]
pub(crate) fn parse_intervals(file: &Path, text: &str) -> Result<Vec<Interval>, Problems> {
    let spans: Vec<intervals::SpanFile> = yaml::parse(file, text)?;
    let mut check = Check::new(file, text);
    let intervals = intervals::intervals(&mut check, &spans);
    check.or(intervals)
}

#[cfg(test)]
mod tests;
