//! What notification tells about itself.

use stonechat_metrics::{Counter, Family, Gauge, Histogram, RegisterError, Registry, buckets};

use crate::channel::ChannelKind;
use crate::dispatch::{Limit, Note, Suppression};

/// The metrics of this crate. Clones share their numbers.
#[derive(Clone)]
pub struct NotifyMetrics {
    notifications: Family<Counter, 2>,
    retries: Family<Counter, 1>,
    attempt_duration: Family<Histogram, 1>,
    queue_length: Family<Gauge, 1>,
    suppressed: Family<Counter, 1>,
    dropped: Family<Counter, 1>,
    pub(crate) alerts_firing: Gauge,
    pub(crate) groups: Gauge,
    pub(crate) log_errors: Counter,
}

/// The most receivers whose queues are shown by name.
const RECEIVERS_MAX: usize = 1000;

impl NotifyMetrics {
    /// Registers all families under `stonechat_notify_`.
    ///
    /// # Errors
    /// When a family of the same name and another kind is registered already.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let registry = registry.namespace("stonechat_notify");
        let counter = |name, help| registry.counter(name, help);
        Ok(Self {
            notifications: counter(
                "notifications_total",
                "Messages that were delivered, failed or were interrupted.",
            )
            .labels(["kind", "outcome"])
            .register()?,
            retries: counter("retries_total", "Attempts after the first of a message.")
                .labels(["kind"])
                .register()?,
            attempt_duration: registry
                .histogram(
                    "attempt_duration_seconds",
                    "From beginning to send a message to its answer.",
                )
                .unit("seconds")
                .buckets(buckets::SECONDS.iter().copied())
                .labels(["kind"])
                .register()?,
            queue_length: registry
                .gauge("queue_length", "Messages that wait or are being sent.")
                .labels(["receiver"])
                .series_max(RECEIVERS_MAX)
                .register()?,
            suppressed: counter(
                "suppressed_total",
                "Alerts that were kept quiet in a round.",
            )
            .labels(["reason"])
            .register()?,
            dropped: counter(
                "dropped_total",
                "Alerts or messages that were dropped because a limit is reached.",
            )
            .labels(["limit"])
            .register()?,
            alerts_firing: registry
                .gauge("alerts_firing", "Alerts that fire.")
                .register()?,
            groups: registry.gauge("groups", "Groups of alerts.").register()?,
            log_errors: counter("log_errors_total", "Failed writes of the notification log.")
                .register()?,
        })
    }

    pub(crate) fn count(&self, note: Note) {
        match note {
            Note::Suppressed(reason, alerts) => {
                let reason = match reason {
                    Suppression::Silence => "silence",
                    Suppression::Inhibition => "inhibition",
                    Suppression::MuteInterval => "mute_time_interval",
                    Suppression::OutsideActiveInterval => "active_time_interval",
                };
                self.suppressed.with([reason]).inc_by(alerts as u64);
            }
            Note::Dropped(Limit::Alerts) => self.dropped.with(["alerts"]).inc(),
            Note::Dropped(Limit::Groups) => self.dropped.with(["groups"]).inc(),
        }
    }

    /// Events that the delivery log on disk had no place for.
    pub(crate) fn journal_dropped(&self) -> Counter {
        self.dropped.with(["delivery_log"])
    }

    /// What one way out counts, looked up once.
    pub(crate) fn of_worker(&self, kind: ChannelKind, receiver: &str) -> WorkerMetrics {
        let outcome = |outcome| self.notifications.with([kind.name(), outcome]);
        WorkerMetrics {
            delivered: outcome("delivered"),
            failed: outcome("failed"),
            interrupted: outcome("interrupted"),
            retries: self.retries.with([kind.name()]),
            attempt_duration: self.attempt_duration.with([kind.name()]),
            queue_length: self.queue_length.with([receiver]),
            queue_full: self.dropped.with(["queue"]),
        }
    }

    /// Forgets a receiver that is no longer configured.
    pub(crate) fn forget_receiver(&self, receiver: &str) {
        self.queue_length.remove([receiver]);
    }
}

/// What one way out counts.
pub(crate) struct WorkerMetrics {
    pub(crate) delivered: Counter,
    pub(crate) failed: Counter,
    pub(crate) interrupted: Counter,
    pub(crate) retries: Counter,
    pub(crate) attempt_duration: Histogram,
    pub(crate) queue_length: Gauge,
    pub(crate) queue_full: Counter,
}
