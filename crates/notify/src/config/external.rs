//! `alerting.alertmanagers` of prometheus.yml: other Alertmanagers that are told of every alert.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#alertmanager_config>.

use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::{Spanned, Unsupported};
use stonechat_model::{Problem, Problems, Secret};

use super::check::Check;
use super::file::Text;
use super::http::{AuthorizationFile, BasicFile, HttpConfig, HttpFile, TlsFile};

/// An Alertmanager that is told of every alert.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalAlertmanager {
    /// Where alerts are posted.
    pub(crate) url: Url,
    pub(crate) http: HttpConfig,
    pub(crate) timeout: Duration,
}

/// One entry of `alertmanagers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertmanagersFile {
    static_configs: Option<Vec<StaticFile>>,
    scheme: Option<Text>,
    path_prefix: Option<Text>,
    timeout: Option<ConfigDuration>,
    api_version: Option<Text>,
    basic_auth: Option<Spanned<BasicFile>>,
    authorization: Option<Spanned<AuthorizationFile>>,
    bearer_token: Option<Spanned<Secret>>,
    bearer_token_file: Option<Text>,
    follow_redirects: Option<bool>,
    enable_http2: Option<bool>,
    proxy_url: Option<Spanned<Secret>>,
    tls_config: Option<TlsFile>,
    #[serde(rename = "relabel_configs")]
    _relabel_configs: Option<Unsupported>,
    #[serde(rename = "alert_relabel_configs")]
    _alert_relabel_configs: Option<Unsupported>,
    #[serde(rename = "sigv4")]
    _sigv4: Option<Unsupported>,
    dns_sd_configs: Option<Spanned<IgnoredAny>>,
    file_sd_configs: Option<Spanned<IgnoredAny>>,
    http_sd_configs: Option<Spanned<IgnoredAny>>,
    kubernetes_sd_configs: Option<Spanned<IgnoredAny>>,
    consul_sd_configs: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StaticFile {
    targets: Option<Vec<Text>>,
    /// Labels have a meaning only for relabelling.
    #[serde(rename = "labels")]
    _labels: Option<IgnoredAny>,
}

/// How long a request may take, as in Prometheus.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks the entries, which stand in `file`; gives the Alertmanagers and what works otherwise than the file may suggest.
///
/// # Errors
/// Every mistake with its place.
pub fn external_alertmanagers(
    file: &Path,
    text: &str,
    entries: &[AlertmanagersFile],
) -> Result<(Vec<ExternalAlertmanager>, Vec<Problem>), Problems> {
    let mut check = Check::new(file, text);
    let mut all = Vec::new();
    for entry in entries {
        entry.check(&mut check, &mut all);
    }
    let warnings = check.warnings();
    check.or((all, warnings))
}

impl AlertmanagersFile {
    fn check(&self, check: &mut Check<'_>, all: &mut Vec<ExternalAlertmanager>) {
        self.warn_of_discovery(check);
        if let Some(version) = self
            .api_version
            .as_ref()
            .filter(|version| version.value != "v2")
        {
            check.at_with_help(
                version,
                format!("there is no version `{}` of the API", version.value),
                "write v2",
            );
        }
        let scheme = self
            .scheme
            .as_ref()
            .map_or("http", |scheme| scheme.value.as_str());
        if let Some(written) = self
            .scheme
            .as_ref()
            .filter(|_| !["http", "https"].contains(&scheme))
        {
            check.at_with_help(written, "not a scheme of the web", "write http or https");
        }
        let http = HttpFile::of_parts(
            (&self.basic_auth, &self.authorization),
            (&self.bearer_token, &self.bearer_token_file),
        );
        let http = http.check_with(
            check,
            (
                self.follow_redirects,
                self.proxy_url.as_ref(),
                self.tls_config.as_ref(),
            ),
        );
        let prefix = self
            .path_prefix
            .as_ref()
            .map_or("", |prefix| prefix.value.trim_matches('/'));
        let slash = if prefix.is_empty() { "" } else { "/" };
        // Requests are made with HTTP/1.1, which every Alertmanager takes.
        let _ = self.enable_http2;
        for target in self
            .static_configs
            .iter()
            .flatten()
            .flat_map(|group| group.targets.iter().flatten())
        {
            let url = format!("{scheme}://{}{slash}{prefix}/api/v2/alerts", target.value);
            match Url::parse(&url) {
                Ok(url) if !target.value.contains('/') => all.push(ExternalAlertmanager {
                    url,
                    http: http.clone(),
                    timeout: self.timeout.map_or(TIMEOUT, |timeout| timeout.0),
                }),
                _ => check.at_with_help(
                    target,
                    "not the address of an Alertmanager",
                    "write for example 127.0.0.1:9093",
                ),
            }
        }
    }

    fn warn_of_discovery(&self, check: &mut Check<'_>) {
        for (key, discovery) in [
            ("dns_sd_configs", &self.dns_sd_configs),
            ("file_sd_configs", &self.file_sd_configs),
            ("http_sd_configs", &self.http_sd_configs),
            ("kubernetes_sd_configs", &self.kubernetes_sd_configs),
            ("consul_sd_configs", &self.consul_sd_configs),
        ] {
            if let Some(discovery) = discovery {
                check.warn(discovery, format!("Alertmanagers are not looked for by `{key}` yet; only those in `static_configs` get alerts"));
            }
        }
    }
}
