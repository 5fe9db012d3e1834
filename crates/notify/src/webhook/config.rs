//! `webhook_configs` as they are written, and checked.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use stonechat_model::Secret;
use stonechat_model::yaml::Spanned;

use crate::config::{Check, HttpConfig, HttpFile, SecretSource, Text, beside};
use crate::template::TemplateSet;

/// Where a webhook goes and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WebhookConfig {
    pub(crate) url: SecretSource,
    pub(crate) http: HttpConfig,
    /// The most alerts in one message; 0 for all.
    pub(crate) max_alerts: usize,
    /// How long one attempt may take, if that is limited.
    pub(crate) timeout: Option<Duration>,
    /// The body in the place of Alertmanager's; its texts are templates.
    pub(crate) payload: Option<serde_json::Value>,
}

/// One entry of `webhook_configs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookFile {
    pub(crate) send_resolved: Option<bool>,
    url: Option<Spanned<Secret>>,
    url_file: Option<Text>,
    max_alerts: Option<u32>,
    timeout: Option<Text>,
    http_config: Option<HttpFile>,
    payload: Option<serde_json::Value>,
}

impl WebhookConfig {
    /// Checks what is written; `http` is the default. What is wrong goes to `check`.
    pub(crate) fn check(
        check: &mut Check<'_>,
        file: &Spanned<WebhookFile>,
        http: &HttpConfig,
    ) -> Option<Self> {
        let written = &file.value;
        let inline = written
            .url
            .as_ref()
            .filter(|url| !url.value.reveal().is_empty());
        let path = written
            .url_file
            .as_ref()
            .filter(|path| !path.value.is_empty());
        let url = match (inline, path) {
            (None, None) => {
                check.at(file, "a webhook needs `url` or `url_file`");
                None
            }
            (Some(_), Some(path)) => {
                check.at_with_help(path, "both `url` and `url_file` are given", "leave one out");
                None
            }
            (Some(url), None) => check_url(check, url).map(SecretSource::Inline),
            (None, Some(text)) => {
                let path = beside(check.file, &text.value);
                check.readable(text, &path);
                Some(SecretSource::File(path))
            }
        };
        let timeout = check.go_timeout(written.timeout.as_ref());
        let own_http = written.http_config.as_ref().map(|http| http.check(check));
        Some(Self {
            url: url?,
            http: own_http.unwrap_or_else(|| http.clone()),
            max_alerts: written.max_alerts.unwrap_or(0) as usize,
            timeout,
            payload: written.payload.clone(),
        })
    }
}

fn check_url(check: &mut Check<'_>, url: &Spanned<Secret>) -> Option<Secret> {
    if url.value.reveal().contains("{{") {
        // What it gives is known only with a message.
        if let Err(error) = TemplateSet::check(url.value.reveal()) {
            check.at(url, format!("not a template: {error}"));
        }
        return Some(url.value.clone());
    }
    match parse_url(url.value.reveal()) {
        Ok(_) => Some(url.value.clone()),
        Err(message) => {
            check.at_with_help(
                url,
                message,
                "write for example http://127.0.0.1:8080/alerts",
            );
            None
        }
    }
}

/// A URL that a webhook can be sent to, or why it is none. The message does not repeat the URL, which may be secret.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    match url.scheme() {
        "http" | "https" if text.contains("://") => Ok(url),
        "http" | "https" => Err("not a URL: there is no host".to_owned()),
        other => Err(format!("a URL with `{other}:` is not one of the web")),
    }
}

/// Reads a duration as Go does, which Alertmanager uses for this one key: `1m30s`, `1.5s`, `500ms`, `0`.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .filter(|digits| *digits > 0)?;
        let (number, behind) = rest.split_at(digits);
        let letters = behind
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        rest = behind;
    }
    (!text.is_empty())
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, millis) in [
            ("0", Some(0)),
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("1.5s", Some(1500)),
            ("30s1m", Some(90_000)),
            ("500ms", Some(500)),
            ("1h", Some(3_600_000)),
            ("", None),
            ("10", None),
            ("s", None),
            ("1d", None),
            ("-1s", None),
            ("1.2.3s", None),
            ("1e400h", None),
        ] {
            assert_eq!(
                go_duration(text),
                millis.map(Duration::from_millis),
                "{text:?}"
            );
        }
    }
}
