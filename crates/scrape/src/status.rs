//! What is known about targets, as the API and the pages show it.

use std::time::Duration;

use stonechat_model::{Labels, Timestamp};

/// Whether the last scrape of a target was good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    /// Not scraped yet.
    #[default]
    Unknown,
    /// The last scrape was good.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Why a sample of a good page is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// A rule of `metric_relabel_configs` drops it.
    Relabelled,
    /// The scrape has more samples than `sample_limit`.
    SampleLimit,
    /// The series has more labels, or longer ones, than the limits allow.
    LabelLimit,
    /// The store takes no more series.
    SeriesLimit,
    /// The series stands on the page twice, or has another value at that very time.
    Duplicate,
    /// The series has a newer sample.
    OutOfOrder,
    /// The sample is older than the store still takes.
    TooOld,
    /// The sample is from more than ten minutes ahead.
    Future,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Relabelled,
        Self::SampleLimit,
        Self::LabelLimit,
        Self::SeriesLimit,
        Self::Duplicate,
        Self::OutOfOrder,
        Self::TooOld,
        Self::Future,
    ];

    /// The reason as metrics and pages write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relabelled => "relabelled",
            Self::SampleLimit => "sample_limit",
            Self::LabelLimit => "label_limit",
            Self::SeriesLimit => "series_limit",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out_of_order",
            Self::TooOld => "too_old",
            Self::Future => "future",
        }
    }
}

/// Samples of a scrape that are not stored, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped([usize; DropReason::ALL.len()]);

impl Dropped {
    /// How many samples were dropped for a reason.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> usize {
        self.0[reason as usize]
    }

    /// The reasons that occurred, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, usize)> {
        DropReason::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, count)| *count > 0)
    }

    /// All dropped samples.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    pub(crate) fn add(&mut self, reason: DropReason, count: usize) {
        self.0[reason as usize] += count;
    }
}

/// A target and how its last scrape went. The names are those of `/api/v1/targets`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TargetStatus {
    /// Labels before relabelling.
    pub discovered_labels: Labels,
    /// Labels that every series of the target gets.
    pub labels: Labels,
    /// The job.
    pub scrape_pool: String,
    /// Where the page is.
    pub scrape_url: String,
    /// The same, with a host that other machines can reach.
    pub global_url: String,
    /// Why the last scrape failed; empty when it did not.
    pub last_error: String,
    /// When the last scrape began.
    pub last_scrape: Option<Timestamp>,
    /// How long it took.
    pub last_scrape_duration: Duration,
    /// How it went.
    pub health: Health,
    /// How often the target is scraped.
    pub scrape_interval: Duration,
    /// How long a scrape may take.
    pub scrape_timeout: Duration,
    /// Samples on the last page.
    pub samples_scraped: usize,
    /// Samples of the last page that are not stored.
    pub dropped: Dropped,
    /// Bytes of the last page, decompressed.
    pub body_bytes: usize,
}

/// A target that relabelling dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedTarget {
    /// Labels before relabelling.
    pub discovered_labels: Labels,
    /// The job.
    pub scrape_pool: String,
}

/// How the last scrape of a target went.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastScrape {
    pub(crate) at: Option<Timestamp>,
    pub(crate) duration: Duration,
    pub(crate) health: Health,
    pub(crate) error: String,
    pub(crate) samples: usize,
    pub(crate) dropped: Dropped,
    pub(crate) body_bytes: usize,
}
