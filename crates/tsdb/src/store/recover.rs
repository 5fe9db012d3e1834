//! From the log back into the head.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use stonechat_model::{SeriesRef, Timestamp};

use super::OpenError;
use super::append::{Known, Tail};
use crate::chunk::{Chunk, DecodeError};
use crate::disk::Disk;
use crate::head::{Head, slot_of};
use crate::log::{
    FileKind, Header, Item, Kind, LogFile, LogId, Logged, RecordReader, Sample, Segments,
};

/// The most damages that are described one by one.
const DAMAGES_MAX: usize = 100;

/// What was read back when a store was opened.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Recovery {
    /// Files of the log.
    pub files: usize,
    /// Records in them.
    pub records: u64,
    /// Samples that came back.
    pub samples: u64,
    /// Samples that are lost because the record with their series' labels is.
    pub samples_without_series: u64,
    /// Places at which the log was damaged.
    pub damages: u64,
    /// The first hundred of them.
    pub damage: Vec<Damage>,
    /// How long it took.
    pub duration: Duration,
}

/// A part of the log that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in it the damage begins.
    pub offset: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// What it is.
    pub kind: DamageKind,
    /// Time of the last batch before it: what is lost is not older, when scrapes came in order.
    pub after: Option<Timestamp>,
    /// Time of the first batch behind it: what is lost is not newer. Nothing when the damage is at the end.
    pub before: Option<Timestamp>,
}

/// What is wrong with a part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// The end of a file is not a whole record: the process or the machine died while writing it, before it was
    /// acknowledged. It is cut off.
    Torn,
    /// Bytes in the middle are no record.
    Record,
    /// The device gave an error; the rest of the file is lost unless it can be read later.
    Unreadable,
    /// A checkpoint does not end as it should.
    Incomplete,
    /// A segment between two others is not there.
    Missing,
}

impl Recovery {
    /// Files whose bytes may be wanted for a closer look.
    pub(super) fn damaged_files(&self) -> Vec<PathBuf> {
        let inside = self
            .damage
            .iter()
            .filter(|damage| damage.kind != DamageKind::Torn);
        inside.map(|damage| damage.file.clone()).collect()
    }
}

/// Reads the log into an empty head.
pub(super) fn recover(
    disk: &dyn Disk,
    dir: &Path,
    files: &Segments,
    head: &Head,
) -> Result<(Recovery, Known), OpenError> {
    let begun = Instant::now();
    let mut replay = Replay {
        disk,
        dir,
        head,
        ids: HashMap::new(),
        newest: None,
        moment: None,
        undated: 0,
        recovery: Recovery::default(),
    };
    let mut expected = None;
    for file in files.checkpoint.iter().chain(&files.segments) {
        if expected.is_some_and(|expected| file.number != expected) {
            replay.damage(file, (0, 0), DamageKind::Missing);
        }
        replay.file(file)?;
        // The first segment behind a checkpoint has the checkpoint's number.
        expected = Some(file.number + u64::from(file.kind == FileKind::Segment));
    }
    let known = replay.known();
    let mut recovery = replay.recovery;
    recovery.duration = begun.elapsed();
    recovery.report();
    Ok((recovery, known))
}

struct Replay<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    head: &'a Head,
    ids: HashMap<LogId, SeriesRef>,
    newest: Option<i64>,
    /// Time of the last batch.
    moment: Option<Timestamp>,
    /// The first damage behind which no batch was seen yet.
    undated: usize,
    recovery: Recovery,
}

impl Replay<'_> {
    fn file(&mut self, file: &LogFile) -> Result<(), OpenError> {
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

    /// Notes the time of a batch, also for the damage before it.
    fn date(&mut self, moment: Timestamp) {
        for damage in &mut self.recovery.damage[self.undated..] {
            damage.before = Some(moment);
        }
        self.undated = self.recovery.damage.len();
        self.moment = Some(moment);
    }

    fn damage(&mut self, file: &LogFile, (offset, bytes): (u64, u64), kind: DamageKind) {
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

    /// What the writer has to know of the series. A label set that was logged under two ids goes on with the later.
    fn known(&self) -> Known {
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
        Known {
            tails,
            next_id: self
                .ids
                .keys()
                .map(|id| id.0.saturating_add(1))
                .max()
                .unwrap_or(1),
            newest: self.newest,
        }
    }
}

impl Recovery {
    /// Tells the log of the program once what was damaged.
    fn report(&self) {
        for damage in &self.damage {
            tracing::warn!(
                file = %damage.file.display(),
                offset = damage.offset,
                bytes = damage.bytes,
                kind = ?damage.kind,
                after = ?damage.after,
                before = ?damage.before,
                "the log is damaged; what is not damaged was read"
            );
        }
        if self.damages > self.damage.len() as u64 {
            tracing::warn!(
                damages = self.damages,
                "the log is damaged in more places than are shown"
            );
        }
        tracing::info!(
            files = self.files,
            records = self.records,
            samples = self.samples,
            samples_without_series = self.samples_without_series,
            seconds = self.duration.as_secs_f64(),
            "the log was read"
        );
    }
}
