//! What a notifier is told at the start.

use std::path::PathBuf;
use std::time::Duration;

use stonechat_metrics::Registry;

use crate::dispatch::Limits;
use crate::metrics::NotifyMetrics;

/// What a notifier is told at the start, beside its configuration.
#[derive(Clone)]
#[non_exhaustive]
pub struct NotifierOptions {
    /// Where the notification log is kept.
    pub data_dir: PathBuf,
    /// Where people reach the server; goes into messages.
    pub external_url: String,
    /// How much is kept at once.
    pub limits: Limits,
    /// The most messages that wait for one receiver or are being sent to it.
    pub queue_max: usize,
    /// The wait before the second attempt; later ones are longer.
    pub retry_wait: Duration,
    /// How long requests under way may take at shutdown.
    pub shutdown_timeout: Duration,
    /// What is counted.
    pub metrics: NotifyMetrics,
}

impl NotifierOptions {
    /// The usual limits, and metrics that nobody sees.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, external_url: impl Into<String>) -> Self {
        Self {
            data_dir: data_dir.into(),
            external_url: external_url.into(),
            limits: Limits::default(),
            queue_max: 10_000,
            retry_wait: Duration::from_millis(500),
            shutdown_timeout: Duration::from_secs(5),
            metrics: NotifyMetrics::register(&Registry::bare())
                .expect("a registry with nothing in it takes every family"),
        }
    }

    /// Counts in these metrics.
    #[must_use]
    pub fn metrics(mut self, metrics: NotifyMetrics) -> Self {
        self.metrics = metrics;
        self
    }
}
