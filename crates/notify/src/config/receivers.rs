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
use crate::robot::RobotFile;
use crate::webhook::WebhookFile;

pub(crate) use self::chats::{
    DiscordFile, MattermostFile, SlackFile, TeamsWorkflowFile, TelegramFile, WechatFile,
};
pub(crate) use self::mail::EmailFile;
pub(crate) use self::pagers::PagerdutyFile;

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
        #[allow(dead_code, reason = "keys are taken so that a file is read whole; what is not sent yet is not read")]
        pub(crate) struct $name {
            pub(crate) send_resolved: Option<bool>,
            pub(crate) http_config: Option<$crate::config::HttpFile>,
            $(pub(crate) $key: Option<$type>,)*
        }
    };
}
pub(crate) use entry;

type Entries<T> = Option<Spanned<Vec<Option<Spanned<T>>>>>;

/// Writes a receiver: kinds that are sent to, kinds of our own, and kinds that cannot be sent to yet.
macro_rules! receiver_file {
    (sent { $($sent:ident: $sent_type:ty,)* } own { $($own:ident,)* } unsent { $($key:ident: $type:ty,)* }) => {
        /// One receiver.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct ReceiverFile {
            pub(crate) name: Text,
            /// Who is told when this receiver cannot be.
            pub(crate) fallback: Option<Text>,
            pub(crate) webhook_configs: Option<Vec<Spanned<WebhookFile>>>,
            #[serde(rename = "labels")]
            _labels: Option<Unsupported>,
            $(pub(crate) $sent: Entries<$sent_type>,)*
            $(pub(crate) $own: Option<Vec<Spanned<RobotFile>>>,)*
            $($key: Entries<$type>,)*
        }

        impl ReceiverFile {
            /// Checks all kinds of Alertmanager's but webhooks, and says which of them cannot be sent to yet.
            pub(crate) fn check_kinds(&self, check: &mut Check<'_>, global: &GlobalFile) {
                $(check_kind(check, global, stringify!($sent), self.$sent.as_ref());)*
                $(
                    let entries = check_kind(check, global, stringify!($key), self.$key.as_ref());
                    if let Some(entries) = entries {
                        let (kind, receiver) = (stringify!($key), &self.name.value);
                        let message = format!("`{kind}` of the receiver `{receiver}` cannot be sent to yet: nobody hears of alerts this way");
                        check.warn(entries, message);
                    }
                )*
            }
        }
    };
}

receiver_file! {
    sent {
        discord_configs: DiscordFile,
        email_configs: EmailFile,
        mattermost_configs: MattermostFile,
        msteamsv2_configs: TeamsWorkflowFile,
        pagerduty_configs: PagerdutyFile,
        slack_configs: SlackFile,
        telegram_configs: TelegramFile,
        wechat_configs: WechatFile,
    }
    own {
        dingtalk_configs,
        wecom_robot_configs,
        feishu_configs,
    }
    unsent {
        incidentio_configs: pagers::IncidentioFile,
        jira_configs: pagers::JiraFile,
        msteams_configs: chats::TeamsFile,
        opsgenie_configs: pagers::OpsgenieFile,
        pushover_configs: pagers::PushoverFile,
        rocketchat_configs: chats::RocketchatFile,
        sns_configs: pagers::SnsFile,
        victorops_configs: pagers::VictoropsFile,
        webex_configs: chats::WebexFile,
    }
}

/// Anything, of which only the place counts.
pub(crate) type Anything = Spanned<IgnoredAny>;

/// Checks the entries of a kind; gives them if there are any.
fn check_kind<'e, T: Entry>(
    check: &mut Check<'_>,
    global: &GlobalFile,
    kind: &str,
    entries: Option<&'e Spanned<Vec<Option<Spanned<T>>>>>,
) -> Option<&'e Spanned<Vec<Option<Spanned<T>>>>> {
    let entries = entries.filter(|entries| !entries.value.is_empty())?;
    for entry in &entries.value {
        match entry {
            Some(entry) => T::check(entry, check, global),
            None => check.at(entries, format!("an entry of `{kind}` is empty")),
        }
    }
    Some(entries)
}
