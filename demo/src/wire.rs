//! What the services and their clients say to each other: identifiers, messages, frames.

mod push; // from task to the gateways, over gRPC
mod session; // session identifiers

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

pub(crate) use push::{PUSH_BYTES_MAX, PUSH_PATH, Push, PushOutcome, Pushed};
pub(crate) use session::{Kind, SessionId};

/// Names a user in the database; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserId(pub i64);

/// Names a message in the database; a later message has a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct MessageId(pub i64);

/// Milliseconds since 1970, by the clock of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UnixMillis(pub i64);

impl UnixMillis {
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Seconds from `earlier` to this; 0 if the clock was set back in between.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        let millis = self.0.saturating_sub(earlier.0).max(0);
        u32::try_from(millis).map_or(f64::from(u32::MAX), f64::from) / 1_000.0
    }
}

/// Name and password, to register and to log in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub name: String,
    pub password: String,
}

/// The answer to registering.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub user_id: UserId,
}

/// The answer to logging in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LoggedIn {
    pub user_id: UserId,
    pub token: String,
}

/// A token that the gateway was shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Authenticate {
    pub token: String,
}

/// Whose token it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub user_id: UserId,
    pub name: String,
}

/// A question of the gateway to logic, on behalf of a user whose token it has checked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OnBehalf<Q> {
    pub user_id: UserId,
    #[serde(flatten)]
    pub question: Q,
}

/// Opens a session: with one other user, or a group with a title.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum OpenSession {
    Single { user: String },
    Group { group: String, members: Vec<String> },
}

/// The session that was opened, or that was there already.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub session_id: SessionId,
}

/// Sends a message into a session, or to a user by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SendMessage {
    #[serde(flatten)]
    pub target: Target,
    pub body: String,
}

/// Where a message goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Target {
    Session { session_id: SessionId },
    User { to: String },
}

impl Target {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Session { session_id } => session_id.kind(),
            Self::User { .. } => Kind::Single,
        }
    }
}

/// A message was accepted: it is in the history, and on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub message_id: MessageId,
    pub session_id: SessionId,
    pub sent_at_ms: UnixMillis,
}

/// Empty: there is nothing to ask beyond who asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListSessions {}

/// One line of a user's session list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionLine {
    pub session_id: SessionId,
    /// The group's title, or the other user's name.
    pub title: String,
    pub last_message: Option<HistoryLine>,
}

/// Asks for messages of a session, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadHistory {
    pub session_id: SessionId,
    /// Only older messages than this one.
    pub before: Option<MessageId>,
    pub limit: Option<u32>,
}

/// One message of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HistoryLine {
    pub message_id: MessageId,
    pub sender: String,
    pub body: String,
    pub sent_at_ms: UnixMillis,
}

/// A message on its way through the queue to its recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub message_id: MessageId,
    pub session_id: SessionId,
    pub sender: String,
    pub body: String,
    pub sent_at_ms: UnixMillis,
    pub recipients: Vec<UserId>,
}

/// Opens a call: what the caller wants to send, and where it can be reached, as SDP.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OpenCall {
    pub device_id: String,
    pub offer: String,
}

/// The call was taken: how it is to be ended, and the answer to the offer, as SDP.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CallOpened {
    pub session_id: String,
    pub answer: String,
}

/// Empty: the call is over.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CallClosed {}

/// A text frame from a phone that talks with media over a WebSocket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromPhone {
    Open(OpenCall),
    Close { session_id: String },
}

/// A text frame to a phone: the answer to its last one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ToPhone {
    Opened(CallOpened),
    Closed(CallClosed),
    Error { status: u16, message: String },
}

/// A text frame from a user.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromClient {
    /// `reference` is the client's own name for the message; the answer repeats it.
    Send {
        reference: u64,
        #[serde(flatten)]
        message: SendMessage,
    },
}

/// A text frame to a user.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ToClient {
    Ack {
        reference: u64,
        #[serde(flatten)]
        sent: Sent,
    },
    /// `reference` is missing when the frame could not be read.
    Error {
        reference: Option<u64>,
        status: u16,
        message: String,
    },
    Message {
        session_id: SessionId,
        #[serde(flatten)]
        line: HistoryLine,
    },
}
