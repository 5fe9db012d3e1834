//! What is sent and answered, in the shapes of Alertmanager's API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stonechat_model::{Labels, MatchOp, Matcher, Timestamp};
use stonechat_notify::{AlertView, Silence};

use crate::own::rfc3339;

/// One alert as it is reported.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostedAlert {
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub starts_at: Option<String>,
    #[serde(default)]
    pub ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    pub generator_url: Option<String>,
}

/// One alert as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownAlert {
    annotations: BTreeMap<String, String>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<Name>,
    starts_at: String,
    status: AlertStatus,
    updated_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    labels: Labels,
}

#[derive(Serialize)]
pub(super) struct Name {
    pub name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertStatus {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

impl ShownAlert {
    pub fn of(view: AlertView) -> Self {
        let quiet = [&view.silenced_by, &view.inhibited_by, &view.muted_by]
            .iter()
            .any(|by| !by.is_empty());
        Self {
            annotations: view.alert.annotations,
            ends_at: rfc3339(view.alert.ends_at),
            fingerprint: view.fingerprint,
            receivers: view
                .receivers
                .into_iter()
                .map(|name| Name { name })
                .collect(),
            starts_at: rfc3339(view.alert.starts_at),
            status: AlertStatus {
                inhibited_by: view.inhibited_by,
                muted_by: view.muted_by,
                silenced_by: view.silenced_by,
                state: if quiet { "suppressed" } else { "active" },
            },
            updated_at: rfc3339(view.updated_at),
            generator_url: view.alert.generator_url,
            labels: view.alert.labels,
        }
    }
}

/// Alerts that are told together.
#[derive(Serialize)]
pub(super) struct ShownGroup {
    pub alerts: Vec<ShownAlert>,
    pub labels: Labels,
    pub receiver: Name,
}

/// A condition.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

/// A silence as it is made or changed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostedSilence {
    #[serde(default)]
    pub id: String,
    pub matchers: Vec<WireMatcher>,
    pub starts_at: String,
    pub ends_at: String,
    pub created_by: String,
    pub comment: String,
}

/// A silence as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownSilence {
    id: String,
    status: State,
    updated_at: String,
    comment: String,
    created_by: String,
    ends_at: String,
    matchers: Vec<WireMatcher>,
    starts_at: String,
}

#[derive(Serialize)]
struct State {
    state: &'static str,
}

impl WireMatcher {
    fn of(matcher: &Matcher) -> Self {
        Self {
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
            is_regex: matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
            is_equal: matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex),
        }
    }

    pub fn read(self) -> Result<Matcher, String> {
        let op = match (self.is_equal, self.is_regex) {
            (true, false) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (false, true) => MatchOp::NotRegex,
        };
        Matcher::new(self.name, op, self.value).map_err(|error| error.to_string())
    }
}

impl ShownSilence {
    pub fn of(silence: Silence, now: Timestamp) -> Self {
        Self {
            status: State {
                state: silence.state(now).as_str(),
            },
            updated_at: rfc3339(silence.updated_at),
            ends_at: rfc3339(silence.ends_at),
            starts_at: rfc3339(silence.starts_at),
            matchers: silence.matchers.iter().map(WireMatcher::of).collect(),
            id: silence.id,
            comment: silence.comment,
            created_by: silence.created_by,
        }
    }
}

/// A time; Go's zero time is none.
pub(super) fn time(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
        return Ok(None);
    }
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("{text:?} is not a time such as 2026-01-02T03:04:05Z"))?;
    Ok(Some(Timestamp::from_millis(time.as_millisecond())))
}
