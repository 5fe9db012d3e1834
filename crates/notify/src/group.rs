//! Alerts that are told together, and when it is time to tell them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use stonechat_model::{Labels, Timestamp};

use crate::alert::KnownAlert;
use crate::fingerprint::Fingerprint;
use crate::group_key::labels_text;
use crate::journal::QuietBy;
use crate::route::Routes;

/// Names a group while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(u64);

/// Alerts of one route that share the values of the labels by which it groups.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) route: usize,
    pub(crate) labels: Labels,
    /// How Alertmanager, receivers and the log name it.
    pub(crate) key: Arc<str>,
    pub(crate) alerts: HashSet<Labels>,
    /// When it is looked at next.
    pub(crate) due: Timestamp,
    /// The first round has been.
    pub(crate) looked_at: bool,
    pub(crate) round: Option<Round>,
    /// The alerts that were quiet when it was last looked at, and why.
    pub(crate) quiet: HashMap<Fingerprint, Vec<QuietBy>>,
}

/// What became of the last time that the group was looked at. It ends when every way out has been told, and only
/// then are the alerts that were over forgotten.
#[derive(Debug)]
pub(crate) struct Round {
    /// Alerts that were over when the round began, in the state that they then had.
    pub(crate) resolved: Vec<Arc<KnownAlert>>,
    /// Some way out could not be told; the next round tries again.
    pub(crate) failed: bool,
}

/// All groups.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: HashMap<GroupId, Group>,
    ids: HashMap<(usize, Labels), GroupId>,
    due: BTreeSet<(Timestamp, GroupId)>,
    next_id: u64,
}

impl Groups {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: GroupId) -> Option<&Group> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn find(&self, route: usize, labels: &Labels) -> Option<GroupId> {
        self.ids.get(&(route, labels.clone())).copied()
    }

    /// Adds an empty group.
    pub(crate) fn create(
        &mut self,
        routes: &Routes,
        route: usize,
        labels: Labels,
        due: Timestamp,
    ) -> GroupId {
        let id = GroupId(self.next_id);
        self.next_id += 1;
        let key = format!("{}:{}", routes.get(route).key, labels_text(&labels));
        self.ids.insert((route, labels.clone()), id);
        self.due.insert((due, id));
        let group = Group {
            route,
            labels,
            key: key.into(),
            alerts: HashSet::new(),
            due,
            looked_at: false,
            round: None,
            quiet: HashMap::new(),
        };
        self.by_id.insert(id, group);
        id
    }

    pub(crate) fn remove(&mut self, id: GroupId) {
        if let Some(group) = self.by_id.remove(&id) {
            self.ids.remove(&(group.route, group.labels));
            self.due.remove(&(group.due, id));
        }
    }

    /// Sets when a group is looked at next.
    pub(crate) fn set_due(&mut self, id: GroupId, due: Timestamp) {
        if let Some(group) = self.by_id.get_mut(&id) {
            self.due.remove(&(group.due, id));
            group.due = due;
            self.due.insert((due, id));
        }
    }

    /// When the next group is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// A group that is due.
    pub(crate) fn due_now(&self, now: Timestamp) -> Option<GroupId> {
        let (due, id) = self.due.first()?;
        (*due <= now).then_some(*id)
    }

    /// Takes all groups out. Their numbers are not given again.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Group> + use<> {
        self.ids.clear();
        self.due.clear();
        std::mem::take(&mut self.by_id).into_values()
    }

    /// All groups in the order of their making.
    pub(crate) fn ids(&self) -> Vec<GroupId> {
        let mut ids: Vec<GroupId> = self.by_id.keys().copied().collect();
        ids.sort();
        ids
    }

    /// The keys of all groups.
    pub(crate) fn keys(&self) -> HashSet<Arc<str>> {
        self.by_id
            .values()
            .map(|group| Arc::clone(&group.key))
            .collect()
    }
}
