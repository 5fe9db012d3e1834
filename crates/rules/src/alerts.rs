//! The alerts of one rule: from a result of its query to pending, firing and resolved.
//!
//! There is no clock here: each step takes the time of the evaluation.

mod remember; // what is kept on disk
mod restore; // after a restart, from stored series
pub(crate) mod send; // what is told to notification

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use stonechat_model::{Labels, Timestamp};

pub(crate) use remember::Away;
use remember::Saved;
pub(crate) use restore::{Recorded, Tolerance};

/// How long a resolved alert is kept and told again, in case it was lost on the way.
const RESOLVED_KEPT: Duration = Duration::from_mins(15);

/// How far an alert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Not there, or over.
    Inactive,
    /// There, but not yet for as long as the rule's `for`.
    Pending,
    /// Raised.
    Firing,
}

impl AlertState {
    /// As the API and the label `alertstate` show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// Texts for people; shared, because every evaluation and every page copies them.
pub(crate) type Annotations = Arc<BTreeMap<String, String>>;

/// One series of the result, as an alert.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub labels: Labels,
    pub annotations: Annotations,
    pub value: f64,
}

/// An alert that is pending, firing, or resolved not long ago.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActiveAlert {
    pub annotations: Annotations,
    pub value: f64,
    pub state: AlertState,
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub keep_firing_since: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
    /// Until when the alert counts as firing for those it was sent to.
    pub valid_until: Timestamp,
    /// After a restart, until when a result without the alert says nothing about it.
    held_until: Option<Timestamp>,
    /// What of it is on disk.
    saved: Option<Saved>,
}

/// How long conditions have to hold.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timing {
    pub hold: Duration,
    pub keep_firing: Duration,
    /// The most alerts that may be pending or firing; zero for no limit.
    pub limit: usize,
}

/// Why a result was not taken. The alerts are then as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StepError {
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    SameLabels,
    #[error("exceeded limit of {limit} with {alerts} alerts")]
    Limit { limit: usize, alerts: usize },
}

/// The alerts of one rule.
#[derive(Debug)]
pub(crate) struct Alerts {
    active: HashMap<Labels, ActiveAlert>,
    /// The state from before a restart has been looked for; until then no series are written that would cover it.
    pub restored: bool,
    /// When they were last looked at.
    pub seen_at: Timestamp,
    /// What is on disk is of these alerts, and not of others from before.
    on_disk: bool,
    /// Alerts that are on disk and are no longer here.
    gone: Vec<Labels>,
}

impl Alerts {
    /// No alerts.
    pub fn new(restored: bool) -> Self {
        Self {
            active: HashMap::new(),
            restored,
            seen_at: Timestamp::default(),
            on_disk: false,
            gone: Vec::new(),
        }
    }

    /// Takes the result of an evaluation at `now`.
    pub fn step(
        &mut self,
        observed: Vec<Observed>,
        timing: Timing,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let mut present = HashMap::with_capacity(observed.len());
        for alert in observed {
            if present.insert(alert.labels.clone(), alert).is_some() {
                return Err(StepError::SameLabels);
            }
        }
        self.check_limit(&present, timing, now)?;
        let gone = &mut self.gone;
        self.active.retain(|labels, alert| {
            let kept = match present.remove(labels) {
                Some(seen) => {
                    alert.present(seen, timing, now);
                    true
                }
                None => alert.absent(timing, now),
            };
            if !kept && alert.saved.is_some() {
                gone.push(labels.clone());
            }
            kept
        });
        for (labels, seen) in present {
            let mut alert = ActiveAlert::new(seen.annotations, seen.value, now);
            alert.ripen(timing, now);
            self.active.insert(labels, alert);
        }
        Ok(())
    }

    /// An evaluation past the limit is refused whole; Prometheus also forgets all alerts, which would look like
    /// recovery.
    fn check_limit(
        &self,
        present: &HashMap<Labels, Observed>,
        timing: Timing,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let kept = self.active.iter().filter(|(labels, alert)| {
            !present.contains_key(*labels)
                && (alert.is_kept_firing(timing, now) || alert.is_held(now))
        });
        let alerts = present.len() + kept.count();
        if timing.limit > 0 && alerts > timing.limit {
            return Err(StepError::Limit {
                limit: timing.limit,
                alerts,
            });
        }
        Ok(())
    }

    /// The next result says nothing about these alerts if they are not in it.
    pub fn hold(&mut self, unknown: &[Labels], now: Timestamp) {
        for labels in unknown {
            if let Some(alert) = self.active.get_mut(labels) {
                let held_until = alert
                    .held_until
                    .max(Some(now.plus(Duration::from_millis(1))));
                alert.held_until = held_until;
            }
        }
    }

    /// Alerts that are pending or firing.
    pub fn pending_and_firing(&self) -> impl Iterator<Item = (&Labels, &ActiveAlert)> {
        self.active
            .iter()
            .filter(|(_, alert)| alert.resolved_at.is_none())
    }

    /// The furthest state of any alert.
    pub fn state(&self) -> AlertState {
        self.active
            .values()
            .map(|alert| alert.state)
            .max()
            .unwrap_or(AlertState::Inactive)
    }
}

impl ActiveAlert {
    pub fn new(annotations: Annotations, value: f64, now: Timestamp) -> Self {
        Self {
            annotations,
            value,
            state: AlertState::Pending,
            active_at: now,
            fired_at: None,
            resolved_at: None,
            keep_firing_since: None,
            last_sent_at: None,
            valid_until: now,
            held_until: None,
            saved: None,
        }
    }

    /// The alert is in the result.
    fn present(&mut self, seen: Observed, timing: Timing, now: Timestamp) {
        if self.state == AlertState::Inactive {
            // It comes back after it was resolved: a new alert.
            *self = Self {
                saved: self.saved,
                ..Self::new(seen.annotations, seen.value, now)
            };
        } else {
            (self.annotations, self.value) = (seen.annotations, seen.value);
        }
        (self.keep_firing_since, self.held_until) = (None, None);
        self.ripen(timing, now);
    }

    /// A pending alert fires once it has been there long enough.
    fn ripen(&mut self, timing: Timing, now: Timestamp) {
        if self.state == AlertState::Pending && now >= self.active_at.plus(timing.hold) {
            self.state = AlertState::Firing;
            // A restored alert knows already since when it fires.
            self.fired_at.get_or_insert(now);
        }
    }

    /// The alert is not in the result. False when nothing of it needs to be kept.
    fn absent(&mut self, timing: Timing, now: Timestamp) -> bool {
        if self.is_held(now) {
            return true;
        }
        match self.state {
            AlertState::Pending => false,
            AlertState::Inactive => self
                .resolved_at
                .is_none_or(|at| now.since(at) <= RESOLVED_KEPT),
            AlertState::Firing => {
                if self.is_kept_firing(timing, now) {
                    self.keep_firing_since.get_or_insert(now);
                } else {
                    self.state = AlertState::Inactive;
                    self.resolved_at = Some(now);
                }
                true
            }
        }
    }

    /// True for an alert that fires on although it is not in the result.
    fn is_kept_firing(&self, timing: Timing, now: Timestamp) -> bool {
        let since = self.keep_firing_since.unwrap_or(now);
        self.state == AlertState::Firing && now.since(since) < timing.keep_firing
    }
}

#[cfg(test)]
mod tests;
