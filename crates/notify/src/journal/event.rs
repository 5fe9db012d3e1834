//! What is written.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stonechat_model::{Labels, Timestamp};

use crate::delivery::DeliveryOutcome;
use crate::notification::Status;
use crate::time::rfc3339;

/// An event and when it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Happened {
    /// When.
    #[serde(with = "time")]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What has happened to an alert or a message. Alerts are named by their fingerprints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// An alert is heard of that was not there, or was over.
    Fires {
        /// The alert.
        alert: String,
        /// Its labels.
        labels: Labels,
        /// When it began to fire.
        #[serde(with = "time")]
        since: Timestamp,
        /// Who its routes lead to.
        receivers: Vec<String>,
    },
    /// An alert is over.
    Ends {
        /// The alert.
        alert: String,
        /// When it ended.
        #[serde(with = "time")]
        ended: Timestamp,
    },
    /// A group was looked at, and something keeps one of its alerts quiet.
    Quiet {
        /// The alert.
        alert: String,
        /// The group.
        group: String,
        /// What keeps it quiet.
        by: Vec<QuietBy>,
    },
    /// Nothing keeps the alert quiet any more.
    Audible {
        /// The alert.
        alert: String,
        /// The group.
        group: String,
    },
    /// A message was made.
    Message {
        /// Names it.
        id: String,
        /// Receiver, kind and number.
        way: String,
        /// The group.
        group: String,
        /// Why now.
        reason: String,
        /// The alerts that it tells of.
        alerts: Vec<Told>,
    },
    /// It was tried.
    Attempt {
        /// The message.
        id: String,
        /// Counts the attempts, from 1.
        number: u32,
        /// What was answered, or why there was no answer.
        answer: String,
        /// How long it took.
        seconds: f64,
    },
    /// It is no longer on its way.
    Outcome {
        /// The message.
        id: String,
        /// What became of it.
        outcome: DeliveryOutcome,
        /// The last answer.
        answer: String,
    },
}

/// An alert in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The alert.
    pub alert: String,
    /// Whether it was told to fire or to be over.
    pub status: Status,
}

/// What keeps an alert quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuietBy {
    /// A silence, by its name.
    Silence(String),
    /// Another alert, by its fingerprint.
    Inhibition(String),
    /// A time interval that mutes, by its name.
    Muted(String),
    /// The route is active in other time intervals.
    OutsideOf(String),
}

/// Times in RFC 3339.
mod time {
    use super::{Deserialize, Deserializer, Serializer, Timestamp, rfc3339};

    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Timestamp::from_millis(time.as_millisecond()))
    }
}
