//! The chat as a whole: its services wired together in one process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stonechat_metrics::{Admin, RegisterError, Registry, SchedulerDelay};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::args::ChatArgs;
use crate::call::Caller;
use crate::control;
use crate::ending::Endings;
use crate::fault::{Fault, Faults, leak_while_on};
use crate::gateway::{self, Gateway, GatewayMetrics};
use crate::listen::{ListenError, Listener, UdpListener};
use crate::logic::{self, Logic, LogicMetrics};
use crate::media::{self, Media, MediaConfig, MediaMetrics};
use crate::queries::Queries;
use crate::queue::{Queue, QueueConfig, QueueError};
use crate::store::{Store, StoreConfig, StoreError, without_password};
use crate::task::{Task, TaskConfig, TaskError};
use crate::trace;
use crate::wire::UnixMillis;

/// A call of the gateway to logic is given up after this time.
const LOGIC_TIMEOUT: Duration = Duration::from_secs(5);
/// How long messages under way may take to reach their recipients when the chat stops.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// How long all services together may take to end after that.
const END_MAX: Duration = Duration::from_secs(8);

/// Where the services listen. Port 0 takes any free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The gateway's HTTP API and WebSockets, for users.
    pub gateway: SocketAddr,
    /// The logic service, for the gateway.
    pub logic: SocketAddr,
    /// The gateway's push endpoint, for the task service.
    pub push: SocketAddr,
    /// Switches faults.
    pub control: SocketAddr,
    /// `/metrics` of the gateway.
    pub gateway_metrics: SocketAddr,
    /// `/metrics` of logic.
    pub logic_metrics: SocketAddr,
    /// `/metrics` of task.
    pub task_metrics: SocketAddr,
    /// The offers of callers to media.
    pub media: SocketAddr,
    /// Picture and sound of calls, over UDP.
    pub media_udp: SocketAddr,
    /// `/metrics` of media.
    pub media_metrics: SocketAddr,
}

impl Addresses {
    /// Any free port of the loopback interface for each listener, as tests need it.
    pub fn any_free() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            gateway: any,
            logic: any,
            push: any,
            control: any,
            gateway_metrics: any,
            logic_metrics: any,
            task_metrics: any,
            media: any,
            media_udp: any,
            media_metrics: any,
        }
    }
}

/// What a chat needs to run.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// Where the services listen.
    pub addresses: Addresses,
    /// The database; `None` is SQLite in a folder that is deleted in the end.
    pub store: Option<StoreConfig>,
    /// The queue between logic and task.
    pub queue: QueueConfig,
    /// Most messages that wait in the queue; more are refused with status 503.
    pub queue_capacity: u32,
    /// Roughly how many messages the history keeps; older ones are deleted.
    pub history_messages_max: u32,
    /// How long media waits for its callers.
    pub media: MediaConfig,
    /// Faults that are on from the start.
    pub faults: Vec<Fault>,
    /// What sqlx tells of its queries, if the program listens.
    pub queries: Option<Queries>,
}

impl ChatConfig {
    /// A chat that needs nothing but this process.
    pub fn embedded(addresses: Addresses) -> Self {
        Self {
            addresses,
            store: None,
            queue: QueueConfig::Memory,
            queue_capacity: 5_000,
            history_messages_max: 500_000,
            media: MediaConfig::default(),
            faults: Vec::new(),
            queries: None,
        }
    }

    /// The database as it may be logged.
    fn database_name(&self) -> String {
        match &self.store {
            None => "SQLite in a temporary folder".to_owned(),
            Some(StoreConfig::Folder(folder)) => format!("SQLite in {}", folder.display()),
            Some(StoreConfig::MySql(url)) => without_password(url),
        }
    }

    /// The queue as it may be logged.
    fn queue_name(&self) -> String {
        match &self.queue {
            QueueConfig::Memory => "in this process".to_owned(),
            QueueConfig::Redis { url, stream } => {
                format!("{stream} at {}", without_password(url))
            }
        }
    }
}

/// The chat could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// An address is taken or not of this machine: stop what holds it, or choose another one.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue could not be opened.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Two metrics contradict each other: a mistake in this program.
    #[error(transparent)]
    Metrics(#[from] RegisterError),
    /// No temporary folder could be created: give one with `--data`.
    #[error("no temporary folder for the database")]
    TemporaryFolder(#[source] std::io::Error),
    /// The system refused signal handlers.
    #[error("signals cannot be handled")]
    Signals(#[source] std::io::Error),
}

impl From<TaskError> for ChatError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Listen(error) => Self::Listen(error),
            TaskError::Queue(error) => Self::Queue(error),
            TaskError::Metrics(error) => Self::Metrics(error),
        }
    }
}

