//! `alertmanager.yml` as it is written: plain structs, nothing checked but types and keys.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::{Spanned, Unsupported};

use super::global::GlobalFile;
use super::intervals::IntervalFile;
use super::receivers::ReceiverFile;

/// A text with its place.
pub(crate) type Text = Spanned<String>;

/// Labels and texts or patterns, as the older keys have them. A value may be left empty.
pub(super) type TextMap = Option<BTreeMap<String, Option<Text>>>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) global: Option<GlobalFile>,
    pub(super) route: Option<Spanned<RouteFile>>,
    pub(super) inhibit_rules: Option<Vec<InhibitFile>>,
    pub(super) receivers: Option<Vec<ReceiverFile>>,
    pub(super) templates: Option<Vec<Text>>,
    pub(super) mute_time_intervals: Option<Vec<IntervalFile>>,
    pub(super) time_intervals: Option<Vec<IntervalFile>>,
    pub(super) tracing: Option<Spanned<TracingFile>>,
    event_recorder: Option<Spanned<IgnoredAny>>,
}

/// Where Alertmanager sends traces of its own work. It is read so that a file is taken whole; nothing is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracingFile {
    pub(super) endpoint: Option<Text>,
    #[serde(rename = "client_type")]
    _client_type: Option<Text>,
    #[serde(rename = "sampling_fraction")]
    _sampling_fraction: Option<f64>,
    #[serde(rename = "insecure")]
    _insecure: Option<bool>,
    #[serde(rename = "tls_config")]
    _tls_config: Option<IgnoredAny>,
    #[serde(rename = "headers")]
    _headers: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(rename = "compression")]
    _compression: Option<Text>,
    #[serde(rename = "timeout")]
    _timeout: Option<ConfigDuration>,
}

impl File {
    /// The sections in use that cannot be honoured yet, by their key. They change nothing about who is told what.
    pub(super) fn other_sections(&self) -> Vec<(&'static str, &Spanned<IgnoredAny>)> {
        [("event_recorder", &self.event_recorder)]
            .into_iter()
            .filter_map(|(key, section)| Some((key, section.as_ref()?)))
            .collect()
    }
}

/// One node of the routing tree.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteFile {
    pub(super) receiver: Option<Text>,
    pub(super) group_by: Option<Vec<Text>>,
    pub(super) group_wait: Option<Spanned<ConfigDuration>>,
    pub(super) group_interval: Option<Spanned<ConfigDuration>>,
    pub(super) repeat_interval: Option<Spanned<ConfigDuration>>,
    #[serde(rename = "match")]
    pub(super) equal: TextMap,
    #[serde(rename = "match_re")]
    pub(super) regex: TextMap,
    pub(super) matchers: Option<Vec<Text>>,
    pub(super) mute_time_intervals: Option<Vec<Text>>,
    pub(super) active_time_intervals: Option<Vec<Text>>,
    #[serde(rename = "continue")]
    pub(super) go_on: Option<Spanned<bool>>,
    pub(super) routes: Option<Vec<Spanned<RouteFile>>>,
    #[serde(rename = "labels")]
    _labels: Option<Unsupported>,
}

/// One inhibition rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InhibitFile {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "source_match")]
    pub(super) source_equal: TextMap,
    #[serde(rename = "source_match_re")]
    pub(super) source_regex: TextMap,
    pub(super) source_matchers: Option<Vec<Text>>,
    #[serde(rename = "target_match")]
    pub(super) target_equal: TextMap,
    #[serde(rename = "target_match_re")]
    pub(super) target_regex: TextMap,
    pub(super) target_matchers: Option<Vec<Text>>,
    pub(super) equal: Option<Vec<Text>>,
}
