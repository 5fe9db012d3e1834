//! The alerts that are known: the newest state of each, and in which groups it waits.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use stonechat_model::{Alert, Labels, Timestamp};

use crate::fingerprint::Fingerprint;
use crate::group::GroupId;

/// An alert and the number that names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownAlert {
    pub(crate) alert: Alert,
    pub(crate) fingerprint: Fingerprint,
    /// It has been reported since the start. One that is only remembered from before it is told to nobody who does
    /// not already know it to fire.
    pub(crate) reported: bool,
}

impl KnownAlert {
    pub(crate) fn new(alert: Alert, reported: bool) -> Self {
        Self {
            fingerprint: Fingerprint::of(&alert.labels),
            alert,
            reported,
        }
    }
}

/// An alert as it goes into a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToldAlert {
    pub(crate) known: Arc<KnownAlert>,
    /// Whether it was over when the message was made; a message does not change its mind while it waits.
    pub(crate) resolved: bool,
}

impl ToldAlert {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.known.fingerprint
    }
}

/// One alert's place in the table.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) known: Arc<KnownAlert>,
    /// When it was last heard of.
    pub(crate) updated_at: Timestamp,
    /// The routes that take it; they change only with the configuration.
    pub(crate) routes: Arc<[usize]>,
    /// The groups in which it waits to be told.
    pub(crate) groups: Vec<GroupId>,
}

impl Slot {
    /// True when all that was to be said about the alert has been said.
    pub(crate) fn is_done(&self, now: Timestamp) -> bool {
        self.groups.is_empty() && self.known.alert.is_resolved(now)
    }
}

/// All alerts by their labels.
pub(crate) type AlertTable = HashMap<Labels, Slot>;

/// The state of an alert after news about it. Its labels are the same in both.
pub(crate) fn merge(old: &Alert, mut new: Alert, now: Timestamp) -> Alert {
    let continues = new.starts_at <= old.ends_at && old.starts_at <= new.ends_at;
    if continues {
        new.starts_at = new.starts_at.min(old.starts_at);
        // Rules repeat for a while that an alert is over; the later end of the same outage is the true one.
        if new.is_resolved(now) && old.is_resolved(now) {
            new.ends_at = new.ends_at.max(old.ends_at);
        }
    }
    new
}

/// The order of alerts in a message, which is Alertmanager's: by job, by instance, then by all labels.
pub(crate) fn message_order(a: &Labels, b: &Labels) -> Ordering {
    ["job", "instance"]
        .into_iter()
        .map(|name| match (a.get(name), b.get(name)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => a.cmp(b),
        })
        .find(|order| order.is_ne())
        .unwrap_or_else(|| label_set_order(a, b))
}

/// Fewer labels first. Of two with the same names the smaller values come first; otherwise the set that lacks the
/// first name at which they differ.
fn label_set_order(a: &Labels, b: &Labels) -> Ordering {
    let by_length = a.len().cmp(&b.len());
    let pairs = a.iter().zip(b.iter());
    let by_pair = || {
        pairs
            .map(|((name_a, value_a), (name_b, value_b))| {
                // The set whose name sorts first has a name that the other lacks.
                name_b.cmp(name_a).then_with(|| value_a.cmp(value_b))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    };
    by_length.then_with(by_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        Labels::from_pairs(
            text.split_whitespace()
                .map(|pair| pair.split_once('=').expect("a=b")),
        )
        .unwrap()
    }

    #[test]
    fn messages_are_ordered_as_by_alertmanager() {
        let expected = [
            "job=a z=1 instance=1",
            "job=a instance=2",
            "job=a",
            "job=a alertname=x",
            "job=b",
            "instance=9",
            "a=1",
            "a=2",
            "y=0 z=0",
            "b=0 z=0",
            "b=1 z=0",
            "b=1 y=0",
        ];
        let mut shuffled: Vec<Labels> = expected.iter().rev().map(|text| labels(text)).collect();
        shuffled.sort_by(message_order);
        let expected: Vec<Labels> = expected.iter().map(|text| labels(text)).collect();
        assert_eq!(shuffled, expected);
    }

    #[test]
    fn news_continue_an_outage_or_begin_a_new_one() {
        let alert = |starts: i64, ends: i64| Alert {
            labels: Labels::default(),
            annotations: std::collections::BTreeMap::new(),
            starts_at: Timestamp::from_millis(starts),
            ends_at: Timestamp::from_millis(ends),
            generator_url: String::new(),
        };
        // (old, new, now) -> merged
        for (old, new, now, merged) in [
            ((10, 100), (20, 120), 50, (10, 120)),
            ((10, 100), (10, 60), 70, (10, 60)),
            ((10, 60), (10, 50), 70, (10, 60)),
            ((10, 60), (65, 165), 70, (65, 165)),
            ((10, 100), (5, 120), 50, (5, 120)),
        ] {
            let result = merge(
                &alert(old.0, old.1),
                alert(new.0, new.1),
                Timestamp::from_millis(now),
            );
            assert_eq!(result, alert(merged.0, merged.1), "{old:?} {new:?}");
        }
    }
}
