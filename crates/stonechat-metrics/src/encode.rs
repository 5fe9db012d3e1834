//! Exposition formats: which one a scraper wants, and how it is written.

mod negotiate; // what the scraper asks for
mod number; // numbers as text
mod official; // by way of `prometheus-client`
#[cfg(feature = "protobuf")]
mod protobuf; // messages
mod text; // the two text formats

pub use negotiate::negotiate;
#[cfg(feature = "axum")]
pub(crate) use negotiate::{Wire, negotiate_wire};
#[cfg(feature = "protobuf")]
pub(crate) use protobuf::{CONTENT_TYPE as PROTOBUF_CONTENT_TYPE, encode as encode_protobuf};
pub(crate) use text::{encode, escape};

pub(crate) use crate::family::render;

/// A format in which metrics can be exposed as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    #[default]
    Text,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
