//! Batches into log and head.

mod judge; // what of a batch is accepted

use std::io;

use stonechat_model::{Appended, Batch, Labels, SeriesRef};

use super::exemplars::Exemplars;
use crate::head::{Head, make_room, slot_of};
use crate::log::{Link, LogExemplar, LogHistogram, LogId, LogSample, LogWriter, Packer};
use judge::Judge;

/// The most samples in a record, so that it stays below its limit of bytes.
const RECORD_SAMPLES_MAX: usize = 1 << 18;

/// The most histograms in a record.
const RECORD_HISTOGRAMS_MAX: usize = 1 << 12;

/// Bytes of label sets after which a new record begins.
const RECORD_LABELS_BYTES: usize = 4 << 20;

/// Capacity in bytes that the buffer for records keeps from batch to batch.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// Runs of a series in the log from one that stands for itself to the next.
const KEY_AGE: u8 = 16;

/// The next run has to stand for itself.
const NO_KEY: u8 = u8::MAX;

/// By how many samples the memory of a series is asked for before it is needed.
const AHEAD: usize = 8;

/// What has to be known of a series to judge its next sample, and to write it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// Its id in the segment; 0 before it has one.
    id: u32,
    /// Runs since the last that stands for itself.
    age: u8,
    /// There is a last sample.
    known: bool,
    /// Time of the last sample.
    time: i64,
    /// Its bits, or what stands for a histogram.
    bits: u64,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            id: 0,
            age: NO_KEY,
            known: false,
            time: 0,
            bits: 0,
        }
    }
}

impl Tail {
    /// Of a series whose last sample is known from elsewhere.
    pub fn known(time: i64, bits: u64) -> Self {
        Self {
            known: true,
            time,
            bits,
            ..Self::default()
        }
    }
}

/// What does not change from batch to batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Samples before this are refused.
    pub horizon: i64,
    /// How much older than the newest a sample may be that comes behind a later one of its series, in milliseconds.
    pub late_window: i64,
}

/// Takes one batch at a time.
///
/// A batch is judged by a dense table of what every series' last sample was, without touching the series. Then it
/// is written, and only then pushed into the series. When it cannot be written, the table is put back.
#[derive(Debug)]
pub(super) struct Writer {
    log: LogWriter,
    /// By slot, what is known of each series.
    tails: Vec<Tail>,
    /// The first id that was never given. An id is not given twice while the process lives.
    next_id: u32,
    /// Time of the newest sample.
    newest: Option<i64>,
    batch: Judged,
    packer: Packer,
    buffer: Vec<u8>,
}

/// What is accepted of the batch in hand. Kept between batches for its memory.
#[derive(Debug, Default)]
struct Judged {
    samples: Vec<LogSample>,
    /// Slots of the samples' series.
    slots: Vec<u32>,
    histograms: Vec<LogHistogram>,
    histogram_slots: Vec<u32>,
    exemplars: Vec<LogExemplar>,
    exemplar_series: Vec<SeriesRef>,
    /// What was known before, in the order in which it changed.
    before: Vec<(u32, Tail)>,
    /// Series that get their id with this batch.
    new: Vec<(LogId, Labels)>,
}

impl Writer {
    /// Begins with nothing known.
    pub fn new(log: LogWriter, packer: Packer) -> Self {
        Self {
            log,
            tails: Vec::new(),
            next_id: 1,
            newest: None,
            batch: Judged::default(),
            packer,
            buffer: Vec::new(),
        }
    }

    /// Judges, writes and stores a batch.
    pub fn append(
        &mut self,
        head: &Head,
        exemplars: &Exemplars,
        batch: &Batch,
        rules: Rules,
    ) -> io::Result<Appended> {
        if self.log.is_full() {
            self.end_segment();
        }
        let appended = self.judge(head, exemplars, batch, rules);
        if self.batch.is_empty() {
            return Ok(appended);
        }
        self.link();
        let written = self.encode().and_then(|()| self.log.write(&self.buffer));
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        if let Err(error) = written {
            self.take_back();
            if !self.log.is_open() {
                self.end_segment();
            }
            return Err(error);
        }
        self.push(head);
        let series = self.batch.exemplar_series.iter();
        for ((_, exemplar), series) in self.batch.exemplars.drain(..).zip(series) {
            exemplars.add(*series, exemplar);
        }
        Ok(appended)
    }

