//! Alerts before they fire: who would be told, and which of them would keep others quiet.

use std::collections::{BTreeMap, BTreeSet};

use stonechat_model::{Labels, QueryableError};
use stonechat_notify::{Foreseen, ForeseenAlert, Oddness};
use stonechat_rules::{Group, Linter, Rule};

use super::show::{Odd, Subject};
use crate::config::Configuration;

/// The label of an alert's name.
const NAME: &str = "alertname";

/// What is known of the alerts of one rule.
pub(super) struct RuleAlerts<'a> {
    group: &'a Group,
    rule: &'a Rule,
    /// Labels that the rule gives.
    given: BTreeMap<&'a str, Foreseen>,
    /// Labels that its series may have; nothing when that is not known.
    of_series: Option<BTreeSet<String>>,
    external: &'a Labels,
}

impl ForeseenAlert for RuleAlerts<'_> {
    fn label(&self, name: &str) -> Foreseen {
        if let Some(given) = self.given.get(name) {
            return given.clone();
        }
        let may_have = |names: &BTreeSet<String>| names.contains(name);
        if self.of_series.as_ref().is_none_or(may_have) {
            return Foreseen::Any;
        }
        Foreseen::Is(self.external.get(name).unwrap_or_default().to_owned())
    }
}

/// The alerts of every alerting rule.
pub(super) fn foresee<'a>(
    configuration: &'a Configuration,
    linter: &Linter<'_>,
) -> Result<Vec<RuleAlerts<'a>>, QueryableError> {
    let mut alerts = Vec::new();
    for group in &configuration.groups {
        for rule in &group.rules {
            if rule.alerting().is_none() {
                continue;
            }
            let labels = rule.labels.iter().map(|(name, text)| {
                let value = match text.is_template() {
                    true => Foreseen::Any,
                    false => Foreseen::Is(text.written().to_owned()),
                };
                (name.as_str(), value)
            });
            let name = [(NAME, Foreseen::Is(rule.name.clone()))];
            alerts.push(RuleAlerts {
                group,
                rule,
                given: labels.chain(name).collect(),
                of_series: linter.label_names(&rule.query.expr)?,
                external: &configuration.external_labels,
            });
        }
    }
    Ok(alerts)
}

/// Alerts that reach nobody, and inhibitions that do not what they seem to.
pub(super) fn odd(configuration: &Configuration, alerts: &[RuleAlerts<'_>]) -> Vec<Odd> {
    // Others decide who is told.
    if !configuration.alertmanagers.is_empty() {
        return Vec::new();
    }
    let notify = &configuration.notify;
    let mut odd = Vec::new();
    for alert in alerts {
        let receivers = notify.receivers_foreseen(alert);
        if receivers.iter().any(|name| notify.reaches_somebody(name)) {
            continue;
        }
        let names: Vec<&str> = receivers
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect();
        let why = match names.is_empty() {
            true => "there is no receiver".to_owned(),
            false => format!("the receiver {} sends to nobody", names.join(" or ")),
        };
        let subject = Subject::Rule {
            file: alert.group.file.clone(),
            group: alert.group.name.clone(),
            rule: alert.rule.name.clone(),
            is_alert: true,
        };
        let message = format!("no route takes this alert to anybody: {why}");
        odd.push(Odd::of_subject(subject, message));
    }
    let all: Vec<&dyn ForeseenAlert> = alerts.iter().map(|alert| alert as _).collect();
    odd.extend(notify.odd_inhibitions(&all).into_iter().map(|inhibition| {
        let message = match inhibition.why {
            Oddness::NoSource => "no alert of these rules can set this off",
            Oddness::NoTarget => "there is no alert of these rules that this could keep quiet",
            _ => "while its source fires, this keeps every other alert quiet: no label in `equal` tells them apart",
        };
        let (source, target) = (inhibition.source, inhibition.target);
        let subject = Subject::Inhibition {
            number: inhibition.number,
            conditions: format!("{source} => {target}"),
        };
        Odd::of_subject(subject, message.to_owned())
    }));
    odd
}
