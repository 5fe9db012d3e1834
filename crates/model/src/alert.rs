//! What a rule says to those who notify.

use std::collections::BTreeMap;

use crate::{Labels, Timestamp};

/// An alert as it goes from a rule (or another Prometheus) to notification. Its labels are its identity: an alert
/// put again with the same labels replaces the earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Identity, with `alertname`.
    pub labels: Labels,
    /// Texts for people, already expanded.
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended, or, while it fires, the moment from which it counts as ended unless it is put again before:
    /// so an alert whose rule is gone does not fire for ever.
    pub ends_at: Timestamp,
    /// Where a person sees the expression behind it.
    pub generator_url: String,
}

impl Alert {
    /// True when the alert is over.
    #[must_use]
    pub fn is_resolved(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// The label `alertname`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").unwrap_or_default()
    }
}

/// Who takes alerts.
pub trait AlertSink: Send + Sync {
    /// Takes alerts that fire or have just been resolved. Never waits for a receiver.
    fn put(&self, alerts: Vec<Alert>);
}
