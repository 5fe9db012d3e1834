//! The notification log: what each receiver was last told about each group. From it follows whether there is
//! anything new to tell.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Timestamp;

use crate::alert::{KnownAlert, ToldAlert};
use crate::channel::IntegrationKey;
use crate::fingerprint::Fingerprint;
use crate::notification::Reason;

/// One group and one way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogKey {
    pub(crate) group: Arc<str>,
    pub(crate) integration: IntegrationKey,
}

/// What a receiver was last told about a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogEntry {
    pub(crate) key: LogKey,
    /// When it was told.
    pub(crate) at: Timestamp,
    /// From when the entry may be forgotten, unless the group still exists.
    pub(crate) expires_at: Timestamp,
    /// The alerts of which it knows that they fire, by fingerprint. They are kept whole, because after a restart nobody else may
    /// remember that the receiver still has to hear of their end.
    pub(crate) firing: Vec<Arc<KnownAlert>>,
    /// The alerts of whose end it was told in the last message, sorted.
    pub(crate) resolved: Vec<Fingerprint>,
}

impl LogEntry {
    /// What is remembered when `alerts` have been told now and are told again after `repeat`.
    pub(crate) fn new(key: LogKey, alerts: &[ToldAlert], repeat: Duration, now: Timestamp) -> Self {
        let told = |resolved| alerts.iter().filter(move |told| told.resolved == resolved);
        let firing = told(false).map(|told| Arc::clone(&told.known)).collect();
        let resolved = told(true).map(ToldAlert::fingerprint).collect();
        Self {
            key,
            at: now,
            expires_at: now.plus(2 * repeat),
            firing,
            resolved,
        }
        .sorted()
    }

    /// The same with both lists in the order in which they are searched.
    pub(crate) fn sorted(mut self) -> Self {
        self.firing.sort_by_key(|known| known.fingerprint);
        self.resolved.sort();
        self
    }

    /// Whether the receiver knows that this alert fires.
    pub(crate) fn knows_firing(&self, fingerprint: Fingerprint) -> bool {
        let found = self
            .firing
            .binary_search_by_key(&fingerprint, |known| known.fingerprint);
        found.is_ok()
    }

    /// Whether the last message told of this alert's end.
    pub(crate) fn knows_end(&self, fingerprint: Fingerprint) -> bool {
        self.resolved.binary_search(&fingerprint).is_ok()
    }
}

/// Decides whether there is anything to tell about `alerts`, as Alertmanager does.
pub(crate) fn reason(
    entry: Option<&LogEntry>,
    alerts: &[ToldAlert],
    send_resolved: bool,
    repeat: Duration,
    now: Timestamp,
) -> Option<Reason> {
    let fires = alerts.iter().any(|told| !told.resolved);
    let Some(entry) = entry else {
        // Nobody who has heard of no trouble needs to hear of its end.
        return fires.then_some(Reason::First);
    };
    let is_new = |told: &ToldAlert| !told.resolved && !entry.knows_firing(told.fingerprint());
    if alerts.iter().any(is_new) {
        return Some(match entry.firing.is_empty() {
            true => Reason::First,
            false => Reason::NewAlerts,
        });
    }
    if !fires {
        // Whether or not the receiver wants to hear of it: the log has to forget the firing alerts.
        return (!entry.firing.is_empty()).then_some(Reason::AllResolved);
    }
    let is_over = |told: &ToldAlert| told.resolved && !entry.knows_end(told.fingerprint());
    if send_resolved && alerts.iter().any(is_over) {
        return Some(Reason::SomeResolved);
    }
    (entry.at < now.minus(repeat)).then_some(Reason::Repeat)
}

/// The log, by group and way out.
pub(crate) type NotificationLog = HashMap<LogKey, LogEntry>;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stonechat_model::{Alert, Labels};

    use super::*;
    use crate::channel::ChannelKind;

    fn told(name: &str, resolved: bool) -> ToldAlert {
        let alert = Alert {
            labels: Labels::from_pairs([("alertname", name)]).unwrap(),
            annotations: BTreeMap::new(),
            starts_at: Timestamp::default(),
            ends_at: Timestamp::MAX,
            generator_url: String::new(),
        };
        ToldAlert {
            known: Arc::new(KnownAlert::new(alert, true)),
            resolved,
        }
    }

    /// `a b -c`: a and b fire, c is over.
    fn alerts(text: &str) -> Vec<ToldAlert> {
        let words = text.split_whitespace();
        words
            .map(|word| told(word.trim_start_matches('-'), word.starts_with('-')))
            .collect()
    }

    /// What there is to say about `now` when `before` was told `age` seconds ago and is repeated after 60.
    fn check(before: Option<&str>, age: u64, now: &str, send_resolved: bool) -> &'static str {
        let key = LogKey {
            group: Arc::from("{}:{}"),
            integration: IntegrationKey {
                receiver: Arc::from("r"),
                kind: ChannelKind::Webhook,
                index: 0,
            },
        };
        let repeat = Duration::from_secs(60);
        let at = Timestamp::from_millis(1_000_000);
        let entry = before.map(|text| LogEntry::new(key, &alerts(text), repeat, at));
        let now_at = at.plus(Duration::from_secs(age));
        let reason = reason(entry.as_ref(), &alerts(now), send_resolved, repeat, now_at);
        reason.map_or("nothing", Reason::text)
    }

    #[test]
    fn tells_what_is_new() {
        for (before, age, now, expected) in [
            (None, 1, "a", "first notification"),
            (None, 1, "-a", "nothing"),
            (None, 1, "", "nothing"),
            (Some("a"), 1, "a", "nothing"),
            (Some("a b"), 1, "a", "nothing"),
            (Some("a"), 60, "a", "nothing"),
            (Some("a"), 61, "a", "repeat interval elapsed"),
            (Some("a"), 1, "a b", "new alerts added"),
            (Some("-a"), 1, "b", "first notification"),
            (Some("-a"), 1, "a", "first notification"),
            (Some("a b"), 1, "a -b", "some alerts resolved"),
            (Some("a -b"), 1, "a -b", "nothing"),
            (Some("a"), 1, "a -b", "some alerts resolved"),
            (Some("a"), 1, "-a", "all alerts resolved"),
            (Some("-a"), 1, "-a", "nothing"),
            (Some("-a"), 1, "-b", "nothing"),
            (Some("-a"), 100, "-a", "nothing"),
        ] {
            let text = check(before, age, now, true);
            assert_eq!(text, expected, "{before:?}, {age} s later {now:?}");
        }
    }

    #[test]
    fn one_who_does_not_want_ends_is_not_told_of_them() {
        assert_eq!(check(Some("a b"), 1, "a -b", false), "nothing");
        // This is not sent either, but must be remembered.
        assert_eq!(check(Some("a"), 1, "-a", false), "all alerts resolved");
    }
}
