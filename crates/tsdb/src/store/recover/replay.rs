//! File by file, record by record.

use std::path::Path;

use hashbrown::HashMap;
use stonechat_model::{Exemplar, Metadata, SeriesRef, Timestamp};

use super::{DAMAGES_MAX, Damage, DamageKind, Recovery};
use crate::chunk::{Chunk, DecodeError};
use crate::disk::Disk;
use crate::head::{Head, slot_of};
use crate::log::{
    Bases, FileKind, Header, Item, Kind, LogFile, LogId, Logged, RecordReader, Sample, take_batch,
    take_exemplars, take_histograms, take_metadata, take_table, unpack,
};

/// Reads files of the log into a head, in order.
pub(super) struct Replay<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    head: &'a Head,
    /// Ids of the first version of the log, which hold from segment to segment.
    ids: HashMap<LogId, SeriesRef>,
    /// Series of the segment that is read.
    table: Table,
    /// Time of the last batch.
    moment: Option<Timestamp>,
    /// The first damage behind which no batch was seen yet.
    undated: usize,
    beside: Beside,
    recovery: Recovery,
}

/// What the log holds beside samples.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub exemplars: Vec<(SeriesRef, Exemplar)>,
    pub families: Vec<(String, Metadata)>,
}

/// The series of one segment by their ids, which count up from some number.
#[derive(Debug, Default)]
struct Table {
    first: u64,
    /// Series and last value.
    entries: Vec<Option<(SeriesRef, u64)>>,
}

/// The most ids between the first and the last of a segment.
const IDS_MAX: u64 = 1 << 28;

impl Table {
    fn place(&self, id: LogId) -> usize {
        usize::try_from(id.0.wrapping_sub(self.first)).unwrap_or(usize::MAX)
    }

    fn define(&mut self, id: LogId, series: SeriesRef) -> Option<()> {
        if self.entries.is_empty() {
            self.first = id.0;
        }
        let place = self.place(id);
        if place as u64 >= IDS_MAX {
            return None;
        }
        if self.entries.len() <= place {
            self.entries.resize(place + 1, None);
        }
        self.entries[place] = Some((series, 0));
        Some(())
    }

    fn series(&self, id: LogId) -> Option<SeriesRef> {
        let entry = self.entries.get(self.place(id))?;
        entry.map(|(series, _)| series)
    }
}

impl Bases for Table {
    fn base(&self, id: LogId) -> u64 {
        let entry = self.entries.get(self.place(id));
        entry.and_then(|entry| *entry).map_or(0, |(_, bits)| bits)
    }

    fn set(&mut self, id: LogId, bits: u64) {
        let place = self.place(id);
        if let Some(Some(entry)) = self.entries.get_mut(place) {
            entry.1 = bits;
        }
    }
}

impl<'a> Replay<'a> {
    /// Begins with an empty head.
    pub fn new(disk: &'a dyn Disk, dir: &'a Path, head: &'a Head) -> Self {
        Self {
            disk,
            dir,
            head,
            ids: HashMap::new(),
            table: Table::default(),
            moment: None,
            undated: 0,
            beside: Beside::default(),
            recovery: Recovery::default(),
        }
    }

