//! Changes that keep the state: another configuration, and a restart.

use std::collections::HashMap;
use std::sync::Arc;

use stonechat_model::{Labels, Timestamp};

use super::{Dispatcher, Output};
use crate::alert::KnownAlert;
use crate::config::Config;
use crate::group::{Group, GroupId};
use crate::inhibit::Inhibitor;
use crate::log::LogEntry;

/// What a group is known by over a reload: its key and its receiver.
type GroupName = (Arc<str>, Arc<str>);

/// A log entry from before a restart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Restored {
    pub(crate) entry: LogEntry,
    /// When the entry was written: an alert whose end was then past was over, any other fired.
    pub(crate) written_at: Timestamp,
}

impl Dispatcher {
    /// Takes up the state from before a restart. The alerts that receivers know to fire are known again. Whoever
    /// reports them has some time to do so again; if nobody does, they are over, and the receivers hear of it.
    pub(crate) fn restore(&mut self, now: Timestamp, restored: Vec<Restored>) -> Vec<Output> {
        let grace = now.plus(self.config.resolve_timeout);
        let mut outputs = Vec::new();
        for Restored { entry, written_at } in restored {
            for known in &entry.firing {
                let mut alert = known.alert.clone();
                if alert.ends_at > written_at {
                    alert.ends_at = alert.ends_at.max(grace);
                }
                self.put(now, alert, false, &mut outputs);
            }
            self.log.insert(entry.key.clone(), entry);
        }
        outputs
    }

    /// Goes on with another configuration. A group whose key and receiver are still there keeps its time.
    pub(super) fn apply(&mut self, now: Timestamp, config: Arc<Config>, outputs: &mut Vec<Output>) {
        self.forget_ended(now, outputs);
        let old_config = std::mem::replace(&mut self.config, config);
        self.inhibitor = Inhibitor::new(&self.config.inhibitions);
        let old: HashMap<GroupName, Group> = self
            .groups
            .take()
            .map(|group| {
                let receiver = &old_config.routes.get(group.route).receiver;
                ((Arc::clone(&group.key), Arc::clone(receiver)), group)
            })
            .collect();
        let mut labels: Vec<Labels> = self.alerts.keys().cloned().collect();
        // Sorted, so that the same input gives the same output.
        labels.sort();
        for labels in &labels {
            self.inhibitor.insert(labels);
            let Some(slot) = self.alerts.get_mut(labels) else {
                continue;
            };
            slot.routes = self.config.routes.matching(labels).into();
            let waits = !slot.groups.is_empty();
            slot.groups.clear();
            if waits {
                self.join_groups(now, labels, outputs);
            }
        }
        self.keep_groups(now, old);
    }

    /// Receivers of groups that are gone have heard by another way that their alerts are over. Should the other
    /// configuration bring such a group back, its alerts have to be new to it.
    fn forget_ended(&mut self, now: Timestamp, outputs: &mut Vec<Output>) {
        let keys = self.groups.keys();
        let alerts = &self.alerts;
        let over = |known: &Arc<KnownAlert>| {
            let slot = alerts.get(&known.alert.labels);
            slot.is_none_or(|slot| slot.is_done(now))
        };
        for (key, entry) in &mut self.log {
            if !keys.contains(&key.group) && entry.firing.iter().any(over) {
                entry.firing.retain(|known| !over(known));
                outputs.push(Output::Record(entry.clone()));
            }
        }
    }

    /// Gives new groups the times and rounds of the old ones of the same name.
    fn keep_groups(&mut self, now: Timestamp, mut old: HashMap<GroupName, Group>) {
        let mut successors: HashMap<GroupName, GroupId> = HashMap::new();
        for id in self.groups.ids() {
            let Some(group) = self.groups.get(id) else {
                continue;
            };
            let route = self.config.routes.get(group.route);
            let name = (Arc::clone(&group.key), Arc::clone(&route.receiver));
            let Some(before) = old.remove(&name) else {
                continue;
            };
            let wait = match before.looked_at {
                true => route.group_interval,
                false => route.group_wait,
            };
            self.groups.set_due(id, before.due.min(now.plus(wait)));
            self.forget_told(now, id, &before);
            if let Some(group) = self.groups.get_mut(id) {
                group.looked_at = before.looked_at;
                group.round = before.round;
                group.quiet = before.quiet;
            }
            successors.insert(name, id);
        }
        for (key, flight) in &mut self.flights {
            let name = (
                Arc::clone(&key.group),
                Arc::clone(&key.integration.receiver),
            );
            if let Some(id) = successors.get(&name) {
                flight.group = *id;
            }
        }
    }

    /// An alert that had left the group because its end was told does not come back by a reload.
    fn forget_told(&mut self, now: Timestamp, id: GroupId, before: &Group) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let alerts = &mut self.alerts;
        group.alerts.retain(|labels| {
            let Some(slot) = alerts.get_mut(labels) else {
                return false;
            };
            let kept = before.alerts.contains(labels) || !slot.known.alert.is_resolved(now);
            if !kept {
                slot.groups.retain(|group| *group != id);
            }
            kept
        });
    }
}