    /// Shows what was written to queries. Nothing was removed meanwhile: that takes the lock under which a batch is appended.
    fn push(&mut self, head: &Head) {
        let registry = head.registry();
        let slots = &self.batch.slots;
        let ahead = |place: usize| slots.get(place).and_then(|slot| registry.at(*slot));
        for (place, (sample, slot)) in self.batch.samples.iter().zip(slots).enumerate() {
            // Most of the time of adding a sample would be waiting for memory.
            if let Some(series) = ahead(place + 2 * AHEAD) {
                series.expect();
            }
            if let Some(series) = ahead(place + AHEAD) {
                series.expect_soon();
            }
            let Some(series) = registry.at(*slot) else {
                continue;
            };
            let value = f64::from_bits(sample.bits);
            if sample.link == Link::Late {
                series.push_late(sample.timestamp, value);
            } else {
                series.push(sample.timestamp, value);
            }
            self.newest = self.newest.max(Some(sample.timestamp));
        }
        for ((_, timestamp, histogram), slot) in self
            .batch
            .histograms
            .drain(..)
            .zip(&self.batch.histogram_slots)
        {
            if let Some(series) = registry.at(*slot) {
                series.push_histogram(timestamp, histogram);
            }
            self.newest = self.newest.max(Some(timestamp));
        }
    }

    /// Fills `self.batch`, and notes the accepted samples as the last of their series.
    fn judge(
        &mut self,
        head: &Head,
        exemplars: &Exemplars,
        batch: &Batch,
        rules: Rules,
    ) -> Appended {
        self.batch.clear();
        let registry = &head.registry();
        let mut judge = Judge {
            registry,
            rules,
            newest: self.newest.unwrap_or(i64::MIN),
            tails: &mut self.tails,
            next_id: &mut self.next_id,
            batch: &mut self.batch,
            appended: Appended::default(),
        };
        for (series, timestamp, value) in batch.iter() {
            judge.float(series, timestamp, value);
        }
        for (series, timestamp, histogram) in &batch.histograms {
            judge.histogram(*series, *timestamp, histogram);
        }
        for (series, exemplar) in &batch.exemplars {
            judge.exemplar(*series, exemplar, exemplars);
        }
        judge.appended
    }

    /// Decides which runs of the batch stand for themselves.
    fn link(&mut self) {
        let (samples, slots) = (&mut self.batch.samples, &self.batch.slots);
        let mut from = 0;
        while from < samples.len() {
            let (time, late) = (samples[from].timestamp, samples[from].link == Link::Late);
            let same = |sample: &&LogSample| {
                sample.timestamp == time && (sample.link == Link::Late) == late
            };
            let to = from + samples[from..].iter().take_while(same).count();
            if !late {
                let tails = &mut self.tails;
                let key = slots[from..to]
                    .iter()
                    .any(|&slot| tails[slot as usize].age >= KEY_AGE);
                for place in from..to {
                    let age = &mut tails[slots[place] as usize].age;
                    *age = if key { 0 } else { *age + 1 };
                    samples[place].link = if key { Link::Key } else { Link::Change };
                }
            }
            from = to;
        }
    }

    /// Undoes what `judge` noted, last first, as a series may be in a batch more than once. Ids are not given again:
    /// a part of the failed write may stand in the log.
    fn take_back(&mut self) {
        for &(slot, tail) in self.batch.before.iter().rev() {
            self.tails[slot as usize] = tail;
        }
    }

