use std::sync::Arc;
use std::time::{Duration, Instant};

use super::named::{Chosen, Key, Named, Part, Template, standard};
use super::{Outcome, Outcomes};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::Registry;
use crate::session::Session;

/// Buckets for the way of a message: 5 milliseconds to a minute.
const DELIVERY: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Chat messages on their way: `messages_sent_total{type,status}`,
/// `message_send_duration_seconds{type}`, `messages_pushed_total{status}` and
/// `message_delivery_duration_seconds`; received and unread messages, failures, the time of a push
/// and other names by [`register_as`](Self::register_as).
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{Messages, Outcome, PushStatus};
///
/// let messages = Messages::register(&registry)?;
/// let single = messages.message_type("single"); // look up once, keep
/// let send = single.start_send();
/// // Accepting the message; an early return here counts as an error.
/// send.finish(Outcome::Ok);
/// messages.pushed(PushStatus::Offline);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Messages {
    sent: Part<Counter>,
    send_duration: Part<Histogram>,
    received: Part<Counter>,
    pushed: Part<Counter>,
    /// Those of messages whose type is not told.
    pushed_untyped: PushSeries,
    push_duration: Histogram,
    delivery_duration: Histogram,
    unread: Part<Gauge>,
    failures: Part<Counter>,
}

/// The metrics of [`Messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageMetric {
    /// Counter of messages that users sent, by `type` and `status`.
    Sent,
    /// Histogram of the time to accept a message, by `type`.
    SendDuration,
    /// Counter of messages that arrived, by `type`.
    Received,
    /// Counter of pushes to recipients, by `status`, and `type` if asked for.
    Pushed,
    /// Histogram of the time of a push, without parts.
    PushDuration,
    /// Histogram of the time from accepting to writing to the recipient, without parts.
    DeliveryDuration,
    /// Gauge of messages that a user has not read, by `user_id`; each user is a session.
    Unread,
    /// Counter of messages that were lost, by `type` and `reason`.
    Failures,
}

impl Key for MessageMetric {
    fn template(self) -> Template {
        match self {
            Self::Sent => Template::new("messages_sent_total", "Messages that users sent.")
                .labels(&["type", "status"]),
            Self::SendDuration => Template::new(
                "message_send_duration_seconds",
                "Time to accept a message from its sender.",
            )
            .labels(&["type"])
            .seconds(buckets::SECONDS_FAST),
            Self::Received => {
                Template::new("messages_received_total", "Messages that arrived.").labels(&["type"])
            }
            Self::Pushed => {
                Template::new("messages_pushed_total", "Messages pushed to recipients.")
                    .labels(&["status"])
                    .parts(&["status", "type"])
            }
            Self::PushDuration => Template::new(
                "message_push_duration_seconds",
                "Time to hand a message to its recipient's connection.",
            )
            .seconds(buckets::SECONDS_FAST),
            Self::DeliveryDuration => Template::new(
                "message_delivery_duration_seconds",
                "Time from accepting a message to writing it to the recipient's connection.",
            )
            .seconds(DELIVERY),
            Self::Unread => {
                Template::new("messages_unread", "Messages that the user has not read.")
                    .labels(&["user_id"])
            }
            Self::Failures => Template::new(
                "message_failures_total",
                "Messages that were lost, and why.",
            )
            .labels(&["type", "reason"]),
        }
    }
}

/// How pushing a message to its recipient ended; the values of a label `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushStatus {
    /// It was handed to the recipient's connection.
    Ok,
    /// It could not be handed over.
    Error,
    /// The recipient has no connection.
    Offline,
}

impl PushStatus {
    /// The value of the label: `ok`, `error` or `offline`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Offline => "offline",
        }
    }
}

/// The three counters behind the label `status` of pushes, looked up beforehand.
#[derive(Debug, Clone)]
struct PushSeries {
    ok: Counter,
    error: Counter,
    offline: Counter,
}

impl PushSeries {
    fn new(pushed: &Part<Counter>, message_type: &str) -> Self {
        let with = |status: PushStatus| pushed.with(&[status.as_str(), message_type]);
        Self {
            ok: with(PushStatus::Ok),
            error: with(PushStatus::Error),
            offline: with(PushStatus::Offline),
        }
    }

    fn count(&self, status: PushStatus) {
        match status {
            PushStatus::Ok => self.ok.inc(),
            PushStatus::Error => self.error.inc(),
            PushStatus::Offline => self.offline.inc(),
        }
    }
}

