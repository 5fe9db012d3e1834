//! What of the alerts is kept on disk, and how they go on after a restart.

use std::time::Duration;

use stonechat_model::Timestamp;

use super::{ActiveAlert, AlertState, Alerts};
use crate::state::{Changes, Remembered};

/// What of an alert is kept: a change of it is written down. Value and texts are kept as they were then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Saved {
    state: AlertState,
    active_at: Timestamp,
    fired_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    keep_firing_since: Option<Timestamp>,
}

/// How long a sample counts, as in queries. For as long, a time without a server says the same as what was seen before it.
const SAMPLE_COUNTS: Duration = Duration::from_mins(5);

/// How the time without a server is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Away {
    /// After a longer time pending alerts begin anew.
    pub tolerance: Duration,
    /// How long after the start a result without an alert says nothing: what it looks at has still to come in.
    pub settle: Duration,
    /// Time between two evaluations.
    pub interval: Duration,
}

impl Alerts {
    /// The alerts that were there before a restart.
    pub fn remembering(remembered: Remembered, away: Away, now: Timestamp) -> Self {
        let gap = now.since(remembered.seen_at);
        let mut alerts = Self {
            active: remembered.alerts,
            seen_at: remembered.seen_at,
            on_disk: true,
            ..Self::new(true)
        };
        let gone = &mut alerts.gone;
        alerts.active.retain(|labels, alert| {
            alert.saved = Some(alert.to_save());
            match alert.state {
                AlertState::Inactive => return true,
                AlertState::Firing => {}
                AlertState::Pending if gap > away.tolerance => {
                    gone.push(labels.clone());
                    return false;
                }
                AlertState::Pending => {
                    // What nobody can know of did not hold.
                    let unknown = gap.saturating_sub(SAMPLE_COUNTS + away.interval);
                    alert.active_at = alert.active_at.plus(unknown);
                }
            }
            alert.held_until = Some(now.plus(away.settle));
            true
        });
        alerts
    }

    /// What has changed since the last call and is to be kept.
    pub fn take_changes(&mut self) -> Changes {
        let mut changes = Changes {
            whole: !self.on_disk,
            alerts: Vec::new(),
            gone: std::mem::take(&mut self.gone),
        };
        for (labels, alert) in &mut self.active {
            let saved = Some(alert.to_save());
            if alert.saved != saved {
                alert.saved = saved;
                changes.alerts.push((labels.clone(), alert.clone()));
            }
        }
        self.on_disk |= !changes.is_empty();
        changes
    }

    /// All that is to be kept.
    pub fn remembered(&self) -> Remembered {
        Remembered {
            alerts: self.active.clone(),
            seen_at: self.seen_at,
        }
    }

    /// True when there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }
}

impl ActiveAlert {
    fn to_save(&self) -> Saved {
        Saved {
            state: self.state,
            active_at: self.active_at,
            fired_at: self.fired_at,
            resolved_at: self.resolved_at,
            keep_firing_since: self.keep_firing_since,
        }
    }

    /// True while a result without the alert says nothing about it.
    pub(super) fn is_held(&self, now: Timestamp) -> bool {
        self.state != AlertState::Inactive && self.held_until.is_some_and(|until| now < until)
    }
}
