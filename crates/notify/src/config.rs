//! `alertmanager.yml`: read, checked, and turned into what cannot be wrong.

mod check; // problems with their places
mod file; // as it is written
mod http; // how requests are made
mod intervals; // spans of the calendar
mod routes; // the routing tree

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::yaml;
use stonechat_model::{Labels, Problem, Problems};

use self::file::{File, GlobalFile, InhibitFile, ReceiverFile};
use self::intervals::IntervalFile;
use self::routes::Defined;
use crate::channel::{Channel, ChannelKind, Integration, IntegrationKey};
use crate::inhibit::Inhibition;
use crate::interval::Interval;
use crate::route::{Route, Routes};
use crate::webhook::WebhookConfig;

pub(crate) use self::check::Check;
pub(crate) use self::file::Text;
pub(crate) use self::http::{Auth, HttpConfig, HttpFile, SecretSource, TlsConfig, beside};

/// A checked configuration of notifications.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How long an alert that is known only from before a restart may fire without being heard of again.
    pub(crate) resolve_timeout: Duration,
    pub(crate) routes: Routes,
    pub(crate) receivers: BTreeMap<Arc<str>, Vec<Integration>>,
    pub(crate) inhibitions: Vec<Inhibition>,
    pub(crate) intervals: BTreeMap<String, Vec<Interval>>,
    /// What is no mistake, but has no effect or will fail later.
    warnings: Vec<Problem>,
}

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Whether receivers and sections that cannot be honoured yet are an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    Refuse,
    /// For tests of routing, which have nothing to do with them.
    #[cfg(test)]
    Ignore,
}

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
        Self::parse_with(file, text, Others::Refuse)
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
            warnings: Vec::new(),
        }
    }

    /// What in the file is no mistake, but has no effect yet or will fail later, each with its place.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
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

    fn parse_with(file: &Path, text: &str, others: Others) -> Result<Self, Problems> {
        let written: File = yaml::parse(file, text)?;
        let mut check = Check::new(file, text);
        if others == Others::Refuse {
            refuse_others(&mut check, &written);
        }
        let intervals = named_intervals(&mut check, &written);
        let http = written.global.as_ref().and_then(|g| g.http_config.as_ref());
        let http = http.map(|http| http.check(&mut check)).unwrap_or_default();
        let receivers = receivers(&mut check, &written, &http);
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
        let resolve_timeout = written.global.as_ref().and_then(|g| g.resolve_timeout);
        warn_of_others(&mut check, &written);
        let warnings = check.warnings();
        check.or(Self {
            warnings,
            resolve_timeout: resolve_timeout.map_or(RESOLVE_TIMEOUT, |timeout| timeout.0),
            routes,
            receivers,
            inhibitions,
            intervals,
        })
    }
}

/// Refuses what Alertmanager knows and Stonechat cannot honour yet, so that nobody believes it to be in force.
fn refuse_others(check: &mut Check<'_>, file: &File) {
    for (key, section) in file.other_sections() {
        check.at(section, format!("`{key}` is not supported yet"));
    }
    for receiver in file.receivers.iter().flatten() {
        let name = &receiver.name.value;
        for (kind, configs) in receiver.other_kinds() {
            check.at(
                configs,
                format!("`{kind}` of the receiver `{name}` are not supported yet"),
            );
        }
    }
}

/// Names what is taken and changes nothing yet. It stands in files that are otherwise honoured whole, so it is no mistake.
fn warn_of_others(check: &mut Check<'_>, file: &File) {
    let templates = file.templates.as_ref();
    if let Some(templates) = templates.filter(|templates| !templates.value.is_empty()) {
        let message =
            "`templates` have no effect yet: no receiver that can be sent to is written with them";
        check.warn(templates, message);
    }
    let defaults = file.global.as_ref().map(GlobalFile::other_defaults);
    let defaults = defaults.unwrap_or_default();
    let first = defaults
        .iter()
        .min_by_key(|(_, value)| (value.referenced.line(), value.referenced.column()));
    if let Some((_, first)) = first {
        let keys: Vec<String> = defaults.iter().map(|(key, _)| format!("`{key}`")).collect();
        let message = format!(
            "no effect yet: {}; receivers of these kinds cannot be sent to yet",
            keys.join(", ")
        );
        check.warn(first, message);
    }
}

fn receivers(
    check: &mut Check<'_>,
    file: &File,
    http: &HttpConfig,
) -> BTreeMap<Arc<str>, Vec<Integration>> {
    let mut receivers = BTreeMap::new();
    for receiver in file.receivers.iter().flatten() {
        let name = &receiver.name;
        if name.value.is_empty() {
            check.at(name, "a receiver has no name");
        }
        let integrations = integrations(check, receiver, http);
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

fn integrations(
    check: &mut Check<'_>,
    receiver: &ReceiverFile,
    http: &HttpConfig,
) -> Vec<Integration> {
    let name: Arc<str> = Arc::from(receiver.name.value.as_str());
    let webhooks = receiver.webhook_configs.iter().flatten().enumerate();
    let checked = webhooks.filter_map(|(index, webhook)| {
        Some(Integration {
            key: IntegrationKey {
                receiver: Arc::clone(&name),
                kind: ChannelKind::Webhook,
                index,
            },
            send_resolved: webhook.value.send_resolved.unwrap_or(true),
            channel: Channel::Webhook(WebhookConfig::check(check, webhook, http)?),
        })
    });
    checked.collect()
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