    /// Reads a file. `progress` is told how far it is, and says whether to go on.
    pub fn file(&mut self, file: &LogFile, progress: &mut dyn FnMut(u64) -> bool) {
        let path = file.path(self.dir);
        let source = match self.disk.open(&path) {
            Ok(source) => source,
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "a file of the log cannot be opened");
                return self.damage(file, (0, file.bytes), DamageKind::Unreadable);
            }
        };
        let mut reader = RecordReader::new(source);
        if let Header::Foreign(_) = reader.header() {
            return self.damage(file, (0, file.bytes), DamageKind::Unreadable);
        }
        self.table = Table::default();
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
                    self.recovery.records += 1;
                    let place = (offset, payload.len() as u64);
                    if self.apply(kind, payload).is_none() {
                        self.damage(file, place, DamageKind::Record);
                    }
                    if !progress(offset) {
                        return;
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
            let end = torn.unwrap_or((file.bytes, 0));
            self.damage(file, end, DamageKind::Incomplete);
        }
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

    /// Takes a record over; nothing when it is malformed.
    fn apply(&mut self, kind: Kind, payload: &[u8]) -> Option<()> {
        match kind {
            Kind::Table => {
                for (id, labels) in take_table(&unpack(payload)?)? {
                    // The limit is for new series; what was taken once is kept.
                    let series = self.head.get_or_create(&labels, usize::MAX).ok()?;
                    self.table.define(id, series)?;
                }
                Some(())
            }
            Kind::Batch => self.batch(&unpack(payload)?),
            Kind::Histograms => self.histograms(&unpack(payload)?),
            Kind::Exemplars => {
                for (id, exemplar) in take_exemplars(&unpack(payload)?)? {
                    let series = self.table.series(id);
                    self.beside
                        .exemplars
                        .extend(series.map(|series| (series, exemplar)));
                }
                Some(())
            }
            Kind::Metadata => {
                self.beside
                    .families
                    .append(&mut take_metadata(&unpack(payload)?)?);
                Some(())
            }
            _ => self.apply_old(Logged::decode(kind, payload)?),
        }
    }

    fn batch(&mut self, bytes: &[u8]) -> Option<()> {
        let registry = self.head.registry();
        let (mut first, recovery) = (None, &mut self.recovery);
        let taken = take_batch(bytes, &mut self.table, |table, run| {
            first = first.or(Some(run.timestamp));
            if !run.sound {
                recovery.samples_without_base += run.samples.len() as u64;
                return;
            }
            for &(id, bits) in &run.samples {
                match table
                    .series(id)
                    .and_then(|series| registry.at(slot_of(series)))
                {
                    Some(series) => {
                        series.replay(run.timestamp, f64::from_bits(bits));
                        recovery.samples += 1;
                    }
                    None => recovery.samples_without_series += 1,
                }
            }
        });
        drop(registry);
        if let Some(first) = first {
            self.date(Timestamp::from_millis(first));
        }
        taken
    }

    fn histograms(&mut self, bytes: &[u8]) -> Option<()> {
        let histograms = take_histograms(bytes)?;
        if let Some((_, first, _)) = histograms.first() {
            self.date(Timestamp::from_millis(*first));
        }
        let registry = self.head.registry();
        for (id, timestamp, histogram) in histograms {
            match self
                .table
                .series(id)
                .and_then(|series| registry.at(slot_of(series)))
            {
                Some(series) => {
                    series.push_histogram(timestamp, histogram);
                    self.recovery.samples += 1;
                }
                None => self.recovery.samples_without_series += 1,
            }
        }
        Some(())
    }

    /// A record of the first version of the log.
    fn apply_old(&mut self, logged: Logged) -> Option<()> {
        match logged {
            Logged::Series(series) => {
                for (id, labels) in series {
                    let reference = self.head.get_or_create(&labels, usize::MAX).ok()?;
                    self.ids.insert(id, reference);
                }
            }
            Logged::Samples(samples) => self.samples(&samples),
            Logged::Chunks(id, chunks) => self.chunks(id, chunks).ok()?,
            Logged::End(_) => {}
        }
        Some(())
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
            // Whatever is not later than the last sample came out of the checkpoint.
            if series.end().is_none_or(|end| sample.timestamp > end) {
                series.push(sample.timestamp, sample.value);
                self.recovery.samples += 1;
            }
        }
    }

    fn chunks(&mut self, id: LogId, chunks: Vec<Chunk>) -> Result<(), DecodeError> {
        let registry = self.head.registry();
        let reference = self.ids.get(&id);
        let series = reference.and_then(|&reference| registry.get(reference));
        for chunk in chunks {
            let samples = u64::from(chunk.samples);
            match series {
                Some(series) => {
                    series.restore(chunk)?;
                    self.recovery.samples += samples;
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

    /// What was read.
    pub fn finish(self) -> (Recovery, Beside) {
        (self.recovery, self.beside)
    }
}