/// A running chat. Dropping it stops the services at once; [`Chat::stop`] does it in order.
#[derive(Debug)]
pub struct Chat {
    addresses: Addresses,
    faults: Arc<Faults>,
    gateway: Arc<Gateway>,
    logic: Arc<Logic>,
    media: Arc<Media>,
    services: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
    _scheduler_delay: SchedulerDelay,
    _temporary_folder: Option<TempDir>,
}

/// Starts all services on the current runtime.
///
/// # Errors
///
/// When an address is taken, or the database or the queue cannot be opened; nothing runs then.
pub async fn run(config: ChatConfig) -> Result<Chat, ChatError> {
    let listeners = Listeners::bind(&config.addresses).await?;
    let (store_config, temporary_folder) = store_config(config.store)?;
    let faults = Arc::new(Faults::new(config.faults.into_iter().collect()));
    let registries = Registries {
        gateway: trace::registry()?,
        logic: trace::registry()?,
        media: trace::registry()?,
    };
    let stop = CancellationToken::new();

    let metrics = LogicMetrics::register(&registries.logic)?;
    if let Some(queries) = config.queries {
        queries.shown_by(&registries.logic)?;
    }
    let store = Store::open(&store_config, metrics.database.clone(), Arc::clone(&faults)).await?;
    store.watch_pool(&registries.logic);
    let queue = Queue::open(&config.queue, config.queue_capacity, &registries.logic).await?;
    let logic = Arc::new(Logic::new(
        store,
        queue.clone(),
        Arc::clone(&faults),
        metrics,
    ));
    let metrics = GatewayMetrics::register(&registries.gateway)?;
    let to_logic = Caller::new("logic", listeners.logic.address(), LOGIC_TIMEOUT)
        .measured(&metrics.http_client, "logic");
    let gateway = Arc::new(Gateway::new(to_logic, metrics, &stop));
    let task = TaskConfig {
        metrics_address: config.addresses.task_metrics,
        consumer: format!("task-{}-{}", std::process::id(), UnixMillis::now().0),
        gateways: vec![listeners.push.address()],
    };
    let task = Task::new(task, queue, Arc::clone(&faults)).await?;

    let metrics = MediaMetrics::register(&registries.media)?;
    let udp = UdpListener::bind("calls", config.addresses.media_udp).await?;
    let media_udp = udp.address;
    let (media, exchange) = Media::new(udp, config.media, metrics);

    let chat = Chat {
        addresses: Addresses {
            task_metrics: task.metrics_address(),
            media_udp,
            ..listeners.addresses()
        },
        faults,
        gateway,
        logic,
        media: Arc::new(media),
        services: TaskTracker::new(),
        _stop_on_drop: stop.clone().drop_guard(),
        // All services share one runtime, so one of them shows it.
        _scheduler_delay: SchedulerDelay::start(&registries.gateway)?,
        stop,
        _temporary_folder: temporary_folder,
    };
    chat.spawn(task.run(chat.stop.clone()));
    chat.spawn(exchange.run(chat.stop.clone()));
    chat.serve(listeners, registries);
    chat.keep_house(config.history_messages_max);
    Ok(chat)
}

fn store_config(store: Option<StoreConfig>) -> Result<(StoreConfig, Option<TempDir>), ChatError> {
    if let Some(store) = store {
        return Ok((store, None));
    }
    let folder = tempfile::Builder::new().prefix("stonechat-demo-").tempdir();
    let folder = folder.map_err(ChatError::TemporaryFolder)?;
    Ok((StoreConfig::Folder(folder.path().to_owned()), Some(folder)))
}

struct Registries {
    gateway: Registry,
    logic: Registry,
    media: Registry,
}

/// All listeners but task's, which opens and closes with its lives, and the socket of calls.
struct Listeners {
    gateway: Listener,
    logic: Listener,
    push: Listener,
    control: Listener,
    gateway_metrics: Listener,
    logic_metrics: Listener,
    media: Listener,
    media_metrics: Listener,
}

impl Listeners {
    async fn bind(wanted: &Addresses) -> Result<Self, ListenError> {
        Ok(Self {
            gateway: Listener::bind("the gateway", wanted.gateway).await?,
            logic: Listener::bind("logic", wanted.logic).await?,
            push: Listener::bind("pushes to the gateway", wanted.push)
                .await?
                .for_grpc(),
            control: Listener::bind("the control of faults", wanted.control).await?,
            gateway_metrics: Listener::bind("the gateway's metrics", wanted.gateway_metrics)
                .await?,
            logic_metrics: Listener::bind("logic's metrics", wanted.logic_metrics).await?,
            media: Listener::bind("media", wanted.media).await?,
            media_metrics: Listener::bind("media's metrics", wanted.media_metrics).await?,
        })
    }

