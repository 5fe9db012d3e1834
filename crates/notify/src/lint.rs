//! What a configuration would do with alerts that do not fire yet.

use std::collections::BTreeSet;

use stonechat_model::Matcher;

use crate::Config;
use crate::inhibit::Inhibition;

/// What is known of a label before its alert fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// It has this value; the empty one when the alert does not have the label.
    Is(String),
    /// It may have any value.
    Any,
}

/// An alert of a rule, before it fires.
pub trait ForeseenAlert {
    /// What is known of a label.
    fn label(&self, name: &str) -> Foreseen;
}

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Never,
    Perhaps,
    Always,
}

impl Config {
    /// The receivers that such alerts may go to, sorted.
    #[must_use]
    pub fn receivers_foreseen(&self, alert: &dyn ForeseenAlert) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.foresee(0, alert, &mut found);
        found
    }

    /// True when a receiver, or one that takes its place, sends to somebody. One without any way out only swallows.
    #[must_use]
    pub fn reaches_somebody(&self, receiver: &str) -> bool {
        !self.integrations(receiver).is_empty()
    }

    /// Rules of inhibition, counted from 1, that no alert can set off, and those that keep every other alert quiet while
    /// one of their sources fires.
    #[must_use]
    pub fn odd_inhibitions(&self, alerts: &[&dyn ForeseenAlert]) -> Vec<OddInhibition> {
        let rules = self.inhibitions.iter().enumerate();
        let odd = rules.filter_map(|(index, rule)| {
            let why = oddness(rule, alerts)?;
            let (source, target) = (shown(&rule.source), shown(&rule.target));
            let number = index + 1;
            Some(OddInhibition {
                number,
                source,
                target,
                why,
            })
        });
        odd.collect()
    }

    /// Adds the receivers at and below a route; how surely the route takes the alert.
    fn foresee<'a>(
        &'a self,
        index: usize,
        alert: &dyn ForeseenAlert,
        found: &mut BTreeSet<&'a str>,
    ) -> Holds {
        let route = self.routes.get(index);
        let taken = all_hold(&route.matchers, alert);
        if taken == Holds::Never {
            return taken;
        }
        let mut below = Holds::Never;
        for &child in &route.children {
            let by_child = self.foresee(child, alert, found);
            below = below.max(by_child);
            if by_child == Holds::Always && !self.routes.get(child).go_on {
                break;
            }
        }
        if below != Holds::Always {
            found.insert(&route.receiver);
        }
        taken
    }
}

/// A rule of inhibition that does not do what it seems to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddInhibition {
    /// Which in the file, from 1.
    pub number: usize,
    /// The conditions on its sources.
    pub source: String,
    /// The conditions on its targets.
    pub target: String,
    /// What is odd.
    pub why: Oddness,
}

/// What is odd about a rule of inhibition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddness {
    /// No alert can be its source.
    NoSource,
    /// No alert can be its target.
    NoTarget,
    /// Every alert that is no source is its target, and nothing that they would have to share tells them apart.
    MutesEverything,
}

fn oddness(rule: &Inhibition, alerts: &[&dyn ForeseenAlert]) -> Option<Oddness> {
    let can_be = |matchers: &[Matcher]| {
        alerts
            .iter()
            .any(|alert| all_hold(matchers, *alert) != Holds::Never)
    };
    if !can_be(&rule.source) {
        return Some(Oddness::NoSource);
    }
    if !can_be(&rule.target) {
        return Some(Oddness::NoTarget);
    }
    let mut others = alerts
        .iter()
        .filter(|alert| all_hold(&rule.source, **alert) != Holds::Always)
        .peekable();
    let is_everything = others.peek().is_some()
        && others.all(|alert| all_hold(&rule.target, *alert) == Holds::Always);
    let tells_apart = |label: &String| {
        let mut values = alerts.iter().map(|alert| alert.label(label));
        let first = values.next();
        first == Some(Foreseen::Any) || values.any(|value| Some(value) != first)
    };
    (is_everything && !rule.equal.iter().any(tells_apart)).then_some(Oddness::MutesEverything)
}

