//! A configuration as it may be shown: who is told what, and nothing secret.

use serde_json::{Map, Value, json};
use stonechat_model::duration;

use super::Config;
use crate::group_key::matcher_text;
use crate::route::{GroupBy, Route};

impl Config {
    /// The routing tree, the receivers' names and the inhibition rules in the form of `alertmanager.yml`, as JSON, which is
    /// YAML too. Whatever may be secret is left out.
    #[must_use]
    pub fn shown(&self) -> Value {
        let receivers = self.receivers.keys().map(|name| json!({ "name": **name }));
        let inhibitions = self.inhibitions.iter().map(|rule| {
            json!({
                "source_matchers": texts(&rule.source),
                "target_matchers": texts(&rule.target),
                "equal": rule.equal,
            })
        });
        let intervals = self
            .intervals
            .keys()
            .map(|name| json!({ "name": name, "time_intervals": [] }));
        json!({
            "route": self.shown_route(self.routes.get(0), true),
            "receivers": receivers.collect::<Vec<_>>(),
            "inhibit_rules": inhibitions.collect::<Vec<_>>(),
            "time_intervals": intervals.collect::<Vec<_>>(),
        })
    }

    fn shown_route(&self, route: &Route, is_top: bool) -> Value {
        let group_by = match &route.group_by {
            GroupBy::All => vec![GroupBy::ALL.to_owned()],
            GroupBy::Labels(names) => names.clone(),
        };
        let mut shown = Map::from_iter([
            ("receiver".to_owned(), json!(*route.receiver)),
            ("group_by".to_owned(), json!(group_by)),
            (
                "group_wait".to_owned(),
                json!(duration::format(route.group_wait)),
            ),
            (
                "group_interval".to_owned(),
                json!(duration::format(route.group_interval)),
            ),
            (
                "repeat_interval".to_owned(),
                json!(duration::format(route.repeat_interval)),
            ),
        ]);
        if !is_top {
            shown.insert("matchers".to_owned(), json!(texts(&route.matchers)));
            shown.insert("continue".to_owned(), json!(route.go_on));
            shown.insert(
                "mute_time_intervals".to_owned(),
                json!(route.mute_intervals),
            );
            shown.insert(
                "active_time_intervals".to_owned(),
                json!(route.active_intervals),
            );
        }
        let children = route
            .children
            .iter()
            .map(|&child| self.shown_route(self.routes.get(child), false));
        shown.insert("routes".to_owned(), children.collect());
        Value::Object(shown)
    }
}

fn texts(matchers: &[stonechat_model::Matcher]) -> Vec<String> {
    matchers.iter().map(matcher_text).collect()
}
