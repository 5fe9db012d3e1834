//! What the scraping says about itself.

use std::time::Duration;

use stonechat_metrics::{Counter, Gauge, Histogram, RegisterError, Registry, buckets};

use crate::status::{DropReason, Dropped};

/// How a scrape ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Timeout,
    Connect,
    Cut,
    Http,
    Status,
    Redirect,
    BodySize,
    Budget,
    Encoding,
    Format,
    Page,
    Store,
}

impl Outcome {
    const ALL: [Self; 13] = [
        Self::Ok,
        Self::Timeout,
        Self::Connect,
        Self::Cut,
        Self::Http,
        Self::Status,
        Self::Redirect,
        Self::BodySize,
        Self::Budget,
        Self::Encoding,
        Self::Format,
        Self::Page,
        Self::Store,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Cut => "cut",
            Self::Http => "http",
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::BodySize => "body_size",
            Self::Budget => "budget",
            Self::Encoding => "encoding",
            Self::Format => "format",
            Self::Page => "page",
            Self::Store => "store",
        }
    }
}

/// The metrics of all scraping. Cloning copies handles.
#[derive(Clone)]
pub struct ScrapeMetrics {
    scrapes: [Counter; Outcome::ALL.len()],
    samples_dropped: [Counter; DropReason::ALL.len()],
    samples_stored: Counter,
    duration: Histogram,
    late: Histogram,
    missed: Counter,
    targets: Gauge,
    body_bytes: Counter,
}

impl ScrapeMetrics {
    /// Registers the metrics, all of which are named `stonechat_scrape_…`.
    ///
    /// # Errors
    /// When the registry has other metrics of the same names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let registry = registry.namespace("stonechat_scrape");
        let scrapes = registry
            .counter("scrapes_total", "Scrapes by how they ended.")
            .labels(["outcome"])
            .register()?;
        let samples_dropped = registry
            .counter(
                "samples_dropped_total",
                "Samples of good pages that are not stored, by reason.",
            )
            .labels(["reason"])
            .register()?;
        let seconds = |name, help| {
            registry
                .histogram(name, help)
                .unit("seconds")
                .buckets(buckets::SECONDS.iter().copied())
                .register()
        };
        Ok(Self {
            scrapes: Outcome::ALL.map(|outcome| scrapes.with([outcome.as_str()])),
            samples_dropped: DropReason::ALL.map(|reason| samples_dropped.with([reason.as_str()])),
            samples_stored: registry
                .counter("samples_stored_total", "Samples that were stored.")
                .register()?,
            duration: seconds(
                "duration_seconds",
                "Time from dialling a target to storing its last sample.",
            )?,
            late: seconds("late_seconds", "How much later than planned scrapes began.")?,
            missed: registry
                .counter(
                    "missed_total",
                    "Scrapes that were left out because the one before was still running.",
                )
                .register()?,
            targets: registry
                .gauge("targets", "Targets that are scraped.")
                .register()?,
            body_bytes: registry
                .counter("body_bytes_total", "Bytes of pages, decompressed.")
                .register()?,
        })
    }

    pub(crate) fn ended(&self, outcome: Outcome, duration: Duration, body_bytes: usize) {
        self.scrapes[outcome as usize].inc();
        self.duration.observe_duration(duration);
        self.body_bytes.inc_by(body_bytes as u64);
    }

    pub(crate) fn stored(&self, samples: usize) {
        self.samples_stored.inc_by(samples as u64);
    }

    pub(crate) fn dropped(&self, dropped: &Dropped) {
        for (reason, count) in dropped.iter() {
            self.samples_dropped[reason as usize].inc_by(count as u64);
        }
    }

    pub(crate) fn began(&self, late: Duration) {
        self.late.observe_duration(late);
    }

    pub(crate) fn missed(&self, scrapes: u64) {
        self.missed.inc_by(scrapes);
    }

    pub(crate) fn targets(&self, count: usize) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are not that many targets"
        )]
        self.targets.set(count as f64);
    }
}

impl std::fmt::Debug for ScrapeMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScrapeMetrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use stonechat_metrics::Format;

    use super::*;

    #[test]
    fn every_outcome_and_reason_is_there_from_the_beginning() {
        let registry = Registry::bare();
        let metrics = ScrapeMetrics::register(&registry).unwrap();
        metrics.ended(Outcome::BodySize, Duration::from_millis(3), 7);
        let mut dropped = Dropped::default();
        dropped.add(DropReason::Future, 2);
        metrics.dropped(&dropped);
        let text = registry.encode(Format::Text);
        for line in [
            "stonechat_scrape_scrapes_total{outcome=\"ok\"} 0",
            "stonechat_scrape_scrapes_total{outcome=\"body_size\"} 1",
            "stonechat_scrape_samples_dropped_total{reason=\"future\"} 2",
            "stonechat_scrape_samples_dropped_total{reason=\"sample_limit\"} 0",
            "stonechat_scrape_samples_stored_total 0",
            "stonechat_scrape_duration_seconds_count 1",
            "stonechat_scrape_late_seconds_count 0",
            "stonechat_scrape_missed_total 0",
            "stonechat_scrape_targets 0",
            "stonechat_scrape_body_bytes_total 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
        }
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
