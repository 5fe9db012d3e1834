//! One round of a group: from its alerts to messages, and from what became of those to the group's end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Timestamp;

use super::{Dispatcher, Flight, Note, Order, Outcome, Output, Suppression, Ticket};
use crate::alert::{ToldAlert, message_order};
use crate::channel::{Integration, IntegrationKey};
use crate::config::Config;
use crate::fingerprint::Fingerprint;
use crate::group::{GroupId, Round};
use crate::journal::{Event, QuietBy};
use crate::log::{self, LogEntry, LogKey};
use crate::notification::Notification;
use crate::route::Route;

/// Even in a group that is looked at more often, a message gets this long to be delivered.
const SEND_TIME_MIN: Duration = Duration::from_secs(10);

impl Dispatcher {
    /// A group is due: tells every way out of its receiver what is new to it.
    pub(super) fn begin_round(&mut self, now: Timestamp, id: GroupId, outputs: &mut Vec<Output>) {
        let config = Arc::clone(&self.config);
        let Some(group) = self.groups.get(id) else {
            return;
        };
        let route = config.routes.get(group.route);
        let alerts = self.alerts_of(now, id);
        let resolved = alerts.iter().filter(|told| told.resolved);
        let resolved = resolved.map(|told| Arc::clone(&told.known)).collect();
        if let Some(group) = self.groups.get_mut(id) {
            group.looked_at = true;
            group.round = Some(Round {
                resolved,
                failed: false,
            });
        }
        self.groups.set_due(id, now.plus(route.group_interval));
        let alerts = self.audible((now, id), route, alerts, outputs);
        for integration in config.integrations(&route.receiver) {
            self.tell((now, id), integration, &alerts, outputs);
        }
        self.end_round(now, id);
    }

    /// The alerts of a group as they are now, in the order of a message.
    fn alerts_of(&self, now: Timestamp, id: GroupId) -> Vec<ToldAlert> {
        let labels = self.groups.get(id).into_iter().flat_map(|g| &g.alerts);
        let slots = labels.filter_map(|labels| self.alerts.get(labels));
        let mut alerts: Vec<ToldAlert> = slots
            .map(|slot| ToldAlert {
                known: Arc::clone(&slot.known),
                resolved: slot.known.alert.is_resolved(now),
            })
            .collect();
        alerts.sort_by(|a, b| message_order(&a.known.alert.labels, &b.known.alert.labels));
        alerts
    }

    /// The alerts that nothing keeps quiet.
    fn audible(
        &mut self,
        (now, id): (Timestamp, GroupId),
        route: &Route,
        mut alerts: Vec<ToldAlert>,
        outputs: &mut Vec<Output>,
    ) -> Vec<ToldAlert> {
        let quiet_time = quiet_time(&self.config, route, now);
        let mut quiet = HashMap::new();
        let (mut silenced, mut inhibited, mut timed) = (0, 0, 0);
        alerts.retain(|told| {
            let labels = &told.known.alert.labels;
            let silences = self.silences.of(labels, now);
            let mut by: Vec<QuietBy> = silences
                .map(|silence| QuietBy::Silence(silence.id.clone()))
                .collect();
            if !by.is_empty() {
                silenced += 1;
            } else if let Some(source) = self.inhibited_by(labels, now) {
                by.push(QuietBy::Inhibition(Fingerprint::of(source).to_string()));
                inhibited += 1;
            } else if let Some((suppression, names)) = &quiet_time {
                let names = names.iter().cloned();
                by.extend(names.map(|name| match suppression {
                    Suppression::OutsideActiveInterval => QuietBy::OutsideOf(name),
                    _ => QuietBy::Muted(name),
                }));
                timed += 1;
            } else {
                return true;
            }
            quiet.insert(told.fingerprint(), by);
            false
        });
        note(Suppression::Silence, silenced, outputs);
        note(Suppression::Inhibition, inhibited, outputs);
        if let Some((suppression, _)) = quiet_time {
            note(suppression, timed, outputs);
        }
        self.note_quiet(id, quiet, outputs);
        alerts
    }

