//! `/api/v1/rules` and `/api/v1/alerts`.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use stonechat_rules::{AlertStatus, GroupStatus, RuleStatus};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};
use crate::own::{NEVER, rfc3339};
use crate::params::Params;

/// Groups of rules with their state; `type`, `rule_name[]`, `rule_group[]` and `file[]` choose among them.
pub(crate) async fn rules(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let kind = params.get("type");
    if kind.is_some_and(|kind| !["alert", "record"].contains(&kind)) {
        let message = format!("not supported value {:?}", kind.unwrap_or_default());
        return Err(ApiError::parameter("type", message));
    }
    if params.get("group_next_token").is_some() {
        return Err(ApiError::new(
            ErrorType::BadData,
            "group_next_token is not supported yet",
        ));
    }
    let without_alerts = params.get("exclude_alerts") == Some("true");
    let chosen = |name: &str, value: &str| {
        let mut wanted = params.all(name).peekable();
        wanted.peek().is_none() || wanted.any(|wanted| wanted == value)
    };
    let mut groups = rooms.rules.groups();
    groups.retain(|group| chosen("rule_group[]", &group.name) && chosen("file[]", &group.file));
    for group in &mut groups {
        group.rules.retain(|rule| {
            let of_kind = match kind {
                Some("alert") => rule.alerting.is_some(),
                Some(_) => rule.alerting.is_none(),
                None => true,
            };
            of_kind && chosen("rule_name[]", &rule.name)
        });
    }
    let narrowed = kind.is_some() || params.get("rule_name[]").is_some();
    let shown = groups
        .iter()
        .filter(|group| !narrowed || !group.rules.is_empty());
    let shown: Vec<Value> = shown.map(|shown| group(shown, without_alerts)).collect();
    success(&json!({ "groups": shown }))
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
        "labels": rule.labels,
        "health": rule.health.as_str(),
        "evaluationTime": rule.evaluation_time.as_secs_f64(),
        "lastEvaluation": rule.last_evaluation.map_or_else(|| NEVER.to_owned(), rfc3339),
        "type": if rule.alerting.is_some() { "alerting" } else { "recording" },
    });
    if let Some(error) = &rule.last_error {
        shown["lastError"] = json!(error);
    }
    if let Some(alerting) = &rule.alerting {
        let alerts = if without_alerts {
            Vec::new()
        } else {
            alerting.alerts.iter().map(alert).collect()
        };
        shown["state"] = json!(alerting.state.as_str());
        shown["duration"] = json!(alerting.hold.as_secs_f64());
        shown["keepFiringFor"] = json!(alerting.keep_firing.as_secs_f64());
        shown["annotations"] = json!(alerting.annotations);
        shown["alerts"] = Value::Array(alerts);
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
