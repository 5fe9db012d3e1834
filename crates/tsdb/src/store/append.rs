//! Batches into log and head.

use std::io;

use stonechat_model::{Appended, Batch, Labels, SeriesRef, Timestamp};

use crate::head::{Head, Registry, slot_of};
use crate::log::{LogId, LogWriter, Sample, put_samples, put_series};

/// The most samples in a record, so that it stays below its limit of bytes.
const RECORD_SAMPLES_MAX: usize = 1 << 18;

/// Bytes of label sets after which a new record begins.
const RECORD_LABELS_BYTES: usize = 1 << 20;

/// Capacity in bytes that the buffer for records keeps from batch to batch.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// What has to be known of a series to judge its next sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tail {
    /// Its id in the log, once it has one.
    pub id: Option<LogId>,
    /// Time and bits of its last sample.
    pub last: Option<(i64, u64)>,
}

/// What the log held: by slot, what is known of each series.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub tails: Vec<Tail>,
    /// The first id that was never given.
    pub next_id: u64,
    /// Time of the newest sample.
    pub newest: Option<i64>,
}

/// Takes one batch at a time.
///
/// A batch is judged by a dense table of what every series' last sample was, without touching the series. Then it
/// is written, and only then pushed into the series. When it cannot be written, the table is put back.
#[derive(Debug)]
pub(super) struct Writer {
    log: LogWriter,
    known: Known,
    batch: Judged,
    buffer: Vec<u8>,
}

/// What is accepted of the batch in hand. Kept between batches for its memory.
#[derive(Debug, Default)]
struct Judged {
    samples: Vec<Sample>,
    /// How many of the samples have the batch's time.
    shared: usize,
    /// Slot of each sample's series, and what was known of it before.
    before: Vec<(u32, Tail)>,
    /// Series that get their id with this batch.
    new: Vec<(LogId, Labels)>,
}

enum Verdict {
    Store,
    /// It is stored already.
    Same,
    OutOfOrder,
    Duplicate,
    TooOld,
}

impl Writer {
    /// Goes on where the log ended.
    pub fn new(log: LogWriter, known: Known) -> Self {
        Self {
            log,
            known,
            batch: Judged::default(),
            buffer: Vec::new(),
        }
    }

    /// Judges, writes and stores a batch.
    pub fn append(&mut self, head: &Head, batch: &Batch, horizon: i64) -> io::Result<Appended> {
        let appended = self.judge(&head.registry(), batch, horizon);
        if self.batch.samples.is_empty() {
            return Ok(appended);
        }
        let written = self
            .encode(batch.timestamp)
            .and_then(|()| self.log.write(&self.buffer));
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        if let Err(error) = written {
            self.take_back();
            return Err(error);
        }
        // Nothing was removed meanwhile: that takes the lock under which a batch is appended.
        let registry = head.registry();
        for (sample, (slot, _)) in self.batch.samples.iter().zip(&self.batch.before) {
            if let Some(series) = registry.at(*slot) {
                series.push(sample.timestamp, sample.value);
            }
        }
        let newest = self
            .batch
            .samples
            .iter()
            .map(|sample| sample.timestamp)
            .max();
        self.known.newest = self.known.newest.max(newest);
        Ok(appended)
    }

    /// Fills `self.batch`, and notes the accepted samples as the last of their series.
    fn judge(&mut self, registry: &Registry, batch: &Batch, horizon: i64) -> Appended {
        self.batch.clear();
        let mut judge = Judge {
            registry,
            horizon,
            known: &mut self.known,
            batch: &mut self.batch,
            appended: Appended::default(),
        };
        for &(series, value) in &batch.values {
            judge.sample(series, batch.timestamp, value);
        }
        judge.batch.shared = judge.batch.samples.len();
        for &(series, timestamp, value) in &batch.stamped {
            judge.sample(series, timestamp, value);
        }
        judge.appended
    }

    /// Undoes what `judge` noted, last first, as a series may be in a batch more than once. Ids are not given again:
    /// a part of the failed write may stand in the log.
    fn take_back(&mut self) {
        for &(slot, tail) in self.batch.before.iter().rev() {
            self.known.tails[slot as usize] = tail;
        }
    }

