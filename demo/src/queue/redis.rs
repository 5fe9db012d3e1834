//! The queue as a Redis stream with one consumer group.
//!
//! An acknowledged entry is deleted too, so the length of the stream is what nobody has finished:
//! entries received and not acknowledged, and entries not received yet.

mod pool; // connections that are lent out

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamInfoConsumersReply,
    StreamPendingReply, StreamReadOptions, StreamReadReply,
};
use redis::{AsyncCommands, Client, InfoDict, RedisError};
use stonechat_metrics::{ObservedConnection, Redis as RedisMetrics, RegisterError, Registry};

use pool::Pool;

use super::{Entry, EntryId, QueueError};
use crate::store::without_password;
use crate::wire::Delivery;

const GROUP: &str = "task";
const FIELD: &str = "delivery";
/// Messages that are published at the same time; more wait for each other.
const PUBLISHERS_MAX: usize = 4;
/// Waiting for an answer, beyond what the command itself waits.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one read waits for messages.
const READ_WAIT: Duration = Duration::from_secs(1);
/// An entry that its consumer has not acknowledged for so long is another one's: longer than any
/// batch takes, with all its attempts.
const CLAIM_AFTER: Duration = Duration::from_secs(30);
/// How often a consumer looks for such entries.
const CLAIM_EVERY: Duration = Duration::from_secs(10);

/// Adds an entry unless the stream is full, in one step, so that no two publishers exceed the limit.
const PUBLISH: &str = "if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end \
                       return redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[3])";

/// Every command is counted and timed.
type Connection = ObservedConnection<ConnectionManager>;

/// What is shown of Redis.
pub(super) fn register(registry: &Registry) -> Result<RedisMetrics, RegisterError> {
    RedisMetrics::register(&registry.namespace("chat"))
}

/// A stream in Redis, and the connections for publishing.
pub(crate) struct RedisQueue {
    client: Client,
    pool: Pool,
    metrics: RedisMetrics,
    stream: String,
    capacity: u32,
    claim_after: Duration,
}

impl RedisQueue {
    pub async fn open(
        url: &str,
        stream: &str,
        capacity: u32,
        metrics: RedisMetrics,
    ) -> Result<Self, QueueError> {
        let failed = |source| QueueError::Open {
            what: without_password(url),
            source,
        };
        let client = Client::open(url).map_err(failed)?;
        let pool = Pool::open(&client, PUBLISHERS_MAX, metrics.clone());
        let queue = Self {
            pool: pool.await.map_err(failed)?,
            client,
            metrics,
            stream: stream.to_owned(),
            capacity,
            claim_after: CLAIM_AFTER,
        };
        queue.create_group().await?;
        Ok(queue)
    }

    async fn create_group(&self) -> Result<(), RedisError> {
        let mut connection = self.pool.take().await;
        let created: Result<(), RedisError> = connection
            .xgroup_create_mkstream(&self.stream, GROUP, "0")
            .await;
        match created {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            result => result,
        }
    }

    pub async fn publish(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let text = serde_json::to_string(delivery)?;
        let mut connection = self.pool.take().await;
        let id: Option<String> = redis::cmd("EVAL")
            .arg(PUBLISH)
            .arg(1)
            .arg(&self.stream)
            .arg(self.capacity)
            .arg(FIELD)
            .arg(text)
            .query_async(&mut *connection)
            .await?;
        id.map(drop).ok_or(QueueError::Full {
            capacity: self.capacity,
        })
    }

    pub async fn lag(&self) -> Result<u64, QueueError> {
        Ok(self.pool.take().await.xlen(&self.stream).await?)
    }

    pub async fn pending(&self) -> Result<u64, QueueError> {
        let mut connection = self.pool.take().await;
        let reply: StreamPendingReply = connection.xpending(&self.stream, GROUP).await?;
        Ok(reply.count() as u64)
    }

    /// Refreshes the memory that Redis uses.
    pub async fn measure(&self) -> Result<(), QueueError> {
        let info: InfoDict = redis::cmd("INFO")
            .arg("memory")
            .query_async(&mut *self.pool.take().await)
            .await?;
        if let Some(bytes) = info.get("used_memory") {
            self.metrics.set_memory(bytes);
        }
        Ok(())
    }

    pub async fn consumer(self: &Arc<Self>, name: &str) -> Result<RedisConsumer, QueueError> {
        // A connection of its own, because a read that waits holds up what comes after it.
        let connection = connect(&self.client, READ_WAIT + RESPONSE_TIMEOUT).await?;
        Ok(RedisConsumer {
            queue: Arc::clone(self),
            connection: self.metrics.observed(connection),
            name: name.to_owned(),
            left_over_after: Some("0".to_owned()),
            claim_at: Instant::now(),
        })
    }
}

