//! The usual places in which a service counts, each one line and a feature of its own.

#[cfg(feature = "metrics")]
mod facade; // libraries that are instrumented with the `metrics` crate
#[cfg(feature = "tonic")]
mod grpc; // the tower layer for tonic
#[cfg(feature = "opentelemetry")]
mod opentelemetry; // the trace of the current task
#[cfg(feature = "redis")]
mod redis; // a connection that counts its commands
#[cfg(feature = "sqlx")]
mod sqlx; // pools and queries
#[cfg(feature = "str0m")]
mod str0m; // WebRTC events

#[cfg(feature = "metrics")]
pub use facade::MetricsRecorder;
#[cfg(feature = "tonic")]
pub use grpc::{GrpcBody, GrpcFuture, GrpcLayer, GrpcService};
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::opentelemetry_trace_id;
#[cfg(feature = "redis")]
pub use redis::ObservedConnection;
#[cfg(feature = "sqlx")]
pub use sqlx::SqlxLayer;
#[cfg(feature = "str0m")]
pub(crate) use str0m::Str0mState;
