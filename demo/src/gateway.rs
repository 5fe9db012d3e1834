//! The gateway: what users talk to, over HTTP and over WebSockets.

mod api; // the HTTP API of users
mod hub; // who is connected
mod push; // what task calls
mod socket; // the life of one WebSocket
mod tokens; // whose tokens were shown lately

use std::time::Duration;

use stonechat_metrics::{
    Cache, CacheMetric, Caches, Counter, Direction, GrpcServer, Histogram, HttpClient, HttpServer,
    MessageMetric, Messages, Named, RegisterError, Registry, WebSocketMetric, WebSockets,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call::Caller;
use crate::wire::PUSH_PATH;
use hub::Hub;
use tokens::Tokens;

pub(crate) use api::router;
pub(crate) use push::router as push_router;

/// A WebSocket that is still open so long after its close frame is cut off.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Everything that the gateway measures.
#[derive(Debug, Clone)]
pub(crate) struct GatewayMetrics {
    pub http: HttpServer,
    pub http_client: HttpClient,
    pub grpc: GrpcServer,
    pub sockets: WebSockets,
    pub messages: Messages,
    /// Where a user who connects has series of their own.
    pub registry: Registry,
    slow_clients: Counter,
    tokens: Cache,
    sends_in: Frames,
    invalid_in: Frames,
    acks_out: Frames,
    errors_out: Frames,
    messages_out: Frames,
}

/// Frames of one type in one direction.
#[derive(Debug, Clone)]
pub(crate) struct Frames {
    count: Counter,
    bytes: Histogram,
}

impl Frames {
    fn new(sockets: &WebSockets, frame_type: &'static str, direction: Direction) -> Self {
        Self {
            count: sockets.message_counter(frame_type, direction),
            bytes: sockets.message_size(frame_type, direction),
        }
    }

    /// Counts a frame of so many bytes.
    fn count(&self, bytes: usize) {
        self.count.inc();
        self.bytes.observe(bytes as f64);
    }
}

impl GatewayMetrics {
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let chat = registry.namespace("chat");
        let sockets = [
            WebSocketMetric::Connections,
            WebSocketMetric::Messages,
            WebSocketMetric::Duration,
            WebSocketMetric::MessageSize,
        ];
        let sockets =
            WebSockets::register_as(&chat, &sockets.map(|metric| (metric, Named::standard())))?;
        let grpc = GrpcServer::register(&chat)?;
        grpc.known_methods([PUSH_PATH]);
        let frames = |frame_type, direction| Frames::new(&sockets, frame_type, direction);
        Ok(Self {
            http: HttpServer::register(&chat)?,
            http_client: HttpClient::register(&chat)?,
            grpc,
            tokens: caches(&chat)?.cache("tokens"),
            messages: messages(&chat)?,
            registry: registry.clone(),
            slow_clients: chat
                .counter(
                    "websocket_slow_clients_total",
                    "Connections dropped because their client did not read fast enough.",
                )
                .register()?,
            sends_in: frames("send", Direction::In),
            invalid_in: frames("invalid", Direction::In),
            acks_out: frames("ack", Direction::Out),
            errors_out: frames("error", Direction::Out),
            messages_out: frames("message", Direction::Out),
            sockets,
        })
    }
}

fn caches(chat: &Registry) -> Result<Caches, RegisterError> {
    let names = [CacheMetric::Hits, CacheMetric::Misses, CacheMetric::Rate];
    Caches::register_as(chat, &names.map(|metric| (metric, Named::standard())))
}

fn messages(chat: &Registry) -> Result<Messages, RegisterError> {
    use MessageMetric::{DeliveryDuration, PushDuration, Unread};
    let names = [PushDuration, DeliveryDuration, Unread];
    Messages::register_as(chat, &names.map(|metric| (metric, Named::standard())))
}

/// The service.
#[derive(Debug)]
pub(crate) struct Gateway {
    logic: Caller,
    tokens: Tokens,
    hub: Hub,
    metrics: GatewayMetrics,
    /// Cancelled first: users can send no more, but still receive.
    intake_end: CancellationToken,
    /// Cancelled last: WebSockets are closed.
    end: CancellationToken,
    sockets: TaskTracker,
}

impl Gateway {
    /// When `stop` is cancelled, everything ends at once.
    pub fn new(logic: Caller, metrics: GatewayMetrics, stop: &CancellationToken) -> Self {
        Self {
            logic,
            tokens: Tokens::new(metrics.tokens.clone()),
            hub: Hub::new(metrics.slow_clients.clone()),
            metrics,
            intake_end: stop.child_token(),
            end: stop.child_token(),
            sockets: TaskTracker::new(),
        }
    }

    /// Whether users can connect and send.
    pub fn takes_users(&self) -> bool {
        !self.intake_end.is_cancelled()
    }

    /// Takes nothing more from users; what is under way ends, and pushes still go out.
    pub fn end_intake(&self) {
        self.intake_end.cancel();
    }

    /// Closes every WebSocket with a close frame.
    pub async fn close(&self) {
        self.intake_end.cancel();
        self.end.cancel();
        self.sockets.close();
        if tokio::time::timeout(CLOSE_MAX, self.sockets.wait())
            .await
            .is_err()
        {
            tracing::warn!("some users did not answer the close frame");
        }
    }
}
