use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Outcome, Outcomes};
use crate::buckets;
use crate::error::RegisterError;
use crate::family::Family;
use crate::metric::{Counter, Histogram};
use crate::registry::Registry;

/// Chat messages on their way: `messages_sent_total{type,status}`,
/// `message_send_duration_seconds{type}`, `messages_pushed_total{status}` and
/// `message_delivery_duration_seconds`.
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
    sent: Family<Counter, 2>,
    send_duration: Family<Histogram, 1>,
    pushed_ok: Counter,
    pushed_error: Counter,
    pushed_offline: Counter,
    delivery_duration: Histogram,
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

impl Messages {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let sent = registry
            .counter("messages_sent_total", "Messages that users sent.")
            .labels(["type", "status"])
            .register()?;
        let send_duration = registry
            .histogram(
                "message_send_duration_seconds",
                "Time to accept a message from its sender.",
            )
            .unit("seconds")
            .buckets(buckets::SECONDS_FAST.iter().copied())
            .labels(["type"])
            .register()?;
        let pushed = registry
            .counter("messages_pushed_total", "Messages pushed to recipients.")
            .labels(["status"])
            .register()?;
        let delivery_duration = registry
            .histogram(
                "message_delivery_duration_seconds",
                "Time from accepting a message to writing it to the recipient's connection.",
            )
            .unit("seconds")
            .buckets(buckets::SECONDS.iter().copied().chain([30.0, 60.0]))
            .register()?;
        let with = |status: PushStatus| pushed.with([status.as_str()]);
        Ok(Self {
            sent,
            send_duration,
            pushed_ok: with(PushStatus::Ok),
            pushed_error: with(PushStatus::Error),
            pushed_offline: with(PushStatus::Offline),
            delivery_duration,
        })
    }

    /// The series of one type of message, `single` or `group` for example. Call it once for each
    /// type and keep the result.
    pub fn message_type(&self, message_type: &'static str) -> MessageType {
        MessageType(Arc::new(TypeSeries {
            sent: Outcomes::new(&self.sent, message_type),
            duration: self.send_duration.with([message_type]),
        }))
    }

    /// Counts a message that was pushed to a recipient, or could not be.
    pub fn pushed(&self, status: PushStatus) {
        match status {
            PushStatus::Ok => self.pushed_ok.inc(),
            PushStatus::Error => self.pushed_error.inc(),
            PushStatus::Offline => self.pushed_offline.inc(),
        }
    }

    /// Observes the way of one message, from being accepted to being written to its recipient.
    pub fn delivered_after(&self, duration: Duration) {
        self.delivery_duration.observe_duration(duration);
    }
}

/// The series of one type of message, made by [`Messages::message_type`]; using it takes no locks.
#[derive(Debug, Clone)]
pub struct MessageType(Arc<TypeSeries>);

#[derive(Debug)]
struct TypeSeries {
    sent: Outcomes,
    duration: Histogram,
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
        let TypeSeries { sent, duration } = &*self.series.0;
        duration.observe_duration(self.start.elapsed());
        sent.count(self.outcome);
    }
}
