//! Labels and chunks of one series.

mod closed; // its finished chunks
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use parking_lot::Mutex;
use stonechat_model::{Columns, Histogram, Labels, TimeRange, Timestamp};

use crate::chunk::{CHUNK_SAMPLES_MAX, Chunk, ChunkBuilder, DecodeError};
use crate::histogram::fingerprint;
use crate::prefetch::prefetch;
use closed::Closed;

/// One series. Whoever appends takes its lock for one sample, whoever reads for a copy of pointers.
#[derive(Debug)]
pub(crate) struct Series {
    labels: Labels,
    chunks: Mutex<Chunks>,
}

// Each of these is in one allocation, with the counters of its `Arc`; one byte more would cost thirty-two.
const _: () = assert!(size_of::<Series>() + 16 <= 128);

#[derive(Debug, Default)]
struct Chunks {
    /// Finished chunks in order of time.
    closed: Closed,
    /// How many of them, from the oldest, are being written into a block.
    sealed: u32,
    /// No sample came since the last visit of the retention.
    idle: bool,
    /// The chunk that grows, behind all others.
    open: ChunkBuilder,
    /// What most series do not have.
    rare: Option<Box<Rare>>,
}

/// Samples outside of all chunks.
#[derive(Debug, Default)]
struct Rare {
    /// Samples that came behind a later one.
    late: BTreeMap<i64, f64>,
    /// Those of them that are being written into a block.
    late_sealed: BTreeMap<i64, f64>,
    /// Native histograms in the order in which they came, and how many of them are being written into a block.
    histograms: Vec<(i64, Arc<Histogram>)>,
    histograms_sealed: usize,
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.late.is_empty() && self.late_sealed.is_empty() && self.histograms.is_empty()
    }

    fn len(&self) -> usize {
        self.late.len() + self.late_sealed.len() + self.histograms.len()
    }

    /// Times of the first and the last sample.
    fn bounds(&self) -> Option<(i64, i64)> {
        let late = self.late.keys().chain(self.late_sealed.keys()).copied();
        let all = late.chain(self.histograms.iter().map(|(time, _)| *time));
        all.map(|time| (time, time)).reduce(around)
    }

    fn read(&self, range: TimeRange, columns: &mut Columns) {
        if range.start <= range.end {
            let (start, end) = (range.start.millis(), range.end.millis());
            for late in [&self.late_sealed, &self.late] {
                for (&time, &value) in late.range(start..=end) {
                    columns.push(Timestamp::from_millis(time), value);
                }
            }
        }
        let within = |time: i64| range.contains(Timestamp::from_millis(time));
        let histograms = self.histograms.iter().filter(|(time, _)| within(*time));
        columns.histograms.extend(histograms.cloned());
    }

    /// Drops what lies before `horizon`.
    fn expire(&mut self, horizon: i64) {
        self.late = self.late.split_off(&horizon);
        if self.histograms_sealed == 0 {
            self.histograms.retain(|(time, _)| *time >= horizon);
        }
    }

    fn seal(&mut self) {
        self.late_sealed.append(&mut self.late);
        self.histograms_sealed = self.histograms.len();
    }

    fn drop_sealed(&mut self) {
        self.late_sealed.clear();
        let sealed = std::mem::take(&mut self.histograms_sealed);
        self.histograms.drain(..sealed);
    }
}

/// Both times and what is between them.
fn around(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0.min(other.0), one.1.max(other.1))
}

/// What a series weighs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Chunks, with the open one.
    pub chunks: u64,
    /// Samples in them.
    pub samples: u64,
    /// Bytes of their compressed samples.
    pub bytes: u64,
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.chunks += other.chunks;
        self.samples += other.samples;
        self.bytes += other.bytes;
    }
}

impl Series {
    /// A series without samples.
    pub fn new(labels: Labels) -> Self {
        Self {
            labels,
            chunks: Mutex::default(),
        }
    }

    /// What the series is called.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Says that a sample will be added soon.
    pub fn expect(&self) {
        prefetch(&self.labels);
        prefetch(&self.chunks);
    }

    /// Says that a sample will be added very soon; the series itself is at hand by now.
    pub fn expect_soon(&self) {
        // Who reads it brings it in.
        if let Some(chunks) = self.chunks.try_lock()
            && let Some(end) = chunks.open.end()
        {
            prefetch(end);
        }
    }

    /// Adds a sample, which is later than the last.
    pub fn push(&self, timestamp: i64, value: f64) {
        let mut chunks = self.chunks.lock();
        chunks.idle = false;
        chunks.open.push(timestamp, value);
        if chunks.open.is_full() {
            chunks.close();
        }
    }

    /// Adds a sample that is older than the last.
    pub fn push_late(&self, timestamp: i64, value: f64) {
        let mut chunks = self.chunks.lock();
        chunks.idle = false;
        chunks.rare().late.insert(timestamp, value);
    }

