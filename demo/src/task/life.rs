use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stonechat_metrics::{Admin, RegisterError, Registry};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::consume::Pusher;
use super::push::PushClient;
use super::{Gateways, TaskMetrics};
use crate::fault::{Fault, Faults};
use crate::listen::{ListenError, Listener};
use crate::queue::{Consumer, Queue, QueueError};
use crate::trace;

/// The pause between attempts at coming back to life.
const REVIVE_PAUSE: Duration = Duration::from_millis(500);

/// What task needs.
#[derive(Debug)]
pub(crate) struct TaskConfig {
    pub metrics_address: SocketAddr,
    /// The name of the consumer; the same after a death, so that it finds what it left undone.
    pub consumer: String,
    pub gateways: Gateways,
}

/// The task service could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Metrics(#[from] RegisterError),
}

/// The service, which can die and be born again.
pub(crate) struct Task {
    config: TaskConfig,
    queue: Queue,
    faults: Arc<Faults>,
    first: Option<Alive>,
}

/// What exists only while task is alive: its listener, its registry, its consumer.
struct Alive {
    listener: Listener,
    registry: Registry,
    consumer: Consumer,
    pusher: Pusher,
}

impl Task {
    /// Prepares the first life, so that a wrong address is an error at the start. If any free port
    /// was asked for, task keeps the one that it got through all its lives.
    pub async fn new(
        config: TaskConfig,
        queue: Queue,
        faults: Arc<Faults>,
    ) -> Result<Self, TaskError> {
        let mut task = Self {
            config,
            queue,
            faults,
            first: None,
        };
        let first = task.bear().await?;
        task.config.metrics_address = first.listener.address();
        task.first = Some(first);
        Ok(task)
    }

    /// Where the metrics are while task is alive.
    pub fn metrics_address(&self) -> SocketAddr {
        self.config.metrics_address
    }

    /// Lives, dies and comes back as [`Fault::DeadService`] says, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut alive = self.first.take();
        while !stop.is_cancelled() {
            match alive.take() {
                Some(life) => self.live(life, &stop).await,
                None => alive = stop.run_until_cancelled(self.revive()).await,
            }
        }
    }

    async fn live(&self, life: Alive, stop: &CancellationToken) {
        let Alive {
            listener,
            registry,
            mut consumer,
            pusher,
        } = life;
        let end = CancellationToken::new();
        let serving = listener.serve(Admin::new(registry).router(), end.clone());
        let working = async {
            tokio::select! {
                () = pusher.consume(&mut consumer) => {}
                // What the consumer has in hand stays unacknowledged, as in a crash.
                () = self.faults.until(Fault::DeadService, true) => drop(consumer),
                () = stop.cancelled() => {
                    if let Err(error) = consumer.leave().await {
                        tracing::debug!(%error, "the queue still knows this consumer");
                    }
                }
            }
            end.cancel();
        };
        tokio::join!(serving, working);
    }

    async fn revive(&self) -> Alive {
        loop {
            self.faults.until(Fault::DeadService, false).await;
            match self.bear().await {
                Ok(life) => return life,
                Err(error) => tracing::warn!(%error, "task cannot start again"),
            }
            sleep(REVIVE_PAUSE).await;
        }
    }

    /// A new life begins with a new registry: the counters of the old one died with it.
    async fn bear(&self) -> Result<Alive, TaskError> {
        let registry = trace::registry()?;
        let metrics = TaskMetrics::register(&registry)?;
        let consumer = self.queue.consumer(&self.config.consumer).await?;
        let listener = Listener::bind("task's metrics", self.config.metrics_address).await?;
        let gateways = self.config.gateways.iter().copied();
        let gateways = gateways.map(PushClient::new).collect();
        let pusher = Pusher {
            gateways,
            faults: Arc::clone(&self.faults),
            metrics,
        };
        Ok(Alive {
            listener,
            registry,
            consumer,
            pusher,
        })
    }
}
