//! prometheus.yml as a whole. Each section is read by the room that it belongs to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use stonechat_model::yaml::{self, Spanned, Unsupported};
use stonechat_model::{Labels, Problem, Problems};
use stonechat_notify::{AlertmanagersFile, ExternalAlertmanager, external_alertmanagers};
use stonechat_rules::config::GroupDefaults;
use stonechat_scrape::config::{GlobalConfig, JobConfig};

use super::environment::with_variables;
use super::storage::{Storage, StorageSection};

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrometheusFile {
    global: Option<GlobalConfig>,
    scrape_configs: Option<Vec<JobConfig>>,
    rule_files: Option<Vec<Spanned<String>>>,
    alerting: Option<Spanned<Alerting>>,
    #[serde(rename = "scrape_config_files")]
    _scrape_config_files: Option<Unsupported>,
    #[serde(rename = "remote_write")]
    _remote_write: Option<Unsupported>,
    #[serde(rename = "remote_read")]
    _remote_read: Option<Unsupported>,
    storage: Option<StorageSection>,
    #[serde(rename = "tracing")]
    _tracing: Option<Unsupported>,
    #[serde(rename = "otlp")]
    _otlp: Option<Unsupported>,
    #[serde(rename = "runtime")]
    _runtime: Option<Unsupported>,
}

/// Other Alertmanagers that are told of every alert.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alerting {
    alertmanagers: Option<Vec<AlertmanagersFile>>,
    #[serde(rename = "alert_relabel_configs")]
    _alert_relabel_configs: Option<Unsupported>,
}

/// What the file means.
pub(super) struct Loaded {
    pub(super) jobs: Vec<stonechat_scrape::Job>,
    pub(super) groups: Vec<stonechat_rules::Group>,
    pub(super) evaluation_interval: Duration,
    pub(super) external_labels: Labels,
    pub(super) storage: Storage,
    pub(super) alertmanagers: Vec<ExternalAlertmanager>,
    /// What works otherwise than the file may suggest.
    pub(super) warnings: Vec<Problem>,
}

/// Reads the file and the rule files that it names.
pub(super) fn load(file: &Path) -> Result<Loaded, Problems> {
    let text = yaml::read_text(file)?;
    let written: PrometheusFile = yaml::parse(file, &text)?;
    let global = written.global.unwrap_or_default();
    let mut problems = Problems::default();
    let jobs = problems.take(stonechat_scrape::config::resolve(
        file,
        &text,
        &global,
        &written.scrape_configs.unwrap_or_default(),
    ));
    let defaults = GroupDefaults {
        interval: global.evaluation_interval(),
        query_offset: global
            .rule_query_offset
            .as_ref()
            .map_or(Duration::ZERO, |offset| offset.value.0),
    };
    let mut groups = Vec::new();
    for pattern in written.rule_files.unwrap_or_default() {
        for rule_file in problems
            .take(expand(file, &text, &pattern))
            .unwrap_or_default()
        {
            groups.extend(
                problems
                    .take(stonechat_rules::config::load(&rule_file, defaults))
                    .unwrap_or_default(),
            );
        }
    }
    let mut warnings = Vec::new();
    let external_labels = global.external_labels.iter().map(|(name, written)| {
        let (value, unset) = with_variables(&written.value, |name| std::env::var(name).ok());
        warnings.extend(unset.iter().map(|variable| {
            let message = format!(
                "the environment variable {variable} is not set, and nothing is put in its place"
            );
            yaml::problem_at(file, &text, written, message)
        }));
        (name.clone(), value)
    });
    // Those that cannot be are among the problems already.
    let external_labels: Vec<(String, String)> = external_labels.collect();
    let external_labels =
        Labels::from_pairs(external_labels.iter().map(|(name, value)| (name, value)));
    let external_labels = external_labels.unwrap_or_default();
    let named = written
        .alerting
        .and_then(|alerting| alerting.value.alertmanagers);
    let external = external_alertmanagers(file, &text, &named.unwrap_or_default());
    let (alertmanagers, remarks) = problems.take(external).unwrap_or_default();
    warnings.extend(remarks);
    problems.or(())?;
    Ok(Loaded {
        jobs: jobs.unwrap_or_default(),
        groups,
        evaluation_interval: global.evaluation_interval(),
        external_labels,
        storage: written.storage.unwrap_or_default().resolve(),
        alertmanagers,
        warnings,
    })
}

