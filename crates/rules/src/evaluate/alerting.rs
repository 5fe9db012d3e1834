//! What an alerting rule does with a result.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use stonechat_model::{
    Alert, Columns, Labels, LabelsError, METRIC_NAME, Matcher, QueryableError, TimeRange,
    Timestamp, is_stale,
};
use stonechat_template::Value;
use stonechat_template::prometheus::table_link;

use super::missing::Wording;
use super::{Round, RuleCell, RuleError, Workshop};
use crate::alerts::send::Sending;
use crate::alerts::{ActiveAlert, Alerts, Observed, Recorded, Timing};
use crate::missing::ANNOTATION;
use crate::rule::{Alerting, Group};
use crate::text::{Surroundings, Text, alert_data};

/// One for each pending or firing alert.
const ALERTS: &str = "ALERTS";
/// Since when it has been active, in seconds since 1970.
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
const ALERT_NAME: &str = "alertname";
const ALERT_STATE: &str = "alertstate";

impl RuleCell {
    /// How many alerts notification was told, and the number of samples that were stored.
    pub(super) fn evaluate_alerting(
        &self,
        alerting: &Alerting,
        round: &Round<'_>,
    ) -> (usize, Result<usize, RuleError>) {
        let Round {
            group,
            workshop,
            now,
            index,
            ..
        } = *round;
        let external_labels = workshop.external_labels.lock().clone();
        let result = self.observe(alerting, round, &external_labels);
        let timing = Timing {
            hold: alerting.hold,
            keep_firing: alerting.keep_firing,
            limit: group.limit,
        };
        let (stepped, changes, due, samples) = {
            let mut alerts = self.alerts.lock();
            let stepped = result.and_then(|(observed, unknown)| {
                alerts.hold(&unknown, now);
                Ok(alerts.step(observed, timing, now)?)
            });
            alerts.seen_at = now;
            // A failed evaluation is not a recovery: alerts stay as they are, and whoever was told is told on.
            (
                stepped,
                alerts.take_changes(),
                self.take_due(&mut alerts, (group, workshop), now),
                self.samples(&alerts),
            )
        };
        // Before anybody is told: what is told must not be forgotten.
        workshop.keep((group, index), &changes, now);
        let sent = due.len();
        if sent > 0 {
            workshop.sink.put(due);
        }
        let written = samples
            .map_err(RuleError::from)
            .and_then(|samples| self.write(workshop, &samples, round.at()));
        (sent, stepped.and(written))
    }

    /// The alerts that notification has to hear of now.
    fn take_due(
        &self,
        alerts: &mut Alerts,
        (group, workshop): (&Group, &Workshop),
        now: Timestamp,
    ) -> Vec<Alert> {
        let sending = Sending {
            resend_delay: workshop.resend_delay,
            interval: group.interval,
            external_labels: &workshop.external_labels.lock().clone(),
            generator_url: &format!(
                "{}{}",
                workshop.external_url,
                table_link(&self.rule.query.text)
            ),
        };
        alerts.take_due(&sending, now)
    }

    /// Tells notification of alerts from before a restart, so that it does not take them for over before the rule is evaluated
    /// again.
    pub fn tell_remembered(&self, group: &Group, workshop: &Workshop, now: Timestamp) {
        let mut alerts = self.alerts.lock();
        if alerts.is_empty() {
            return;
        }
        let due = self.take_due(&mut alerts, (group, workshop), now);
        drop(alerts);
        if !due.is_empty() {
            workshop.sink.put(due);
        }
    }

    /// The result of the query as alerts, with their texts, and the alerts of which it says nothing.
    fn observe(
        &self,
        alerting: &Alerting,
        round: &Round<'_>,
        external_labels: &Labels,
    ) -> Result<(Vec<Observed>, Vec<Labels>), RuleError> {
        let Round { workshop, now, .. } = *round;
        let vector = workshop.source.vector(&self.rule.query.expr, round.at())?;
        let query = |text: &str| workshop.source.template_query(text, now);
        let around = Surroundings {
            now,
            external_url: &workshop.external_url,
            external_labels,
            query: &query,
        };
        let expand = |text: &Text, data: &Value| {
            let (expanded, error) = text.expand(data, &around);
            if let Some(error) = error {
                if round.bad_texts.get() == 0 {
                    tracing::warn!(rule = self.rule.name, %error, "expanding a text of an alert failed");
                }
                round.bad_texts.set(round.bad_texts.get() + 1);
            }
            expanded
        };
        let wording = Wording {
            labels: |labels: &Labels, value: f64| {
                let data = alert_data(labels, value, &around);
                Ok(self.alert_labels(labels, |text| expand(text, &data))?)
            },
            annotations: |labels: &Labels, value: f64| {
                let data = alert_data(labels, value, &around);
                let texts = alerting.annotations.iter();
                let said = texts.filter(|(name, _)| name != ANNOTATION);
                let said = said.map(|(name, text)| (name.clone(), expand(text, &data)));
                Arc::new(said.collect::<BTreeMap<_, _>>())
            },
        };
        let observed = vector.iter().map(|(labels, value)| {
            Ok(Observed {
                labels: (wording.labels)(labels, *value)?,
                annotations: (wording.annotations)(labels, *value),
                value: *value,
            })
        });
        let mut observed: Vec<Observed> = observed.collect::<Result<_, RuleError>>()?;
        let missing = self.missing(alerting, round, &observed, &wording)?;
        observed.extend(missing.raised);
        Ok((observed, missing.unknown))
    }

