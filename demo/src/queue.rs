//! The queue between logic and task: bounded, at least once, in this process or in Redis.
//!
//! An entry that was received counts as waiting until it is acknowledged; when its consumer goes
//! away before that, another one receives it again.

mod memory; // inside the process
mod redis; // a Redis stream

use std::sync::Arc;

use stonechat_metrics::{RegisterError, Registry};

use crate::wire::Delivery;

use self::memory::{MemoryConsumer, MemoryQueue};
use self::redis::{RedisConsumer, RedisQueue};

/// The name of the queue in metrics.
pub(crate) const QUEUE_NAME: &str = "push";

/// Which queue carries the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueConfig {
    /// Inside the process; what is in it is lost with the process (the history has it still).
    Memory,
    /// A Redis stream.
    Redis {
        /// Such as `redis://127.0.0.1:6379`.
        url: String,
        /// The key of the stream.
        stream: String,
    },
}

/// The queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue holds as many messages as it may: nobody consumes, or not fast enough.
    #[error("the queue is full with {capacity} messages")]
    Full {
        /// The limit that was reached.
        capacity: u32,
    },
    /// There is no Redis at the start: check the URL and that Redis runs.
    #[error("cannot open the queue at {what}")]
    Open {
        /// The URL without its password.
        what: String,
        /// What the driver said.
        source: ::redis::RedisError,
    },
    /// Redis cannot be reached any more, or refused.
    #[error("the queue in redis failed")]
    Redis(#[from] ::redis::RedisError),
    /// Two metrics contradict each other: a mistake in this program.
    #[error(transparent)]
    Metrics(#[from] RegisterError),
    /// The delivery cannot be written as JSON.
    #[error("a message cannot be put into the queue")]
    Encode(#[from] serde_json::Error),
}

/// Names an entry until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryId {
    Memory(u64),
    Redis(String),
}

/// One message taken from the queue.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub id: EntryId,
    /// Missing if somebody wrote into the queue what is no delivery.
    pub delivery: Option<Arc<Delivery>>,
}

/// The queue; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) enum Queue {
    Memory(Arc<MemoryQueue>),
    Redis(Arc<RedisQueue>),
}

impl Queue {
    /// Opens a queue that refuses more than `capacity` messages; what it asks of Redis is shown by
    /// this registry, also for the consumers.
    pub async fn open(
        config: &QueueConfig,
        capacity: u32,
        registry: &Registry,
    ) -> Result<Self, QueueError> {
        Ok(match config {
            QueueConfig::Memory => Self::Memory(Arc::new(MemoryQueue::new(capacity))),
            QueueConfig::Redis { url, stream } => {
                let metrics = redis::register(registry)?;
                let queue = RedisQueue::open(url, stream, capacity, metrics).await?;
                Self::Redis(Arc::new(queue))
            }
        })
    }

    /// Puts a message at the end.
    pub async fn publish(&self, delivery: Delivery) -> Result<(), QueueError> {
        match self {
            Self::Memory(queue) => queue.publish(delivery),
            Self::Redis(queue) => queue.publish(&delivery).await,
        }
    }

    /// Messages that are not acknowledged yet, received or not.
    pub async fn lag(&self) -> Result<u64, QueueError> {
        match self {
            Self::Memory(queue) => Ok(queue.lag()),
            Self::Redis(queue) => queue.lag().await,
        }
    }

    /// Messages that were received and are not acknowledged yet.
    pub async fn pending(&self) -> Result<u64, QueueError> {
        match self {
            Self::Memory(queue) => Ok(queue.pending()),
            Self::Redis(queue) => queue.pending().await,
        }
    }

    /// Refreshes what is shown of the server behind the queue, if there is one.
    pub async fn measure(&self) -> Result<(), QueueError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(queue) => queue.measure().await,
        }
    }

    /// A consumer; one that had this name before leaves its unacknowledged entries to this one.
    pub async fn consumer(&self, name: &str) -> Result<Consumer, QueueError> {
        Ok(match self {
            Self::Memory(queue) => Consumer::Memory(MemoryConsumer::new(Arc::clone(queue))),
            Self::Redis(queue) => Consumer::Redis(queue.consumer(name).await?),
        })
    }
}

