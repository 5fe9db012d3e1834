//! The ways on which a message can leave, and how each is named.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::email::{EmailConfig, EmailSender};
use crate::http::{ClientError, Clients};
use crate::robot::{RobotConfig, RobotSender};
use crate::services::{
    DiscordConfig, MattermostConfig, PagerdutyConfig, Service, ServiceSender, SlackConfig,
    TeamsConfig, TelegramConfig,
};
use crate::template::Renderer;
use crate::webhook::{WebhookConfig, WebhookSender};
use crate::wechat::{WechatConfig, WechatSender};

/// A kind of receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChannelKind {
    Webhook,
    Discord,
    Email,
    Mattermost,
    Msteamsv2,
    Pagerduty,
    Slack,
    Telegram,
    Wechat,
    Dingtalk,
    WecomRobot,
    Feishu,
}

impl ChannelKind {
    /// As it appears in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Discord => "discord",
            Self::Email => "email",
            Self::Mattermost => "mattermost",
            Self::Msteamsv2 => "msteamsv2",
            Self::Pagerduty => "pagerduty",
            Self::Slack => "slack",
            Self::Telegram => "telegram",
            Self::Wechat => "wechat",
            Self::Dingtalk => "dingtalk",
            Self::WecomRobot => "wecom_robot",
            Self::Feishu => "feishu",
        }
    }
}

/// Where a message goes and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Channel {
    Webhook(WebhookConfig),
    Robot(RobotConfig),
    Email(EmailConfig),
    Wechat(WechatConfig),
    Discord(DiscordConfig),
    Mattermost(MattermostConfig),
    Teams(TeamsConfig),
    Pagerduty(PagerdutyConfig),
    Slack(SlackConfig),
    Telegram(TelegramConfig),
}

/// Names one way out of one receiver. It stays the same over a restart, and what was sent is remembered under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IntegrationKey {
    pub(crate) receiver: Arc<str>,
    pub(crate) kind: ChannelKind,
    /// Counts the ways of one kind within the receiver.
    pub(crate) index: usize,
}

impl fmt::Display for IntegrationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.receiver, self.kind.name(), self.index)
    }
}

/// One way out of a receiver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Integration {
    pub(crate) key: IntegrationKey,
    /// Whether it wants to hear that an alert is over.
    pub(crate) send_resolved: bool,
    pub(crate) channel: Channel,
}

/// What sends on one way out.
#[derive(Debug)]
pub(crate) enum Sender {
    Webhook(WebhookSender),
    Robot(RobotSender),
    Email(EmailSender),
    Wechat(WechatSender),
    Service(ServiceSender),
}

impl Sender {
    /// Makes a sender ready.
    pub(crate) fn new(channel: &Channel, clients: &mut Clients) -> Result<Self, ClientError> {
        let service: Box<dyn Service> = match channel.clone() {
            Channel::Webhook(config) => {
                return WebhookSender::new(config, clients).map(Self::Webhook);
            }
            Channel::Robot(config) => return RobotSender::new(config, clients).map(Self::Robot),
            Channel::Email(config) => return EmailSender::new(config).map(Self::Email),
            Channel::Wechat(config) => return WechatSender::new(config, clients).map(Self::Wechat),
            Channel::Discord(config) => Box::new(config),
            Channel::Mattermost(config) => Box::new(config),
            Channel::Teams(config) => Box::new(config),
            Channel::Pagerduty(config) => Box::new(config),
            Channel::Slack(config) => Box::new(config),
            Channel::Telegram(config) => Box::new(config),
        };
        ServiceSender::new(service, clients).map(Self::Service)
    }

    /// How long one attempt may take, if that is limited.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Webhook(webhook) => webhook.timeout(),
            Self::Robot(robot) => Some(robot.timeout()),
            Self::Email(email) => Some(email.timeout()),
            Self::Wechat(wechat) => Some(wechat.timeout()),
            Self::Service(service) => Some(service.timeout()),
        }
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, renderer: &Renderer<'_>) -> Answer {
        match self {
            Self::Webhook(webhook) => webhook.send(renderer).await,
            Self::Robot(robot) => robot.send(renderer).await,
            Self::Email(email) => email.send(renderer).await,
            Self::Wechat(wechat) => wechat.send(renderer).await,
            Self::Service(service) => service.send(renderer).await,
        }
    }
}
