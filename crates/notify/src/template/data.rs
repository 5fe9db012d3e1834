//! What a template sees: the types, fields and methods of Alertmanager's `template.Data`.
//!
//! Source: <https://prometheus.io/docs/alerting/latest/notifications/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use stonechat_model::Timestamp;
use stonechat_template::{CallError, Element, List, Map, Object, Time, Value};

use crate::alert::ToldAlert;
use crate::notification::{Notification, Status};

/// Names and texts.
pub(crate) type KeyValues = BTreeMap<String, String>;

/// A method's result.
type Called = Option<Result<Value, CallError>>;

/// The dot of a message.
/// In HTML every text of an alert is escaped beforehand.
pub(super) fn message(
    notification: &Notification,
    external_url: &str,
    (zone, html): (&str, bool),
) -> Value {
    let shown = |text: &str| if html { escape(text) } else { text.to_owned() };
    let alerts = notification
        .alerts
        .iter()
        .map(|told| AlertData::of(told, zone, shown));
    let all = |texts: KeyValues| {
        texts
            .into_iter()
            .map(|(name, text)| (shown(&name), shown(&text)))
            .collect()
    };
    let alerts: Vec<Arc<AlertData>> = alerts.map(Arc::new).collect();
    let group_labels = notification.group_labels.iter();
    Value::object(Message {
        receiver: shown(&notification.receiver),
        status: Status::of_all(&notification.alerts).as_str(),
        group_labels: group_labels
            .map(|(name, value)| (shown(name), shown(value)))
            .collect(),
        common_labels: all(common_labels(&notification.alerts)),
        common_annotations: all(common_annotations(&notification.alerts)),
        external_url: external_url.to_owned(),
        reason: notification.reason.text(),
        alerts,
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The labels that all alerts have with the same value.
pub(crate) fn common_labels(alerts: &[ToldAlert]) -> KeyValues {
    common(alerts.iter().map(|told| {
        let labels = told.known.alert.labels.iter();
        labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }))
}

/// The annotations that all alerts have with the same text.
pub(crate) fn common_annotations(alerts: &[ToldAlert]) -> KeyValues {
    common(
        alerts
            .iter()
            .map(|told| told.known.alert.annotations.clone()),
    )
}

fn common(mut sets: impl Iterator<Item = KeyValues>) -> KeyValues {
    let mut common = sets.next().unwrap_or_default();
    for set in sets {
        if common.is_empty() {
            break;
        }
        common.retain(|name, value| set.get(name) == Some(value));
    }
    common
}

struct Message {
    receiver: String,
    status: &'static str,
    alerts: Vec<Arc<AlertData>>,
    group_labels: KeyValues,
    common_labels: KeyValues,
    common_annotations: KeyValues,
    external_url: String,
    reason: &'static str,
}

impl Object for Message {
    fn type_name(&self) -> &'static str {
        "template.Data"
    }

    fn field_names(&self) -> &[&str] {
        &[
            "Receiver",
            "Status",
            "Alerts",
            "NotificationReason",
            "GroupLabels",
            "CommonLabels",
            "CommonAnnotations",
            "ExternalURL",
        ]
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Receiver" => self.receiver.as_str().into(),
            "Status" => self.status.into(),
            "Alerts" => Value::object(Alerts(self.alerts.clone())),
            "NotificationReason" => self.reason.into(),
            "GroupLabels" => Value::object(Kv(self.group_labels.clone())),
            "CommonLabels" => Value::object(Kv(self.common_labels.clone())),
            "CommonAnnotations" => Value::object(Kv(self.common_annotations.clone())),
            "ExternalURL" => self.external_url.as_str().into(),
            _ => return None,
        })
    }

    fn is_pointer(&self) -> bool {
        true
    }
}

struct Alerts(Vec<Arc<AlertData>>);

impl Alerts {
    fn with(&self, status: &str) -> Value {
        let chosen = self.0.iter().filter(|alert| alert.status == status);
        Value::List(list(
            chosen
                .map(|alert| Value::Object(Arc::clone(alert) as _))
                .collect(),
        ))
    }
}

fn list(items: Vec<Value>) -> List {
    List {
        items: items.into(),
        element: Element::Any,
    }
}

impl Object for Alerts {
    fn type_name(&self) -> &'static str {
        "template.Alerts"
    }

    fn plain(&self) -> Option<Value> {
        let all = self
            .0
            .iter()
            .map(|alert| Value::Object(Arc::clone(alert) as _));
        Some(Value::List(list(all.collect())))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Called {
        match (name, arguments) {
            ("Firing", []) => Some(Ok(self.with("firing"))),
            ("Resolved", []) => Some(Ok(self.with("resolved"))),
            _ => None,
        }
    }
}

