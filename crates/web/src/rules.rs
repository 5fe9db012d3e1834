//! `/api/v1/rules` and `/api/v1/alerts`.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use stonechat_model::Matcher;
use stonechat_rules::{AlertStatus, GroupStatus, RuleStatus};

use crate::Rooms;
use crate::answer::{ApiError, success};
use crate::labels::matcher_sets;
use crate::own::{NEVER, rfc3339};
use crate::params::Params;

/// Groups of rules with their state. `type`, `rule_name[]`, `rule_group[]`, `file[]` and `match[]` choose among them, and
/// `group_limit` cuts the list, which `group_next_token` goes on with.
pub(crate) async fn rules(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let choice = Choice::read(&params)?;
    let without_alerts = params.flag("exclude_alerts")?;
    let page = Page::read(&params)?;
    let mut groups = rooms.rules.groups();
    groups.retain_mut(|group| choice.narrow(group));
    let next = page.turn(&mut groups)?;
    let shown: Vec<Value> = groups
        .iter()
        .map(|shown| group(shown, without_alerts))
        .collect();
    let mut data = json!({ "groups": shown });
    if let Some(token) = next {
        data["groupNextToken"] = json!(token);
    }
    success(&data)
}

/// Which rules are asked for. What is not given chooses all.
struct Choice {
    alerting: Option<bool>,
    rules: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    /// A rule has to satisfy one of these with its own labels.
    matchers: Vec<Vec<Matcher>>,
}

impl Choice {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let alerting = match params.get("type").map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => {
                let message = format!("not supported value {other:?}");
                return Err(ApiError::parameter("type", message));
            }
        };
        let all = |name: &str| params.all(name).map(str::to_owned).collect();
        Ok(Self {
            alerting,
            rules: all("rule_name[]"),
            groups: all("rule_group[]"),
            files: all("file[]"),
            matchers: matcher_sets(params)?,
        })
    }

    /// Leaves the chosen rules; false when the group is not wanted at all.
    fn narrow(&self, group: &mut GroupStatus) -> bool {
        let chosen =
            |wanted: &[String], value: &String| wanted.is_empty() || wanted.contains(value);
        if !chosen(&self.groups, &group.name) || !chosen(&self.files, &group.file) {
            return false;
        }
        group.rules.retain(|rule| {
            let of_kind = self
                .alerting
                .is_none_or(|alerting| alerting == rule.alerting.is_some());
            of_kind && chosen(&self.rules, &rule.name) && self.matches(rule)
        });
        !group.rules.is_empty()
    }

    fn matches(&self, rule: &RuleStatus) -> bool {
        let satisfies = |matcher: &Matcher| {
            let value = rule.labels.get(matcher.name());
            matcher.matches(value.map_or("", String::as_str))
        };
        self.matchers.is_empty()
            || self
                .matchers
                .iter()
                .any(|matchers| matchers.iter().all(satisfies))
    }
}

/// Which part of a long list of groups is asked for.
struct Page {
    groups_max: Option<usize>,
    /// The group with which the page begins.
    from: Option<String>,
}

impl Page {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let groups_max = params.get("group_limit").map(|text| match text.parse() {
            Ok(0) | Err(_) => Err(ApiError::parameter(
                "group_limit",
                "group_limit needs to be greater than 0",
            )),
            Ok(groups) => Ok(groups),
        });
        let from = params.get("group_next_token").map(str::to_owned);
        if from.is_some() && groups_max.is_none() {
            return Err(ApiError::parameter(
                "group_next_token",
                "group_limit needs to be present in order to paginate over the groups",
            ));
        }
        Ok(Self {
            groups_max: groups_max.transpose()?,
            from,
        })
    }

    /// Cuts the list to the page; gives the token of the next one.
    fn turn(&self, groups: &mut Vec<GroupStatus>) -> Result<Option<String>, ApiError> {
        if let Some(from) = &self.from {
            let first = groups.iter().position(|group| token(group) == *from);
            let first = first.ok_or_else(|| {
                let message =
                    format!("invalid group_next_token '{from}'. were rule groups changed?");
                ApiError::parameter("group_next_token", message)
            })?;
            groups.drain(..first);
        }
        let Some(groups_max) = self.groups_max else {
            return Ok(None);
        };
        let next = groups.get(groups_max).map(token);
        groups.truncate(groups_max);
        Ok(next)
    }
}

/// Names a group for the next page. File and name are no secret, but a client should not take them apart.
fn token(group: &GroupStatus) -> String {
    let mut hasher = DefaultHasher::new();
    (&group.file, &group.name).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Pending and firing alerts.
pub(crate) async fn alerts(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    let alerts: Vec<Value> = rooms.rules.alerts().iter().map(alert).collect();
    success(&json!({ "alerts": alerts }))
}

fn group(group: &GroupStatus, without_alerts: bool) -> Value {
    let rules: Vec<Value> = group
        .rules
        .iter()
        .map(|shown| rule(shown, without_alerts))
        .collect();
    json!({
        "name": group.name,
        "file": group.file,
        "rules": rules,
        "interval": group.interval.as_secs_f64(),
        "limit": group.limit,
        "evaluationTime": group.evaluation_time.as_secs_f64(),
        "lastEvaluation": group.last_evaluation.map_or_else(|| NEVER.to_owned(), rfc3339),
    })
}

fn rule(rule: &RuleStatus, without_alerts: bool) -> Value {
    let mut shown = json!({
        "name": rule.name,
        "query": rule.query,
        "health": rule.health.as_str(),
        "evaluationTime": rule.evaluation_time.as_secs_f64(),
        "lastEvaluation": rule.last_evaluation.map_or_else(|| NEVER.to_owned(), rfc3339),
        "type": if rule.alerting.is_some() { "alerting" } else { "recording" },
    });
    // A recording rule without labels has none in Prometheus' answer either.
    if rule.alerting.is_some() || !rule.labels.is_empty() {
        shown["labels"] = json!(rule.labels);
    }
    if let Some(error) = &rule.last_error {
        shown["lastError"] = json!(error);
    }
    if let Some(alerting) = &rule.alerting {
        let alerts: Option<Vec<Value>> =
            (!without_alerts).then(|| alerting.alerts.iter().map(alert).collect());
        shown["state"] = json!(alerting.state.as_str());
        shown["duration"] = json!(alerting.hold.as_secs_f64());
        shown["keepFiringFor"] = json!(alerting.keep_firing.as_secs_f64());
        shown["annotations"] = json!(alerting.annotations);
        shown["alerts"] = json!(alerts);
    }
    shown
}

fn alert(alert: &AlertStatus) -> Value {
    let mut shown = json!({
        "labels": alert.labels,
        "annotations": *alert.annotations,
        "state": alert.state.as_str(),
        "activeAt": rfc3339(alert.active_at),
        "value": alert.value_text(),
    });
    if let Some(since) = alert.keep_firing_since {
        shown["keepFiringSince"] = json!(rfc3339(since));
    }
    shown
}
