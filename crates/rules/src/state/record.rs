//! One line of the file: a checksum, and what is known of one rule, as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stonechat_model::{Labels, Timestamp};

use super::{Changes, Memory, RuleId};
use crate::alerts::{ActiveAlert, AlertState};

/// The first line: what the file is, and its version.
pub(super) const HEADER: &str = "stonechat alerts 1\n";
const VERSION: u32 = 1;

/// Why a file could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Its version is not known.
    Newer(u32),
    /// Its last line is not whole, as after a power cut.
    Torn { line: usize },
    /// A line is not what was written.
    Broken { line: usize },
}

/// One line. Without a rule it says that the group was evaluated and nothing else has changed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record<'a> {
    at: i64,
    file: Cow<'a, str>,
    group: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleRecord<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RuleRecord<'a> {
    name: Cow<'a, str>,
    labels: Cow<'a, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    nth: usize,
    /// The alerts stand in the place of all before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<AlertRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<Labels>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AlertRecord {
    labels: Labels,
    annotations: BTreeMap<String, String>,
    /// None where it is no finite number; the next evaluation gives it anew.
    value: Option<f64>,
    state: AlertState,
    active_at: i64,
    fired_at: Option<i64>,
    resolved_at: Option<i64>,
    keep_firing_since: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<'a> Record<'a> {
    pub fn seen(file: &'a str, group: &'a str, at: Timestamp) -> Self {
        Self {
            at: at.millis(),
            file: file.into(),
            group: group.into(),
            rule: None,
        }
    }

    pub fn changes(id: &'a RuleId, changes: &Changes, at: Timestamp) -> Self {
        let alerts = changes.alerts.iter().map(|(labels, alert)| (labels, alert));
        let mut record = Self::whole(id, alerts, at);
        if let Some(rule) = &mut record.rule {
            rule.whole = changes.whole;
            rule.gone.clone_from(&changes.gone);
        }
        record
    }

    pub fn whole<'b>(
        id: &'a RuleId,
        alerts: impl Iterator<Item = (&'b Labels, &'b ActiveAlert)>,
        at: Timestamp,
    ) -> Self {
        let rule = RuleRecord {
            name: id.rule.as_str().into(),
            labels: Cow::Borrowed(&id.labels),
            nth: id.nth,
            whole: true,
            alerts: alerts
                .map(|(labels, alert)| AlertRecord::of(labels, alert))
                .collect(),
            gone: Vec::new(),
        };
        Self {
            rule: Some(rule),
            ..Self::seen(&id.file, &id.group, at)
        }
    }

    /// As it is written, with its checksum and the end of the line.
    pub fn line(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
        line.extend(json);
        line.push(b'\n');
        Ok(line)
    }

    fn read(line: &'a [u8]) -> Option<Self> {
        let (sum, json) = line.split_at_checked(9)?;
        let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
        let sum = u32::from_str_radix(sum, 16).ok()?;
        if crc32fast::hash(json) != sum {
            return None;
        }
        serde_json::from_slice(json).ok()
    }

    fn apply(self, memory: &mut Memory) {
        let at = Timestamp::from_millis(self.at);
        let Some(rule) = self.rule else {
            for (id, remembered) in memory.iter_mut() {
                if id.file == self.file && id.group == self.group {
                    remembered.seen_at = remembered.seen_at.max(at);
                }
            }
            return;
        };
        let id = RuleId {
            file: self.file.into_owned(),
            group: self.group.into_owned(),
            rule: rule.name.into_owned(),
            labels: rule.labels.into_owned(),
            nth: rule.nth,
        };
        let remembered = memory.entry(id).or_default();
        remembered.seen_at = at;
        if rule.whole {
            remembered.alerts.clear();
        }
        for labels in &rule.gone {
            remembered.alerts.remove(labels);
        }
        let alerts = rule.alerts.into_iter().map(AlertRecord::read);
        remembered.alerts.extend(alerts);
    }
}

impl AlertRecord {
    fn of(labels: &Labels, alert: &ActiveAlert) -> Self {
        let millis = |time: Option<Timestamp>| time.map(Timestamp::millis);
        Self {
            labels: labels.clone(),
            annotations: (*alert.annotations).clone(),
            value: Some(alert.value).filter(|value| value.is_finite()),
            state: alert.state,
            active_at: alert.active_at.millis(),
            fired_at: millis(alert.fired_at),
            resolved_at: millis(alert.resolved_at),
            keep_firing_since: millis(alert.keep_firing_since),
        }
    }

    fn read(self) -> (Labels, ActiveAlert) {
        let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let active_at = Timestamp::from_millis(self.active_at);
        let value = self.value.unwrap_or(f64::NAN);
        let mut alert = ActiveAlert::new(Arc::new(self.annotations), value, active_at);
        alert.state = self.state;
        alert.fired_at = time(self.fired_at);
        alert.resolved_at = time(self.resolved_at);
        alert.keep_firing_since = time(self.keep_firing_since);
        (self.labels, alert)
    }
}

/// Reads a whole file up to the first damage. An empty one is torn at its first line.
pub(super) fn read_all(bytes: &[u8]) -> (Memory, Option<Damage>) {
    let mut memory = Memory::new();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    match lines.next() {
        None => return (memory, Some(Damage::Torn { line: 1 })),
        Some((_, first)) if first == HEADER.as_bytes() => {}
        Some((_, first)) if HEADER.as_bytes().starts_with(first) => {
            return (memory, Some(Damage::Torn { line: 1 }));
        }
        Some((_, first)) => {
            let version = std::str::from_utf8(first)
                .ok()
                .and_then(|first| first.trim_end().strip_prefix("stonechat alerts "))
                .and_then(|version| version.parse().ok());
            let damage = match version {
                Some(version) if version > VERSION => Damage::Newer(version),
                _ => Damage::Broken { line: 1 },
            };
            return (memory, Some(damage));
        }
    }
    for (index, line) in lines {
        let number = index + 1;
        let Some(whole) = line.strip_suffix(b"\n") else {
            return (memory, Some(Damage::Torn { line: number }));
        };
        match Record::read(whole) {
            Some(record) => record.apply(&mut memory),
            None => return (memory, Some(Damage::Broken { line: number })),
        }
    }
    memory.retain(|_, remembered| !remembered.alerts.is_empty());
    (memory, None)
}