    /// The bits of a sample that came late.
    pub fn late(&self, timestamp: i64) -> Option<u64> {
        let chunks = self.chunks.lock();
        let rare = chunks.rare.as_deref()?;
        let late = rare.late.get(&timestamp);
        let late = late.or_else(|| rare.late_sealed.get(&timestamp));
        late.map(|value| value.to_bits())
    }

    /// Adds a histogram.
    pub fn push_histogram(&self, timestamp: i64, histogram: Arc<Histogram>) {
        let mut chunks = self.chunks.lock();
        chunks.idle = false;
        chunks.rare().histograms.push((timestamp, histogram));
    }

    /// Takes over all samples of another series of the same labels, which are older than those that are here.
    pub fn prepend(&self, older: &Self) {
        let mut older = older.chunks.lock();
        if !older.open.is_empty() {
            older.close();
        }
        let mut chunks = self.chunks.lock();
        chunks.idle = false;
        let closed = std::mem::take(&mut older.closed);
        chunks.closed.prepend(closed);
        if let Some(mut older) = older.rare.take() {
            let rare = chunks.rare();
            rare.late.append(&mut older.late);
            rare.histograms.splice(0..0, older.histograms);
        }
    }

    /// Adds a chunk behind the others when the series is being restored. One that overlaps them is left out:
    /// its samples are there already.
    pub fn restore(&self, chunk: Chunk) -> Result<(), DecodeError> {
        let mut chunks = self.chunks.lock();
        if chunks.bounds().is_some_and(|(_, end)| chunk.start <= end) {
            return Ok(());
        }
        if !chunks.open.is_empty() {
            chunks.close();
        }
        if chunk.samples >= CHUNK_SAMPLES_MAX {
            chunks.closed.push(chunk);
        } else {
            chunks.open = ChunkBuilder::resume(&chunk)?;
        }
        Ok(())
    }

    /// Adds a sample when the series is being restored.
    pub fn replay(&self, timestamp: i64, value: f64) {
        let mut chunks = self.chunks.lock();
        let last = chunks.open.last().map(|(time, _)| time);
        let last = last.or_else(|| chunks.closed.last().map(|chunk| chunk.end));
        if last.is_some_and(|last| timestamp <= last) {
            chunks.rare().late.insert(timestamp, value);
            return;
        }
        chunks.open.push(timestamp, value);
        if chunks.open.is_full() {
            chunks.close();
        }
    }

    /// Times of the first and the last sample.
    pub fn bounds(&self) -> Option<(i64, i64)> {
        self.chunks.lock().bounds()
    }

    /// Time of the first sample.
    pub fn start(&self) -> Option<i64> {
        self.bounds().map(|(start, _)| start)
    }

    /// Time of the last sample.
    pub fn end(&self) -> Option<i64> {
        self.chunks.lock().bounds().map(|(_, end)| end)
    }

    /// Time and bits of the last sample; of a histogram what stands for its bits.
    pub fn last(&self) -> Result<Option<(i64, u64)>, DecodeError> {
        let float = self.last_float()?;
        let chunks = self.chunks.lock();
        let rare = chunks.rare.as_deref();
        let histogram = rare.and_then(|rare| rare.histograms.iter().max_by_key(|(time, _)| *time));
        let histogram = histogram.map(|(time, histogram)| (*time, fingerprint(histogram)));
        Ok(float.max(histogram))
    }

    fn last_float(&self) -> Result<Option<(i64, u64)>, DecodeError> {
        let chunks = self.chunks.lock();
        if let Some(last) = chunks.open.last() {
            return Ok(Some(last));
        }
        let Some(chunk) = chunks.closed.last() else {
            return Ok(None);
        };
        let last = chunk.samples().last().transpose()?;
        Ok(last.map(|(timestamp, value)| (timestamp, value.to_bits())))
    }

