//! Checks the routing tree and lays it out flat.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;

use super::check::Check;
use super::file::{RouteFile, Text};
use crate::group_key::matchers_text;
use crate::route::{GroupBy, Route, Routes};

/// The names that routes may refer to.
pub(super) struct Defined<'a> {
    pub(super) receivers: BTreeSet<&'a str>,
    pub(super) intervals: BTreeSet<&'a str>,
}

/// Checks the tree. What is wrong in it goes to `check`.
pub(super) fn routes(
    check: &mut Check<'_>,
    root: &Spanned<RouteFile>,
    defined: &Defined<'_>,
) -> Routes {
    check_root(check, root);
    let mut builder = Builder {
        check,
        defined,
        routes: Vec::new(),
    };
    builder.add(&root.value, None);
    Routes::new(builder.routes)
}

fn check_root(check: &mut Check<'_>, root: &Spanned<RouteFile>) {
    let route = &root.value;
    if receiver(route).is_none() {
        check.at(root, "the first route has no `receiver`, so that an alert that no other route takes would be lost");
    }
    let has_matchers = route.equal.as_ref().is_some_and(|map| !map.is_empty())
        || route.regex.as_ref().is_some_and(|map| !map.is_empty())
        || route.matchers.as_ref().is_some_and(|list| !list.is_empty());
    if has_matchers {
        check.at(
            root,
            "the first route takes every alert and must not have matchers",
        );
    }
    for (key, names) in [
        ("mute_time_intervals", &route.mute_time_intervals),
        ("active_time_intervals", &route.active_time_intervals),
    ] {
        if let Some(first) = names.iter().flatten().next() {
            check.at(first, format!("the first route must not have `{key}`"));
        }
    }
    if let Some(go_on) = route.go_on.as_ref().filter(|go_on| go_on.value) {
        check.at(go_on, "the first route must not have `continue`");
    }
}

/// An empty name is the same as none.
fn receiver(route: &RouteFile) -> Option<&Text> {
    route
        .receiver
        .as_ref()
        .filter(|name| !name.value.is_empty())
}

struct Builder<'c, 'f, 'd> {
    check: &'c mut Check<'f>,
    defined: &'d Defined<'d>,
    routes: Vec<Route>,
}

impl Builder<'_, '_, '_> {
    /// Adds a route and everything below it; gives its index.
    fn add(&mut self, file: &RouteFile, parent: Option<usize>) -> usize {
        let route = self.route(file, parent);
        let index = self.routes.len();
        self.routes.push(route);
        let mut children = Vec::new();
        for child in file.routes.iter().flatten() {
            children.push(self.add(&child.value, Some(index)));
        }
        self.routes[index].children = children;
        index
    }

    fn route(&mut self, file: &RouteFile, parent: Option<usize>) -> Route {
        if let Some(name) = receiver(file) {
            self.check
                .known("receiver", name, self.defined.receivers.iter().copied());
        }
        let matchers = self
            .check
            .matchers(&file.equal, &file.regex, file.matchers.as_ref());
        let mute = self.interval_names(file.mute_time_intervals.as_ref());
        let active = self.interval_names(file.active_time_intervals.as_ref());
        let wait = file.group_wait.as_ref().map(|wait| wait.value.0);
        let interval = self.not_zero("group_interval", file.group_interval.as_ref());
        let repeat = self.not_zero("repeat_interval", file.repeat_interval.as_ref());
        let group_by = self.group_by(file.group_by.as_ref());

        let root = Route::default();
        let above = parent.map_or(&root, |parent| &self.routes[parent]);
        let own_key = matchers_text(&matchers);
        Route {
            key: match parent {
                Some(_) => format!("{}/{own_key}", above.key),
                None => own_key,
            },
            matchers,
            receiver: receiver(file).map_or_else(
                || Arc::clone(&above.receiver),
                |name| Arc::from(name.value.as_str()),
            ),
            group_by: group_by.unwrap_or_else(|| above.group_by.clone()),
            group_wait: wait.unwrap_or(above.group_wait),
            group_interval: interval.unwrap_or(above.group_interval),
            repeat_interval: repeat.unwrap_or(above.repeat_interval),
            mute_intervals: mute,
            active_intervals: active,
            go_on: file.go_on.as_ref().is_some_and(|go_on| go_on.value),
            children: Vec::new(),
        }
    }

    fn interval_names(&mut self, names: Option<&Vec<Text>>) -> Vec<String> {
        for name in names.into_iter().flatten() {
            self.check.known(
                "time interval",
                name,
                self.defined.intervals.iter().copied(),
            );
        }
        let names = names.into_iter().flatten();
        names.map(|name| name.value.clone()).collect()
    }

    fn not_zero(&mut self, key: &str, value: Option<&Spanned<ConfigDuration>>) -> Option<Duration> {
        let value = value?;
        if value.value.0.is_zero() {
            self.check
                .at(value, format!("`{key}` must be longer than zero"));
        }
        Some(value.value.0)
    }

    fn group_by(&mut self, names: Option<&Vec<Text>>) -> Option<GroupBy> {
        let names = names?;
        let mut seen = BTreeSet::new();
        for name in names {
            self.check.label_name(name);
            if !seen.insert(name.value.as_str()) {
                self.check
                    .at(name, format!("the label `{}` is given twice", name.value));
            }
        }
        if !seen.contains(GroupBy::ALL) {
            return Some(GroupBy::Labels(
                seen.into_iter().map(str::to_owned).collect(),
            ));
        }
        if let Some(other) = names.iter().find(|name| name.value != GroupBy::ALL) {
            self.check.at_with_help(
                other,
                "`...` groups by all labels and cannot stand beside others",
                "leave the others out",
            );
        }
        Some(GroupBy::All)
    }
}
