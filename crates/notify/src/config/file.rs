//! `alertmanager.yml` as it is written: plain structs, nothing checked but types and keys.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::{Spanned, Unsupported};

use super::http::HttpFile;
use super::intervals::IntervalFile;
use crate::webhook::WebhookFile;

/// A text with its place.
pub(crate) type Text = Spanned<String>;

/// Labels and texts or patterns, as the older keys have them. A value may be left empty.
pub(super) type TextMap = Option<BTreeMap<String, Option<Text>>>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) global: Option<GlobalFile>,
    pub(super) route: Option<Spanned<RouteFile>>,
    pub(super) inhibit_rules: Option<Vec<InhibitFile>>,
    pub(super) receivers: Option<Vec<ReceiverFile>>,
    pub(super) templates: Option<Spanned<Vec<String>>>,
    pub(super) mute_time_intervals: Option<Vec<IntervalFile>>,
    pub(super) time_intervals: Option<Vec<IntervalFile>>,
    tracing: Option<Spanned<IgnoredAny>>,
    event_recorder: Option<Spanned<IgnoredAny>>,
}

impl File {
    /// The sections in use that cannot be honoured yet, by their key. They change nothing about who is told what.
    pub(super) fn other_sections(&self) -> Vec<(&'static str, &Spanned<IgnoredAny>)> {
        [
            ("tracing", &self.tracing),
            ("event_recorder", &self.event_recorder),
        ]
        .into_iter()
        .filter_map(|(key, section)| Some((key, section.as_ref()?)))
        .collect()
    }
}

/// Writes the section `global`: what is honoured, and the defaults of kinds of receivers that cannot be sent to yet.
macro_rules! global_file {
    ($($other:ident)*) => {
        /// What holds for all receivers.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct GlobalFile {
            pub(super) resolve_timeout: Option<ConfigDuration>,
            pub(super) http_config: Option<HttpFile>,
            $($other: Option<Spanned<IgnoredAny>>,)*
        }

        impl GlobalFile {
            /// The defaults in use that change nothing yet, by their key.
            pub(super) fn other_defaults(&self) -> Vec<(&'static str, &Spanned<IgnoredAny>)> {
                [$((stringify!($other), &self.$other),)*]
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value.as_ref()?)))
                    .collect()
            }
        }
    };
}

global_file! {
    jira_api_url
    smtp_from
    smtp_hello
    smtp_smarthost
    smtp_auth_username
    smtp_auth_password
    smtp_auth_password_file
    smtp_auth_secret
    smtp_auth_secret_file
    smtp_auth_identity
    smtp_require_tls
    smtp_tls_config
    smtp_force_implicit_tls
    slack_api_url
    slack_api_url_file
    slack_app_token
    slack_app_token_file
    slack_app_url
    pagerduty_url
    opsgenie_api_url
    opsgenie_api_key
    opsgenie_api_key_file
    wechat_api_url
    wechat_api_secret
    wechat_api_secret_file
    wechat_api_corp_id
    victorops_api_url
    victorops_api_key
    victorops_api_key_file
    telegram_api_url
    telegram_bot_token
    telegram_bot_token_file
    webex_api_url
    rocketchat_api_url
    rocketchat_token
    rocketchat_token_file
    rocketchat_token_id
    rocketchat_token_id_file
    mattermost_webhook_url
    mattermost_webhook_url_file
}

/// One node of the routing tree.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteFile {
    pub(super) receiver: Option<Text>,
    pub(super) group_by: Option<Vec<Text>>,
    pub(super) group_wait: Option<Spanned<ConfigDuration>>,
    pub(super) group_interval: Option<Spanned<ConfigDuration>>,
    pub(super) repeat_interval: Option<Spanned<ConfigDuration>>,
    #[serde(rename = "match")]
    pub(super) equal: TextMap,
    #[serde(rename = "match_re")]
    pub(super) regex: TextMap,
    pub(super) matchers: Option<Vec<Text>>,
    pub(super) mute_time_intervals: Option<Vec<Text>>,
    pub(super) active_time_intervals: Option<Vec<Text>>,
    #[serde(rename = "continue")]
    pub(super) go_on: Option<Spanned<bool>>,
    pub(super) routes: Option<Vec<Spanned<RouteFile>>>,
    #[serde(rename = "labels")]
    _labels: Option<Unsupported>,
}

/// One inhibition rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InhibitFile {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "source_match")]
    pub(super) source_equal: TextMap,
    #[serde(rename = "source_match_re")]
    pub(super) source_regex: TextMap,
    pub(super) source_matchers: Option<Vec<Text>>,
    #[serde(rename = "target_match")]
    pub(super) target_equal: TextMap,
    #[serde(rename = "target_match_re")]
    pub(super) target_regex: TextMap,
    pub(super) target_matchers: Option<Vec<Text>>,
    pub(super) equal: Option<Vec<Text>>,
}

/// Receivers of a kind that cannot be sent to yet.
type OtherKind = Option<Spanned<Vec<IgnoredAny>>>;

/// One receiver.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiverFile {
    pub(super) name: Text,
    pub(super) webhook_configs: Option<Vec<Spanned<WebhookFile>>>,
    #[serde(rename = "labels")]
    _labels: Option<Unsupported>,
    discord_configs: OtherKind,
    email_configs: OtherKind,
    incidentio_configs: OtherKind,
    jira_configs: OtherKind,
    mattermost_configs: OtherKind,
    msteams_configs: OtherKind,
    msteamsv2_configs: OtherKind,
    opsgenie_configs: OtherKind,
    pagerduty_configs: OtherKind,
    pushover_configs: OtherKind,
    rocketchat_configs: OtherKind,
    slack_configs: OtherKind,
    sns_configs: OtherKind,
    telegram_configs: OtherKind,
    victorops_configs: OtherKind,
    webex_configs: OtherKind,
    wechat_configs: OtherKind,
}

impl ReceiverFile {
    /// The kinds in use that cannot be sent to yet, by their key.
    pub(super) fn other_kinds(&self) -> Vec<(&'static str, &Spanned<Vec<IgnoredAny>>)> {
        [
            ("discord_configs", &self.discord_configs),
            ("email_configs", &self.email_configs),
            ("incidentio_configs", &self.incidentio_configs),
            ("jira_configs", &self.jira_configs),
            ("mattermost_configs", &self.mattermost_configs),
            ("msteams_configs", &self.msteams_configs),
            ("msteamsv2_configs", &self.msteamsv2_configs),
            ("opsgenie_configs", &self.opsgenie_configs),
            ("pagerduty_configs", &self.pagerduty_configs),
            ("pushover_configs", &self.pushover_configs),
            ("rocketchat_configs", &self.rocketchat_configs),
            ("slack_configs", &self.slack_configs),
            ("sns_configs", &self.sns_configs),
            ("telegram_configs", &self.telegram_configs),
            ("victorops_configs", &self.victorops_configs),
            ("webex_configs", &self.webex_configs),
            ("wechat_configs", &self.wechat_configs),
        ]
        .into_iter()
        .filter_map(|(kind, configs)| Some((kind, configs.as_ref()?)))
        .filter(|(_, configs)| !configs.value.is_empty())
        .collect()
    }
}
