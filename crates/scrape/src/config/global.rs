//! The section `global`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::{Spanned, Unsupported};

use super::{ByteSize, ScrapeProtocol};

/// The section `global` of `prometheus.yml`: what holds for every job unless the job says otherwise, and a few things that
/// belong to rules and to those who send samples on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GlobalConfig {
    /// How often targets are scraped; a minute unless given.
    pub scrape_interval: Option<Spanned<ConfigDuration>>,
    /// How long a scrape may take; ten seconds, or the interval if that is shorter, unless given.
    pub scrape_timeout: Option<Spanned<ConfigDuration>>,
    /// The formats that targets are asked for, most wanted first.
    pub scrape_protocols: Option<Spanned<Vec<ScrapeProtocol>>>,
    /// How often rules are evaluated; a minute unless given.
    pub evaluation_interval: Option<Spanned<ConfigDuration>>,
    /// How far rules look back, so that the newest samples have arrived; not at all unless given.
    pub rule_query_offset: Option<Spanned<ConfigDuration>>,
    /// Labels of everything that leaves this server: alerts, remote writes, federation.
    pub external_labels: BTreeMap<String, Spanned<String>>,
    /// The most bytes of an answer, decompressed. Without one 64 MiB are the limit.
    pub body_size_limit: ByteSize,
    /// The most samples of a scrape; 0 is no limit.
    pub sample_limit: u64,
    /// The most labels of a series; 0 is no limit.
    pub label_limit: u64,
    /// The most bytes of a label name; 0 is no limit.
    pub label_name_length_limit: u64,
    /// The most bytes of a label value; 0 is no limit.
    pub label_value_length_limit: u64,
    /// How many dropped targets are remembered per job; 0 is no limit.
    pub keep_dropped_targets: u64,
    /// Stores `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` for each target.
    pub extra_scrape_metrics: bool,

    target_limit: Option<Unsupported>,
    query_log_file: Option<Unsupported>,
    scrape_failure_log_file: Option<Unsupported>,
    metric_name_validation_scheme: Option<Unsupported>,
    metric_name_escaping_scheme: Option<Unsupported>,
    scrape_native_histograms: Option<Unsupported>,
    convert_classic_histograms_to_nhcb: Option<Unsupported>,
    always_scrape_classic_histograms: Option<Unsupported>,
}

/// What Prometheus uses when the configuration says nothing.
const INTERVAL_DEFAULT: Duration = Duration::from_mins(1);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

impl GlobalConfig {
    /// How often targets are scraped.
    #[must_use]
    pub fn scrape_interval(&self) -> Duration {
        given(self.scrape_interval.as_ref()).unwrap_or(INTERVAL_DEFAULT)
    }

    /// How long a scrape may take.
    #[must_use]
    pub fn scrape_timeout(&self) -> Duration {
        given(self.scrape_timeout.as_ref())
            .unwrap_or_else(|| TIMEOUT_DEFAULT.min(self.scrape_interval()))
    }

    /// How often rules are evaluated.
    #[must_use]
    pub fn evaluation_interval(&self) -> Duration {
        given(self.evaluation_interval.as_ref()).unwrap_or(INTERVAL_DEFAULT)
    }

    /// How far rules look back.
    #[must_use]
    pub fn rule_query_offset(&self) -> Duration {
        given(self.rule_query_offset.as_ref()).unwrap_or_default()
    }
}

/// A duration from the file without its place.
pub(super) fn given(duration: Option<&Spanned<ConfigDuration>>) -> Option<Duration> {
    duration.map(|duration| duration.value.0)
}
