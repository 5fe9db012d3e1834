//! The formats by the names that `scrape_protocols` gives them.

use serde::Deserialize;
use stonechat_exposition::Format;

/// A format that a target may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ScrapeProtocol {
    /// Protobuf; known, but not read yet.
    PrometheusProto,
    /// Prometheus' text format.
    #[serde(rename = "PrometheusText0.0.4")]
    PrometheusText0_0_4,
    /// Prometheus' text format with names in quotes.
    #[serde(rename = "PrometheusText1.0.0")]
    PrometheusText1_0_0,
    /// The first draft of OpenMetrics.
    #[serde(rename = "OpenMetricsText0.0.1")]
    OpenMetricsText0_0_1,
    /// OpenMetrics.
    #[serde(rename = "OpenMetricsText1.0.0")]
    OpenMetricsText1_0_0,
}

impl ScrapeProtocol {
    /// What is asked for when the configuration does not say.
    pub const DEFAULT: [Self; 4] = [
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// How an answer in this format is read; `None` when it cannot be.
    #[must_use]
    pub fn format(self) -> Option<Format> {
        match self {
            Self::PrometheusProto => None,
            Self::PrometheusText0_0_4 | Self::PrometheusText1_0_0 => Some(Format::Text),
            Self::OpenMetricsText0_0_1 | Self::OpenMetricsText1_0_0 => Some(Format::OpenMetrics),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::PrometheusText0_0_4 => "text/plain;version=0.0.4",
            Self::PrometheusText1_0_0 => "text/plain;version=1.0.0;escaping=allow-utf-8",
            Self::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetricsText1_0_0 => {
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"
            }
        }
    }

    /// The `Accept` header for these formats, most wanted first, weighted as Prometheus weights them.
    #[must_use]
    pub fn accept(protocols: &[Self]) -> String {
        // Five formats are known; the first of a full list has weight 0.6.
        const FIRST_WEIGHT: usize = 6;
        let mut header = String::new();
        for (index, protocol) in protocols.iter().enumerate() {
            let weight = FIRST_WEIGHT.saturating_sub(index);
            header.push_str(&format!("{};q=0.{weight},", protocol.media_type()));
        }
        let rest = FIRST_WEIGHT.saturating_sub(protocols.len());
        header.push_str(&format!("*/*;q=0.{rest}"));
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_is_prometheus_own() {
        assert_eq!(
            ScrapeProtocol::accept(&ScrapeProtocol::DEFAULT),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
    }
}