/// Takes messages from the queue.
#[derive(Debug)]
pub(crate) enum Consumer {
    Memory(MemoryConsumer),
    Redis(RedisConsumer),
}

impl Consumer {
    /// Waits for messages and takes up to `count`, oldest first; Redis may return none in between.
    pub async fn receive(&mut self, count: usize) -> Result<Vec<Entry>, QueueError> {
        match self {
            Self::Memory(consumer) => Ok(consumer.receive(count).await),
            Self::Redis(consumer) => consumer.receive(count).await,
        }
    }

    /// These entries are done, and are not received again.
    pub async fn acknowledge(&mut self, entries: &[EntryId]) -> Result<(), QueueError> {
        match self {
            Self::Memory(consumer) => {
                consumer.acknowledge(entries);
                Ok(())
            }
            Self::Redis(consumer) => consumer.acknowledge(entries).await,
        }
    }

    /// Leaves for good: the queue forgets this consumer if nothing of it is left over.
    pub async fn leave(self) -> Result<(), QueueError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(consumer) => consumer.leave().await,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::wire::{MessageId, SessionId, UnixMillis, UserId};

    pub(crate) fn delivery(key: i64) -> Delivery {
        Delivery {
            message_id: MessageId(key),
            session_id: SessionId::group(1),
            sender: "ann".to_owned(),
            body: "hello".to_owned(),
            sent_at_ms: UnixMillis(0),
            recipients: vec![UserId(2)],
        }
    }

    /// Publishes messages with these keys.
    pub(crate) async fn publish(queue: &Queue, keys: impl IntoIterator<Item = i64>) {
        for key in keys {
            queue.publish(delivery(key)).await.unwrap();
        }
    }

    /// Receives exactly so many messages; gives their keys and the entries to acknowledge.
    pub(crate) async fn receive(consumer: &mut Consumer, count: usize) -> (Vec<i64>, Vec<EntryId>) {
        let mut entries = Vec::new();
        while entries.len() < count {
            entries.extend(consumer.receive(count - entries.len()).await.unwrap());
        }
        let key = |entry: &Entry| entry.delivery.as_ref().map_or(-1, |it| it.message_id.0);
        (
            entries.iter().map(key).collect(),
            entries.into_iter().map(|entry| entry.id).collect(),
        )
    }

    /// What both queues must do.
    pub(crate) async fn check_contract(queue: &Queue, capacity: u32) {
        publish(queue, 1..=3).await;
        assert_eq!(queue.lag().await.unwrap(), 3, "published");

        let mut first = queue.consumer("first").await.unwrap();
        let (keys, entries) = receive(&mut first, 2).await;
        assert_eq!(keys, [1, 2], "oldest first");
        assert_eq!(queue.lag().await.unwrap(), 3, "received is not done");
        assert_eq!(queue.pending().await.unwrap(), 2);
        first.acknowledge(&entries[..1]).await.unwrap();
        assert_eq!(queue.lag().await.unwrap(), 2, "acknowledged");
        drop(first);

        let mut again = queue.consumer("first").await.unwrap();
        let (keys, entries) = receive(&mut again, 2).await;
        assert_eq!(keys, [2, 3], "what was not acknowledged comes first");
        again.acknowledge(&entries).await.unwrap();
        assert_eq!(queue.lag().await.unwrap(), 0, "all done");

        publish(queue, 1..=i64::from(capacity)).await;
        let full = queue.publish(delivery(0)).await.unwrap_err();
        assert!(matches!(full, QueueError::Full { capacity: limit } if limit == capacity));
        let (_, entries) = receive(&mut again, 1).await;
        assert!(
            queue.publish(delivery(0)).await.is_err(),
            "received still takes its place"
        );
        again.acknowledge(&entries).await.unwrap();
        publish(queue, [0]).await;
        again.leave().await.unwrap();
    }
}
