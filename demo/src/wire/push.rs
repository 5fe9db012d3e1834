use super::{Delivery, MessageId, UnixMillis, UserId};

/// Where gateways take pushes, over gRPC. In protobuf's own language it is
///
/// ```text
/// package chat;
/// service Gateway { rpc Push(Push) returns (Pushed); }
/// ```
pub(crate) const PUSH_PATH: &str = "/chat.Gateway/Push";

/// Most bytes of one push: a full batch of the longest messages to the largest groups.
pub(crate) const PUSH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What task asks a gateway to do: push these messages, in this order.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Push {
    #[prost(message, repeated, tag = "1")]
    pub deliveries: Vec<PushDelivery>,
}

/// A [`Delivery`] as it travels to a gateway.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PushDelivery {
    #[prost(int64, tag = "1")]
    message_id: i64,
    #[prost(string, tag = "2")]
    session_id: String,
    #[prost(string, tag = "3")]
    sender: String,
    #[prost(string, tag = "4")]
    body: String,
    #[prost(int64, tag = "5")]
    sent_at_ms: i64,
    #[prost(int64, repeated, tag = "6")]
    recipients: Vec<i64>,
}

/// For each message, in the same order, what became of it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pushed {
    #[prost(message, repeated, tag = "1")]
    pub outcomes: Vec<PushOutcome>,
}

/// Users that are in neither list are not connected to this gateway.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct PushOutcome {
    #[prost(int64, repeated, tag = "1")]
    pub delivered: Vec<i64>,
    /// Connected, but too slow to take the message.
    #[prost(int64, repeated, tag = "2")]
    pub failed: Vec<i64>,
}

impl From<&Delivery> for PushDelivery {
    fn from(delivery: &Delivery) -> Self {
        Self {
            message_id: delivery.message_id.0,
            session_id: delivery.session_id.to_string(),
            sender: delivery.sender.clone(),
            body: delivery.body.clone(),
            sent_at_ms: delivery.sent_at_ms.0,
            recipients: delivery.recipients.iter().map(|user| user.0).collect(),
        }
    }
}

impl TryFrom<PushDelivery> for Delivery {
    type Error = <super::SessionId as std::str::FromStr>::Err;

    fn try_from(pushed: PushDelivery) -> Result<Self, Self::Error> {
        Ok(Self {
            message_id: MessageId(pushed.message_id),
            session_id: pushed.session_id.parse()?,
            sender: pushed.sender,
            body: pushed.body,
            sent_at_ms: UnixMillis(pushed.sent_at_ms),
            recipients: pushed.recipients.into_iter().map(UserId).collect(),
        })
    }
}
