//! Logic: accounts, sessions, messages. Called by the gateway, over HTTP.

mod account; // registering, logging in, tokens
mod api; // the routes
mod chat; // sessions, sending, history
mod password; // hashing

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use stonechat_metrics::{
    Database, DatabaseMetric, HttpServer, MessageMetric, MessageType, Messages, MetricsRecorder,
    Named, Outcome, QueueMetric, Queues, RegisterError, Registry,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::fault::Faults;
use crate::queue::{QUEUE_NAME, Queue, QueueError};
use crate::store::Store;
use crate::wire::{Delivery, Kind};

pub(crate) use api::router;

/// Hashing takes a whole core for milliseconds, so few run at once and the rest wait.
const HASHES_AT_ONCE: usize = 2;
const LAG_EVERY: Duration = Duration::from_secs(1);
const TRIM_EVERY: Duration = Duration::from_secs(30);

/// Everything that logic measures.
#[derive(Debug, Clone)]
pub(crate) struct LogicMetrics {
    pub http: HttpServer,
    pub database: Database,
    single: MessageType,
    group: MessageType,
    queue: stonechat_metrics::Queue,
    /// Takes what libraries measure. Not the global one of the process, as a program would have it,
    /// because a process can have several chats.
    libraries: Arc<MetricsRecorder>,
}

impl LogicMetrics {
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let chat = registry.namespace("chat");
        let messages = [
            MessageMetric::Sent,
            MessageMetric::SendDuration,
            MessageMetric::Received,
        ];
        let messages =
            Messages::register_as(&chat, &messages.map(|metric| (metric, Named::standard())))?;
        let queues = [
            QueueMetric::Published,
            QueueMetric::Lag,
            QueueMetric::Pending,
        ];
        let queues = Queues::register_as(&chat, &queues.map(|metric| (metric, Named::standard())))?;
        Ok(Self {
            http: HttpServer::register(&chat)?,
            database: Database::register_as(
                &chat,
                &[
                    (DatabaseMetric::Queries, Named::standard()),
                    (DatabaseMetric::Duration, Named::standard().native(80)),
                    (DatabaseMetric::Pool, Named::standard()),
                ],
            )?,
            single: messages.message_type(Kind::Single.as_str()),
            group: messages.message_type(Kind::Group.as_str()),
            queue: queues.queue(QUEUE_NAME),
            libraries: Arc::new(MetricsRecorder::new(registry)?),
        })
    }

    fn messages(&self, kind: Kind) -> &MessageType {
        match kind {
            Kind::Single => &self.single,
            Kind::Group => &self.group,
        }
    }
}

/// The service.
#[derive(Debug)]
pub(crate) struct Logic {
    store: Store,
    queue: Queue,
    faults: Arc<Faults>,
    metrics: LogicMetrics,
    hashing: Semaphore,
    /// Counts sends, to make the failing ones an exact share.
    sends: AtomicU32,
    reaches_queue: AtomicBool,
}

impl Logic {
    pub fn new(store: Store, queue: Queue, faults: Arc<Faults>, metrics: LogicMetrics) -> Self {
        Self {
            store,
            queue,
            faults,
            metrics,
            hashing: Semaphore::new(HASHES_AT_ONCE),
            sends: AtomicU32::new(0),
            reaches_queue: AtomicBool::new(true),
        }
    }

    /// Shows how many messages wait in the queue. Logic does it, as the side that publishes,
    /// because task may be the one that is gone.
    pub async fn watch_lag(&self, stop: &CancellationToken) {
        let watching = async {
            let mut ticks = tokio::time::interval(LAG_EVERY);
            loop {
                ticks.tick().await;
                let lag = self.queue.lag().await;
                match self.queue.pending().await {
                    Ok(pending) => self.metrics.queue.set_pending(pending),
                    Err(error) => tracing::debug!(%error, "no answer about consumers"),
                }
                if let Err(error) = self.queue.measure().await {
                    tracing::debug!(%error, "no answer about memory");
                }
                self.reaches_queue.store(lag.is_ok(), Ordering::Relaxed);
                match lag {
                    Ok(lag) => self.metrics.queue.set_lag(lag),
                    Err(error) => tracing::warn!(%error, "no answer about the queue"),
                }
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    /// Whether the queue answered when it was last asked. Without it no message can be sent.
    pub fn reaches_queue(&self) -> bool {
        self.reaches_queue.load(Ordering::Relaxed)
    }

    /// Keeps the newest `kept` messages in the database, roughly.
    pub async fn trim_history(&self, kept: u32, stop: &CancellationToken) {
        let trimming = async {
            let mut ticks = tokio::time::interval(TRIM_EVERY);
            loop {
                ticks.tick().await;
                match self.store.trim_messages(kept).await {
                    Ok(0) => {}
                    Ok(count) => tracing::debug!(count, "old messages deleted"),
                    Err(error) => tracing::warn!(%error, "old messages not deleted"),
                }
            }
        };
        stop.run_until_cancelled(trimming).await;
    }

    /// Publishes into the queue and counts it.
    async fn publish(&self, delivery: Delivery) -> Result<(), QueueError> {
        let published = self.queue.publish(delivery).await;
        self.metrics.queue.published(Outcome::from(&published));
        published
    }

    /// Waits until the queue is empty, as long as the caller lets it.
    pub async fn drained(&self) {
        while self.queue.lag().await.is_ok_and(|lag| lag > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