struct AlertData {
    status: &'static str,
    labels: KeyValues,
    annotations: KeyValues,
    starts_at: Value,
    ends_at: Value,
    generator_url: String,
    fingerprint: String,
}

impl AlertData {
    fn of(told: &ToldAlert, zone: &str, shown: impl Fn(&str) -> String) -> Self {
        let alert = &told.known.alert;
        let labels = alert.labels.iter();
        Self {
            status: Status::of(told).as_str(),
            labels: labels
                .map(|(name, value)| (shown(name), shown(value)))
                .collect(),
            annotations: alert
                .annotations
                .iter()
                .map(|(name, text)| (shown(name), shown(text)))
                .collect(),
            starts_at: time(alert.starts_at, zone),
            ends_at: match told.resolved {
                true => time(alert.ends_at, zone),
                // Go's zero time.
                false => time(Timestamp::from_millis(ZERO_TIME_MILLIS), "UTC"),
            },
            generator_url: shown(&alert.generator_url),
            fingerprint: told.fingerprint().to_string(),
        }
    }
}

/// The first moment of the year 1.
const ZERO_TIME_MILLIS: i64 = -62_135_596_800_000;

fn time(at: Timestamp, zone: &str) -> Value {
    let time = Time::from_nanoseconds(at.millis().saturating_mul(1_000_000));
    Value::Time(time.in_zone(zone).unwrap_or(time))
}

impl Object for AlertData {
    fn type_name(&self) -> &'static str {
        "template.Alert"
    }

    fn field_names(&self) -> &[&str] {
        &[
            "Status",
            "Labels",
            "Annotations",
            "StartsAt",
            "EndsAt",
            "GeneratorURL",
            "Fingerprint",
        ]
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Status" => self.status.into(),
            "Labels" => Value::object(Kv(self.labels.clone())),
            "Annotations" => Value::object(Kv(self.annotations.clone())),
            "StartsAt" => self.starts_at.clone(),
            "EndsAt" => self.ends_at.clone(),
            "GeneratorURL" => self.generator_url.as_str().into(),
            "Fingerprint" => self.fingerprint.as_str().into(),
            _ => return None,
        })
    }
}

/// Names and texts, with methods.
struct Kv(KeyValues);

impl Kv {
    /// The alert's name stands first.
    fn sorted(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        pairs.sort_by_key(|(name, _)| (*name != "alertname", *name));
        pairs
    }
}

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> Value {
    Value::strings(items.map(str::to_owned))
}

impl Object for Kv {
    fn type_name(&self) -> &'static str {
        "template.KV"
    }

    fn plain(&self) -> Option<Value> {
        let entries = self
            .0
            .iter()
            .map(|(name, value)| (Arc::from(name.as_str()), value.as_str().into()));
        Some(Value::Map(Map {
            entries: Arc::new(entries.collect()),
            element: Element::String,
        }))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Called {
        Some(Ok(match (name, arguments) {
            ("SortedPairs", []) => {
                let pairs = self.sorted().into_iter();
                Value::object(Pairs(
                    pairs
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                ))
            }
            ("Names", []) => strings(self.sorted().into_iter().map(|(name, _)| name)),
            ("Values", []) => strings(self.sorted().into_iter().map(|(_, value)| value)),
            ("Remove", [Value::List(names)]) => {
                let mut left = self.0.clone();
                left.retain(|name, _| {
                    !names
                        .items
                        .iter()
                        .any(|removed| removed.as_str() == Some(name))
                });
                Value::object(Self(left))
            }
            ("Remove", _) => return Some(Err(CallError::new("Remove takes a list of names"))),
            _ => return None,
        }))
    }
}

struct Pairs(Vec<(String, String)>);

impl Object for Pairs {
    fn type_name(&self) -> &'static str {
        "template.Pairs"
    }

    fn plain(&self) -> Option<Value> {
        let pairs = self
            .0
            .iter()
            .map(|(name, value)| Value::object(Pair(name.clone(), value.clone())));
        Some(Value::List(list(pairs.collect())))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Called {
        match (name, arguments) {
            ("Names", []) => Some(Ok(strings(self.0.iter().map(|(name, _)| name.as_str())))),
            ("Values", []) => Some(Ok(strings(self.0.iter().map(|(_, value)| value.as_str())))),
            _ => None,
        }
    }
}

struct Pair(String, String);

impl Object for Pair {
    fn type_name(&self) -> &'static str {
        "template.Pair"
    }

    fn field_names(&self) -> &[&str] {
        &["Name", "Value"]
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Name" => Some(self.0.as_str().into()),
            "Value" => Some(self.1.as_str().into()),
            _ => None,
        }
    }
}
