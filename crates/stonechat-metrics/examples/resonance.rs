//! The metrics of resonance, a chat of three services, under the names that its dashboards know.
//!
//! `cargo run -p stonechat-metrics --features axum --example resonance`, and `monitoring/resonance` watches it;
//! `-- --listen ADDRESS` lets it listen elsewhere than where that folder looks for it.

#[path = "simulation/run.rs"]
mod run;

use std::error::Error;
use std::time::Duration;

use stonechat_metrics::{
    Cache, CacheMetric, Caches, ConnectionGuard, Database, DatabaseMetric, HttpMetric, HttpServer,
    MessageMetric, MessageType, Messages, Named, Outcome, Queue, QueueMetric, Queues,
    RegisterError, Registry, WebSocketMetric, WebSockets,
};

/// Everything that the gateway, the logic and the task count.
pub struct Resonance {
    gateway: HttpServer,
    logic: HttpServer,
    task: HttpServer,
    sockets: WebSockets,
    open: Vec<ConnectionGuard>,
    messages: Messages,
    types: [MessageType; 2],
    queue: Queue,
    database: Database,
    users: Cache,
}

const GATEWAY: &str = "gateway-1";

/// Connections that are kept.
const OPEN_MAX: usize = 40;

impl Resonance {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let messages = messages(registry)?;
        let connections = Named::new("connection_count").fixed("gateway_id", GATEWAY);
        let query = Named::new("db_query_duration_ms")
            .label("table", "table")
            .label("operation", "operation")
            .milliseconds();
        let rate = Named::new("cache_hit_rate").label("cache_type", "cache");
        Ok(Self {
            gateway: requests(registry, "gateway")?,
            logic: requests(registry, "logic")?,
            task: requests(registry, "task")?,
            sockets: WebSockets::register_as(
                registry,
                &[(WebSocketMetric::Connections, connections)],
            )?,
            open: Vec::new(),
            types: ["single", "group"].map(|name| messages.message_type(name)),
            messages,
            queue: queue(registry)?,
            database: Database::register_as(registry, &[(DatabaseMetric::Duration, query)])?,
            users: Caches::register_as(registry, &[(CacheMetric::Rate, rate)])?.cache("user"),
        })
    }

    /// Makes the traffic of a tenth of a second.
    pub fn round(&mut self, number: u64) {
        if self.open.len() < OPEN_MAX {
            self.open.push(self.sockets.connect());
        }
        let ok = run::roll(number, 1, 60) != 0;
        let status = if ok { "200" } else { "500" };
        let methods = ["SendMessage", "GetSessionList", "Login", "Register"];
        let method = methods[run::roll(number, 2, 4) as usize];
        let (outer, inner) = (
            self.gateway.start("POST", "MessageIn"),
            self.logic.start("POST", method),
        );
        self.database.start("insert", "messages").finish();
        self.types[usize::from(number.is_multiple_of(4))]
            .start_send()
            .finish(Outcome::Ok);
        self.queue
            .published(if ok { Outcome::Ok } else { Outcome::Error });
        inner.finish(status);
        outer.finish(status);
        let work = self.queue.start_consume();
        self.task.start("POST", "PushTask").finish("200");
        let push = Duration::from_micros(200 + run::roll(number, 3, 4_000));
        self.messages.pushed_within(push);
        work.finish(Outcome::Ok);
        self.queue.set_lag(run::roll(number / 30, 4, 200));
        if run::roll(number, 5, 10) == 0 {
            self.users.miss();
        } else {
            self.users.hit();
        }
    }
}

/// The same two families for each service, which differ in one label that is fixed.
fn requests(registry: &Registry, service: &'static str) -> Result<HttpServer, RegisterError> {
    let labels = |name| {
        Named::new(name)
            .fixed("service", service)
            .label("method", "path")
    };
    HttpServer::register_as(
        registry,
        &[
            (
                HttpMetric::Requests,
                labels("request_total").label("status", "status"),
            ),
            (
                HttpMetric::Duration,
                labels("request_duration_ms").milliseconds(),
            ),
        ],
    )
}

fn messages(registry: &Registry) -> Result<Messages, RegisterError> {
    let sent = Named::new("message_send_total").label("session_type", "type");
    let pushed = Named::new("message_push_duration_ms")
        .fixed("gateway_id", GATEWAY)
        .milliseconds();
    Messages::register_as(
        registry,
        &[
            (MessageMetric::Sent, sent),
            (MessageMetric::PushDuration, pushed),
        ],
    )
}

fn queue(registry: &Registry) -> Result<Queue, RegisterError> {
    let published = Named::new("mq_publish_total")
        .label("topic", "queue")
        .label("status", "status");
    let consume = Named::new("mq_consume_duration_ms")
        .label("topic", "queue")
        .milliseconds();
    let queues = Queues::register_as(
        registry,
        &[
            (QueueMetric::Published, published),
            (QueueMetric::ConsumeDuration, consume),
            (QueueMetric::Lag, Named::new("mq_lag").no_labels()),
        ],
    )?;
    Ok(queues.queue("messages"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::bare();
    let mut resonance = Resonance::register(&registry)?;
    run::run("127.0.0.1:19124", registry, |number| {
        resonance.round(number);
    })
    .await
}