impl std::fmt::Debug for RedisQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisQueue")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

async fn connect(
    client: &Client,
    response_timeout: Duration,
) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_min_delay(Duration::from_millis(100))
        .set_max_delay(Duration::from_secs(1))
        .set_number_of_retries(2)
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_response_timeout(Some(response_timeout));
    ConnectionManager::new_with_config(client.clone(), config).await
}

/// A consumer of the group.
pub(crate) struct RedisConsumer {
    queue: Arc<RedisQueue>,
    connection: Connection,
    name: String,
    /// While set: entries that an earlier consumer of this name left over, after this one.
    left_over_after: Option<String>,
    claim_at: Instant,
}

impl RedisConsumer {
    pub async fn receive(&mut self, count: usize) -> Result<Vec<Entry>, QueueError> {
        match self.receive_some(count).await {
            // Somebody deleted the stream: begin again with an empty one.
            Err(error) if error.code() == Some("NOGROUP") => {
                self.queue.create_group().await?;
                Ok(Vec::new())
            }
            result => Ok(result?),
        }
    }

    async fn receive_some(&mut self, count: usize) -> Result<Vec<Entry>, RedisError> {
        if let Some(after) = self.left_over_after.take() {
            let entries = self
                .read(&after, StreamReadOptions::default().count(count))
                .await?;
            if let Some(last) = entries.last() {
                self.left_over_after = Some(last.id.clone());
                return Ok(entries.into_iter().map(entry).collect());
            }
        }
        if self.claim_at <= Instant::now() {
            let claimed = self.claim(count).await?;
            if !claimed.is_empty() {
                return Ok(claimed.into_iter().map(entry).collect());
            }
            self.forget_the_dead().await?;
            self.claim_at = Instant::now() + CLAIM_EVERY;
        }
        let wait = usize::try_from(READ_WAIT.as_millis()).unwrap_or(usize::MAX);
        let fresh = self
            .read(">", StreamReadOptions::default().count(count).block(wait))
            .await?;
        Ok(fresh.into_iter().map(entry).collect())
    }

    async fn read(
        &mut self,
        after: &str,
        options: StreamReadOptions,
    ) -> Result<Vec<StreamId>, RedisError> {
        let options = options.group(GROUP, &self.name);
        let reply: Option<StreamReadReply> = self
            .connection
            .xread_options(&[&self.queue.stream], &[after], &options)
            .await?;
        let streams = reply.map(|reply| reply.keys).unwrap_or_default();
        Ok(streams.into_iter().flat_map(|stream| stream.ids).collect())
    }

    /// Takes over what a crashed consumer has received and not finished.
    async fn claim(&mut self, count: usize) -> Result<Vec<StreamId>, RedisError> {
        let idle = usize::try_from(self.queue.claim_after.as_millis()).unwrap_or(usize::MAX);
        let reply: StreamAutoClaimReply = self
            .connection
            .xautoclaim_options(
                &self.queue.stream,
                GROUP,
                &self.name,
                idle,
                "0-0",
                StreamAutoClaimOptions::default().count(count),
            )
            .await?;
        Ok(reply.claimed)
    }

    /// Removes consumers that are long silent and have nothing left to be claimed: each crash of a
    /// task leaves one. A living consumer reads every second, so it is never silent for long.
    async fn forget_the_dead(&mut self) -> Result<(), RedisError> {
        let silence = self.queue.claim_after * 10;
        let group: StreamInfoConsumersReply = self
            .connection
            .xinfo_consumers(&self.queue.stream, GROUP)
            .await?;
        for consumer in group.consumers {
            let silent = consumer.idle as u128 >= silence.as_millis();
            if silent && consumer.pending == 0 && consumer.name != self.name {
                let () = self
                    .connection
                    .xgroup_delconsumer(&self.queue.stream, GROUP, &consumer.name)
                    .await?;
            }
        }
        Ok(())
    }

