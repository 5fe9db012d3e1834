//! After a restart: since when alerts have been pending, from the series that were written before.

use std::time::Duration;

use hashbrown::HashMap;
use stonechat_model::{Labels, Timestamp};

use super::{ActiveAlert, AlertState, Alerts};

/// The last sample of an alert's `ALERTS_FOR_STATE` series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// When it was written: the last time that the server was seen alive.
    pub at: Timestamp,
    /// Since when the alert was active then.
    pub active_at: Timestamp,
}

/// How a restart is taken into account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// A rule whose `for` is at least this long fires no earlier than this after a restart, if it was pending:
    /// what it looks at may have changed while nobody watched.
    pub grace: Duration,
}

impl Alerts {
    /// Gives alerts that are active the time since which they had been so before the restart.
    ///
    /// Where Prometheus starts a `for` below the grace period anew, here it is continued: an alert that was firing
    /// fires on, and one that was pending waits for what was left.
    pub fn restore(
        &mut self,
        recorded: &HashMap<Labels, Recorded>,
        hold: Duration,
        tolerance: Tolerance,
        now: Timestamp,
    ) {
        for (labels, alert) in &mut self.active {
            if let Some(recorded) = recorded.get(labels)
                && alert.state != AlertState::Inactive
            {
                alert.restore(*recorded, hold, tolerance, now);
            }
        }
        self.restored = true;
    }
}

impl ActiveAlert {
    fn restore(
        &mut self,
        recorded: Recorded,
        hold: Duration,
        tolerance: Tolerance,
        now: Timestamp,
    ) {
        let pending_for = recorded.at.since(recorded.active_at);
        let left = hold.saturating_sub(pending_for);
        self.active_at = if left.is_zero() {
            // It was firing since then, and fires on with the next evaluation.
            self.fired_at = Some(recorded.active_at.plus(hold));
            recorded.active_at
        } else if hold >= tolerance.grace && left < tolerance.grace {
            now.plus(tolerance.grace).minus(hold)
        } else {
            // The time without a server does not count as pending.
            recorded.active_at.plus(now.since(recorded.at))
        };
    }
}
