use std::time::{Duration, Instant};

use super::named::{Chosen, Key, Named, Part, Template, standard};
use super::{Outcome, Outcomes};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::Registry;

/// Message queues: `queue_published_total{queue,status}`, `queue_consumed_total{queue,status}` and
/// `queue_lag{queue}`; the time of consuming, what a Redis stream has handed out and nobody has
/// acknowledged, and other names by [`register_as`](Self::register_as).
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{Outcome, Queues};
///
/// let queue = Queues::register(&registry)?.queue("messages");
/// queue.published(Outcome::Ok);
/// queue.set_lag(1);
/// let message = queue.start_consume();
/// // The work; an early return here counts as an error.
/// message.finish(Outcome::Ok);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Queues {
    published: Part<Counter>,
    consumed: Part<Counter>,
    consume_duration: Part<Histogram>,
    lag: Part<Gauge>,
    pending: Part<Gauge>,
}

/// The metrics of [`Queues`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueMetric {
    /// Counter of messages handed to the queue, by `queue` and `status`.
    Published,
    /// Counter of messages taken from the queue, by `queue` and `status`.
    Consumed,
    /// Histogram of the time to work on a message, by `queue`.
    ConsumeDuration,
    /// Gauge of messages that wait, by `queue`.
    Lag,
    /// Gauge of messages that were handed out and not acknowledged, by `queue`.
    Pending,
}

impl Key for QueueMetric {
    fn template(self) -> Template {
        match self {
            Self::Published => {
                Template::new("queue_published_total", "Messages handed to the queue.")
                    .labels(&["queue", "status"])
            }
            Self::Consumed => Template::new(
                "queue_consumed_total",
                "Messages taken from the queue and worked on.",
            )
            .labels(&["queue", "status"]),
            Self::ConsumeDuration => Template::new(
                "queue_consume_duration_seconds",
                "Time to work on a message from the queue.",
            )
            .labels(&["queue"])
            .seconds(buckets::SECONDS_FAST),
            Self::Lag => {
                Template::new("queue_lag", "Messages that wait in the queue.").labels(&["queue"])
            }
            Self::Pending => Template::new(
                "queue_pending_messages",
                "Messages that were handed to a consumer and not acknowledged.",
            )
            .labels(&["queue"]),
        }
    }
}

impl Queues {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use QueueMetric::{Consumed, Lag, Published};
        Self::register_as(registry, &standard([Published, Consumed, Lag]))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(QueueMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        Ok(Self {
            published: chosen.part(QueueMetric::Published)?,
            consumed: chosen.part(QueueMetric::Consumed)?,
            consume_duration: chosen.part(QueueMetric::ConsumeDuration)?,
            lag: chosen.part(QueueMetric::Lag)?,
            pending: chosen.part(QueueMetric::Pending)?,
        })
    }

    /// The series of one queue. Call it once for each queue and keep the result.
    pub fn queue(&self, name: &str) -> Queue {
        Queue {
            published: Outcomes::new(&self.published, &[name]),
            consumed: Outcomes::new(&self.consumed, &[name]),
            consume_duration: self.consume_duration.with(&[name]),
            lag: self.lag.with(&[name]),
            pending: self.pending.with(&[name]),
        }
    }
}

/// The series of one queue, made by [`Queues::queue`]; using it takes no locks.
#[derive(Debug, Clone)]
pub struct Queue {
    published: Outcomes,
    consumed: Outcomes,
    consume_duration: Histogram,
    lag: Gauge,
    pending: Gauge,
}

impl Queue {
    /// Counts a message that was handed to the queue, or could not be.
    pub fn published(&self, outcome: Outcome) {
        self.published.count(outcome);
    }

    /// Counts a message that was taken from the queue and worked on.
    pub fn consumed(&self, outcome: Outcome) {
        self.consumed.count(outcome);
    }

    /// Starts to work on a message, which is counted and timed when it ends.
    pub fn start_consume(&self) -> ConsumeGuard {
        ConsumeGuard {
            queue: self.clone(),
            start: Instant::now(),
            outcome: Outcome::Error,
        }
    }

    /// Observes the time of working on one message.
    pub fn consumed_within(&self, duration: Duration) {
        self.consume_duration.observe_duration(duration);
    }

    /// Sets how many messages wait.
    pub fn set_lag(&self, messages: u64) {
        self.lag.set(messages as f64);
    }

    /// Sets how many messages were handed out and not acknowledged: `XPENDING` of a Redis stream.
    pub fn set_pending(&self, messages: u64) {
        self.pending.set(messages as f64);
    }
}

/// One message being worked on, made by [`Queue::start_consume`]. Dropped before
/// [`finish`](Self::finish), it counts as an error.
#[derive(Debug)]
#[must_use = "the message counts as failed when the guard is dropped"]
pub struct ConsumeGuard {
    queue: Queue,
    start: Instant,
    outcome: Outcome,
}

impl ConsumeGuard {
    /// Ends the message.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for ConsumeGuard {
    fn drop(&mut self) {
        self.queue.consumed_within(self.start.elapsed());
        self.queue.consumed(self.outcome);
    }
}