    pub async fn acknowledge(&mut self, entries: &[EntryId]) -> Result<(), QueueError> {
        let ids: Vec<&str> = entries
            .iter()
            .filter_map(|entry| match entry {
                EntryId::Redis(id) => Some(id.as_str()),
                EntryId::Memory(_) => None,
            })
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let stream = &self.queue.stream;
        let () = redis::pipe()
            .atomic()
            .xack(stream, GROUP, &ids)
            .ignore()
            .xdel(stream, &ids)
            .ignore()
            .query_async(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn leave(mut self) -> Result<(), QueueError> {
        // Deleting a consumer drops the entries it has pending, so only a clean one is deleted.
        let options = StreamReadOptions::default().count(1);
        if self.read("0", options).await?.is_empty() {
            let () = self
                .connection
                .xgroup_delconsumer(&self.queue.stream, GROUP, &self.name)
                .await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for RedisConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisConsumer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn entry(found: StreamId) -> Entry {
    let text: Option<String> = found.get(FIELD);
    let delivery = text.and_then(|text| serde_json::from_str::<Delivery>(&text).ok());
    Entry {
        id: EntryId::Redis(found.id),
        delivery: delivery.map(Arc::new),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_contract, publish, receive};
    use super::super::{Consumer, Queue};
    use super::*;

    /// A queue of this test alone, or a reason on standard error for skipping.
    async fn queue(test: &str, capacity: u32, claim_after: Duration) -> Option<Arc<RedisQueue>> {
        let Ok(url) = std::env::var("STONECHAT_TEST_REDIS_URL") else {
            eprintln!("skipped: STONECHAT_TEST_REDIS_URL is not set");
            return None;
        };
        let stream = format!("stonechat-test:{}:{test}", std::process::id());
        let metrics = register(&Registry::bare()).unwrap();
        let mut queue = RedisQueue::open(&url, &stream, capacity, metrics)
            .await
            .unwrap();
        queue.claim_after = claim_after;
        Some(Arc::new(queue))
    }

    async fn clean_up(queue: &RedisQueue) {
        let () = queue.pool.take().await.del(&queue.stream).await.unwrap();
    }

    async fn consumers(queue: &RedisQueue) -> Vec<String> {
        let mut connection = queue.pool.take().await;
        let group: StreamInfoConsumersReply = connection
            .xinfo_consumers(&queue.stream, GROUP)
            .await
            .unwrap();
        group
            .consumers
            .into_iter()
            .map(|consumer| consumer.name)
            .collect()
    }

    #[tokio::test]
    async fn the_stream_keeps_the_contract() {
        let Some(queue) = queue("contract", 5, CLAIM_AFTER).await else {
            return;
        };
        check_contract(&Queue::Redis(Arc::clone(&queue)), 5).await;
        clean_up(&queue).await;
    }

    #[tokio::test]
    async fn what_a_crashed_consumer_left_is_claimed_by_another() {
        let Some(redis) = queue("claim", 5, Duration::ZERO).await else {
            return;
        };
        let queue = Queue::Redis(Arc::clone(&redis));
        publish(&queue, 1..=3).await;
        let mut crashed = queue.consumer("crashed").await.unwrap();
        receive(&mut crashed, 2).await;
        drop(crashed);

        let mut other = queue.consumer("other").await.unwrap();
        let (keys, entries) = receive(&mut other, 2).await;
        assert_eq!(keys, [1, 2]);
        other.acknowledge(&entries).await.unwrap();
        let (keys, entries) = receive(&mut other, 1).await;
        assert_eq!(keys, [3]);
        other.acknowledge(&entries).await.unwrap();
        assert_eq!(queue.lag().await.unwrap(), 0);
        assert_eq!(
            consumers(&redis).await,
            ["other"],
            "the crashed one is forgotten"
        );
        other.leave().await.unwrap();
        assert_eq!(
            consumers(&redis).await,
            [""; 0],
            "and so is one that leaves"
        );
        clean_up(&redis).await;
    }

    #[tokio::test]
    async fn a_foreign_entry_and_a_deleted_stream_do_not_stop_the_consumer() {
        let Some(redis) = queue("foreign", 5, CLAIM_AFTER).await else {
            return;
        };
        let queue = Queue::Redis(Arc::clone(&redis));
        let mut connection = redis.pool.take().await;
        let _: String = connection
            .xadd(&redis.stream, "*", &[("what", "ever")])
            .await
            .unwrap();
        let mut consumer = queue.consumer("only").await.unwrap();
        let entries = consumer.receive(1).await.unwrap();
        assert_eq!(entries[0].delivery, None);

        clean_up(&redis).await;
        assert_eq!(consumer.receive(1).await.unwrap().len(), 0);
        publish(&queue, [1]).await;
        assert_eq!(receive(&mut consumer, 1).await.0, [1]);
        drop::<Consumer>(consumer);
        clean_up(&redis).await;
    }
}
