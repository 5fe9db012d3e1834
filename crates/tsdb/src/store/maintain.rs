//! Retention.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use stonechat_model::{SeriesRef, Timestamp};

use super::{Shared, StoreStats};
use crate::head::Weight;

/// A log of more segments than this is written into a block even if they are small: every start of the process makes one.
const SEGMENTS_MAX: u64 = 256;

/// A series without a sample in the head is forgotten when its last sample is older than this, compared with the newest.
const IDLE: Duration = Duration::from_mins(10);

/// The head is written into a block when so many series in it have ended, and a quarter as many as live: only then can their
/// memory be given back.
const ENDED_MIN: u64 = 1_000;

/// What is remembered from one maintenance to the next. Held while it runs.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    /// Damage was found, a sync failed, or the log is of an old kind: it has to be written again, whatever its length.
    pub flush_wanted: bool,
    /// Files with damage in their middle, which are kept when the log no longer needs them.
    pub damaged: Vec<PathBuf>,
    /// When the head was last written because many of its series had ended.
    pub churned: Option<Timestamp>,
    /// The series in the order of the last block.
    pub order: Vec<SeriesRef>,
}

/// What is left in the head.
struct Expired {
    /// Time of its oldest sample.
    oldest: Option<Timestamp>,
    /// Series with samples that have had none for a while.
    ended: u64,
    /// All series with samples.
    all: u64,
}

/// What the last maintenance found, for whoever asks meanwhile.
#[derive(Debug, Default)]
pub(super) struct Report {
    weight: Weight,
    series_removed: u64,
    pub flushes: u64,
    pub flush_failures: u64,
    pub flush_last: Duration,
    pub blocks_written_bytes: u64,
    pub compactions: u64,
    pub compaction_failures: u64,
    pub blocks_removed: u64,
}

impl Report {
    /// Adds what is known here to the state of the store.
    pub fn describe(&self, stats: &mut StoreStats) {
        stats.chunks = self.weight.chunks;
        stats.samples = self.weight.samples;
        stats.chunk_bytes = self.weight.bytes;
        stats.series_removed_total = self.series_removed;
        stats.flushes_total = self.flushes;
        stats.flush_failures_total = self.flush_failures;
        stats.flush_last = self.flush_last;
        stats.blocks_written_bytes_total = self.blocks_written_bytes;
        stats.compactions_total = self.compactions;
        stats.compaction_failures_total = self.compaction_failures;
        stats.blocks_removed_total = self.blocks_removed;
    }
}

impl Shared {
    /// See [`Store::maintain`](super::Store::maintain).
    pub(super) fn maintain(&self, now: Timestamp) {
        let mut maintenance = self.maintenance.lock();
        if self.is_closed() || self.recovery.get().is_none() {
            return;
        }
        if let Some(newest) = self.gauges.newest() {
            // A clock that was ahead for one sample must not cost the history, nor one that is ahead now.
            let end = now.min(newest);
            let horizon = end.minus(self.limits.lock().retention);
            self.horizon.fetch_max(horizon.millis(), Ordering::Relaxed);
        }
        let Expired { oldest, ended, all } = self.expire(now);
        self.drop_blocks();
        maintenance.flush_wanted |= self.syncer.take_failed();
        let newest = self.gauges.newest();
        let aged = newest
            .zip(oldest)
            .is_some_and(|(newest, oldest)| newest.since(oldest) >= self.options.head_span);
        let rested = maintenance
            .churned
            .is_none_or(|last| now.since(last) >= IDLE);
        let churns = rested && ended >= ENDED_MIN.max((all - ended) / 4);
        if churns {
            maintenance.churned = Some(now);
        }
        let full = self.log_is_long() || self.head_is_full();
        if maintenance.flush_wanted || aged || churns || full {
            // Counted and logged where it fails.
            let _ = self.write_head(&mut maintenance);
        }
        self.compact();
    }

    /// See [`Store::flush`](super::Store::flush).
    pub(super) fn flush(&self) -> io::Result<()> {
        self.recovery.wait();
        let mut maintenance = self.maintenance.lock();
        if self.is_closed() {
            return Err(io::Error::other("the store is closed"));
        }
        self.write_head(&mut maintenance)?;
        self.compact();
        Ok(())
    }

    /// Drops what lies before the horizon from the head.
    fn expire(&self, now: Timestamp) -> Expired {
        let horizon = Timestamp::from_millis(self.horizon.load(Ordering::Relaxed));
        let newest = self.gauges.newest().map(|newest| newest.min(now));
        let idle_before =
            newest.map_or(i64::MIN, |newest| newest.minus(IDLE).max(horizon).millis());
        let (mut weight, mut forgotten, mut oldest) = (Weight::default(), Vec::new(), None);
        let (mut ended, mut all) = (0, 0);
        for (reference, series) in self.head.all() {
            let (left, idle) = series.expire(horizon);
            weight += left;
            match series.bounds() {
                None if idle => forgotten.push((reference, series)),
                None => {}
                Some((start, end)) => {
                    oldest = Some(oldest.map_or(start, |oldest: i64| oldest.min(start)));
                    all += 1;
                    ended += u64::from(idle && end < idle_before);
                }
            }
        }
        let mut removed = 0;
        if !forgotten.is_empty() {
            let mut removal = self.head.remove();
            let mut writer = self.writer.lock();
            for (reference, series) in forgotten {
                // A batch may have come since.
                if series.is_empty() && writer.last(reference).is_none_or(|last| last < idle_before)
                {
                    writer.forget_series(reference);
                    removal.take(reference);
                }
            }
            drop(writer);
            removed = removal.finish();
        }
        let mut report = self.report.lock();
        report.weight = weight;
        report.series_removed += removed as u64;
        Expired {
            oldest: oldest.map(Timestamp::from_millis),
            ended,
            all,
        }
    }

    /// Drops blocks that are too old, or more than there is room for.
    fn drop_blocks(&self) {
        let horizon = Timestamp::from_millis(self.horizon.load(Ordering::Relaxed));
        let mut gone = self.blocks.expired(horizon);
        let bytes_max = self.limits.lock().retention_bytes;
        if let Some(bytes_max) = bytes_max {
            let log = self.gauges.log_bytes();
            for block in self.blocks.surplus(bytes_max.saturating_sub(log)) {
                if !gone.iter().any(|other| Arc::ptr_eq(other, &block)) {
                    gone.push(block);
                }
            }
        }
        if !gone.is_empty() {
            self.blocks.remove(&gone);
            self.report.lock().blocks_removed += gone.len() as u64;
        }
    }

    fn log_is_long(&self) -> bool {
        self.gauges.log_bytes() >= self.options.log_bytes_max
            || self.gauges.log_segments() >= SEGMENTS_MAX
    }
}
