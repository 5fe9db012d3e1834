//! What is told to notification.

use std::time::Duration;

use stonechat_model::{Alert, Labels, LabelsBuilder, Timestamp};

use super::{ActiveAlert, AlertState, Alerts};

/// When alerts are told again, and what is added to them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending<'a> {
    /// A firing or just resolved alert is told again after this time.
    pub resend_delay: Duration,
    /// Time between two evaluations of the rule.
    pub interval: Duration,
    /// Labels that mark this server; an alert's own labels stand over them.
    pub external_labels: &'a Labels,
    /// Where people see the expression.
    pub generator_url: &'a str,
}

impl Alerts {
    /// The alerts that notification has to hear of now. They count as told from here on.
    pub fn take_due(&mut self, sending: &Sending<'_>, now: Timestamp) -> Vec<Alert> {
        let due = self
            .active
            .iter_mut()
            .filter(|(_, alert)| alert.is_due(sending.resend_delay, now));
        due.map(|(labels, alert)| {
            alert.last_sent_at = Some(now);
            // Long enough for two evaluations or sendings to fail.
            alert.valid_until = now.plus(4 * sending.interval.max(sending.resend_delay));
            alert.outgoing(labels, sending)
        })
        .collect()
    }
}

impl ActiveAlert {
    fn is_due(&self, resend_delay: Duration, now: Timestamp) -> bool {
        let told = self.last_sent_at.unwrap_or(Timestamp::MIN);
        match self.state {
            AlertState::Pending => false,
            _ if self.resolved_at.is_some_and(|at| at > told) => true,
            _ => told.plus(resend_delay) < now,
        }
    }

    fn outgoing(&self, labels: &Labels, sending: &Sending<'_>) -> Alert {
        Alert {
            labels: with_external(labels, sending.external_labels),
            annotations: (*self.annotations).clone(),
            starts_at: self.fired_at.unwrap_or(self.active_at),
            ends_at: self.resolved_at.unwrap_or(self.valid_until),
            generator_url: sending.generator_url.to_owned(),
        }
    }
}

fn with_external(labels: &Labels, external: &Labels) -> Labels {
    if external.is_empty() {
        return labels.clone();
    }
    let mut builder: LabelsBuilder = external.to_builder();
    for (name, value) in labels.iter() {
        builder.set(name, value);
    }
    // Both sets are valid, and names and texts are taken over unchanged.
    builder.build().unwrap_or_else(|_| labels.clone())
}
