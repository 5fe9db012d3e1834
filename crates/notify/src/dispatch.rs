//! The state machine between alerts and messages. It has no clock and no sockets: it is told the time and what
//! happened, and says what to do.

mod reload; // another configuration, or the state from before a restart
mod round; // a group is due: what to tell to whom
mod view; // what is known, for those who ask

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Alert, Labels, Timestamp};

use crate::alert::{AlertTable, KnownAlert, Slot, ToldAlert, merge};
use crate::channel::IntegrationKey;
use crate::config::Config;
use crate::group::{GroupId, Groups};
use crate::inhibit::Inhibitor;
use crate::journal::Event;
use crate::log::{LogEntry, LogKey, NotificationLog};
use crate::notification::Notification;
use crate::route::Routes;
use crate::silence::Silences;

pub(crate) use self::reload::Restored;
pub use self::view::{AlertView, GroupView, RouteView, WayView};

/// How much is kept at once. What goes beyond is dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Alerts that are known.
    pub alerts_max: usize,
    /// Groups of alerts.
    pub groups_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            alerts_max: 500_000,
            groups_max: 100_000,
        }
    }
}

/// Names a message on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u64);

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// News from the rules.
    Alerts(Vec<Alert>),
    /// Time has passed.
    Tick,
    /// A message is no longer on its way.
    Sent { ticket: Ticket, outcome: Outcome },
    /// Another configuration holds from now on.
    Apply(Arc<Config>),
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has arrived.
    Delivered,
    /// It could not be delivered in its time; the group's next round tries again.
    Failed,
    /// Its way was closed before it could leave; it is to be sent anew at once.
    Interrupted,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// Send a message.
    Send(Order),
    /// Keep for the time after a restart.
    Record(LogEntry),
    /// Count.
    Note(Note),
    /// Keep for those who ask why.
    Tell(Event),
}

/// A message to send, and until when to try.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) ticket: Ticket,
    pub(crate) integration: IntegrationKey,
    pub(crate) notification: Notification,
    pub(crate) deadline: Timestamp,
}

/// Something to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// That many alerts were not told.
    Suppressed(Suppression, usize),
    /// An alert was dropped because a limit is reached.
    Dropped(Limit),
}

/// Why an alert is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suppression {
    Silence,
    Inhibition,
    MuteInterval,
    OutsideActiveInterval,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Alerts,
    Groups,
}

/// A message on its way.
#[derive(Debug)]
struct Flight {
    ticket: Ticket,
    group: GroupId,
    /// The group was due again meanwhile: look anew as soon as the message has landed.
    again: bool,
    /// What the receiver will know once it has arrived.
    alerts: Vec<ToldAlert>,
    repeat: Duration,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    config: Arc<Config>,
    limits: Limits,
    alerts: AlertTable,
    inhibitor: Inhibitor,
    pub(crate) silences: Silences,
    groups: Groups,
    log: NotificationLog,
    flights: HashMap<LogKey, Flight>,
    tickets: HashMap<Ticket, LogKey>,
    next_ticket: u64,
    next_sweep: Option<Timestamp>,
}

/// How often what is done is forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// How long an alert that is over stays known. Rules repeat for 15 minutes that it is over, which must not look new.
const DONE_KEPT: Duration = Duration::from_secs(3600);

impl Dispatcher {
    pub(crate) fn new(config: Arc<Config>, limits: Limits) -> Self {
        Self {
            inhibitor: Inhibitor::new(&config.inhibitions),
            silences: Silences::default(),
            config,
            limits,
            alerts: AlertTable::new(),
            groups: Groups::default(),
            log: NotificationLog::new(),
            flights: HashMap::new(),
            tickets: HashMap::new(),
            next_ticket: 0,
            next_sweep: None,
        }
    }

    /// Takes in what happened.
    pub(crate) fn step(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.next_sweep.get_or_insert(now.plus(SWEEP_INTERVAL));
        match input {
            Input::Alerts(alerts) => {
                for alert in alerts {
                    self.put(now, alert, true, &mut outputs);
                }
            }
            Input::Tick => self.tick(now, &mut outputs),
            Input::Sent { ticket, outcome } => self.sent(now, ticket, outcome, &mut outputs),
            Input::Apply(config) => self.apply(now, config, &mut outputs),
        }
        outputs
    }

    /// When the next tick is due; never, when nothing is known.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let idle = self.alerts.is_empty() && self.log.is_empty();
        let sweep = self.next_sweep.filter(|_| !idle);
        self.groups.next_due().into_iter().chain(sweep).min()
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// How many alerts fire.
    pub(crate) fn firing(&self, now: Timestamp) -> usize {
        let slots = self.alerts.values();
        slots
            .filter(|slot| !slot.known.alert.is_resolved(now))
            .count()
    }

