//! Task: takes messages from the queue and pushes them to the gateways.

mod consume; // from the queue to the gateways
mod life; // dying and coming back

use std::net::SocketAddr;
use std::time::Duration;

use stonechat_metrics::{
    HttpClient, Messages, Named, Queue, QueueMetric, Queues, RegisterError, Registry,
};

use crate::queue::QUEUE_NAME;

pub(crate) use life::{Task, TaskConfig, TaskError};

/// A gateway that does not answer a push within this time is tried again.
const PUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Everything that task measures.
#[derive(Debug, Clone)]
pub(crate) struct TaskMetrics {
    messages: Messages,
    queue: Queue,
    http_client: HttpClient,
}

impl TaskMetrics {
    /// Without the lag of the queue: it is logic that knows it also while task is dead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let chat = registry.namespace("chat");
        let queues = [QueueMetric::Consumed, QueueMetric::ConsumeDuration];
        let queues = Queues::register_as(&chat, &queues.map(|metric| (metric, Named::standard())))?;
        Ok(Self {
            messages: Messages::register(&chat)?,
            queue: queues.queue(QUEUE_NAME),
            http_client: HttpClient::register(&chat)?,
        })
    }
}

/// The internal push endpoints of all gateways.
pub(crate) type Gateways = Vec<SocketAddr>;
