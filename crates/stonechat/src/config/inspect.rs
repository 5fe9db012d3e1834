//! One file by itself: what it is, and whether it is right.

use std::path::Path;

use stonechat_model::{Problem, Problems, yaml};
use stonechat_rules::config::GroupDefaults;

use super::{dashboards, panels, prometheus};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// prometheus.yml.
    Prometheus,
    /// Groups of rules.
    Rules,
    /// Unit tests of rules.
    RuleTests,
    /// alertmanager.yml.
    Alertmanager,
    /// Queries against databases.
    Queries,
    /// A Grafana dashboard, or other JSON.
    Json,
    /// Something else.
    Other,
}

/// What was found in a file that is right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inspected {
    /// What it is and how much stands in it.
    pub(crate) summary: String,
    /// What works otherwise than it may suggest.
    pub(crate) warnings: Vec<String>,
}

/// Keys that only stand at the top of prometheus.yml.
const PROMETHEUS_KEYS: [&str; 10] = [
    "scrape_configs",
    "scrape_config_files",
    "rule_files",
    "alerting",
    "remote_write",
    "remote_read",
    "storage",
    "tracing",
    "otlp",
    "runtime",
];

/// Keys that only stand at the top of alertmanager.yml.
const ALERTMANAGER_KEYS: [&str; 5] = [
    "route",
    "receivers",
    "inhibit_rules",
    "time_intervals",
    "mute_time_intervals",
];

impl Kind {
    /// Tells what a file is by its ending and the keys at its top, so that a mistake further down does not make it something else.
    pub(crate) fn of(file: &Path, text: &str) -> Self {
        let ending = file.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("json") => return Self::Json,
            Some("yml" | "yaml" | "rules") => {}
            _ => return Self::Other,
        }
        let keys: Vec<&str> = text.lines().filter_map(top_key).collect();
        let has = |one: &[&str]| keys.iter().any(|key| one.contains(key));
        if has(&["tests"]) && has(&["rule_files", "evaluation_interval"]) {
            Self::RuleTests
        } else if has(&["groups"]) {
            Self::Rules
        } else if has(&ALERTMANAGER_KEYS) {
            Self::Alertmanager
        } else if has(&PROMETHEUS_KEYS) {
            Self::Prometheus
        } else if !keys.is_empty() && stonechat_sql::config::format_of(file, text).is_ok() {
            Self::Queries
        } else if has(&["global"]) {
            Self::Prometheus
        } else {
            Self::Other
        }
    }

    /// Reads the file and those that it names. Mistakes may be in any of them. Nothing if the file is not ours to judge.
    pub(crate) fn inspect(self, file: &Path) -> Result<Option<Inspected>, Problems> {
        match self {
            Self::Prometheus => prometheus(file).map(Some),
            Self::Rules => rules(file).map(Some),
            Self::RuleTests => Ok(Some(Inspected {
                summary: "unit tests, which `stonechat rules test` runs".to_owned(),
                warnings: Vec::new(),
            })),
            Self::Alertmanager => alertmanager(file).map(Some),
            Self::Queries => queries(file).map(Some),
            Self::Json => dashboard(file),
            Self::Other => Ok(None),
        }
    }
}

/// The key that a line at the top level of a YAML file begins with.
fn top_key(line: &str) -> Option<&str> {
    let (key, rest) = line.split_once(':')?;
    let key = key.trim_matches(['"', '\'']);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_key = !key.is_empty() && key.chars().all(plain) && !key.starts_with('-');
    (is_key && (rest.is_empty() || rest.starts_with([' ', '\t', '\r']))).then_some(key)
}

fn prometheus(file: &Path) -> Result<Inspected, Problems> {
    let loaded = prometheus::load(file)?;
    let rules: usize = loaded.groups.iter().map(|group| group.rules.len()).sum();
    Ok(Inspected {
        summary: format!(
            "Prometheus: {}, {}",
            count(loaded.jobs.len(), "job"),
            count(rules, "rule")
        ),
        warnings: loaded.warnings.iter().map(Problem::remark).collect(),
    })
}

