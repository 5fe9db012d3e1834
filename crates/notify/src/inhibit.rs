//! Alerts that keep others quiet: while the whole data centre is down, nobody needs to hear of each service in it.

use std::collections::{HashMap, HashSet};

use stonechat_model::{Labels, Matcher};

use crate::route::all_match;

/// One rule: an alert that is a source keeps quiet those targets with which it shares the labels in `equal`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inhibition {
    pub(crate) source: Vec<Matcher>,
    pub(crate) target: Vec<Matcher>,
    /// Sorted. A label that both lack counts as shared.
    pub(crate) equal: Vec<String>,
}

/// The rules, and for each the alerts that may be sources, found by the labels they would have to share.
#[derive(Debug, Default)]
pub(crate) struct Inhibitor {
    rules: Vec<(Inhibition, HashMap<Labels, HashSet<Labels>>)>,
}

impl Inhibitor {
    pub(crate) fn new(rules: &[Inhibition]) -> Self {
        let rules = rules.iter().cloned();
        Self {
            rules: rules.map(|rule| (rule, HashMap::new())).collect(),
        }
    }

    /// Remembers an alert, which may be a source.
    pub(crate) fn insert(&mut self, labels: &Labels) {
        for (rule, sources) in &mut self.rules {
            if all_match(&rule.source, labels) {
                let shared = labels.keep(&rule.equal);
                sources.entry(shared).or_default().insert(labels.clone());
            }
        }
    }

    /// Forgets an alert.
    pub(crate) fn remove(&mut self, labels: &Labels) {
        for (rule, sources) in &mut self.rules {
            let shared = labels.keep(&rule.equal);
            if let Some(same) = sources.get_mut(&shared) {
                same.remove(labels);
                if same.is_empty() {
                    sources.remove(&shared);
                }
            }
        }
    }

    /// The alert that keeps `target` quiet, if there is one among those for which `fires` holds.
    pub(crate) fn inhibited_by(
        &self,
        target: &Labels,
        fires: impl Fn(&Labels) -> bool,
    ) -> Option<&Labels> {
        self.rules.iter().find_map(|(rule, sources)| {
            if !all_match(&rule.target, target) {
                return None;
            }
            // Two alerts that are both source and target would otherwise silence each other.
            let target_is_source = all_match(&rule.source, target);
            sources
                .get(&target.keep(&rule.equal))?
                .iter()
                .find(|source| {
                    fires(source) && !(target_is_source && all_match(&rule.target, source))
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Config;

    fn labels(text: &str) -> Labels {
        let pairs = text.split_whitespace().map(|pair| {
            pair.split_once('=')
                .expect("labels in tests are written a=b")
        });
        Labels::from_pairs(pairs).unwrap()
    }

    /// Whether `target` is quiet while the alerts in `firing` fire.
    fn check(rule: &str, firing: &[&str], target: &str, expected: bool) {
        let text =
            format!("route: {{receiver: r}}\nreceivers: [{{name: r}}]\ninhibit_rules:\n- {rule}");
        let config = Config::parse(Path::new("a.yml"), &text).unwrap();
        let mut inhibitor = Inhibitor::new(&config.inhibitions);
        for alert in firing {
            inhibitor.insert(&labels(alert));
        }
        let target = labels(target);
        let quiet = inhibitor.inhibited_by(&target, |_| true).is_some();
        assert_eq!(quiet, expected, "{target} with {firing:?} under {rule}");
        assert!(
            inhibitor.inhibited_by(&target, |_| false).is_none(),
            "a source that does not fire keeps nobody quiet"
        );
        for alert in firing {
            inhibitor.remove(&labels(alert));
        }
        assert!(inhibitor.inhibited_by(&target, |_| true).is_none());
    }

    const CRITICAL: &str = "{source_matchers: [severity=critical], target_matchers: [severity=~warning|info], equal: [service]}";

    #[test]
    fn a_source_keeps_targets_with_equal_labels_quiet() {
        check(
            CRITICAL,
            &["severity=critical service=a"],
            "severity=warning service=a",
            true,
        );
        check(
            CRITICAL,
            &["severity=critical service=b"],
            "severity=warning service=a",
            false,
        );
        check(
            CRITICAL,
            &["severity=critical service=a"],
            "severity=critical service=a",
            false,
        );
        check(
            CRITICAL,
            &["severity=warning service=a"],
            "severity=info service=a",
            false,
        );
        check(CRITICAL, &[], "severity=warning service=a", false);
    }

    #[test]
    fn labels_that_both_lack_are_equal() {
        check(CRITICAL, &["severity=critical"], "severity=warning", true);
        check(
            CRITICAL,
            &["severity=critical"],
            "severity=warning service=a",
            false,
        );
    }

    #[test]
    fn an_alert_on_both_sides_does_not_silence_itself_or_its_like() {
        let both = "{source_match: {team: x}, target_match_re: {team: 'x|y'}}";
        check(both, &["team=x n=1"], "team=x n=1", false);
        check(both, &["team=x n=1", "team=x n=2"], "team=x n=1", false);
        check(both, &["team=x n=1"], "team=y", true);
    }
}
