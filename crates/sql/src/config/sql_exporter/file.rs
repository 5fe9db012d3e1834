//! The files as they are written.

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;

use super::super::written::{Entries, Text};

type Span = Option<Spanned<ConfigDuration>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) global: Option<GlobalFile>,
    pub(super) collector_files: Option<Vec<Text>>,
    pub(super) target: Option<Spanned<TargetFile>>,
    pub(super) jobs: Option<Vec<Spanned<JobFile>>>,
    pub(super) collectors: Option<Vec<Spanned<CollectorFile>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GlobalFile {
    pub(super) min_interval: Span,
    pub(super) scrape_timeout: Span,
    scrape_timeout_offset: Option<Spanned<IgnoredAny>>,
    scrape_error_drop_interval: Option<Spanned<IgnoredAny>>,
    pub(super) max_connection_lifetime: Option<Text>,
    ping_interval: Option<Spanned<IgnoredAny>>,
    warmup_delay: Option<Spanned<IgnoredAny>>,
    pub(super) max_connections: Option<Spanned<i64>>,
    pub(super) max_idle_connections: Option<Spanned<i64>>,
    enable_query_metrics: Option<Spanned<IgnoredAny>>,
}

impl GlobalFile {
    /// Keys that steer what is done otherwise here, and why they have no effect.
    pub(super) fn without_effect(&self) -> Vec<(Spanned<IgnoredAny>, &'static str)> {
        [
            (
                &self.scrape_timeout_offset,
                "`scrape_timeout_offset` has no effect: queries do not run within a scrape",
            ),
            (
                &self.scrape_error_drop_interval,
                "`scrape_error_drop_interval` has no effect: errors are counted and stay",
            ),
            (
                &self.ping_interval,
                "`ping_interval` has no effect: a connection is tried each time before it is used",
            ),
            (
                &self.warmup_delay,
                "`warmup_delay` has no effect: queries are spread over their interval",
            ),
            (
                &self.enable_query_metrics,
                "`enable_query_metrics` has no effect: duration and rows of each query are always there",
            ),
        ]
        .into_iter()
        .filter_map(|(given, why)| Some((given.clone()?, why)))
        .collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetFile {
    pub(super) name: Option<Text>,
    pub(super) data_source_name: Option<Text>,
    pub(super) collectors: Option<Vec<Text>>,
    pub(super) enable_ping: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobFile {
    pub(super) job_name: Text,
    pub(super) collectors: Option<Vec<Text>>,
    pub(super) static_configs: Option<Vec<StaticFile>>,
    pub(super) enable_ping: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StaticFile {
    pub(super) targets: Option<Entries<Text>>,
    pub(super) labels: Option<Entries<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectorFile {
    pub(super) collector_name: Text,
    pub(super) min_interval: Span,
    pub(super) metrics: Option<Vec<Spanned<MetricFile>>>,
    pub(super) queries: Option<Vec<Spanned<QueryFile>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricFile {
    pub(super) metric_name: Text,
    #[serde(rename = "type")]
    pub(super) kind: Option<Text>,
    pub(super) help: Option<String>,
    pub(super) key_labels: Option<Vec<Text>>,
    pub(super) static_labels: Option<Entries<Text>>,
    pub(super) value_label: Option<Text>,
    pub(super) values: Option<Vec<Text>>,
    pub(super) query: Option<Text>,
    pub(super) query_ref: Option<Text>,
    pub(super) no_prepared_statement: Option<Spanned<bool>>,
    pub(super) static_value: Option<Spanned<f64>>,
    pub(super) timestamp_value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryFile {
    pub(super) query_name: Text,
    pub(super) query: Text,
    pub(super) no_prepared_statement: Option<Spanned<bool>>,
}