    /// How many groups there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The whole notification log, with its firing alerts in their newest state.
    pub(crate) fn log_entries(&self) -> Vec<LogEntry> {
        let newest = |known: &Arc<KnownAlert>| match self.alerts.get(&known.alert.labels) {
            Some(slot) => Arc::clone(&slot.known),
            None => Arc::clone(known),
        };
        let entries = self.log.values().map(|entry| LogEntry {
            firing: entry.firing.iter().map(newest).collect(),
            ..entry.clone()
        });
        entries.collect()
    }

    /// Takes in the newest state of an alert, reported now or remembered from before a restart.
    fn put(&mut self, now: Timestamp, alert: Alert, reported: bool, outputs: &mut Vec<Output>) {
        let labels = alert.labels.clone();
        let full = self.alerts.len() >= self.limits.alerts_max;
        match self.alerts.get_mut(&labels) {
            Some(slot) => {
                let merged = merge(&slot.known.alert, alert, now);
                if merged.is_resolved(now) && merged == slot.known.alert {
                    return;
                }
                let before = slot.known.alert.is_resolved(now);
                if before != merged.is_resolved(now) {
                    let routes = &self.config.routes;
                    outputs.push(Output::Tell(turned(&merged, slot, routes, now)));
                }
                slot.known = Arc::new(KnownAlert {
                    fingerprint: slot.known.fingerprint,
                    alert: merged,
                    reported,
                });
                slot.updated_at = now;
            }
            // Over before it was heard of: nobody has been told that it fires.
            None if reported && alert.is_resolved(now) => return,
            None if full => {
                outputs.push(Output::Note(Note::Dropped(Limit::Alerts)));
                return;
            }
            None => {
                let slot = Slot {
                    routes: self.config.routes.matching(&labels).into(),
                    groups: Vec::new(),
                    known: Arc::new(KnownAlert::new(alert, reported)),
                    updated_at: now,
                };
                if reported {
                    let routes = &self.config.routes;
                    outputs.push(Output::Tell(turned(&slot.known.alert, &slot, routes, now)));
                }
                self.alerts.insert(labels.clone(), slot);
                self.inhibitor.insert(&labels);
            }
        }
        self.join_groups(now, &labels, outputs);
    }

    /// Puts an alert into the groups of all its routes.
    fn join_groups(&mut self, now: Timestamp, labels: &Labels, outputs: &mut Vec<Output>) {
        let Some(slot) = self.alerts.get_mut(labels) else {
            return;
        };
        if slot.groups.len() == slot.routes.len() {
            return;
        }
        for &index in &*Arc::clone(&slot.routes) {
            let route = self.config.routes.get(index);
            let group_labels = route.group_by.group_labels(labels);
            let id = match self.groups.find(index, &group_labels) {
                Some(id) => id,
                None if self.groups.len() >= self.limits.groups_max => {
                    outputs.push(Output::Note(Note::Dropped(Limit::Groups)));
                    continue;
                }
                None => {
                    // An alert that has already fired for as long as a group waits has waited enough.
                    let waited = slot.known.alert.starts_at.plus(route.group_wait) < now;
                    let due = if waited {
                        now
                    } else {
                        now.plus(route.group_wait)
                    };
                    self.groups
                        .create(&self.config.routes, index, group_labels, due)
                }
            };
            if let Some(group) = self.groups.get_mut(id)
                && group.alerts.insert(labels.clone())
            {
                slot.groups.push(id);
            }
        }
    }

    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        while let Some(group) = self.groups.due_now(now) {
            self.begin_round(now, group, outputs);
        }
        if self.next_sweep.is_some_and(|at| at <= now) {
            self.sweep(now);
            self.next_sweep = Some(now.plus(SWEEP_INTERVAL));
        }
    }

    /// Forgets what is done.
    fn sweep(&mut self, now: Timestamp) {
        let inhibitor = &mut self.inhibitor;
        self.alerts.retain(|labels, slot| {
            let kept = !slot.is_done(now.minus(DONE_KEPT));
            if !kept {
                inhibitor.remove(labels);
            }
            kept
        });
        // As long as a group exists its receivers may still have to hear of its end.
        let keys = self.groups.keys();
        self.log
            .retain(|key, entry| entry.expires_at > now || keys.contains(&key.group));
    }
}

/// That an alert has begun to fire, or is over.
fn turned(alert: &Alert, slot: &Slot, routes: &Routes, now: Timestamp) -> Event {
    let name = slot.known.fingerprint.to_string();
    if alert.is_resolved(now) {
        return Event::Ends {
            alert: name,
            ended: alert.ends_at,
        };
    }
    let mut receivers = Vec::new();
    for &route in &*slot.routes {
        let receiver = routes.get(route).receiver.to_string();
        if !receivers.contains(&receiver) {
            receivers.push(receiver);
        }
    }
    Event::Fires {
        alert: name,
        labels: alert.labels.clone(),
        since: alert.starts_at,
        receivers,
    }
}

#[cfg(test)]
mod tests;
