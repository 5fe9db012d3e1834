//! The metrics of ChatIM, a chat service, under the names that its dashboards know.
//!
//! `cargo run -p stonechat-metrics --features axum --example chatim`, and `monitoring/chatim` watches it;
//! `-- --listen ADDRESS` lets it listen elsewhere than where that folder looks for it.

#[path = "simulation/run.rs"]
mod run;

use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

use stonechat_metrics::{
    ConnectionGuard, Database, DatabaseMetric, HttpMetric, HttpServer, MessageMetric, MessageType,
    Messages, Named, Outcome, PushStatus, Queue, QueueMetric, Queues, Redis, RedisMetric,
    RegisterError, Registry, ResourceMetric, Resources, SchedulerDelay, Session, WebSocketMetric,
    WebSockets, buckets,
};

/// Everything that ChatIM counts.
pub struct ChatIm {
    registry: Registry,
    http: HttpServer,
    messages: Messages,
    types: [MessageType; 2],
    stream: Queue,
    sockets: WebSockets,
    redis: Redis,
    database: Database,
    /// Users with a connection, oldest first.
    online: VecDeque<(ConnectionGuard, Session)>,
    _scheduler: SchedulerDelay,
}

/// Most users that are online at once.
const ONLINE_MAX: usize = 50;

impl ChatIm {
    /// Registers the families, in a tokio runtime.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let resources = [
            (ResourceMetric::Allocated, Named::standard()),
            (ResourceMetric::Heap, Named::standard()),
        ];
        Resources::register_as(registry, &resources)?;
        let scheduler = SchedulerDelay::start(registry)?;
        let chatim = registry.namespace("chatim");
        let messages = messages(&chatim)?;
        Ok(Self {
            http: http(&chatim)?,
            types: ["single", "group"].map(|name| messages.message_type(name)),
            messages,
            stream: stream(&chatim)?,
            sockets: sockets(&chatim)?,
            redis: redis(&chatim)?,
            database: database(&chatim)?,
            online: VecDeque::new(),
            registry: chatim,
            _scheduler: scheduler,
        })
    }

    /// Makes the traffic of a tenth of a second.
    pub fn round(&mut self, number: u64) {
        let ok = run::roll(number, 1, 40) != 0;
        let mut request = self.http.start("POST", "/api/v1/messages");
        request.request_size(80 + run::roll(number, 2, 2_000));
        request.response_size(120);
        request.finish(if ok { "200" } else { "502" });
        self.message(number, if ok { Outcome::Ok } else { Outcome::Error });
        if number.is_multiple_of(5) {
            let user = self.registry.session();
            let unread = self.messages.unread(&user, &format!("u{}", number / 5));
            unread.set(run::roll(number, 3, 30) as f64);
            self.online.push_back((self.sockets.connect(), user));
            if self.online.len() > ONLINE_MAX {
                self.online.pop_front();
            }
        }
        self.stream.set_pending(run::roll(number / 20, 4, 60));
        self.redis.set_pool(run::roll(number, 5, 8), 8);
        self.database.set_pool(run::roll(number, 6, 8), 4);
    }

    fn message(&self, number: u64, outcome: Outcome) {
        let message = &self.types[usize::from(run::roll(number, 7, 4) == 0)];
        let send = message.start_send();
        self.database.query("insert", "messages").finish(outcome);
        self.database.query("select", "users").finish(Outcome::Ok);
        self.redis.start("xadd").finish(outcome);
        self.redis.start("get").finish(Outcome::Ok);
        send.finish(outcome);
        let pushed = match run::roll(number, 8, 6) {
            0 => PushStatus::Offline,
            _ => PushStatus::Ok,
        };
        message.pushed(pushed);
        self.messages.pushed_within(Duration::from_millis(2));
    }
}

fn http(chatim: &Registry) -> Result<HttpServer, RegisterError> {
    let labels = |name| {
        Named::new(name)
            .label("method", "method")
            .label("endpoint", "path")
    };
    HttpServer::register_as(
        chatim,
        &[
            (
                HttpMetric::Requests,
                labels("http_requests_total").label("status", "status"),
            ),
            (
                HttpMetric::Duration,
                labels("http_request_duration_seconds"),
            ),
            (HttpMetric::RequestSize, Named::standard()),
            (HttpMetric::ResponseSize, Named::standard()),
        ],
    )
}

fn messages(chatim: &Registry) -> Result<Messages, RegisterError> {
    let pushed = Named::new("websocket_messages_pushed_total")
        .label("type", "type")
        .label("status", "status");
    Messages::register_as(
        chatim,
        &[
            (MessageMetric::Sent, Named::standard()),
            (MessageMetric::SendDuration, Named::standard()),
            (MessageMetric::Unread, Named::new("unread_messages_count")),
            (MessageMetric::Pushed, pushed),
        ],
    )
}

fn stream(chatim: &Registry) -> Result<Queue, RegisterError> {
    let pending = Named::new("redis_stream_pending_messages").label("stream_key", "queue");
    let queues = Queues::register_as(chatim, &[(QueueMetric::Pending, pending)])?;
    Ok(queues.queue("stream:messages"))
}

fn sockets(chatim: &Registry) -> Result<WebSockets, RegisterError> {
    let duration = Named::standard().buckets(buckets::SECONDS_LONG.iter().copied());
    WebSockets::register_as(
        chatim,
        &[
            (
                WebSocketMetric::Connections,
                Named::new("websocket_active_connections"),
            ),
            (WebSocketMetric::Duration, duration),
        ],
    )
}

fn redis(chatim: &Registry) -> Result<Redis, RegisterError> {
    Redis::register_as(
        chatim,
        &[
            (RedisMetric::Operations, Named::standard()),
            (RedisMetric::Duration, Named::standard()),
            (RedisMetric::Pool, Named::standard()),
        ],
    )
}

fn database(chatim: &Registry) -> Result<Database, RegisterError> {
    Database::register_as(
        chatim,
        &[
            (DatabaseMetric::Queries, Named::standard()),
            (DatabaseMetric::Duration, Named::standard()),
            (DatabaseMetric::Pool, Named::new("db_connection_pool")),
        ],
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let mut chatim = ChatIm::register(&registry)?;
    run::run("127.0.0.1:19122", registry, |number| chatim.round(number)).await
}
