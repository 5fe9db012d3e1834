//! What is known about alerts and groups, for those who ask.

use std::collections::BTreeMap;

use stonechat_model::{Alert, Labels, Timestamp};

use super::Dispatcher;
use super::round::quiet_time;
use crate::alert::{Slot, message_order};
use crate::fingerprint::Fingerprint;
use crate::group::Group;
use crate::log::LogKey;

/// An alert and what keeps it quiet.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AlertView {
    /// The newest state.
    pub alert: Alert,
    /// 16 hexadecimal digits that name its labels.
    pub fingerprint: String,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// The receivers that its routes name.
    pub receivers: Vec<String>,
    /// The names of the silences that keep it quiet.
    pub silenced_by: Vec<String>,
    /// The fingerprints of the alerts that keep it quiet.
    pub inhibited_by: Vec<String>,
    /// The time intervals that keep its groups quiet.
    pub muted_by: Vec<String>,
}

/// Alerts that are told together.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupView {
    /// The labels that they share.
    pub labels: Labels,
    /// Who is told.
    pub receiver: String,
    /// The group's alerts that are not over.
    pub alerts: Vec<AlertView>,
}

/// Why somebody was told of an alert, or was not: one route that takes it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct RouteView {
    /// The route's conditions from the top down.
    pub route: String,
    /// Who is told.
    pub receiver: String,
    /// The key of the group in which the alert waits; none when all about it has been said.
    pub group: Option<String>,
    /// When that group is looked at next.
    #[serde(serialize_with = "optional_time")]
    pub due: Option<Timestamp>,
    /// Why the route is silent now, if it is: the names of time intervals.
    pub muted_by: Vec<String>,
    /// What each way out of the receiver knows.
    pub ways: Vec<WayView>,
}

/// What one way out of a receiver was told about an alert's group.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct WayView {
    /// Name, kind and number.
    pub way: String,
    /// When it was last told something about the group.
    #[serde(serialize_with = "optional_time")]
    pub told_at: Option<Timestamp>,
    /// Whether it knows that this alert fires.
    pub knows_firing: bool,
    /// When the same will be told again if nothing changes.
    #[serde(serialize_with = "optional_time")]
    pub repeat_at: Option<Timestamp>,
    /// A message is on its way.
    pub sending: bool,
}

fn optional_time<S: serde::Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&crate::time::rfc3339(*time)),
        None => serializer.serialize_none(),
    }
}

impl Dispatcher {
    /// All alerts that are not over, by their fingerprints.
    pub(crate) fn view_alerts(&self, now: Timestamp) -> Vec<AlertView> {
        let slots = self
            .alerts
            .values()
            .filter(|slot| !slot.known.alert.is_resolved(now));
        let mut views: Vec<AlertView> = slots.map(|slot| self.view(slot, now)).collect();
        views.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        views
    }

    /// All groups with alerts that are not over, by labels and receiver.
    pub(crate) fn view_groups(&self, now: Timestamp) -> Vec<GroupView> {
        let ids = self.groups.ids();
        let groups = ids.into_iter().filter_map(|id| self.groups.get(id));
        let mut views: Vec<GroupView> = groups
            .map(|group| GroupView {
                labels: group.labels.clone(),
                receiver: self.config.routes.get(group.route).receiver.to_string(),
                alerts: self.members(group, now),
            })
            .filter(|view| !view.alerts.is_empty())
            .collect();
        views.sort_by(|a, b| (&a.labels, &a.receiver).cmp(&(&b.labels, &b.receiver)));
        views
    }

    fn members(&self, group: &Group, now: Timestamp) -> Vec<AlertView> {
        let slots = group
            .alerts
            .iter()
            .filter_map(|labels| self.alerts.get(labels));
        let slots = slots.filter(|slot| !slot.known.alert.is_resolved(now));
        let mut members: Vec<AlertView> = slots.map(|slot| self.view(slot, now)).collect();
        members.sort_by(|a, b| message_order(&a.alert.labels, &b.alert.labels));
        members
    }

    fn view(&self, slot: &Slot, now: Timestamp) -> AlertView {
        let labels = &slot.known.alert.labels;
        let mut receivers: Vec<String> = Vec::new();
        let mut muted_by = Vec::new();
        for &route in &*slot.routes {
            let route = self.config.routes.get(route);
            let receiver = route.receiver.to_string();
            if !receivers.contains(&receiver) {
                receivers.push(receiver);
            }
            muted_by.extend(
                quiet_time(&self.config, route, now)
                    .into_iter()
                    .flat_map(|(_, names)| names),
            );
        }
        muted_by.sort();
        muted_by.dedup();
        AlertView {
            alert: slot.known.alert.clone(),
            fingerprint: slot.known.fingerprint.to_string(),
            updated_at: slot.updated_at,
            receivers,
            silenced_by: self
                .silences
                .of(labels, now)
                .map(|silence| silence.id.clone())
                .collect(),
            inhibited_by: self
                .inhibited_by(labels, now)
                .map(|source| Fingerprint::of(source).to_string())
                .into_iter()
                .collect(),
            muted_by,
        }
    }

    /// The alert that keeps these labels quiet.
    pub(super) fn inhibited_by(&self, labels: &Labels, now: Timestamp) -> Option<&Labels> {
        self.inhibitor.inhibited_by(labels, |source| {
            let source = self.alerts.get(source);
            source.is_some_and(|slot| !slot.known.alert.is_resolved(now))
        })
    }

    /// Everything that decides who is told of an alert, by its labels or fingerprint; `None` when nothing is known of it.
    pub(crate) fn explain(
        &self,
        fingerprint: &str,
        now: Timestamp,
    ) -> Option<(AlertView, Vec<RouteView>)> {
        let wanted = Fingerprint::parse(fingerprint)?;
        let slot = self
            .alerts
            .values()
            .find(|slot| slot.known.fingerprint == wanted)?;
        let routes = slot.routes.iter().map(|&index| {
            let route = self.config.routes.get(index);
            let mut groups = slot.groups.iter().filter_map(|id| self.groups.get(*id));
            let group = groups.find(|group| group.route == index);
            let key = match group {
                Some(group) => std::sync::Arc::clone(&group.key),
                None => {
                    let labels = route.group_by.group_labels(&slot.known.alert.labels);
                    format!("{}:{}", route.key, crate::group_key::labels_text(&labels)).into()
                }
            };
            let ways = self.config.integrations(&route.receiver).iter().map(|way| {
                let key = LogKey {
                    group: std::sync::Arc::clone(&key),
                    integration: way.key.clone(),
                };
                let entry = self.log.get(&key);
                let knows_firing = entry.is_some_and(|entry| entry.knows_firing(wanted));
                WayView {
                    way: way.key.to_string(),
                    told_at: entry.map(|entry| entry.at),
                    knows_firing,
                    repeat_at: entry
                        .filter(|_| knows_firing)
                        .map(|entry| entry.at.plus(route.repeat_interval)),
                    sending: self.flights.contains_key(&key),
                }
            });
            RouteView {
                route: route.key.clone(),
                receiver: route.receiver.to_string(),
                group: group.map(|group| group.key.to_string()),
                due: group.map(|group| group.due),
                muted_by: quiet_time(&self.config, route, now)
                    .map_or(Vec::new(), |(_, names)| names),
                ways: ways.collect(),
            }
        });
        let routes: BTreeMap<usize, RouteView> = routes.enumerate().collect();
        Some((self.view(slot, now), routes.into_values().collect()))
    }
}
