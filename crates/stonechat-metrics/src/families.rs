//! Families that real-time backends need, each a small type that registers all of them at once.

mod named; // how their metrics are called

// What comes in and goes out.
mod grpc;
mod http;
mod http_client;
mod in_flight;
mod messages;
mod webrtc;
mod websockets;

// What a service stands on.
mod cache;
mod database;
mod queues;
mod redis;
mod resources;
#[cfg(feature = "tokio-runtime")]
mod scheduler;

pub use cache::{Cache, CacheMetric, Caches};
pub use database::{Database, DatabaseMetric, QueryGuard};
pub use grpc::{GrpcCall, GrpcCode, GrpcMetric, GrpcServer};
pub use http::{HttpMetric, HttpRequest, HttpServer, UNMATCHED};
pub use http_client::{ClientRequest, HttpClient, HttpClientMetric};
pub use messages::{MessageMetric, MessageType, Messages, PushStatus, SendGuard};
pub use named::Named;
pub use queues::{ConsumeGuard, Queue, QueueMetric, Queues};
pub use redis::{Redis, RedisCommand, RedisMetric};
pub use resources::{ResourceMetric, Resources};
#[cfg(feature = "tokio-runtime")]
pub use scheduler::{SchedulerDelay, SchedulerMetric};
pub use webrtc::{CloseReason, IceState, MediaSession, WebRtc, WebRtcMetric};
pub use websockets::{ConnectionGuard, Direction, WebSocketMetric, WebSockets};

use crate::metric::{Counter, Gauge};
use named::Part;

/// How an operation ended; the values of a label `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what it was asked for.
    Ok,
    /// It did not.
    Error,
}

impl Outcome {
    /// The value of the label: `ok` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

impl<T, E> From<&Result<T, E>> for Outcome {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() {
            Self::Ok
        } else {
            Self::Error
        }
    }
}

/// The two counters behind a label `status`, looked up beforehand.
#[derive(Debug, Clone)]
struct Outcomes {
    ok: Counter,
    error: Counter,
}

impl Outcomes {
    /// Creates both series, so that a rate can be taken from the first error on.
    fn new(counter: &Part<Counter>, parts: &[&str]) -> Self {
        let with = |outcome: Outcome| {
            let parts: Vec<&str> = parts.iter().copied().chain([outcome.as_str()]).collect();
            counter.with(&parts)
        };
        Self {
            ok: with(Outcome::Ok),
            error: with(Outcome::Error),
        }
    }

    fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok.inc(),
            Outcome::Error => self.error.inc(),
        }
    }
}

/// The gauges of a pool of connections, however they are called.
#[derive(Debug, Clone)]
struct Pool {
    active: [Gauge; 2],
    idle: [Gauge; 2],
}

/// The pools whose connections are in the gauges, all of them together.
#[cfg(feature = "sqlx")]
pub(crate) struct WatchedPools {
    gauges: Pool,
    pools: parking_lot::Mutex<Vec<PoolReading>>,
}

/// Connections in use, and those that wait; none once the pool is closed.
#[cfg(feature = "sqlx")]
pub(crate) type PoolReading = Box<dyn Fn() -> Option<(u64, u64)> + Send + Sync>;

#[cfg(feature = "sqlx")]
impl WatchedPools {
    pub fn watch(&self, pool: PoolReading) {
        self.pools.lock().push(pool);
    }
}

#[cfg(feature = "sqlx")]
impl crate::registry::Refresh for WatchedPools {
    fn refresh(&self) -> bool {
        let (mut active, mut idle) = (0, 0);
        self.pools.lock().retain(|pool| {
            let reading = pool();
            let (more_active, more_idle) = reading.unwrap_or_default();
            active += more_active;
            idle += more_idle;
            reading.is_some()
        });
        self.gauges.set(active, idle);
        true
    }
}

impl Pool {
    /// A gauge by state, and one for each state alone; those that are absent count into the void.
    fn new(by_state: &Part<Gauge>, active: Gauge, idle: Gauge) -> Self {
        Self {
            active: [by_state.with(&["active"]), active],
            idle: [by_state.with(&["idle"]), idle],
        }
    }

    fn set(&self, active: u64, idle: u64) {
        self.active
            .iter()
            .for_each(|gauge| gauge.set(active as f64));
        self.idle.iter().for_each(|gauge| gauge.set(idle as f64));
    }
}
