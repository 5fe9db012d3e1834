//! A job whose configuration is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_exposition::Format;

use crate::relabel::Rule;

/// Targets that are scraped alike. Made by [`resolve`](crate::config::resolve).
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The value of the label `job`, and the name of the scrape pool.
    pub name: String,
    /// How often, unless a target says otherwise.
    pub interval: Duration,
    /// How long a scrape may take, unless a target says otherwise.
    pub timeout: Duration,
    /// The path of the page.
    pub metrics_path: String,
    /// `http`.
    pub scheme: String,
    /// Parameters of the request.
    pub params: BTreeMap<String, Vec<String>>,
    /// Rules that change or drop targets.
    pub relabel: Vec<Rule>,
    /// How many dropped targets are remembered.
    pub dropped_max: usize,
    /// Where the targets are.
    pub groups: Vec<TargetGroup>,
    /// What each of its scrapes goes by.
    pub settings: Arc<ScrapeSettings>,
}

/// Targets that were found together and share labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// The labels of each: `__address__` is `host:port`, or what relabelling makes one of.
    pub targets: Vec<BTreeMap<String, String>>,
    /// Labels of all of them.
    pub labels: BTreeMap<String, String>,
}

/// What the scrape of a target goes by. Two targets with equal settings differ only in where they are.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeSettings {
    /// The page's labels win over the target's.
    pub honor_labels: bool,
    /// The page's times count.
    pub honor_timestamps: bool,
    /// Series with times of their own are marked too when they end.
    pub track_timestamps_staleness: bool,
    /// Rules that change or drop series.
    pub metric_relabel: Vec<Rule>,
    /// What is trimmed.
    pub limits: Limits,
    /// The `Accept` header.
    pub accept: String,
    /// The format of an answer that names none.
    pub fallback: Option<Format>,
    /// Compressed answers are asked for.
    pub compression: bool,
    /// Redirects are followed.
    pub follow_redirects: bool,
    /// Three more series about each scrape.
    pub extra_metrics: bool,
}

/// Bounds of one scrape. What goes beyond is dropped and counted; the rest is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of an answer, decompressed. An answer that is longer cannot be trimmed: its scrape fails.
    pub body_bytes: u64,
    /// The most samples.
    pub samples: Option<usize>,
    /// The most labels of a series.
    pub labels: Option<usize>,
    /// The most bytes of a label name.
    pub label_name_bytes: Option<usize>,
    /// The most bytes of a label value.
    pub label_value_bytes: Option<usize>,
}

impl Limits {
    /// What an answer may have when the configuration sets no limit.
    pub const BODY_BYTES_DEFAULT: u64 = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: Self::BODY_BYTES_DEFAULT,
            samples: None,
            labels: None,
            label_name_bytes: None,
            label_value_bytes: None,
        }
    }
}
