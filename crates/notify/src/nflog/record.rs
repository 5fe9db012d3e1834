//! One record: its length, its checksum, and an entry as JSON.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stonechat_model::{Alert, Labels, Timestamp};

use crate::alert::KnownAlert;
use crate::channel::{ChannelKind, IntegrationKey};
use crate::dispatch::Restored;
use crate::fingerprint::Fingerprint;
use crate::log::{LogEntry, LogKey};

/// The beginning of a file: four letters and the version.
pub(super) const HEADER: &[u8; 5] = b"SNFL\x01";

/// The longest record. About two hundred thousand alerts in one group.
pub(super) const RECORD_BYTES_MAX: usize = 256 << 20;

/// Length and checksum before each record.
const FRAME_BYTES: usize = 8;

/// Why a file could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Its version is not known.
    Newer(u8),
    /// It ends within a record, as after a power cut.
    Torn { at: usize },
    /// A record is not what was written.
    Broken { at: usize },
}

#[derive(Serialize, Deserialize)]
struct EntryRecord {
    receiver: String,
    kind: ChannelKind,
    index: usize,
    group: String,
    at: i64,
    expires_at: i64,
    written_at: i64,
    firing: Vec<AlertRecord>,
    resolved: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct AlertRecord {
    labels: Labels,
    annotations: BTreeMap<String, String>,
    starts_at: i64,
    ends_at: i64,
    generator_url: String,
}

/// Adds one record to `bytes`.
pub(super) fn write(
    bytes: &mut Vec<u8>,
    entry: &LogEntry,
    written_at: Timestamp,
) -> io::Result<()> {
    let LogKey { group, integration } = &entry.key;
    let record = EntryRecord {
        receiver: integration.receiver.to_string(),
        kind: integration.kind,
        index: integration.index,
        group: group.to_string(),
        at: entry.at.millis(),
        expires_at: entry.expires_at.millis(),
        written_at: written_at.millis(),
        firing: entry.firing.iter().map(|known| alert(known)).collect(),
        resolved: entry.resolved.iter().map(ToString::to_string).collect(),
    };
    let json = serde_json::to_vec(&record)?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|_| json.len() <= RECORD_BYTES_MAX)
        .ok_or_else(|| io::Error::other("a group has too many alerts for one record"))?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(crc32fast::hash(&json).to_le_bytes());
    bytes.extend(json);
    Ok(())
}

fn alert(known: &KnownAlert) -> AlertRecord {
    let alert = &known.alert;
    AlertRecord {
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.starts_at.millis(),
        ends_at: alert.ends_at.millis(),
        generator_url: alert.generator_url.clone(),
    }
}

/// Reads a whole file up to the first damage. An empty file is an empty log.
pub(super) fn read_all(bytes: &[u8]) -> (Vec<Restored>, Option<Damage>) {
    let mut entries = Vec::new();
    if bytes.is_empty() {
        return (entries, None);
    }
    let (magic, version) = HEADER.split_at(HEADER.len() - 1);
    match bytes.strip_prefix(magic).and_then(|rest| rest.first()) {
        Some(written) if *written > version[0] => return (entries, Some(Damage::Newer(*written))),
        Some(_) => {}
        None => return (entries, Some(Damage::Broken { at: 0 })),
    }
    let mut at = HEADER.len();
    while at < bytes.len() {
        match read(&bytes[at..]) {
            Ok((restored, length)) => {
                entries.push(restored);
                at += length;
            }
            Err(Fault::Short) => return (entries, Some(Damage::Torn { at })),
            Err(Fault::Wrong) => return (entries, Some(Damage::Broken { at })),
        }
    }
    (entries, None)
}

/// What is wrong with a record.
enum Fault {
    Short,
    Wrong,
}

/// Reads the first record; gives it and its length.
fn read(bytes: &[u8]) -> Result<(Restored, usize), Fault> {
    let (frame, rest) = bytes
        .split_first_chunk::<FRAME_BYTES>()
        .ok_or(Fault::Short)?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *frame;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > RECORD_BYTES_MAX {
        return Err(Fault::Wrong);
    }
    let json = rest.get(..length).ok_or(Fault::Short)?;
    if crc32fast::hash(json) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(Fault::Wrong);
    }
    let record: EntryRecord = serde_json::from_slice(json).map_err(|_| Fault::Wrong)?;
    Ok((restored(record), FRAME_BYTES + length))
}

fn restored(record: EntryRecord) -> Restored {
    let firing = record.firing.into_iter().map(|alert| {
        let alert = Alert {
            labels: alert.labels,
            annotations: alert.annotations,
            starts_at: Timestamp::from_millis(alert.starts_at),
            ends_at: Timestamp::from_millis(alert.ends_at),
            generator_url: alert.generator_url,
        };
        Arc::new(KnownAlert::new(alert, false))
    });
    let resolved = record
        .resolved
        .iter()
        .filter_map(|text| Fingerprint::parse(text));
    Restored {
        entry: LogEntry {
            key: LogKey {
                group: record.group.into(),
                integration: IntegrationKey {
                    receiver: record.receiver.into(),
                    kind: record.kind,
                    index: record.index,
                },
            },
            at: Timestamp::from_millis(record.at),
            expires_at: Timestamp::from_millis(record.expires_at),
            firing: firing.collect(),
            resolved: resolved.collect(),
        }
        .sorted(),
        written_at: Timestamp::from_millis(record.written_at),
    }
}
