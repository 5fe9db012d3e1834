//! Labels and chunks of one series.

use std::ops::AddAssign;

use parking_lot::Mutex;
use stonechat_model::{Columns, Labels, TimeRange, Timestamp};

use crate::chunk::{CHUNK_SAMPLES_MAX, Chunk, ChunkBuilder, DecodeError};

/// One series. Whoever appends takes its lock for one sample, whoever reads for a copy of pointers.
#[derive(Debug)]
pub(crate) struct Series {
    labels: Labels,
    chunks: Mutex<Chunks>,
}

#[derive(Debug, Default)]
struct Chunks {
    /// Finished chunks in order of time.
    closed: Vec<Chunk>,
    /// How many of them, from the oldest, are being written into a block.
    sealed: usize,
    /// The chunk that grows, behind all others.
    open: ChunkBuilder,
    /// No sample came since the last visit of the retention.
    idle: bool,
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

    /// Adds a sample, which is later than the last.
    pub fn push(&self, timestamp: i64, value: f64) {
        let mut chunks = self.chunks.lock();
        chunks.idle = false;
        chunks.open.push(timestamp, value);
        if chunks.open.is_full() {
            chunks.close();
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
            chunks.add(Some(chunk));
        } else {
            chunks.open = ChunkBuilder::resume(&chunk)?;
        }
        Ok(())
    }

    /// Adds a sample when the series is being restored, unless it is there already: whatever is not later than the
    /// last sample came out of the checkpoint. Returns true when it was added.
    pub fn replay(&self, timestamp: i64, value: f64) -> bool {
        if self.end().is_some_and(|end| timestamp <= end) {
            return false;
        }
        self.push(timestamp, value);
        true
    }

    /// Time of the first sample.
    pub fn start(&self) -> Option<i64> {
        self.chunks.lock().bounds().map(|(start, _)| start)
    }

    /// Time of the last sample.
    pub fn end(&self) -> Option<i64> {
        self.chunks.lock().bounds().map(|(_, end)| end)
    }

    /// Time and bits of the last sample.
    pub fn last(&self) -> Result<Option<(i64, u64)>, DecodeError> {
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
        let open = chunks
            .open
            .bounds()
            .filter(|&(start, end)| start <= range.end.millis() && range.start.millis() <= end);
        let open = open.and_then(|_| chunks.open.chunk());
        overlapping.cloned().chain(open).collect()
    }

    /// Appends the samples in the range to `columns`. Decoding happens without the lock.
    pub fn read(&self, range: TimeRange, columns: &mut Columns) -> Result<(), DecodeError> {
        self.snapshot(range)
            .iter()
            .try_for_each(|chunk| chunk.read(range, columns))
    }

    /// Drops the chunks that end before `horizon`. Returns what is left, and true when the series has had no chunk and
    /// no new sample since the last call: then it may go.
    pub fn expire(&self, horizon: Timestamp) -> (Weight, bool) {
        let mut chunks = self.chunks.lock();
        let horizon = horizon.millis();
        let expired = chunks.closed.partition_point(|chunk| chunk.end < horizon);
        if expired > 0 {
            chunks.closed.drain(..expired);
            chunks.sealed = chunks.sealed.saturating_sub(expired);
            if chunks.closed.capacity() > chunks.closed.len() * 2 {
                chunks.closed.shrink_to_fit();
            }
        }
        if chunks.open.bounds().is_some_and(|(_, end)| end < horizon) {
            chunks.open = ChunkBuilder::default();
        }
        let forgotten = chunks.idle && chunks.bounds().is_none();
        chunks.idle = true;
        (chunks.weight(), forgotten)
    }

    /// Marks what is here as about to be written into a block. Returns false when there is nothing.
    pub fn seal(&self) -> bool {
        let mut chunks = self.chunks.lock();
        if !chunks.open.is_empty() {
            chunks.close();
        }
        chunks.sealed = chunks.closed.len();
        chunks.sealed > 0
    }

    /// Appends the sealed samples to `columns`.
    pub fn read_sealed(&self, columns: &mut Columns) -> Result<(), DecodeError> {
        let sealed: Vec<Chunk> = {
            let chunks = self.chunks.lock();
            chunks.closed[..chunks.sealed].to_vec()
        };
        sealed
            .iter()
            .try_for_each(|chunk| chunk.read(TimeRange::ALL, columns))
    }

    /// Drops the sealed samples, which are in a block now.
    pub fn drop_sealed(&self) {
        let mut chunks = self.chunks.lock();
        let sealed = std::mem::take(&mut chunks.sealed);
        chunks.closed.drain(..sealed);
        chunks.closed.shrink_to_fit();
    }

    /// True when there is no sample.
    pub fn is_empty(&self) -> bool {
        self.chunks.lock().bounds().is_none()
    }
}

impl Chunks {
    fn close(&mut self) {
        let full = std::mem::take(&mut self.open);
        self.add(full.chunk());
    }

    /// Doubling would leave half of the list of every long-lived series unused.
    fn add(&mut self, chunk: Option<Chunk>) {
        if self.closed.len() == self.closed.capacity() {
            self.closed.reserve_exact(2 + self.closed.len() / 8);
        }
        self.closed.extend(chunk);
    }

    /// Times of the first and the last sample.
    fn bounds(&self) -> Option<(i64, i64)> {
        let open = self.open.bounds();
        let first = self.closed.first().map(|chunk| chunk.start);
        let last = self.closed.last().map(|chunk| chunk.end);
        let start = first.or(open.map(|(start, _)| start))?;
        let end = open.map(|(_, end)| end).or(last)?;
        Some((start, end))
    }

    fn weight(&self) -> Weight {
        let mut weight = Weight {
            chunks: self.closed.len() as u64 + u64::from(!self.open.is_empty()),
            samples: u64::from(self.open.len()),
            bytes: self.open.heap_bytes() as u64,
        };
        for chunk in &self.closed {
            weight.samples += u64::from(chunk.samples);
            weight.bytes += chunk.bytes.len() as u64;
        }
        weight
    }
}