    /// Those of the listeners here; the others are still any.
    fn addresses(&self) -> Addresses {
        Addresses {
            gateway: self.gateway.address(),
            logic: self.logic.address(),
            push: self.push.address(),
            control: self.control.address(),
            gateway_metrics: self.gateway_metrics.address(),
            logic_metrics: self.logic_metrics.address(),
            media: self.media.address(),
            media_metrics: self.media_metrics.address(),
            ..Addresses::any_free()
        }
    }
}

impl Chat {
    /// Where the services really listen.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The switches of the faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops in order: takes nothing more from users, lets messages under way arrive, closes the
    /// WebSockets with a close frame, ends the services. Takes at most some 12 seconds.
    pub async fn stop(self) {
        self.gateway.end_intake();
        let consumed = ![Fault::DeadService, Fault::Backlog]
            .map(|it| self.faults.is_on(it))
            .contains(&true);
        if consumed && timeout(DRAIN_MAX, self.logic.drained()).await.is_err() {
            tracing::warn!("messages are left in the queue");
        }
        self.gateway.close().await;
        self.stop.cancel();
        self.services.close();
        if timeout(END_MAX, self.services.wait()).await.is_err() {
            tracing::warn!("services cut off after {END_MAX:?}");
        }
        self.logic.close().await;
    }

    fn spawn(&self, service: impl Future<Output = ()> + Send + 'static) {
        self.services.spawn(service);
    }

    fn serve(&self, listeners: Listeners, registries: Registries) {
        let serve = |listener: Listener, router| {
            self.spawn(listener.serve(router, self.stop.clone()));
        };
        serve(listeners.logic, logic::router(Arc::clone(&self.logic)));
        serve(
            listeners.push,
            gateway::push_router(Arc::clone(&self.gateway)),
        );
        serve(
            listeners.gateway,
            gateway::router(Arc::clone(&self.gateway)),
        );
        serve(listeners.media, media::router(Arc::clone(&self.media)));
        serve(listeners.control, control::router(Arc::clone(&self.faults)));
        let gateway = Arc::clone(&self.gateway);
        let admin = Admin::new(registries.gateway).ready(move || gateway.takes_users());
        serve(listeners.gateway_metrics, admin.router());
        let logic = Arc::clone(&self.logic);
        let admin = Admin::new(registries.logic).ready(move || logic.reaches_queue());
        serve(listeners.logic_metrics, admin.router());
        let media = Arc::clone(&self.media);
        let admin = Admin::new(registries.media).ready(move || media.free_seats() > 0);
        serve(listeners.media_metrics, admin.router());
    }

    /// What goes on beside the requests.
    fn keep_house(&self, history_messages_max: u32) {
        let (logic, stop) = (Arc::clone(&self.logic), self.stop.clone());
        self.spawn(async move { logic.watch_lag(&stop).await });
        let (logic, stop) = (Arc::clone(&self.logic), self.stop.clone());
        self.spawn(async move { logic.trim_history(history_messages_max, &stop).await });
        let (faults, stop) = (Arc::clone(&self.faults), self.stop.clone());
        self.spawn(async move { leak_while_on(&faults, &stop).await });
    }
}

/// Runs a chat until the time is up, a signal comes, or standard input ends, as the arguments say;
/// then stops it in order. What sqlx tells of its queries is shown if the program listens to it.
///
/// # Errors
///
/// When the chat cannot start; see [`ChatError`].
pub async fn run_chat(args: ChatArgs, queries: Option<Queries>) -> Result<(), ChatError> {
    let endings =
        Endings::new(args.end.time, args.end.exit_with_stdin).map_err(ChatError::Signals)?;
    let config = ChatConfig {
        queries,
        ..args.into()
    };
    let (database, queue) = (config.database_name(), config.queue_name());
    let chat = run(config).await?;
    let at = chat.addresses();
    tracing::info!(gateway = %at.gateway, media = %at.media, control = %at.control, database, queue, "chat runs");
    tracing::info!(
        gateway = %at.gateway_metrics, logic = %at.logic_metrics, task = %at.task_metrics,
        media = %at.media_metrics, "metrics"
    );
    let ending = endings.first().await;
    tracing::info!(%ending, "chat ends");
    chat.stop().await;
    Ok(())
}
