use std::time::Instant;

use crate::buckets;
use crate::error::RegisterError;
use crate::family::Family;
use crate::metric::{Counter, Gauge, GaugeGuard, Histogram};
use crate::registry::Registry;

/// WebSocket connections and what goes through them: `websocket_connections`,
/// `websocket_messages_total{type,direction}` and `websocket_connection_duration_seconds`.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{Direction, WebSockets};
///
/// let websockets = WebSockets::register(&registry)?;
/// let connection = websockets.connect(); // keep it as long as the connection lasts
/// websockets.message("text", Direction::In);
/// drop(connection);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WebSockets {
    connections: Gauge,
    messages: Family<Counter, 2>,
    duration: Histogram,
}

/// Which way a message went, seen from the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}

impl Direction {
    /// The value of the label: `in` or `out`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl WebSockets {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let connections = registry
            .gauge("websocket_connections", "Connections that are open.")
            .register()?;
        let messages = registry
            .counter("websocket_messages_total", "Messages received and sent.")
            .labels(["type", "direction"])
            .register()?;
        let duration = registry
            .histogram(
                "websocket_connection_duration_seconds",
                "Time that a connection was open.",
            )
            .unit("seconds")
            .buckets(buckets::SECONDS_LONG.iter().copied())
            .register()?;
        Ok(Self {
            connections,
            messages,
            duration,
        })
    }

    /// Counts a connection as open until the guard is dropped, which also observes how long it was.
    pub fn connect(&self) -> ConnectionGuard {
        ConnectionGuard {
            _open: self.connections.hold(),
            duration: self.duration.clone(),
            start: Instant::now(),
        }
    }

    /// Counts one message.
    pub fn message(&self, message_type: &'static str, direction: Direction) {
        self.message_counter(message_type, direction).inc();
    }

    /// The counter behind [`message`](Self::message), to be kept where messages are many.
    pub fn message_counter(&self, message_type: &'static str, direction: Direction) -> Counter {
        self.messages.with([message_type, direction.as_str()])
    }
}

/// One open connection, made by [`WebSockets::connect`].
#[derive(Debug)]
#[must_use = "the connection counts as closed when the guard is dropped"]
pub struct ConnectionGuard {
    _open: GaugeGuard,
    duration: Histogram,
    start: Instant,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.duration.observe_duration(self.start.elapsed());
    }
}