    /// True when a sample may lie in the range.
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.chunks
            .lock()
            .bounds()
            .is_some_and(|(start, end)| start <= range.end.millis() && range.start.millis() <= end)
    }

    /// The chunks that overlap the range, as they are at this moment.
    pub fn snapshot(&self, range: TimeRange) -> Vec<Chunk> {
        let chunks = self.chunks.lock();
        let first = chunks
            .closed
            .partition_point(|chunk| chunk.end < range.start.millis());
        let overlapping = chunks.closed[first..]
            .iter()
            .take_while(|chunk| chunk.overlaps(range));
        let open = chunks.open.bounds();
        let open = open
            .filter(|(start, end)| *start <= range.end.millis() && range.start.millis() <= *end);
        let open = open.map(|_| [chunks.open.sealed_chunk(), chunks.open.chunk()]);
        let open = open.into_iter().flatten().flatten();
        overlapping.cloned().chain(open).collect()
    }

    /// Appends the samples in the range to `columns`. Decoding happens without the lock.
    pub fn read(&self, range: TimeRange, columns: &mut Columns) -> Result<(), DecodeError> {
        let mut beside = None;
        if let Some(rare) = &self.chunks.lock().rare {
            rare.read(range, beside.insert(Columns::default()));
        }
        self.snapshot(range)
            .iter()
            .try_for_each(|chunk| chunk.read(range, columns))?;
        if let Some(beside) = beside {
            columns.timestamps.extend(beside.timestamps);
            columns.values.extend(beside.values);
            columns.histograms.extend(beside.histograms);
        }
        Ok(())
    }

    /// Drops the chunks that end before `horizon`. Returns what is left, and true when the series has had no new sample since
    /// the last call: if it has none at all, it may go.
    pub fn expire(&self, horizon: Timestamp) -> (Weight, bool) {
        let mut chunks = self.chunks.lock();
        let horizon = horizon.millis();
        let expired = chunks.closed.partition_point(|chunk| chunk.end < horizon);
        if expired > 0 {
            chunks.closed.forget(..expired);
            chunks.sealed = chunks.sealed.saturating_sub(expired as u32);
        }
        if let Some(rare) = &mut chunks.rare {
            rare.expire(horizon);
        }
        chunks.forget_rare();
        if chunks.open.bounds().is_some_and(|(_, end)| end < horizon) {
            chunks.open = ChunkBuilder::default();
        }
        let idle = std::mem::replace(&mut chunks.idle, true);
        (chunks.weight(), idle)
    }

    /// Marks what is here as about to be written into a block.
    pub fn seal(&self) {
        let mut chunks = self.chunks.lock();
        // A block that could not be written leaves a part of the open chunk set apart.
        if let Some(before) = chunks.open.sealed_chunk() {
            chunks.closed.push(before);
            chunks.open.forget_sealed();
        }
        chunks.open.seal();
        // A chunk has 120 samples; 2^32 of them are no series.
        chunks.sealed = chunks.closed.len() as u32;
        if let Some(rare) = &mut chunks.rare {
            rare.seal();
        }
    }

    /// Appends the sealed samples to `columns`, late ones and histograms in any order.
    pub fn read_sealed(&self, columns: &mut Columns) -> Result<(), DecodeError> {
        let sealed: Vec<Chunk> = {
            let chunks = self.chunks.lock();
            if let Some(rare) = &chunks.rare {
                let histograms = &rare.histograms[..rare.histograms_sealed];
                columns.histograms.extend_from_slice(histograms);
            }
            let closed = &chunks.closed[..chunks.sealed as usize];
            let open = chunks.open.sealed_chunk();
            closed.iter().cloned().chain(open).collect()
        };
        sealed
            .iter()
            .try_for_each(|chunk| chunk.read(TimeRange::ALL, columns))?;
        if let Some(rare) = &self.chunks.lock().rare {
            for (&time, &value) in &rare.late_sealed {
                columns.push(Timestamp::from_millis(time), value);
            }
        }
        Ok(())
    }

    /// Drops the sealed samples, which are in a block now.
    pub fn drop_sealed(&self) {
        let mut chunks = self.chunks.lock();
        let sealed = std::mem::take(&mut chunks.sealed);
        chunks.closed.forget(..sealed as usize);
        chunks.open.forget_sealed();
        if let Some(rare) = &mut chunks.rare {
            rare.drop_sealed();
        }
        chunks.forget_rare();
    }

    /// True when there is no sample.
    pub fn is_empty(&self) -> bool {
        self.chunks.lock().bounds().is_none()
    }
}

impl Chunks {
    fn close(&mut self) {
        let full = std::mem::take(&mut self.open);
        if let Some(chunk) = full.sealed_chunk() {
            // All that was closed before is sealed.
            self.closed.push(chunk);
            self.sealed += 1;
        }
        if let Some(chunk) = full.chunk() {
            self.closed.push(chunk);
        }
    }

    /// The place for what most series do not have.
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Gives its memory back when there is nothing in it.
    fn forget_rare(&mut self) {
        self.rare.take_if(|rare| rare.is_empty());
    }

    /// Times of the first and the last sample.
    fn bounds(&self) -> Option<(i64, i64)> {
        let open = self.open.bounds();
        let first = self.closed.first().map(|chunk| chunk.start);
        let last = self.closed.last().map(|chunk| chunk.end);
        let start = first.or(open.map(|(start, _)| start));
        let end = open.map(|(_, end)| end).or(last);
        let chunked = start.zip(end);
        let rare = self.rare.as_ref().and_then(|rare| rare.bounds());
        match (chunked, rare) {
            (Some(chunked), Some(rare)) => Some(around(chunked, rare)),
            (one, other) => one.or(other),
        }
    }

    fn weight(&self) -> Weight {
        let mut weight = Weight {
            chunks: self.closed.len() as u64 + u64::from(!self.open.is_empty()),
            samples: u64::from(self.open.len())
                + self.rare.as_ref().map_or(0, |rare| rare.len() as u64),
            bytes: self.open.heap_bytes() as u64,
        };
        for chunk in &*self.closed {
            weight.samples += u64::from(chunk.samples);
            weight.bytes += chunk.bytes.len() as u64;
        }
        weight
    }
}
