//! What the room counts about itself.

use stonechat_metrics::{Counter, Gauge, RegisterError, Registry};

use crate::receive::{Reason, Written};

/// The metrics of what is received. Cloning copies handles.
#[derive(Clone)]
pub struct RemoteMetrics {
    requests: Counter,
    refused: [Counter; Reason::ALL.len()],
    samples: Counter,
    exemplars: Counter,
    series_known: Gauge,
}

impl RemoteMetrics {
    /// Registers the metrics, all of which are named `stonechat_remote_…`.
    ///
    /// # Errors
    /// When the registry has other metrics of the same names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let registry = registry.namespace("stonechat_remote");
        let refused = registry
            .counter(
                "write_refused_total",
                "Requests of remote write that were not taken, or not as a whole, by reason.",
            )
            .labels(["reason"])
            .register()?;
        Ok(Self {
            requests: registry
                .counter(
                    "write_requests_total",
                    "Requests of remote write whose body was read.",
                )
                .register()?,
            refused: Reason::ALL.map(|reason| refused.with([reason.as_str()])),
            samples: registry
                .counter(
                    "write_samples_total",
                    "Samples of remote write that were stored.",
                )
                .register()?,
            exemplars: registry
                .counter(
                    "write_exemplars_total",
                    "Exemplars of remote write that were handed to the store.",
                )
                .register()?,
            series_known: registry
                .gauge(
                    "write_series_known",
                    "Series of remote write that are found without building their labels.",
                )
                .register()?,
        })
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a metric is a float; no count here comes near 2^53"
    )]
    pub(crate) fn series_known(&self, count: usize) {
        self.series_known.set(count as f64);
    }

    pub(crate) fn taken(&self, written: Written) {
        self.requests.inc();
        self.samples
            .inc_by((written.samples + written.histograms) as u64);
        self.exemplars.inc_by(written.exemplars as u64);
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.refused[reason as usize].inc();
    }
}
