//! The ways on which a message can leave, and how each is named.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::http::{ClientError, Clients};
use crate::notification::Notification;
use crate::webhook::{WebhookConfig, WebhookSender};

/// A kind of receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChannelKind {
    Webhook,
}

impl ChannelKind {
    /// As it appears in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
        }
    }
}

/// Where a message goes and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Channel {
    Webhook(WebhookConfig),
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
}

impl Sender {
    /// Makes a sender ready.
    pub(crate) fn new(
        channel: &Channel,
        external_url: &str,
        clients: &mut Clients,
    ) -> Result<Self, ClientError> {
        match channel {
            Channel::Webhook(config) => {
                WebhookSender::new(config.clone(), external_url, clients).map(Self::Webhook)
            }
        }
    }

    /// How long one attempt may take, if that is limited.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Webhook(webhook) => webhook.timeout(),
        }
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, notification: &Notification) -> Answer {
        match self {
            Self::Webhook(webhook) => webhook.send(notification).await,
        }
    }
}
