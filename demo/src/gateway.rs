//! The gateway: what users talk to, over HTTP and over WebSockets.

mod api; // the HTTP API of users
mod hub; // who is connected
mod push; // what task calls
mod socket; // the life of one WebSocket

use std::time::Duration;

use stonechat_metrics::{
    Counter, Direction, HttpServer, Messages, RegisterError, Registry, WebSockets,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call::Caller;
use hub::Hub;

pub(crate) use api::router;
pub(crate) use push::router as push_router;

/// A WebSocket that is still open so long after its close frame is cut off.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Everything that the gateway measures.
#[derive(Debug, Clone)]
pub(crate) struct GatewayMetrics {
    pub http: HttpServer,
    pub sockets: WebSockets,
    pub messages: Messages,
    slow_clients: Counter,
    sends_in: Counter,
    invalid_in: Counter,
    acks_out: Counter,
    errors_out: Counter,
    messages_out: Counter,
}

impl GatewayMetrics {
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let chat = registry.namespace("chat");
        let sockets = WebSockets::register(&chat)?;
        Ok(Self {
            http: HttpServer::register(&chat)?,
            messages: Messages::register(&chat)?,
            slow_clients: chat
                .counter(
                    "websocket_slow_clients_total",
                    "Connections dropped because their client did not read fast enough.",
                )
                .register()?,
            sends_in: sockets.message_counter("send", Direction::In),
            invalid_in: sockets.message_counter("invalid", Direction::In),
            acks_out: sockets.message_counter("ack", Direction::Out),
            errors_out: sockets.message_counter("error", Direction::Out),
            messages_out: sockets.message_counter("message", Direction::Out),
            sockets,
        })
    }
}

/// The service.
#[derive(Debug)]
pub(crate) struct Gateway {
    logic: Caller,
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
