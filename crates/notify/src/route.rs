//! Which receiver an alert goes to: a tree of conditions, walked from the top.

use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Labels, Matcher};

/// By which labels alerts come together in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// Alerts with the same values of these labels.
    Labels(Vec<String>),
    /// Every alert by itself.
    All,
}

impl GroupBy {
    /// How "all labels" is written.
    pub(crate) const ALL: &'static str = "...";

    /// The labels of the group to which an alert belongs.
    pub(crate) fn group_labels(&self, labels: &Labels) -> Labels {
        match self {
            Self::Labels(names) => labels.keep(names),
            Self::All => labels.clone(),
        }
    }
}

/// One node of the tree, with what it inherits already filled in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    /// The matchers from the top down to this route, as Alertmanager writes them.
    pub(crate) key: String,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) receiver: Arc<str>,
    pub(crate) group_by: GroupBy,
    /// How long the first message of a group waits for further alerts.
    pub(crate) group_wait: Duration,
    /// How long news about a group wait for further news.
    pub(crate) group_interval: Duration,
    /// After how long an unchanged group is told again.
    pub(crate) repeat_interval: Duration,
    /// Not inherited: the route is silent while one of them holds.
    pub(crate) mute_intervals: Vec<String>,
    /// Not inherited: the route speaks only while one of them holds, if there are any.
    pub(crate) active_intervals: Vec<String>,
    /// An alert that this route took is offered to its siblings too.
    pub(crate) go_on: bool,
    pub(crate) children: Vec<usize>,
}

/// Alertmanager's defaults.
impl Default for Route {
    fn default() -> Self {
        Self {
            key: "{}".to_owned(),
            matchers: Vec::new(),
            receiver: Arc::from(""),
            group_by: GroupBy::Labels(Vec::new()),
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 3600),
            mute_intervals: Vec::new(),
            active_intervals: Vec::new(),
            go_on: false,
            children: Vec::new(),
        }
    }
}

/// The tree, laid out flat: the first route is the top, a route stands before its children.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    /// `routes` must not be empty; the first is the top.
    pub(crate) fn new(routes: Vec<Route>) -> Self {
        debug_assert!(!routes.is_empty(), "a tree has a top");
        Self(routes)
    }

    pub(crate) fn get(&self, index: usize) -> &Route {
        &self.0[index]
    }

    /// The routes that take an alert: the deepest that match, the first of siblings unless it goes on.
    pub(crate) fn matching(&self, labels: &Labels) -> Vec<usize> {
        let mut found = Vec::new();
        self.walk(0, labels, &mut found);
        found
    }

    /// Adds the matches at and below a route; true when there are any.
    fn walk(&self, index: usize, labels: &Labels, found: &mut Vec<usize>) -> bool {
        let route = &self.0[index];
        if !all_match(&route.matchers, labels) {
            return false;
        }
        let before = found.len();
        for &child in &route.children {
            if self.walk(child, labels, found) && !self.0[child].go_on {
                break;
            }
        }
        if found.len() == before {
            found.push(index);
        }
        true
    }
}

/// True when every condition holds; a label that is missing counts as empty.
pub(crate) fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
}
