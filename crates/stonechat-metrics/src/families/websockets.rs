use std::time::Instant;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, GaugeGuard, Histogram};
use crate::registry::Registry;

/// WebSocket connections and what goes through them: `websocket_connections`,
/// `websocket_messages_total{type,direction}` and `websocket_connection_duration_seconds`; sizes
/// and other names by [`register_as`](Self::register_as).
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
    messages: Part<Counter>,
    duration: Histogram,
    size: Part<Histogram>,
}

/// The metrics of [`WebSockets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebSocketMetric {
    /// Gauge of open connections, without parts.
    Connections,
    /// Counter of messages, by `type` and `direction`.
    Messages,
    /// Histogram of the time that connections were open, without parts.
    Duration,
    /// Histogram of the sizes of messages, by `type`, and `direction` if asked for.
    MessageSize,
}

impl Key for WebSocketMetric {
    fn template(self) -> Template {
        const ALL: &[&str] = &["type", "direction"];
        match self {
            Self::Connections => {
                Template::new("websocket_connections", "Connections that are open.")
            }
            Self::Messages => {
                Template::new("websocket_messages_total", "Messages received and sent.").labels(ALL)
            }
            Self::Duration => Template::new(
                "websocket_connection_duration_seconds",
                "Time that a connection was open.",
            )
            .seconds(buckets::SECONDS_LONG),
            Self::MessageSize => Template::new("websocket_message_size_bytes", "Size of messages.")
                .labels(&["type"])
                .parts(ALL)
                .bytes(buckets::BYTES),
        }
    }
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
        use WebSocketMetric::{Connections, Duration, Messages};
        Self::register_as(registry, &standard([Connections, Messages, Duration]))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(WebSocketMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let connections = chosen.part::<Gauge>(WebSocketMetric::Connections)?;
        let duration = chosen.part::<Histogram>(WebSocketMetric::Duration)?;
        Ok(Self {
            connections: connections.with(&[]),
            messages: chosen.part(WebSocketMetric::Messages)?,
            duration: duration.with(&[]),
            size: chosen.part(WebSocketMetric::MessageSize)?,
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
        self.messages.with(&[message_type, direction.as_str()])
    }

    /// The sizes of messages, in bytes, to be kept where messages are many.
    pub fn message_size(&self, message_type: &'static str, direction: Direction) -> Histogram {
        self.size.with(&[message_type, direction.as_str()])
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
