//! A message before it takes the form of one kind of receiver.

use std::sync::Arc;

use stonechat_model::Labels;

use crate::alert::ToldAlert;

/// Why a message is sent. The texts are those of Alertmanager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The receiver knows of no alert in the group.
    First,
    /// An alert has joined those that the receiver knows of.
    NewAlerts,
    /// Some alerts are over.
    SomeResolved,
    /// No alert is left.
    AllResolved,
    /// Nothing has changed for so long that it is said again.
    Repeat,
}

impl Reason {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::First => "first notification",
            Self::NewAlerts => "new alerts added",
            Self::SomeResolved => "some alerts resolved",
            Self::AllResolved => "all alerts resolved",
            Self::Repeat => "repeat interval elapsed",
        }
    }
}

/// What is to be told to one receiver about one group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notification {
    pub(crate) receiver: Arc<str>,
    pub(crate) group_key: Arc<str>,
    pub(crate) group_labels: Labels,
    pub(crate) reason: Reason,
    /// In the order of the message; at least one.
    pub(crate) alerts: Vec<ToldAlert>,
}

/// Whether a message, or one alert in it, tells of trouble or of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At least one alert fires.
    Firing,
    /// All is over.
    Resolved,
}

impl Status {
    /// As templates see it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// Of one alert.
    pub(crate) fn of(alert: &ToldAlert) -> Self {
        if alert.resolved {
            Self::Resolved
        } else {
            Self::Firing
        }
    }

    /// Of alerts told together.
    pub(crate) fn of_all(alerts: &[ToldAlert]) -> Self {
        if alerts.iter().all(|alert| alert.resolved) {
            Self::Resolved
        } else {
            Self::Firing
        }
    }
}