impl Messages {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use MessageMetric::{DeliveryDuration, Pushed, SendDuration, Sent};
        let usual = [Sent, SendDuration, Pushed, DeliveryDuration];
        Self::register_as(registry, &standard(usual))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(MessageMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let pushed: Part<Counter> = chosen.part(MessageMetric::Pushed)?;
        let untyped = !pushed.uses(PUSHED_TYPE);
        let push_duration: Part<Histogram> = chosen.part(MessageMetric::PushDuration)?;
        let delivery_duration: Part<Histogram> = chosen.part(MessageMetric::DeliveryDuration)?;
        Ok(Self {
            sent: chosen.part(MessageMetric::Sent)?,
            send_duration: chosen.part(MessageMetric::SendDuration)?,
            received: chosen.part(MessageMetric::Received)?,
            pushed_untyped: if untyped {
                PushSeries::new(&pushed, UNTYPED)
            } else {
                PushSeries::new(&Part::absent(), UNTYPED)
            },
            pushed,
            push_duration: push_duration.with(&[]),
            delivery_duration: delivery_duration.with(&[]),
            unread: chosen.part(MessageMetric::Unread)?,
            failures: chosen.part(MessageMetric::Failures)?,
        })
    }

    /// The series of one type of message, `single` or `group` for example. Call it once for each
    /// type and keep the result.
    pub fn message_type(&self, message_type: &'static str) -> MessageType {
        MessageType(Arc::new(TypeSeries {
            sent: Outcomes::new(&self.sent, &[message_type]),
            duration: self.send_duration.with(&[message_type]),
            received: self.received.with(&[message_type]),
            pushed: PushSeries::new(&self.pushed, message_type),
        }))
    }

    /// Counts a message that was pushed to a recipient, or could not be. Where pushes have a type,
    /// use [`MessageType::pushed`].
    pub fn pushed(&self, status: PushStatus) {
        if self.pushed.uses(PUSHED_TYPE) {
            self.pushed.with(&[status.as_str(), UNTYPED]).inc();
        } else {
            self.pushed_untyped.count(status);
        }
    }

    /// Observes the time of one push.
    pub fn pushed_within(&self, duration: Duration) {
        self.push_duration.observe_duration(duration);
    }

    /// Observes the way of one message, from being accepted to being written to its recipient.
    pub fn delivered_after(&self, duration: Duration) {
        self.delivery_duration.observe_duration(duration);
    }

    /// The gauge of messages that a user has not read, which ends with the session.
    pub fn unread(&self, session: &Session, user_id: &str) -> Gauge {
        self.unread.own(session, &[user_id])
    }

    /// Counts a message that was lost.
    pub fn failed(&self, message_type: &'static str, reason: &'static str) {
        self.failures.with(&[message_type, reason]).inc();
    }
}

/// The type of messages whose type is not told.
const UNTYPED: &str = "message";

/// Position of the type among the parts of a push.
const PUSHED_TYPE: usize = 1;

/// The series of one type of message, made by [`Messages::message_type`]; using it takes no locks.
#[derive(Debug, Clone)]
pub struct MessageType(Arc<TypeSeries>);

#[derive(Debug)]
struct TypeSeries {
    sent: Outcomes,
    duration: Histogram,
    received: Counter,
    pushed: PushSeries,
}

impl MessageType {
    /// Starts sending one message, which is counted and timed when it ends.
    pub fn start_send(&self) -> SendGuard {
        SendGuard {
            series: self.clone(),
            start: Instant::now(),
            outcome: Outcome::Error,
        }
    }

    /// Counts a message that arrived.
    pub fn received(&self) {
        self.0.received.inc();
    }

    /// Counts a message of this type that was pushed to a recipient, or could not be.
    pub fn pushed(&self, status: PushStatus) {
        self.0.pushed.count(status);
    }
}

/// One message being sent, made by [`MessageType::start_send`]. Dropped before
/// [`finish`](Self::finish), by `?` or because the sender went away, it counts as an error.
#[derive(Debug)]
#[must_use = "the message counts as failed when the guard is dropped"]
pub struct SendGuard {
    series: MessageType,
    start: Instant,
    outcome: Outcome,
}

impl SendGuard {
    /// Ends the message.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for SendGuard {
    fn drop(&mut self) {
        let TypeSeries { sent, duration, .. } = &*self.series.0;
        duration.observe_duration(self.start.elapsed());
        sent.count(self.outcome);
    }
}
