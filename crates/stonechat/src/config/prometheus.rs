//! prometheus.yml as a whole. Each section is read by the room that it belongs to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use stonechat_model::yaml::{self, Spanned, Unsupported};
use stonechat_model::{Labels, Problem, Problems};
use stonechat_rules::config::GroupDefaults;
use stonechat_scrape::config::{GlobalConfig, JobConfig};

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
    #[serde(rename = "storage")]
    _storage: Option<Unsupported>,
    #[serde(rename = "tracing")]
    _tracing: Option<Unsupported>,
    #[serde(rename = "otlp")]
    _otlp: Option<Unsupported>,
    #[serde(rename = "runtime")]
    _runtime: Option<Unsupported>,
}

/// Alertmanagers that alerts would be sent to. Stonechat sends by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alerting {
    alertmanagers: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(rename = "alert_relabel_configs")]
    _alert_relabel_configs: Option<Unsupported>,
}

/// What the file means.
pub(super) struct Loaded {
    pub(super) jobs: Vec<stonechat_scrape::Job>,
    pub(super) groups: Vec<stonechat_rules::Group>,
    pub(super) evaluation_interval: Duration,
    pub(super) external_labels: Labels,
    /// True when the file names Alertmanagers of its own.
    pub(super) names_alertmanagers: bool,
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
    let external_labels = problems.take(
        Labels::from_pairs(&global.external_labels)
            .map_err(|error| Problem::of_file(file, format!("external_labels: {error}"))),
    );
    let alerting = written
        .alerting
        .and_then(|alerting| alerting.value.alertmanagers);
    problems.or(())?;
    Ok(Loaded {
        jobs: jobs.unwrap_or_default(),
        groups,
        evaluation_interval: global.evaluation_interval(),
        external_labels: external_labels.unwrap_or_default(),
        names_alertmanagers: alerting.is_some_and(|alertmanagers| !alertmanagers.is_empty()),
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
    Ok(matches.flatten().filter(|path| path.is_file()).collect())
}
