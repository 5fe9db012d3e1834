//! From the log back into the head.

mod replay; // file by file, record by record

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use stonechat_model::Timestamp;

use super::{LOG_DIR, OpenError, Shared};
use crate::block::BlockError;
use crate::disk::Disk;
use crate::head::Head;
use crate::log::{FileKind, Header, RecordReader, Segments};
use replay::{Beside, Replay};

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
    /// Samples that are lost because they are changes of values which are.
    pub samples_without_base: u64,
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
    /// The end of a file is not a whole record, as when the process or the machine died while writing it. It is cut off.
    Torn,
    /// Bytes in the middle are no record.
    Record,
    /// The device gave an error; the rest of the file is lost unless it can be read later.
    Unreadable,
    /// A checkpoint does not end as it should.
    Incomplete,
    /// A segment between two others is not there.
    Missing,
    /// A block cannot be opened; it was set aside.
    Block,
}

/// The file, the place, and what is wrong.
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, bytes, offset) = (self.file.display(), self.bytes, self.offset);
        match self.kind {
            DamageKind::Torn => write!(f, "{file}: torn end, {bytes} bytes at {offset}"),
            DamageKind::Record => write!(f, "{file}: {bytes} bytes at {offset} are no record"),
            DamageKind::Unreadable => write!(f, "{file}: cannot be read from byte {offset} on"),
            DamageKind::Incomplete => write!(f, "{file}: does not end as it should"),
            DamageKind::Missing => write!(f, "{file}: the segment before it is missing"),
            DamageKind::Block => write!(f, "{file}: is no block, wrong at byte {offset}"),
        }
    }
}

impl Recovery {
    /// Adds blocks that were set aside.
    pub(super) fn add_blocks(&mut self, damaged: &[BlockError]) {
        for error in damaged {
            self.damages += 1;
            let (file, offset) = match error {
                BlockError::Damaged { path, offset } => (path, *offset),
                BlockError::Read { path, .. } | BlockError::Version { path, .. } => (path, 0),
            };
            self.damage.push(Damage {
                file: file.clone(),
                offset,
                bytes: 0,
                kind: DamageKind::Block,
                after: None,
                before: None,
            });
        }
    }

    /// How many of the places that are described are torn ends.
    #[must_use]
    pub fn torn(&self) -> u64 {
        let torn = |damage: &&Damage| damage.kind == DamageKind::Torn;
        self.damage.iter().filter(torn).count() as u64
    }

    /// True when there is more than torn ends, which are already cut off.
    pub(super) fn is_damaged_inside(&self) -> bool {
        self.damages > self.torn()
    }

    /// Files whose bytes may be wanted for a closer look.
    pub(super) fn damaged_files(&self) -> Vec<PathBuf> {
        let inside = self
            .damage
            .iter()
            .filter(|damage| damage.kind != DamageKind::Torn);
        inside.map(|damage| damage.file.clone()).collect()
    }
}

/// How far reading the log back is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// All that is stored can be queried.
    pub complete: bool,
    /// Bytes of the log that were read.
    pub bytes: u64,
    /// Bytes of the log that were there at the start.
    pub bytes_total: u64,
}

impl Progress {
    /// How much is read, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a fraction for people")]
    pub fn fraction(&self) -> f64 {
        if self.complete {
            return 1.0;
        }
        self.bytes as f64 / self.bytes_total.max(1) as f64
    }
}

/// Refuses files of a newer version before anything is read.
pub(super) fn check_versions(
    disk: &dyn Disk,
    dir: &Path,
    files: &Segments,
) -> Result<(), OpenError> {
    for file in files.checkpoint.iter().chain(&files.segments) {
        let path = file.path(dir);
        match disk.open(&path) {
            Ok(source) => match RecordReader::new(source).header() {
                Header::Foreign(version) => return Err(OpenError::Version { path, version }),
                Header::Current | Header::Damaged => {}
            },
            Err(source) => return Err(OpenError::Read { path, source }),
        }
    }
    Ok(())
}

impl Shared {
    /// Reads the log into a head of its own and gives the samples to the head of the store, in which newer ones may be
    /// already.
    pub(super) fn recover(&self, files: &Segments, damaged_blocks: &[BlockError]) {
        let begun = Instant::now();
        let (disk, dir) = (&*self.options.disk, self.options.dir.join(LOG_DIR));
        let head = Head::default();
        let mut replay = Replay::new(disk, &dir, &head);
        let (mut expected, mut before) = (None, 0);
        for file in files.checkpoint.iter().chain(&files.segments) {
            if expected.is_some_and(|expected| file.number != expected) {
                replay.damage(file, (0, 0), DamageKind::Missing);
            }
            replay.file(file, &mut |offset| {
                self.recovered_bytes
                    .store(before + offset, Ordering::Relaxed);
                !self.is_closed()
            });
            before += file.bytes;
            // The first segment behind a checkpoint has the checkpoint's number.
            expected = Some(file.number + u64::from(file.kind == FileKind::Segment));
        }
        let (mut recovery, beside) = replay.finish();
        recovery.add_blocks(damaged_blocks);
        if !self.is_closed() {
            self.adopt(&head, beside);
        }
        self.gauges.add_samples(recovery.samples);
        {
            let mut maintenance = self.maintenance.lock();
            maintenance.flush_wanted |= files.checkpoint.is_some() || recovery.is_damaged_inside();
            maintenance.damaged.extend(recovery.damaged_files());
        }
        recovery.duration = begun.elapsed();
        recovery.report();
        self.recovered_bytes.store(before, Ordering::Relaxed);
        // Nobody else sets it.
        let _ = self.recovery.set(recovery);
    }

    /// Takes the samples of another head over.
    fn adopt(&self, head: &Head, beside: Beside) {
        let mut references = HashMap::new();
        for (old, series) in head.all() {
            let Ok(reference) = self.head.get_or_create(series.labels(), usize::MAX) else {
                continue;
            };
            references.insert(old, reference);
            let last = series.last().ok().flatten();
            let registry = self.head.registry();
            if let Some(own) = registry.get(reference) {
                own.prepend(&series);
            }
            drop(registry);
            if let Some((time, bits)) = last {
                self.writer.lock().recover(reference, time, bits);
            }
        }
        self.gauges.set(&mut self.writer.lock());
        for (series, exemplar) in beside.exemplars {
            if let Some(&series) = references.get(&series)
                && self.exemplars.is_new(series, &exemplar)
            {
                self.exemplars.add(series, exemplar);
            }
        }
        for (family, metadata) in &beside.families {
            self.families.add(family, metadata);
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
            samples_without_base = self.samples_without_base,
            seconds = self.duration.as_secs_f64(),
            "the log was read"
        );
    }
}