/// The files that a pattern of `rule_files` means, counted from the file's own folder. A pattern may match
/// nothing, as in Prometheus; a plain name has to exist.
fn expand(file: &Path, text: &str, pattern: &Spanned<String>) -> Result<Vec<PathBuf>, Problem> {
    let path = file.parent().unwrap_or(Path::new("")).join(&pattern.value);
    if !pattern.value.contains(['*', '?', '[']) {
        return if path.is_file() {
            Ok(vec![path])
        } else {
            let message = format!("there is no rule file {}", path.display());
            Err(yaml::problem_at(file, text, pattern, message)
                .help("it counts from the folder of this file"))
        };
    }
    let matches = glob::glob(&path.to_string_lossy()).map_err(|error| {
        yaml::problem_at(file, text, pattern, format!("not a valid pattern: {error}"))
    })?;
    let mut found = Vec::new();
    for matched in matches {
        // A folder that cannot be read may hold rules, and nobody would miss them.
        let path = matched.map_err(|error| {
            let (folder, reason) = (error.path().display(), error.error());
            let message = format!("{folder} cannot be read: {reason}");
            yaml::problem_at(file, text, pattern, message)
        })?;
        if path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Problems and warnings of a file, as `line:column message`, in a folder with unreadable and readable rules.
    fn said(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["open", "closed"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("a.yml"), "groups: []\n").unwrap();
        }
        let closed = folder.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, text).unwrap();
        let said = match load(&file) {
            Ok(loaded) => loaded.warnings,
            Err(problems) => problems.0,
        };
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let shown = said.iter().map(|problem| {
            let (line, column) = problem.place.unwrap_or_default();
            let base = format!("{}/", folder.path().display());
            format!("{line}:{column} {}", problem.message.replace(&base, ""))
        });
        shown.collect()
    }

    #[test]
    fn rule_files_that_cannot_be_found_are_named() {
        assert_eq!(said("rule_files: ['open/*.yml', 'none/*.yml']\n"), [""; 0]);
        let said = said("rule_files: ['open/b.yml', 'a[.yml']\n");
        assert_eq!(said[0], "1:14 there is no rule file open/b.yml");
        assert!(said[1].starts_with("1:28 not a valid pattern"), "{said:?}");
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn a_folder_of_rules_that_cannot_be_read_is_named() {
        if rustix::process::geteuid().is_root() {
            eprintln!("skipped: root may read every folder");
            return;
        }
        let said = said("rule_files: ['closed/*.yml']\n");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with("1:14 closed cannot be read"),
            "{said:?}"
        );
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        assert_eq!(
            said("global:\n  external_labels: {site: 'a$STONECHAT_TEST_NOT_SET'}\n"),
            [
                "2:27 the environment variable STONECHAT_TEST_NOT_SET is not set, and nothing is put in its place"
            ]
        );
    }

    #[test]
    fn other_alertmanagers_are_checked() {
        let alertmanagers =
            "alerting:\n  alertmanagers: [{static_configs: [{targets: ['a:1', 'b/c']}]}]\n";
        assert_eq!(
            said(alertmanagers),
            ["2:55 not the address of an Alertmanager"]
        );
        assert_eq!(
            said("alerting: {alertmanagers: [{static_configs: [{targets: ['a:1']}]}]}\n"),
            [""; 0]
        );
        let discovered = said("alerting:\n  alertmanagers: [{dns_sd_configs: [{names: [a]}]}]\n");
        assert!(
            discovered[0].contains("not looked for by `dns_sd_configs` yet"),
            "{discovered:?}"
        );
    }
}