    /// Fills `self.buffer` with the records of the batch.
    fn encode(&mut self, timestamp: Timestamp) -> io::Result<()> {
        let (batch, buffer) = (&self.batch, &mut self.buffer);
        let mut new = batch.new.as_slice();
        while !new.is_empty() {
            let mut bytes = 0;
            let fitting = new.iter().take_while(|(_, labels)| {
                bytes += labels.heap_bytes();
                bytes <= RECORD_LABELS_BYTES
            });
            let (record, rest) = new.split_at(fitting.count().max(1));
            put_series(buffer, record.iter().map(|(id, labels)| (*id, labels)))?;
            new = rest;
        }
        let timestamp = timestamp.millis();
        let (shared, stamped) = batch.samples.split_at(batch.shared);
        if batch.samples.len() <= RECORD_SAMPLES_MAX {
            return put_samples(buffer, timestamp, shared, stamped);
        }
        for samples in shared.chunks(RECORD_SAMPLES_MAX) {
            put_samples(buffer, timestamp, samples, &[])?;
        }
        for samples in stamped.chunks(RECORD_SAMPLES_MAX) {
            put_samples(buffer, timestamp, &[], samples)?;
        }
        Ok(())
    }

    /// Series that have, or had, a place.
    pub fn slots(&self) -> u64 {
        self.known.tails.len() as u64
    }

    /// Time of the newest sample.
    pub fn newest(&self) -> Option<i64> {
        self.known.newest
    }

    /// Time of the last sample of a series.
    pub fn last(&self, series: SeriesRef) -> Option<i64> {
        let tail = self.known.tails.get(slot_of(series) as usize)?;
        tail.last.map(|(timestamp, _)| timestamp)
    }

    /// Forgets a series that is being removed.
    pub fn forget_series(&mut self, series: SeriesRef) {
        if let Some(tail) = self.known.tails.get_mut(slot_of(series) as usize) {
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
        for tail in &mut self.known.tails {
            tail.id = None;
        }
        self.log.end_segment()
    }
}

impl Judged {
    fn clear(&mut self) {
        self.samples.clear();
        self.before.clear();
        self.new.clear();
        self.shared = 0;
    }
}

/// Decides over samples one by one.
struct Judge<'a> {
    registry: &'a Registry,
    horizon: i64,
    known: &'a mut Known,
    batch: &'a mut Judged,
    appended: Appended,
}

impl Judge<'_> {
    fn sample(&mut self, series: SeriesRef, timestamp: Timestamp, value: f64) {
        let Some(found) = self.registry.get(series) else {
            return self.appended.unknown_series.push(series);
        };
        let slot = slot_of(series);
        let place = slot as usize;
        if self.known.tails.len() <= place {
            self.known.tails.resize(place + 1, Tail::default());
        }
        let (timestamp, bits) = (timestamp.millis(), value.to_bits());
        let before = self.known.tails[place];
        match verdict(before, timestamp, bits, self.horizon) {
            Verdict::TooOld => self.appended.too_old += 1,
            Verdict::OutOfOrder => self.appended.out_of_order += 1,
            Verdict::Duplicate => self.appended.duplicate += 1,
            Verdict::Same => self.appended.accepted += 1,
            Verdict::Store => {
                let id = before.id.unwrap_or_else(|| {
                    let id = LogId(self.known.next_id);
                    self.known.next_id += 1;
                    self.batch.new.push((id, found.labels().clone()));
                    id
                });
                self.known.tails[place] = Tail {
                    id: Some(id),
                    last: Some((timestamp, bits)),
                };
                self.batch.before.push((slot, before));
                self.batch.samples.push(Sample {
                    id,
                    timestamp,
                    value,
                });
                self.appended.accepted += 1;
            }
        }
    }
}

/// As Prometheus judges: the same value at the same time again is no mistake.
fn verdict(tail: Tail, timestamp: i64, bits: u64, horizon: i64) -> Verdict {
    match tail.last {
        _ if timestamp < horizon => Verdict::TooOld,
        Some((last, _)) if timestamp < last => Verdict::OutOfOrder,
        Some((last, same)) if timestamp == last && bits == same => Verdict::Same,
        Some((last, _)) if timestamp == last => Verdict::Duplicate,
        _ => Verdict::Store,
    }
}
