//! From the entries of a receiver to its ways out.

use std::sync::Arc;

use stonechat_model::yaml::Spanned;

use super::check::Check;
use super::global::GlobalFile;
use super::http::HttpConfig;
use super::receivers::ReceiverFile;
use crate::channel::{Channel, ChannelKind, Integration, IntegrationKey};
use crate::email::EmailConfig;
use crate::robot::{self, RobotConfig, RobotFile};
use crate::services::{
    DiscordConfig, MattermostConfig, PagerdutyConfig, SlackConfig, TeamsConfig, TelegramConfig,
};
use crate::webhook::WebhookConfig;
use crate::wechat::WechatConfig;

/// The ways out of a receiver, in the order of their kinds. The entries themselves have been checked before.
pub(super) fn integrations(
    check: &mut Check<'_>,
    receiver: &ReceiverFile,
    (global, http): (&GlobalFile, &HttpConfig),
) -> Vec<Integration> {
    let mut ways = Ways {
        receiver: Arc::from(receiver.name.value.as_str()),
        all: Vec::new(),
    };
    for (index, webhook) in receiver.webhook_configs.iter().flatten().enumerate() {
        let config = WebhookConfig::check(check, webhook, http);
        let channel = config.map(|config| match robot::recognize(&config) {
            Some(robot) => Channel::Robot(robot),
            None => Channel::Webhook(config),
        });
        ways.add(
            (ChannelKind::Webhook, index),
            webhook.value.send_resolved.unwrap_or(true),
            channel,
        );
    }
    for (kind, service, robots) in [
        (
            ChannelKind::Dingtalk,
            robot::Service::DingTalk,
            &receiver.dingtalk_configs,
        ),
        (
            ChannelKind::WecomRobot,
            robot::Service::WeCom,
            &receiver.wecom_robot_configs,
        ),
        (
            ChannelKind::Feishu,
            robot::Service::Feishu,
            &receiver.feishu_configs,
        ),
    ] {
        for (index, robot) in robots.iter().flatten().enumerate() {
            let robot: &Spanned<RobotFile> = robot;
            let config = RobotConfig::check(check, (service, robot), http);
            ways.add(
                (kind, index),
                robot.value.send_resolved.unwrap_or(true),
                Some(Channel::Robot(config)),
            );
        }
    }
    let common = (global, http);
    /// Adds the entries of one kind.
    macro_rules! add {
        ($entries:ident, $kind:ident, $send_resolved:literal, $entry:ident => $channel:expr) => {
            let entries = receiver
                .$entries
                .iter()
                .flat_map(|entries| &entries.value)
                .flatten();
            for (index, $entry) in entries.enumerate() {
                let send_resolved = $entry.value.send_resolved.unwrap_or($send_resolved);
                ways.add((ChannelKind::$kind, index), send_resolved, $channel);
            }
        };
    }
    add!(discord_configs, Discord, true, entry => DiscordConfig::check(check, entry, http).map(Channel::Discord));
    add!(email_configs, Email, false, entry => EmailConfig::check(check, entry, global).map(Channel::Email));
    add!(mattermost_configs, Mattermost, true, entry => MattermostConfig::check(check, entry, common).map(Channel::Mattermost));
    add!(msteamsv2_configs, Msteamsv2, true, entry => TeamsConfig::check(check, entry, http).map(Channel::Teams));
    add!(pagerduty_configs, Pagerduty, true, entry => PagerdutyConfig::check(check, entry, common).map(Channel::Pagerduty));
    add!(slack_configs, Slack, false, entry => SlackConfig::check(check, entry, common).map(Channel::Slack));
    add!(telegram_configs, Telegram, true, entry => TelegramConfig::check(check, entry, common).map(Channel::Telegram));
    add!(wechat_configs, Wechat, false, entry => WechatConfig::check(check, entry, common).map(Channel::Wechat));
    ways.all
}

struct Ways {
    receiver: Arc<str>,
    all: Vec<Integration>,
}

impl Ways {
    fn add(
        &mut self,
        (kind, index): (ChannelKind, usize),
        send_resolved: bool,
        channel: Option<Channel>,
    ) {
        let Some(channel) = channel else {
            return;
        };
        let key = IntegrationKey {
            receiver: Arc::clone(&self.receiver),
            kind,
            index,
        };
        self.all.push(Integration {
            key,
            send_resolved,
            channel,
        });
    }
}