    /// Tells what has become quiet in a group, or audible again.
    fn note_quiet(
        &mut self,
        id: GroupId,
        quiet: HashMap<Fingerprint, Vec<QuietBy>>,
        outputs: &mut Vec<Output>,
    ) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut group.quiet, quiet);
        let (key, mut events) = (&group.key, Vec::new());
        for (alert, by) in &group.quiet {
            if before.get(alert) != Some(by) {
                events.push((
                    alert,
                    Event::Quiet {
                        alert: alert.to_string(),
                        group: key.to_string(),
                        by: by.clone(),
                    },
                ));
            }
        }
        for alert in before
            .keys()
            .filter(|alert| !group.quiet.contains_key(alert))
        {
            events.push((
                alert,
                Event::Audible {
                    alert: alert.to_string(),
                    group: key.to_string(),
                },
            ));
        }
        // The same input gives the same output.
        events.sort_by_key(|(alert, _)| **alert);
        outputs.extend(events.into_iter().map(|(_, event)| Output::Tell(event)));
    }

    /// Tells one way out what is new to it, or remembers to do so once the message before has landed.
    fn tell(
        &mut self,
        (now, id): (Timestamp, GroupId),
        integration: &Integration,
        alerts: &[ToldAlert],
        outputs: &mut Vec<Output>,
    ) {
        let Some(group) = self.groups.get(id) else {
            return;
        };
        let key = LogKey {
            group: Arc::clone(&group.key),
            integration: integration.key.clone(),
        };
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.again = true;
            return;
        }
        let route = self.config.routes.get(group.route);
        let (repeat, interval) = (route.repeat_interval, route.group_interval);
        let entry = self.log.get(&key);
        let alerts: Vec<ToldAlert> = alerts
            .iter()
            .filter(|told| {
                told.known.reported || entry.is_some_and(|e| e.knows_firing(told.fingerprint()))
            })
            .cloned()
            .collect();
        let Some(reason) = log::reason(entry, &alerts, integration.send_resolved, repeat, now)
        else {
            return;
        };
        let message: Vec<ToldAlert> = alerts
            .iter()
            .filter(|told| !told.resolved || wants_end(integration, entry, told))
            .cloned()
            .collect();
        if message.is_empty() {
            self.record(LogEntry::new(key, &alerts, repeat, now), outputs);
            return;
        }
        let order = Order {
            ticket: Ticket(self.next_ticket),
            integration: integration.key.clone(),
            notification: Notification {
                receiver: Arc::clone(&integration.key.receiver),
                group_key: Arc::clone(&group.key),
                group_labels: group.labels.clone(),
                reason,
                alerts: message,
            },
            deadline: now.plus(interval.max(SEND_TIME_MIN)),
        };
        self.next_ticket += 1;
        let flight = Flight {
            ticket: order.ticket,
            group: id,
            again: false,
            alerts,
            repeat,
        };
        self.tickets.insert(order.ticket, key.clone());
        self.flights.insert(key, flight);
        outputs.push(Output::Send(order));
    }

    fn record(&mut self, entry: LogEntry, outputs: &mut Vec<Output>) {
        self.log.insert(entry.key.clone(), entry.clone());
        outputs.push(Output::Record(entry));
    }

    /// A message has landed.
    pub(super) fn sent(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        outcome: Outcome,
        outputs: &mut Vec<Output>,
    ) {
        let Some(key) = self.tickets.remove(&ticket) else {
            return;
        };
        let Some(flight) = self.flights.remove(&key) else {
            return;
        };
        debug_assert_eq!(flight.ticket, ticket, "one message per way and group");
        if outcome == Outcome::Delivered {
            let entry = LogEntry::new(key.clone(), &flight.alerts, flight.repeat, now);
            self.record(entry, outputs);
        }
        if flight.again || outcome == Outcome::Interrupted {
            self.tell_again(now, flight.group, &key.integration, outputs);
        } else if outcome == Outcome::Failed
            && let Some(round) = self.round(flight.group)
        {
            round.failed = true;
        }
        self.end_round(now, flight.group);
    }

    /// Looks anew at what one way out has to be told.
    fn tell_again(
        &mut self,
        now: Timestamp,
        id: GroupId,
        integration: &IntegrationKey,
        outputs: &mut Vec<Output>,
    ) {
        let config = Arc::clone(&self.config);
        let Some(group) = self.groups.get(id) else {
            return;
        };
        let route = config.routes.get(group.route);
        let ways = config.integrations(&route.receiver).iter();
        let Some(way) = ways.into_iter().find(|way| way.key == *integration) else {
            return;
        };
        let alerts = self.alerts_of(now, id);
        let alerts = self.audible((now, id), route, alerts, outputs);
        self.tell((now, id), way, &alerts, outputs);
    }

    fn round(&mut self, id: GroupId) -> Option<&mut Round> {
        self.groups.get_mut(id)?.round.as_mut()
    }

    /// Ends the round if nothing of it is on its way. If all went well, alerts that were over leave the group, and a
    /// group without alerts ceases to be.
    fn end_round(&mut self, now: Timestamp, id: GroupId) {
        let Some(group) = self.groups.get(id) else {
            return;
        };
        let route = self.config.routes.get(group.route);
        let ways = self.config.integrations(&route.receiver).iter();
        let flying = ways.into_iter().any(|way| {
            self.flights.contains_key(&LogKey {
                group: Arc::clone(&group.key),
                integration: way.key.clone(),
            })
        });
        let Some(group) = self.groups.get_mut(id).filter(|_| !flying) else {
            return;
        };
        let Some(round) = group.round.take() else {
            return;
        };
        if round.failed {
            return;
        }
        for told in round.resolved {
            let labels = &told.alert.labels;
            // An alert that has changed since, such as one that fires again, stays.
            let Some(slot) = self.alerts.get_mut(labels) else {
                continue;
            };
            if Arc::ptr_eq(&slot.known, &told) && slot.known.alert.is_resolved(now) {
                slot.groups.retain(|group| *group != id);
                group.alerts.remove(labels);
            }
        }
        if group.alerts.is_empty() {
            self.groups.remove(id);
        }
    }
}

/// Whether a way out wants to hear of an alert's end and has not yet.
fn wants_end(integration: &Integration, entry: Option<&LogEntry>, told: &ToldAlert) -> bool {
    let heard = entry.is_some_and(|entry| entry.knows_end(told.fingerprint()));
    integration.send_resolved && !heard
}

fn note(suppression: Suppression, alerts: usize, outputs: &mut Vec<Output>) {
    if alerts > 0 {
        outputs.push(Output::Note(Note::Suppressed(suppression, alerts)));
    }
}

/// Why a route is silent at this time of the calendar, if it is, and the intervals that make it so.
pub(super) fn quiet_time(
    config: &Config,
    route: &Route,
    now: Timestamp,
) -> Option<(Suppression, Vec<String>)> {
    let holds = |name: &&String| {
        let spans = config.intervals.get(*name).into_iter().flatten();
        spans.into_iter().any(|interval| interval.contains(now))
    };
    if !route.active_intervals.is_empty() && !route.active_intervals.iter().any(|name| holds(&name))
    {
        return Some((
            Suppression::OutsideActiveInterval,
            route.active_intervals.clone(),
        ));
    }
    let muted: Vec<String> = route.mute_intervals.iter().filter(holds).cloned().collect();
    (!muted.is_empty()).then_some((Suppression::MuteInterval, muted))
}