    fn alert_labels(
        &self,
        labels: &Labels,
        expand: impl Fn(&Text) -> String,
    ) -> Result<Labels, LabelsError> {
        let mut builder = labels.to_builder();
        builder.remove(METRIC_NAME);
        for (name, text) in &self.rule.labels {
            builder.set(name, &expand(text));
        }
        builder.set(ALERT_NAME, &self.rule.name);
        builder.build()
    }

    /// The series of all pending and firing alerts. There are none before the state from before a restart has been
    /// looked for, because they would cover it.
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are exact for longer than the sun lasts"
    )]
    fn samples(&self, alerts: &Alerts) -> Result<Vec<(Labels, f64)>, LabelsError> {
        let mut samples = Vec::new();
        if !alerts.restored {
            return Ok(samples);
        }
        for (labels, alert) in alerts.pending_and_firing() {
            samples.push((alerts_labels(labels, alert)?, 1.0));
            let since = alert.active_at.millis().div_euclid(1000) as f64;
            samples.push((for_state_labels(labels)?, since));
        }
        Ok(samples)
    }
}

fn alerts_labels(labels: &Labels, alert: &ActiveAlert) -> Result<Labels, LabelsError> {
    let mut builder = labels.to_builder();
    builder
        .set(METRIC_NAME, ALERTS)
        .set(ALERT_STATE, alert.state.as_str());
    builder.build()
}

fn for_state_labels(labels: &Labels) -> Result<Labels, LabelsError> {
    let mut builder = labels.to_builder();
    builder.set(METRIC_NAME, ALERTS_FOR_STATE);
    builder.build()
}

/// Looks for the state from before a restart of all rules of a group that have not done so.
pub(crate) fn restore(cells: &[Arc<RuleCell>], workshop: &Workshop, now: Timestamp) {
    for cell in cells {
        let Some(alerting) = cell.rule.alerting() else {
            continue;
        };
        if cell.alerts.lock().restored {
            continue;
        }
        let recorded = recorded(cell, workshop, now).unwrap_or_else(|error| {
            // Without the old state the alerts are what they would be on a first start.
            tracing::error!(rule = cell.rule.name, %error, "the state of a rule from before the restart cannot be read");
            HashMap::new()
        });
        cell.alerts
            .lock()
            .restore(&recorded, alerting.hold, workshop.tolerance, now);
    }
}

/// The last sample of each `ALERTS_FOR_STATE` series of a rule.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970; the cast stops at the ends"
)]
fn recorded(
    cell: &RuleCell,
    workshop: &Workshop,
    now: Timestamp,
) -> Result<HashMap<Labels, Recorded>, QueryableError> {
    let mut matchers = vec![
        Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE),
        Matcher::equal(ALERT_NAME, &cell.rule.name),
    ];
    // What a template made of its text is not known here.
    let fixed = cell
        .rule
        .labels
        .iter()
        .filter(|(name, text)| !text.is_template() && name != ALERT_NAME);
    matchers.extend(fixed.map(|(name, text)| Matcher::equal(name, text.written())));
    let range = TimeRange {
        start: now.minus(workshop.outage_tolerance),
        end: now,
    };
    let selection = workshop.queryable.select(&matchers, range)?;
    let (mut found, mut columns) = (HashMap::new(), Columns::default());
    for index in 0..selection.len() {
        columns.clear();
        selection.read(index, &mut columns)?;
        let (Some(&at), Some(&value)) = (columns.timestamps.last(), columns.values.last()) else {
            continue;
        };
        // A marker means that the alert was over before the restart.
        if is_stale(value) {
            continue;
        }
        let recorded = Recorded {
            at: Timestamp::from_millis(at),
            active_at: Timestamp::from_millis((value as i64).saturating_mul(1000)),
        };
        found.insert(selection.labels(index).without_name(), recorded);
    }
    Ok(found)
}
