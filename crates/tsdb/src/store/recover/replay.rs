//! File by file, record by record.

use std::path::Path;

use hashbrown::HashMap;
use stonechat_model::{SeriesRef, Timestamp};

use super::super::OpenError;
use super::super::append::{Known, Tail};
use super::{DAMAGES_MAX, Damage, DamageKind, Recovery};
use crate::chunk::{Chunk, DecodeError};
use crate::disk::Disk;
use crate::head::{Head, slot_of};
use crate::log::{FileKind, Header, Item, Kind, LogFile, LogId, Logged, RecordReader, Sample};

/// Reads files of the log into a head, in order.
pub(super) struct Replay<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    head: &'a Head,
    ids: HashMap<LogId, SeriesRef>,
    /// Behind every id that was seen, also of series whose labels are lost.
    next_id: u64,
    newest: Option<i64>,
    /// Time of the last batch.
    moment: Option<Timestamp>,
    /// The first damage behind which no batch was seen yet.
    undated: usize,
    recovery: Recovery,
}

impl<'a> Replay<'a> {
    /// Begins with an empty head.
    pub fn new(disk: &'a dyn Disk, dir: &'a Path, head: &'a Head) -> Self {
        Self {
            disk,
            dir,
            head,
            ids: HashMap::new(),
            next_id: 1,
            newest: None,
            moment: None,
            undated: 0,
            recovery: Recovery::default(),
        }
    }

    /// Reads a file.
    pub fn file(&mut self, file: &LogFile) -> Result<(), OpenError> {
        let path = file.path(self.dir);
        let source = match self.disk.open(&path) {
            Ok(source) => source,
            Err(source) => return Err(OpenError::Read { path, source }),
        };
        let mut reader = RecordReader::new(source);
        if let Header::Foreign(version) = reader.header() {
            return Err(OpenError::Version { path, version });
        }
        self.recovery.files += 1;
        let (mut whole, mut torn) = (false, None);
        while let Some(item) = reader.next() {
            match item {
                Item::Record {
                    offset,
                    kind,
                    payload,
                } => {
                    whole = kind == Kind::End;
                    let place = (offset, payload.len() as u64);
                    match Logged::decode(kind, payload) {
                        Some(logged) => self.apply(file, place, logged),
                        None => self.damage(file, place, DamageKind::Record),
                    }
                }
                Item::Damage {
                    offset,
                    bytes,
                    at_end,
                } if at_end => torn = Some((offset, bytes)),
                Item::Damage { offset, bytes, .. } => {
                    self.damage(file, (offset, bytes), DamageKind::Record);
                }
            }
        }
        if let Some(error) = reader.failure() {
            tracing::error!(file = %path.display(), %error, "a file of the log cannot be read to its end");
            let offset = torn.map_or(reader.position(), |(offset, _)| offset);
            let rest = (offset, file.bytes.saturating_sub(offset));
            self.damage(file, rest, DamageKind::Unreadable);
        } else if file.kind == FileKind::Segment {
            self.end_segment(file, torn);
        } else if !whole {
            self.damage(
                file,
                torn.unwrap_or((file.bytes, 0)),
                DamageKind::Incomplete,
            );
        }
        Ok(())
    }

    /// Cuts a torn end off, and makes durable what the process before may not have.
    fn end_segment(&mut self, file: &LogFile, torn: Option<(u64, u64)>) {
        if let Some(torn) = torn {
            self.damage(file, torn, DamageKind::Torn);
        }
        let end = torn.map_or(file.bytes, |(offset, _)| offset);
        if let Err(error) = self.disk.cut(&file.path(self.dir), end) {
            tracing::warn!(file = %file.path(self.dir).display(), %error, "a segment cannot be cut or made durable");
        }
    }

    fn apply(&mut self, file: &LogFile, place: (u64, u64), logged: Logged) {
        self.recovery.records += 1;
        match logged {
            Logged::Series(series) => {
                for (id, labels) in series {
                    self.see(id);
                    // The limit is for new series; what was taken once is kept.
                    if let Ok(reference) = self.head.get_or_create(&labels, usize::MAX) {
                        self.ids.insert(id, reference);
                    }
                }
            }
            Logged::Samples(samples) => self.samples(&samples),
            Logged::Chunks(id, chunks) => {
                if self.chunks(id, chunks).is_err() {
                    self.damage(file, place, DamageKind::Record);
                }
            }
            Logged::End(_) => {}
        }
    }

    fn samples(&mut self, samples: &[Sample]) {
        if let Some(first) = samples.first() {
            self.date(Timestamp::from_millis(first.timestamp));
        }
        let registry = self.head.registry();
        for sample in samples {
            self.next_id = self.next_id.max(sample.id.0.saturating_add(1));
            let reference = self.ids.get(&sample.id);
            let Some(series) = reference.and_then(|&reference| registry.get(reference)) else {
                self.recovery.samples_without_series += 1;
                continue;
            };
            let added = series.replay(sample.timestamp, sample.value);
            self.recovery.samples += u64::from(added);
            self.newest = self.newest.max(Some(sample.timestamp));
        }
    }

    fn chunks(&mut self, id: LogId, chunks: Vec<Chunk>) -> Result<(), DecodeError> {
        let registry = self.head.registry();
        let reference = self.ids.get(&id);
        let series = reference.and_then(|&reference| registry.get(reference));
        for chunk in chunks {
            let (samples, end) = (u64::from(chunk.samples), chunk.end);
            match series {
                Some(series) => {
                    series.restore(chunk)?;
                    self.recovery.samples += samples;
                    self.newest = self.newest.max(Some(end));
                }
                None => self.recovery.samples_without_series += samples,
            }
        }
        Ok(())
    }

    fn see(&mut self, id: LogId) {
        self.next_id = self.next_id.max(id.0.saturating_add(1));
    }

    /// Notes the time of a batch, also for the damage before it.
    fn date(&mut self, moment: Timestamp) {
        for damage in &mut self.recovery.damage[self.undated..] {
            damage.before = Some(moment);
        }
        self.undated = self.recovery.damage.len();
        self.moment = Some(moment);
    }

    /// Notes a damage at an offset, of so many bytes.
    pub fn damage(&mut self, file: &LogFile, (offset, bytes): (u64, u64), kind: DamageKind) {
        self.recovery.damages += 1;
        if self.recovery.damage.len() < DAMAGES_MAX {
            self.recovery.damage.push(Damage {
                file: file.path(self.dir),
                offset,
                bytes,
                kind,
                after: self.moment,
                before: None,
            });
        }
    }

    /// What was read, and what the writer has to know of the series. A label set that was logged under two ids goes on
    /// with the later.
    pub fn finish(self) -> (Recovery, Known) {
        let mut ids: Vec<_> = self.ids.iter().collect();
        ids.sort_unstable();
        let registry = self.head.registry();
        let mut tails = Vec::new();
        for (&id, &reference) in ids {
            let slot = slot_of(reference) as usize;
            if tails.len() <= slot {
                tails.resize(slot + 1, Tail::default());
            }
            let last = registry
                .get(reference)
                .and_then(|series| series.last().ok().flatten());
            tails[slot] = Tail { id: Some(id), last };
        }
        let known = Known {
            tails,
            next_id: self.next_id,
            newest: self.newest,
        };
        (self.recovery, known)
    }
}
