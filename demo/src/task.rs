//! Task: takes messages from the queue and pushes them to the gateways.

mod consume; // from the queue to the gateways
mod life; // dying and coming back
mod push; // one gateway, over gRPC

use std::net::SocketAddr;

use stonechat_metrics::{
    MessageMetric, Messages, Named, Queue, QueueMetric, Queues, RegisterError, Registry,
};

use crate::queue::QUEUE_NAME;

pub(crate) use life::{Task, TaskConfig, TaskError};

/// Everything that task measures.
#[derive(Debug, Clone)]
pub(crate) struct TaskMetrics {
    messages: Messages,
    queue: Queue,
}

impl TaskMetrics {
    /// Without the lag of the queue: it is logic that knows it also while task is dead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let chat = registry.namespace("chat");
        let messages = [MessageMetric::Pushed, MessageMetric::Failures];
        let messages = messages.map(|metric| (metric, Named::standard()));
        let queues = [QueueMetric::Consumed, QueueMetric::ConsumeDuration];
        let queues = Queues::register_as(&chat, &queues.map(|metric| (metric, Named::standard())))?;
        Ok(Self {
            messages: Messages::register_as(&chat, &messages)?,
            queue: queues.queue(QUEUE_NAME),
        })
    }
}

/// The internal push endpoints of all gateways.
pub(crate) type Gateways = Vec<SocketAddr>;
