//! Metrics for Rust services that cannot make the classic mistakes.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder; // describing a metric
mod collect; // process and runtime, read at each scrape
mod desc; // what a family is, and the rules it keeps
mod encode; // the exposition formats
mod error; // why a metric was not registered
mod families;
mod family; // one name, many label values, one limit
mod metric; // counter, gauge, histogram, timer
mod registry; // all families of a service // HTTP, WebSocket, messages, queues, database

pub mod buckets;

#[cfg(feature = "axum")]
mod admin;
#[cfg(feature = "axum")]
mod layer;

#[cfg(feature = "axum")]
pub use admin::{AdminServer, metrics_router, serve_admin};
pub use builder::{FamilyBuilder, MetricBuilder};
pub use desc::Kind;
pub use encode::{Format, negotiate};
pub use error::{Conflict, Difference, Place, Problem, RegisterError};
pub use families::{
    ConnectionGuard, Database, Direction, HttpRequest, HttpServer, MessageType, Messages, Outcome,
    PushStatus, Queue, Queues, SendGuard, UNMATCHED, WebSockets,
};
pub use family::{Family, LABEL_VALUE_BYTES_MAX, OTHER, SERIES_MAX};
#[cfg(feature = "axum")]
pub use layer::{HttpFuture, HttpLayer, HttpService};
pub use metric::{Counter, Gauge, GaugeGuard, Histogram, Metric, Timer};
pub use registry::{Registry, RegistryBuilder};