    /// Fills `self.buffer` with the records of the batch.
    fn encode(&mut self) -> io::Result<()> {
        let (batch, buffer, packer) = (&self.batch, &mut self.buffer, &mut self.packer);
        let mut new = batch.new.as_slice();
        while !new.is_empty() {
            let mut bytes = 0;
            let fitting = new.iter().take_while(|(_, labels)| {
                bytes += labels.heap_bytes();
                bytes <= RECORD_LABELS_BYTES
            });
            let (record, rest) = new.split_at(fitting.count().max(1));
            packer.put_table(buffer, record)?;
            new = rest;
        }
        for samples in batch.samples.chunks(RECORD_SAMPLES_MAX) {
            packer.put_samples(buffer, samples)?;
        }
        for histograms in batch.histograms.chunks(RECORD_HISTOGRAMS_MAX) {
            packer.put_histograms(buffer, histograms)?;
        }
        for exemplars in batch.exemplars.chunks(RECORD_HISTOGRAMS_MAX) {
            packer.put_exemplars(buffer, exemplars)?;
        }
        Ok(())
    }

    /// Time of the newest sample.
    pub fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// Series that have, or had, a place.
    pub fn slots(&self) -> u64 {
        self.tails.len() as u64
    }

    /// Time of the last sample of a series.
    pub fn last(&self, series: SeriesRef) -> Option<i64> {
        let tail = self.tails.get(slot_of(series) as usize)?;
        tail.known.then_some(tail.time)
    }

    /// Tells the last sample of a series that was read back; what came since is later.
    pub fn recover(&mut self, series: SeriesRef, time: i64, bits: u64) {
        let slot = slot_of(series) as usize;
        if self.tails.len() <= slot {
            make_room(&mut self.tails, slot + 1);
            self.tails.resize(slot + 1, Tail::default());
        }
        if !self.tails[slot].known {
            self.tails[slot] = Tail::known(time, bits);
        }
        self.newest = self.newest.max(Some(time));
    }

    /// Forgets a series that is being removed.
    pub fn forget_series(&mut self, series: SeriesRef) {
        if let Some(tail) = self.tails.get_mut(slot_of(series) as usize) {
            *tail = Tail::default();
        }
    }

    /// The log.
    pub fn log(&mut self) -> &mut LogWriter {
        &mut self.log
    }

    /// Ends the segment of the log. The next, whose number is returned, names its series anew, so that it can be read
    /// without those before it.
    pub fn end_segment(&mut self) -> u64 {
        for tail in &mut self.tails {
            (tail.id, tail.age) = (0, NO_KEY);
        }
        self.log.end_segment()
    }

    /// Writes records that are no samples.
    pub fn write(
        &mut self,
        fill: impl FnOnce(&mut Packer, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let filled = fill(&mut self.packer, &mut self.buffer);
        let written = filled.and_then(|()| match self.buffer.is_empty() {
            true => Ok(()),
            false => self.log.write(&self.buffer),
        });
        self.buffer.clear();
        if !self.log.is_open() {
            self.end_segment();
        }
        written
    }

    /// The id of a series in the segment. One that has none gets it, and has to be put into a table.
    pub fn id(&mut self, series: SeriesRef) -> (LogId, bool) {
        let slot = slot_of(series) as usize;
        if self.tails.len() <= slot {
            make_room(&mut self.tails, slot + 1);
            self.tails.resize(slot + 1, Tail::default());
        }
        let tail = &mut self.tails[slot];
        let fresh = tail.id == 0;
        if fresh {
            tail.id = self.next_id;
            self.next_id += 1;
        }
        (LogId(tail.id.into()), fresh)
    }
}

impl Judged {
    fn clear(&mut self) {
        self.samples.clear();
        self.slots.clear();
        self.histograms.clear();
        self.histogram_slots.clear();
        self.exemplars.clear();
        self.exemplar_series.clear();
        self.before.clear();
        self.new.clear();
    }

    fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty() && self.exemplars.is_empty()
    }
}
