//! How groups, rules and alerts are doing, as the API and the pages show it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Labels, Timestamp};

use crate::alerts::AlertState;
use crate::evaluate::{RuleCell, RuleHealth};

/// A group. What has not happened yet has no time.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupStatus {
    /// The file it was read from.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Time between two evaluations.
    pub interval: Duration,
    /// The most alerts or series that one of its rules may give; zero for no limit.
    pub limit: usize,
    /// When it was evaluated last.
    pub last_evaluation: Option<Timestamp>,
    /// How long that took.
    pub evaluation_time: Duration,
    /// Moments at which it should have been evaluated and was not, because the evaluation before was too slow.
    pub missed: u64,
    /// Its rules in order.
    pub rules: Vec<RuleStatus>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleStatus {
    /// Name of the alert or of the recorded series.
    pub name: String,
    /// The expression as Prometheus prints it.
    pub query: String,
    /// Labels as they are written.
    pub labels: BTreeMap<String, String>,
    /// How its last evaluation went.
    pub health: RuleHealth,
    /// What went wrong in it.
    pub last_error: Option<String>,
    /// When it was evaluated last.
    pub last_evaluation: Option<Timestamp>,
    /// How long that took.
    pub evaluation_time: Duration,
    /// What only alerting rules have.
    pub alerting: Option<AlertingStatus>,
}

/// What only alerting rules have.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertingStatus {
    /// The furthest state of its alerts.
    pub state: AlertState,
    /// `for`
    pub hold: Duration,
    /// `keep_firing_for`
    pub keep_firing: Duration,
    /// Annotations as they are written.
    pub annotations: BTreeMap<String, String>,
    /// Pending and firing alerts, sorted by labels.
    pub alerts: Vec<AlertStatus>,
}

/// A pending or firing alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertStatus {
    /// Its identity, with `alertname`.
    pub labels: Labels,
    /// Texts for people, expanded.
    pub annotations: Arc<BTreeMap<String, String>>,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when the result of the query has it.
    pub active_at: Timestamp,
    /// Since when it fires only because of `keep_firing_for`.
    pub keep_firing_since: Option<Timestamp>,
    /// The value of the query.
    pub value: f64,
}

impl AlertStatus {
    /// The value as Prometheus' API writes it: `1.5e+00`.
    #[must_use]
    pub fn value_text(&self) -> String {
        if !self.value.is_finite() {
            return stonechat_model::format_float(self.value);
        }
        let text = format!("{:e}", self.value);
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = power
            .strip_prefix('-')
            .map_or(('+', power), |power| ('-', power));
        format!("{digits}e{sign}{power:0>2}")
    }
}

impl RuleStatus {
    pub(crate) fn of(cell: &RuleCell) -> Self {
        let last = cell.last.lock().clone();
        Self {
            name: cell.rule.name.clone(),
            query: cell.rule.query.text.clone(),
            labels: cell.rule.labels_written(),
            health: last.health,
            last_error: last.error,
            last_evaluation: last.at,
            evaluation_time: last.took,
            alerting: AlertingStatus::of(cell),
        }
    }
}

impl AlertingStatus {
    fn of(cell: &RuleCell) -> Option<Self> {
        let alerting = cell.rule.alerting()?;
        let active = cell.alerts.lock();
        let mut alerts: Vec<AlertStatus> = active
            .pending_and_firing()
            .map(|(labels, alert)| AlertStatus {
                labels: labels.clone(),
                annotations: Arc::clone(&alert.annotations),
                state: alert.state,
                active_at: alert.active_at,
                keep_firing_since: alert.keep_firing_since,
                value: alert.value,
            })
            .collect();
        let state = active.state();
        drop(active);
        alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
        Some(Self {
            state,
            hold: alerting.hold,
            keep_firing: alerting.keep_firing,
            annotations: alerting.annotations_written(),
            alerts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_prometheus_does() {
        for (value, text) in [
            (0.0, "0e+00"),
            (1.0, "1e+00"),
            (-1.5, "-1.5e+00"),
            (1234.5, "1.2345e+03"),
            (1e-7, "1e-07"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            let alert = AlertStatus {
                labels: Labels::default(),
                annotations: Arc::default(),
                state: AlertState::Firing,
                active_at: Timestamp::default(),
                keep_firing_since: None,
                value,
            };
            assert_eq!(alert.value_text(), text);
        }
    }
}