/// Whether every condition holds.
fn all_hold(matchers: &[Matcher], alert: &dyn ForeseenAlert) -> Holds {
    let each = matchers
        .iter()
        .map(|matcher| match alert.label(matcher.name()) {
            Foreseen::Any => Holds::Perhaps,
            Foreseen::Is(value) if matcher.matches(&value) => Holds::Always,
            Foreseen::Is(_) => Holds::Never,
        });
    each.min().unwrap_or(Holds::Always)
}

fn shown(matchers: &[Matcher]) -> String {
    let shown: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    struct Labelled(&'static str);

    /// `a=b c=*`: what is not there, the alert does not have.
    impl ForeseenAlert for Labelled {
        fn label(&self, name: &str) -> Foreseen {
            let pairs = self.0.split(' ').filter_map(|pair| pair.split_once('='));
            match pairs.into_iter().find(|(label, _)| *label == name) {
                Some((_, "*")) => Foreseen::Any,
                Some((_, value)) => Foreseen::Is(value.to_owned()),
                None => Foreseen::Is(String::new()),
            }
        }
    }

    fn config(inhibit: &str) -> Config {
        let text = format!(
            "route:
  receiver: nobody
  routes:
    - {{matchers: [team=chat], receiver: robot, continue: true}}
    - matchers: [severity=critical]
      receiver: page
      routes: [{{matchers: [job=~a|b], receiver: robot}}]
receivers:
  - name: nobody
  - {{name: robot, webhook_configs: [{{url: 'http://127.0.0.1:1/'}}]}}
  - {{name: page, webhook_configs: [{{url: 'http://127.0.0.1:1/'}}]}}
inhibit_rules: [{inhibit}]"
        );
        Config::parse(Path::new("a.yml"), &text).unwrap()
    }

    #[test]
    fn the_receivers_of_an_alert_are_foreseen() {
        let config = config("");
        for (alert, expected) in [
            ("severity=info", vec!["nobody"]),
            ("severity=critical", vec!["page"]),
            ("severity=critical job=a", vec!["robot"]),
            ("severity=critical job=*", vec!["page", "robot"]),
            ("severity=*", vec!["nobody", "page"]),
            ("team=chat", vec!["robot"]),
            ("team=chat severity=critical", vec!["page", "robot"]),
            ("team=*", vec!["nobody", "robot"]),
        ] {
            let found = config.receivers_foreseen(&Labelled(alert));
            assert_eq!(Vec::from_iter(found), expected, "{alert}");
        }
        assert!(config.reaches_somebody("page"));
        assert!(!config.reaches_somebody("nobody"));
    }

    fn check(rule: &str, expected: Option<Oddness>) {
        let alerts = [
            Labelled("alertname=Down severity=critical job=*"),
            Labelled("alertname=Slow severity=warning job=*"),
            Labelled("alertname=Full severity=warning job=*"),
        ];
        let alerts: Vec<&dyn ForeseenAlert> = alerts.iter().map(|alert| alert as _).collect();
        let found = config(rule).odd_inhibitions(&alerts);
        let found = found.first().map(|odd| odd.why);
        assert_eq!(found, expected, "{rule}");
    }

    #[test]
    fn odd_inhibitions_are_found() {
        let down = "source_matchers: [alertname=Down]";
        check(
            &format!("{{{down}, target_matchers: [alertname=Slow]}}"),
            None,
        );
        check(
            &format!("{{{down}, target_matchers: [severity=~.*], equal: [job]}}"),
            None,
        );
        check(
            &format!("{{{down}, target_matchers: [severity=~.*]}}"),
            Some(Oddness::MutesEverything),
        );
        check(
            &format!("{{{down}, target_matchers: [severity=warning], equal: [cluster]}}"),
            Some(Oddness::MutesEverything),
        );
        check(
            "{source_matchers: [alertname=Dwn], target_matchers: [severity=warning]}",
            Some(Oddness::NoSource),
        );
        check(
            &format!("{{{down}, target_matchers: [severity=info], equal: [job]}}"),
            Some(Oddness::NoTarget),
        );
    }
}
