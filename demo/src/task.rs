//! Task: takes messages from the queue and pushes them to the gateways.

mod consume; // from the queue to the gateways
mod life; // dying and coming back

use std::net::SocketAddr;
use std::time::Duration;

use stonechat_metrics::{Counter, Messages, RegisterError, Registry};

use crate::queue::QUEUE_NAME;

pub(crate) use life::{Task, TaskConfig, TaskError};

/// A gateway that does not answer a push within this time is tried again.
const PUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Everything that task measures.
#[derive(Debug, Clone)]
pub(crate) struct TaskMetrics {
    messages: Messages,
    consumed: Counter,
    failed: Counter,
}

impl TaskMetrics {
    /// Not the whole family set of queues: that would show a lag here too, and it is logic that
    /// knows the lag while task is dead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let chat = registry.namespace("chat");
        let consumed = chat
            .counter(
                "queue_consumed_total",
                "Messages taken from the queue and worked on.",
            )
            .labels(["queue", "status"])
            .register()?;
        Ok(Self {
            messages: Messages::register(&chat)?,
            consumed: consumed.with([QUEUE_NAME, "ok"]),
            failed: consumed.with([QUEUE_NAME, "error"]),
        })
    }
}

/// The internal push endpoints of all gateways.
pub(crate) type Gateways = Vec<SocketAddr>;
