//! All kinds of receivers, as they are written, and what has to be given in each.
//!
//! Names and rules are those of Alertmanager: <https://prometheus.io/docs/alerting/latest/configuration/#receiver-integration-settings>.

mod chats; // Slack, Mattermost, Discord, Teams, Telegram, WeChat, Webex, Rocket.Chat
mod mail; // email
mod pagers; // PagerDuty, Opsgenie, VictorOps, Pushover, SNS, Jira, incident.io

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::yaml::{Spanned, Unsupported};

use super::check::Check;
use super::file::Text;
use super::global::GlobalFile;
use crate::webhook::WebhookFile;

/// What a receiver's entry is checked against.
pub(crate) trait Entry {
    /// Reports what is wrong with the entry at `place`.
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile)
    where
        Self: Sized;
}

/// Writes one kind of receiver: the keys that all have, and its own with their types.
macro_rules! entry {
    ($name:ident { $($key:ident: $type:ty,)* }) => {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "keys are taken so that a file is read whole; what is not sent is not read")]
        pub(crate) struct $name {
            send_resolved: Option<bool>,
            http_config: Option<$crate::config::HttpFile>,
            $($key: Option<$type>,)*
        }
    };
}
pub(crate) use entry;

type Entries<T> = Option<Spanned<Vec<Option<Spanned<T>>>>>;

macro_rules! receiver_file {
    ($($key:ident: $type:ty,)*) => {
        /// One receiver.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct ReceiverFile {
            pub(crate) name: Text,
            pub(crate) webhook_configs: Option<Vec<Spanned<WebhookFile>>>,
            #[serde(rename = "labels")]
            _labels: Option<Unsupported>,
            $($key: Entries<$type>,)*
        }

        impl ReceiverFile {
            /// Checks all kinds but webhooks, and says which of them cannot be sent to yet.
            pub(crate) fn check_others(&self, check: &mut Check<'_>, global: &GlobalFile) {
                $(check_kind(check, global, (stringify!($key), &self.name.value), self.$key.as_ref());)*
            }
        }
    };
}

receiver_file! {
    discord_configs: chats::DiscordFile,
    email_configs: mail::EmailFile,
    incidentio_configs: pagers::IncidentioFile,
    jira_configs: pagers::JiraFile,
    mattermost_configs: chats::MattermostFile,
    msteams_configs: chats::TeamsFile,
    msteamsv2_configs: chats::TeamsWorkflowFile,
    opsgenie_configs: pagers::OpsgenieFile,
    pagerduty_configs: pagers::PagerdutyFile,
    pushover_configs: pagers::PushoverFile,
    rocketchat_configs: chats::RocketchatFile,
    slack_configs: chats::SlackFile,
    sns_configs: pagers::SnsFile,
    telegram_configs: chats::TelegramFile,
    victorops_configs: pagers::VictoropsFile,
    webex_configs: chats::WebexFile,
    wechat_configs: chats::WechatFile,
}

/// Anything, of which only the place counts.
pub(crate) type Anything = Spanned<IgnoredAny>;

fn check_kind<T: Entry>(
    check: &mut Check<'_>,
    global: &GlobalFile,
    (kind, receiver): (&str, &str),
    entries: Option<&Spanned<Vec<Option<Spanned<T>>>>>,
) {
    let Some(entries) = entries.filter(|entries| !entries.value.is_empty()) else {
        return;
    };
    for entry in &entries.value {
        match entry {
            Some(entry) => T::check(entry, check, global),
            None => check.at(entries, format!("an entry of `{kind}` is empty")),
        }
    }
    let message = format!(
        "`{kind}` of the receiver `{receiver}` cannot be sent to yet: nobody hears of alerts this way"
    );
    check.warn(entries, message);
}
