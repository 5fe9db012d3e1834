//! What a new configuration changes. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use stonechat_model::Labels;

use crate::job::ScrapeSettings;
use crate::target::Target;

/// What makes a target the same target. Two in one job with the same labels and URL are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) pool: String,
    pub(crate) url: String,
    pub(crate) labels: Labels,
}

/// A target and what its scrapes go by.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) target: Arc<Target>,
    pub(crate) settings: Arc<ScrapeSettings>,
}

impl Wanted {
    /// True when a running scrape loop does for the other one too.
    fn is_served_by(&self, running: &Self) -> bool {
        let (new, old) = (&self.target, &running.target);
        (new.interval, new.timeout) == (old.interval, old.timeout)
            && self.settings == running.settings
    }

    /// True when the text of a series means the same stored series as before.
    pub(crate) fn reads_as(&self, before: &Self) -> bool {
        let (new, old) = (&self.settings, &before.settings);
        self.target.labels == before.target.labels
            && new.honor_labels == old.honor_labels
            && new.metric_relabel == old.metric_relabel
            && new.limits == old.limits
    }
}

/// The difference between what runs and what is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Runs on untouched.
    pub(crate) kept: Vec<Key>,
    /// Goes on under other settings or at another URL with the same labels: the old key, and the new one.
    pub(crate) replaced: Vec<(Key, Key)>,
    /// Begins.
    pub(crate) added: Vec<Key>,
    /// Ends.
    pub(crate) removed: Vec<Key>,
}

/// Compares what runs with what is wanted.
pub(crate) fn diff<'a>(
    running: impl Iterator<Item = (&'a Key, &'a Wanted)>,
    wanted: &'a BTreeMap<Key, Wanted>,
) -> Change {
    let (mut change, mut gone) = (Change::default(), Vec::new());
    let mut left: BTreeMap<&Key, &Wanted> = wanted.iter().collect();
    for (key, before) in running {
        match left.remove(key) {
            Some(after) if after.is_served_by(before) => change.kept.push(key.clone()),
            Some(_) => change.replaced.push((key.clone(), key.clone())),
            None => gone.push(key),
        }
    }
    // Who has the labels of one that ends goes on with its series, so that they show no gap.
    let mut heirs: BTreeMap<(&str, &Labels), Vec<&Key>> = BTreeMap::new();
    for key in left.keys() {
        let named = (key.pool.as_str(), &key.labels);
        heirs.entry(named).or_default().push(key);
    }
    for old in gone {
        let heirs = heirs.get_mut(&(old.pool.as_str(), &old.labels));
        match heirs.and_then(Vec::pop) {
            Some(new) => {
                left.remove(new);
                change.replaced.push((old.clone(), new.clone()));
            }
            None => change.removed.push(old.clone()),
        }
    }
    change.added = left.into_keys().cloned().collect();
    change
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::job::Limits;

    fn wanted(label: &str, url: &str, timeout: u64) -> (Key, Wanted) {
        let labels = Labels::from_pairs([("instance", label)]).unwrap();
        let key = Key {
            pool: "j".to_owned(),
            url: url.to_owned(),
            labels: labels.clone(),
        };
        let target = Arc::new(Target {
            discovered: Labels::default(),
            labels,
            url: url.to_owned(),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(timeout),
        });
        let settings = Arc::new(ScrapeSettings {
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            metric_relabel: Vec::new(),
            limits: Limits::default(),
            accept: String::new(),
            fallback: None,
            compression: true,
            follow_redirects: true,
            extra_metrics: false,
        });
        (key, Wanted { target, settings })
    }

    /// Targets as `label url timeout`; the change as `=` kept, `~` replaced, `+` added, `-` removed.
    fn check(running: &[(&str, &str, u64)], then: &[(&str, &str, u64)], expected: &str) {
        let map = |targets: &[(&str, &str, u64)]| -> BTreeMap<Key, Wanted> {
            let targets = targets.iter();
            targets
                .map(|(label, url, timeout)| wanted(label, url, *timeout))
                .collect()
        };
        let running = map(running);
        let change = diff(running.iter(), &map(then));
        let name = |key: &Key| format!("{}{}", key.labels.get("instance").unwrap(), key.url);
        let mut shown: Vec<String> = Vec::new();
        shown.extend(change.kept.iter().map(|key| format!("={}", name(key))));
        let replaced = change.replaced.iter();
        shown.extend(replaced.map(|(old, new)| format!("~{}>{}", name(old), name(new))));
        shown.extend(change.added.iter().map(|key| format!("+{}", name(key))));
        shown.extend(change.removed.iter().map(|key| format!("-{}", name(key))));
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn only_the_difference_is_applied() {
        let (a, b) = (("a", "1", 5), ("b", "2", 5));
        check(&[], &[a, b], "+a1 +b2");
        check(&[a, b], &[a, b], "=a1 =b2");
        check(&[a, b], &[b], "=b2 -a1");
        check(&[a], &[("a", "1", 6)], "~a1>a1");
        check(&[a], &[("a", "9", 5)], "~a1>a9");
        check(&[a], &[("c", "1", 5)], "+c1 -a1");
        // Two of the same labels: one goes on where it was, the other moves.
        check(
            &[("a", "1", 5), ("a", "2", 5)],
            &[("a", "2", 5), ("a", "3", 5)],
            "=a2 ~a1>a3",
        );
    }
}