fn rules(file: &Path) -> Result<Inspected, Problems> {
    let groups = stonechat_rules::config::load(file, GroupDefaults::default())?;
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    Ok(Inspected {
        summary: format!(
            "{} in {}",
            count(rules, "rule"),
            count(groups.len(), "group")
        ),
        warnings: Vec::new(),
    })
}

fn alertmanager(file: &Path) -> Result<Inspected, Problems> {
    let config = stonechat_notify::Config::load(file)?;
    Ok(Inspected {
        summary: format!(
            "Alertmanager: {}",
            count(config.receiver_names().len(), "receiver")
        ),
        warnings: config.warnings().iter().map(Problem::remark).collect(),
    })
}

fn queries(file: &Path) -> Result<Inspected, Problems> {
    let loaded = stonechat_sql::config::load(file)?;
    let queries = match loaded.plan.queries.len() {
        1 => "1 query".to_owned(),
        queries => format!("{queries} queries"),
    };
    Ok(Inspected {
        summary: format!(
            "{queries} of {}, as {} writes them",
            count(loaded.plan.sources.len(), "database"),
            loaded.format.name()
        ),
        warnings: loaded.warnings,
    })
}

/// A dashboard is right when it can be shown and each of its expressions can be read.
fn dashboard(file: &Path) -> Result<Option<Inspected>, Problems> {
    let dashboard = match dashboards::read(file)? {
        dashboards::Outcome::Dashboard(dashboard) => dashboard,
        dashboards::Outcome::Odd(problem) => return Err(problem.into()),
        dashboards::Outcome::Other => return Ok(None),
    };
    let text = yaml::read_text(file)?;
    let expressions = panels::expressions(&file.display().to_string())
        .map_err(|error| Problem::of_file(file, error.to_string()))?;
    let mut problems = Problems::default();
    for panel in &expressions {
        if let Err(error) = stonechat_promql::parse(&panel.expr) {
            let message = format!("panel {:?}: {error}", panel.title);
            let place = place_of(&text, &panel.written);
            problems.0.push(match place {
                Some(place) => Problem::at(file, &text, place, message),
                None => Problem::of_file(file, message),
            });
        }
    }
    problems.or(Some(Inspected {
        summary: format!(
            "dashboard {:?}: {}, {}",
            dashboard.title,
            count(dashboard.panels, "panel"),
            count(expressions.len(), "expression")
        ),
        warnings: Vec::new(),
    }))
}

/// Line and column at which a string of a JSON file stands, if it is found there.
fn place_of(text: &str, string: &str) -> Option<(usize, usize)> {
    let written = serde_json::to_string(string).ok()?;
    let offset = text.find(&written)?;
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    // Behind the quotation mark.
    let column = before[line_start..].chars().count() + 2;
    Some((before.matches('\n').count() + 1, column))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_first_keys() {
        for (name, text, kind) in [
            (
                "a.yml",
                "global: {}\nscrape_configs: []\n",
                Kind::Prometheus,
            ),
            ("a.yml", "global: {}\n", Kind::Prometheus),
            ("a.yml", "# groups:\ngroups:\n- name: x\n", Kind::Rules),
            ("a.rules", "groups: []\n", Kind::Rules),
            ("a.yml", "rule_files: [a]\ntests: []\n", Kind::RuleTests),
            ("a.yml", "global: {}\nroute: {}\n", Kind::Alertmanager),
            ("a.yaml", "sources: {}\nqueries: []\n", Kind::Queries),
            ("a.yml", "- targets: [a]\n", Kind::Other),
            ("a.yml", "services:\n  route:\n", Kind::Other),
            ("a.yml", "", Kind::Other),
            ("a.json", "{}", Kind::Json),
            ("a.txt", "groups:\n", Kind::Other),
            // Broken further down, it is still what it is.
            ("a.yml", "groups:\n  - name: [\n", Kind::Rules),
        ] {
            assert_eq!(Kind::of(Path::new(name), text), kind, "{text}");
        }
    }

    #[test]
    fn expressions_are_found_in_the_file() {
        let text = "{\n \"a\": {\"expr\": \"rate(x{y=\\\"z\\\"}\"}}";
        assert_eq!(place_of(text, "rate(x{y=\"z\"}"), Some((2, 17)));
        assert_eq!(place_of(text, "elsewhere"), None);
    }
}
