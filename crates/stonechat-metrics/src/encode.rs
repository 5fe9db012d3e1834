//! Exposition formats: which one a scraper wants, and how it is written.

mod negotiate;
mod openmetrics;
mod text;

pub use negotiate::negotiate;

use crate::registry::Registry;

/// A format in which metrics can be exposed.
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

pub(crate) fn encode(registry: &Registry, format: Format) -> String {
    match format {
        Format::Text => text::encode(&registry.snapshot(), registry.constant_labels()),
        Format::OpenMetrics => openmetrics::encode(registry),
    }
}
