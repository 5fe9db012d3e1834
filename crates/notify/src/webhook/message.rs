//! The body of a webhook: version 4 of Alertmanager's JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, SerializeSeq, Serializer};
use stonechat_model::Labels;

use crate::alert::ToldAlert;
use crate::fingerprint::Fingerprint;
use crate::notification::{Notification, Status};
use crate::template::{KeyValues, common_annotations, common_labels};
use crate::time::{UNSET, rfc3339};

/// The whole body. Fields stand in Alertmanager's order.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    receiver: String,
    status: Status,
    alerts: Alerts<'a>,
    #[serde(rename = "notification_reason")]
    reason: &'static str,
    group_labels: &'a Labels,
    common_labels: KeyValues,
    common_annotations: KeyValues,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    version: &'static str,
    group_key: &'a str,
    truncated_alerts: usize,
}

impl<'a> Message<'a> {
    /// The body of a notification. At most `max_alerts` alerts are in it, 0 for all; the rest is only counted.
    pub(super) fn new(
        notification: &'a Notification,
        external_url: &'a str,
        max_alerts: usize,
    ) -> Self {
        let all = &notification.alerts;
        let alerts = match max_alerts {
            0 => &all[..],
            max => &all[..max.min(all.len())],
        };
        Self {
            // Alertmanager escapes the name as if it went into a regular expression, and receivers compare with that.
            receiver: escape_name(&notification.receiver),
            status: Status::of_all(alerts),
            alerts: Alerts(alerts),
            reason: notification.reason.text(),
            group_labels: &notification.group_labels,
            common_labels: common_labels(alerts),
            common_annotations: common_annotations(alerts),
            external_url,
            version: "4",
            group_key: &notification.group_key,
            truncated_alerts: all.len() - alerts.len(),
        }
    }
}

/// Go's `regexp.QuoteMeta`. The regex crate's own escaping covers more characters.
fn escape_name(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

struct Alerts<'a>(&'a [ToldAlert]);

impl Serialize for Alerts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for told in self.0 {
            let alert = &told.known.alert;
            list.serialize_element(&AlertBody {
                status: Status::of(told),
                labels: &alert.labels,
                annotations: &alert.annotations,
                starts_at: rfc3339(alert.starts_at),
                ends_at: if told.resolved {
                    rfc3339(alert.ends_at)
                } else {
                    UNSET.to_owned()
                },
                generator_url: &alert.generator_url,
                fingerprint: Shown(told.fingerprint()),
            })?;
        }
        list.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertBody<'a> {
    status: Status,
    labels: &'a Labels,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: Shown<Fingerprint>,
}

/// Serialises as what it displays.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
