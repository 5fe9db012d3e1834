use super::{Outcome, Outcomes};
use crate::error::RegisterError;
use crate::family::Family;
use crate::metric::{Counter, Gauge};
use crate::registry::Registry;

/// Message queues: `queue_published_total{queue,status}`, `queue_consumed_total{queue,status}` and
/// `queue_lag{queue}`.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{Outcome, Queues};
///
/// let queue = Queues::register(&registry)?.queue("messages");
/// queue.published(Outcome::Ok);
/// queue.set_lag(1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Queues {
    published: Family<Counter, 2>,
    consumed: Family<Counter, 2>,
    lag: Family<Gauge, 1>,
}

impl Queues {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let published = registry
            .counter("queue_published_total", "Messages handed to the queue.")
            .labels(["queue", "status"])
            .register()?;
        let consumed = registry
            .counter(
                "queue_consumed_total",
                "Messages taken from the queue and worked on.",
            )
            .labels(["queue", "status"])
            .register()?;
        let lag = registry
            .gauge("queue_lag", "Messages that wait in the queue.")
            .labels(["queue"])
            .register()?;
        Ok(Self {
            published,
            consumed,
            lag,
        })
    }

    /// The series of one queue. Call it once for each queue and keep the result.
    pub fn queue(&self, name: &str) -> Queue {
        Queue {
            published: Outcomes::new(&self.published, name),
            consumed: Outcomes::new(&self.consumed, name),
            lag: self.lag.with([name]),
        }
    }
}

/// The series of one queue, made by [`Queues::queue`]; using it takes no locks.
#[derive(Debug, Clone)]
pub struct Queue {
    published: Outcomes,
    consumed: Outcomes,
    lag: Gauge,
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

    /// Sets how many messages wait.
    pub fn set_lag(&self, messages: u64) {
        self.lag.set(messages as f64);
    }
}
