//! What the store counts about itself.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use stonechat_model::{Appended, Timestamp};

use super::Shared;
use super::append::Writer;

/// Counts since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub accepted: AtomicU64,
    pub out_of_order: AtomicU64,
    pub duplicate: AtomicU64,
    pub too_old: AtomicU64,
    pub unknown_series: AtomicU64,
    pub series_refused: AtomicU64,
    pub append_failures: AtomicU64,
}

/// What is told of the writer, so that nobody who asks waits for a disk that is slow.
#[derive(Debug)]
pub(super) struct Gauges {
    /// Time of the newest sample; the least number when there is none.
    newest: AtomicI64,
    log_bytes: AtomicU64,
    log_segments: AtomicU64,
    /// Samples that are in the head and in no block, about.
    head_samples: AtomicU64,
    /// Series that have, or had, a place in the head.
    series: AtomicU64,
}

impl Gauges {
    /// Of a writer.
    pub fn of(writer: &mut Writer) -> Self {
        let gauges = Self {
            newest: AtomicI64::new(i64::MIN),
            log_bytes: AtomicU64::new(0),
            log_segments: AtomicU64::new(0),
            head_samples: AtomicU64::new(0),
            series: AtomicU64::new(0),
        };
        gauges.set(writer);
        gauges
    }

    /// Looks at the writer again.
    pub fn set(&self, writer: &mut Writer) {
        let newest = writer.newest().unwrap_or(i64::MIN);
        self.newest.store(newest, Ordering::Relaxed);
        self.series.store(writer.slots(), Ordering::Relaxed);
        let log = writer.log();
        self.log_bytes.store(log.bytes(), Ordering::Relaxed);
        self.log_segments.store(log.segments(), Ordering::Relaxed);
    }

    /// Time of the newest sample.
    pub fn newest(&self) -> Option<Timestamp> {
        Some(self.newest.load(Ordering::Relaxed))
            .filter(|&newest| newest > i64::MIN)
            .map(Timestamp::from_millis)
    }

    /// Samples came into the head.
    pub fn add_samples(&self, samples: u64) {
        self.head_samples.fetch_add(samples, Ordering::Relaxed);
    }

    /// Samples went from the head into a block.
    pub fn forget_samples(&self, samples: u64) {
        let less = |now: u64| Some(now.saturating_sub(samples));
        let _ = self
            .head_samples
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Samples that are in the head and in no block, about.
    pub fn head_samples(&self) -> u64 {
        self.head_samples.load(Ordering::Relaxed)
    }

    /// Series that have, or had, a place in the head.
    pub fn series(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }

    /// Bytes in the segments of the log.
    pub fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    /// Number of those segments.
    pub fn log_segments(&self) -> u64 {
        self.log_segments.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub fn count(&self, appended: &Appended) {
        for (counter, count) in [
            (&self.accepted, appended.accepted),
            (&self.out_of_order, appended.out_of_order),
            (&self.duplicate, appended.duplicate),
            (&self.too_old, appended.too_old),
            (&self.unknown_series, appended.unknown_series.len()),
        ] {
            if count > 0 {
                Self::add(counter, count);
            }
        }
    }
}

/// The state of a store at one moment. Names that end in `total` count since the store was opened.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Series in memory.
    pub series: usize,
    /// The limit of series in force.
    pub series_max: usize,
    /// Series that were refused because of the limit, or because their labels were too long.
    pub series_refused_total: u64,
    /// Chunks in memory, as of the last maintenance.
    pub chunks: u64,
    /// Samples in memory, as of the last maintenance.
    pub samples: u64,
    /// Bytes of compressed samples in memory, as of the last maintenance.
    pub chunk_bytes: u64,
    /// Samples that were accepted.
    pub samples_accepted_total: u64,
    /// Samples refused because their series has a newer one.
    pub samples_out_of_order_total: u64,
    /// Samples refused because their series has another value at that time.
    pub samples_duplicate_total: u64,
    /// Samples refused because they are older than the retention.
    pub samples_too_old_total: u64,
    /// Samples refused because their reference is not known.
    pub samples_unknown_series_total: u64,
    /// Batches of which nothing was stored because the log could not be written.
    pub append_failures_total: u64,
    /// Time of the newest sample.
    pub newest: Option<Timestamp>,
    /// Samples before this moment are refused; nothing before the first maintenance.
    pub horizon: Option<Timestamp>,
    /// Series that were removed because all their samples were older than the retention.
    pub series_removed_total: u64,
    /// Bytes in the segments of the log.
    pub log_bytes: u64,
    /// Number of those segments.
    pub log_segments: u64,
    /// Times the log was made durable.
    pub syncs_total: u64,
    /// Times that failed.
    pub sync_failures_total: u64,
    /// How long the last time took.
    pub sync_last: Duration,
    /// Times the head was written into a block.
    pub flushes_total: u64,
    /// Times it could not be.
    pub flush_failures_total: u64,
    /// How long the last time took.
    pub flush_last: Duration,
    /// The log is still being read back.
    pub recovering: bool,
    /// Exemplars in memory.
    pub exemplars: u64,
    /// Blocks on disk.
    pub blocks: u64,
    /// Bytes in them.
    pub block_bytes: u64,
    /// Samples in them.
    pub block_samples: u64,
    /// Bytes of blocks that were written.
    pub blocks_written_bytes_total: u64,
    /// Times that blocks were merged.
    pub compactions_total: u64,
    /// Times that they could not be.
    pub compaction_failures_total: u64,
    /// Blocks that were dropped because of their age, or to make room.
    pub blocks_removed_total: u64,
    /// Why the last samples could not be written, while that is so: the disk is full, for example.
    pub write_failure: Option<String>,
    /// How long reading the log back took when the store was opened.
    pub replay: Duration,
    /// Places at which the log was found damaged then.
    pub damages: u64,
}

impl Shared {
    /// See [`Store::stats`](super::Store::stats).
    pub(super) fn stats(&self) -> StoreStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        let syncs = self.syncer.counts();
        let mut stats = StoreStats {
            series: self.head.registry().len(),
            series_max: self.options.series_max,
            series_refused_total: read(&counters.series_refused),
            samples_accepted_total: read(&counters.accepted),
            samples_out_of_order_total: read(&counters.out_of_order),
            samples_duplicate_total: read(&counters.duplicate),
            samples_too_old_total: read(&counters.too_old),
            samples_unknown_series_total: read(&counters.unknown_series),
            append_failures_total: read(&counters.append_failures),
            syncs_total: syncs.syncs,
            sync_failures_total: syncs.failures,
            sync_last: syncs.last,
            replay: self
                .recovery
                .get()
                .map_or(Duration::ZERO, |recovery| recovery.duration),
            damages: self.recovery.get().map_or(0, |recovery| recovery.damages),
            recovering: self.recovery.get().is_none(),
            exemplars: self.exemplars.len() as u64,
            newest: self.gauges.newest(),
            log_bytes: self.gauges.log_bytes(),
            log_segments: self.gauges.log_segments(),
            write_failure: self.trouble.reason(),
            ..StoreStats::default()
        };
        let horizon = self.horizon.load(Ordering::Relaxed);
        stats.horizon = (horizon > i64::MIN).then(|| Timestamp::from_millis(horizon));
        for block in self.blocks.current().iter() {
            stats.blocks += 1;
            stats.block_bytes += block.bytes();
            stats.block_samples += block.samples();
        }
        self.report.lock().describe(&mut stats);
        stats
    }
}
