//! Retention and checkpoints.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stonechat_model::Timestamp;

use super::{LOG_DIR, Recovery, Store, StoreStats};
use crate::head::{Series, Weight};
use crate::log::{LogId, Segments, write_checkpoint};

/// A log of more segments than this is rewritten even if they are small: every start of the process makes one.
const SEGMENTS_MAX: u64 = 256;

/// What is remembered from one maintenance to the next. Held while it runs.
#[derive(Debug)]
pub(super) struct Maintenance {
    /// Damage was found, or a sync failed: the log has to be written again, whatever its length.
    checkpoint_wanted: bool,
    /// Files with damage in their middle, which are kept when the log no longer needs them.
    damaged: Vec<PathBuf>,
}

/// What the last maintenance found, for whoever asks meanwhile.
#[derive(Debug, Default)]
pub(super) struct Report {
    weight: Weight,
    series_removed: u64,
    checkpoint_bytes: u64,
    checkpoints: u64,
    checkpoint_failures: u64,
    checkpoint_last: Duration,
}

impl Maintenance {
    /// After the log was read.
    pub fn new(recovery: &Recovery) -> Self {
        Self {
            checkpoint_wanted: recovery.is_damaged_inside(),
            damaged: recovery.damaged_files(),
        }
    }
}

impl Report {
    /// After the log was read.
    pub fn new(files: &Segments) -> Self {
        Self {
            checkpoint_bytes: files.checkpoint.as_ref().map_or(0, |newest| newest.bytes),
            ..Self::default()
        }
    }

    /// Adds what is known here to the state of the store.
    pub fn describe(&self, stats: &mut StoreStats) {
        stats.chunks = self.weight.chunks;
        stats.samples = self.weight.samples;
        stats.chunk_bytes = self.weight.bytes;
        stats.series_removed_total = self.series_removed;
        stats.checkpoint_bytes = self.checkpoint_bytes;
        stats.checkpoints_total = self.checkpoints;
        stats.checkpoint_failures_total = self.checkpoint_failures;
        stats.checkpoint_last = self.checkpoint_last;
    }
}

impl Store {
    /// Drops what is older than the retention, removes series of which nothing is left, and rewrites the log as a
    /// checkpoint when it has grown enough. To be called every minute. What fails is counted, logged, and tried again
    /// the next time; samples and queries go on meanwhile.
    pub fn maintain(&self, now: Timestamp) {
        let mut maintenance = self.maintenance.lock();
        if self.is_closed() {
            return;
        }
        if let Some(newest) = self.gauges.newest() {
            // A clock that was ahead for one sample must not cost the history, nor one that is ahead now.
            let end = now.min(newest);
            let horizon = end.minus(self.options.retention);
            self.horizon.fetch_max(horizon.millis(), Ordering::Relaxed);
        }
        self.expire();
        maintenance.checkpoint_wanted |= self.syncer.take_failed();
        if maintenance.checkpoint_wanted || self.log_has_grown() {
            // Counted and logged where it fails.
            let _ = self.make_checkpoint(&mut maintenance);
        }
    }

    /// Rewrites the log as a checkpoint now. [`maintain`](Self::maintain) does so when it is time.
    ///
    /// # Errors
    /// When the checkpoint cannot be written; the log stays as it was.
    pub fn checkpoint(&self) -> io::Result<()> {
        let mut maintenance = self.maintenance.lock();
        if self.is_closed() {
            return Err(io::Error::other("the store is closed"));
        }
        self.make_checkpoint(&mut maintenance)
    }

    /// Drops what lies before the horizon.
    fn expire(&self) {
        let horizon = Timestamp::from_millis(self.horizon.load(Ordering::Relaxed));
        let (mut weight, mut forgotten) = (Weight::default(), Vec::new());
        for (reference, series) in self.head.all() {
            let (left, gone) = series.expire(horizon);
            weight += left;
            if gone {
                forgotten.push((reference, series));
            }
        }
        let mut removed = 0;
        if !forgotten.is_empty() {
            let mut removal = self.head.remove();
            let mut writer = self.writer.lock();
            for (reference, series) in forgotten {
                // A batch may have come since.
                if series.is_empty() {
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
    }

    fn log_has_grown(&self) -> bool {
        let last = self.report.lock().checkpoint_bytes;
        let limit = last.max(self.options.checkpoint_bytes_min);
        self.gauges.log_bytes() >= limit || self.gauges.log_segments() >= SEGMENTS_MAX
    }

    /// The caller holds the maintenance, so no series is removed meanwhile.
    fn make_checkpoint(&self, maintenance: &mut Maintenance) -> io::Result<()> {
        let begun = Instant::now();
        let written = self.write_checkpoint(&maintenance.damaged);
        let mut report = self.report.lock();
        report.checkpoint_last = begun.elapsed();
        match written {
            Ok(bytes) => {
                report.checkpoint_bytes = bytes;
                report.checkpoints += 1;
                maintenance.checkpoint_wanted = false;
                maintenance.damaged.clear();
                Ok(())
            }
            Err(error) if self.is_closed() => Err(error),
            Err(error) => {
                report.checkpoint_failures += 1;
                tracing::error!(%error, "no checkpoint could be written; the log stays as it is");
                Err(error)
            }
        }
    }

    fn write_checkpoint(&self, damaged: &[PathBuf]) -> io::Result<u64> {
        let dir = self.options.dir.join(LOG_DIR);
        let disk = &*self.options.disk;
        let (number, logged, bytes, segments) = {
            let mut writer = self.writer.lock();
            let log = writer.log();
            let (number, bytes, segments) = (log.end_segment(), log.bytes(), log.segments());
            (number, writer.logged(), bytes, segments)
        };
        let series: Vec<(LogId, Arc<Series>)> = {
            let registry = self.head.registry();
            let found = logged
                .iter()
                .filter_map(|&(id, slot)| Some((id, registry.at(slot)?.clone())));
            found.collect()
        };
        let all = series.iter().map(|(id, series)| {
            // Who closes the store should not wait until gigabytes are written.
            match self.is_closed() {
                true => Err(io::ErrorKind::Interrupted.into()),
                false => Ok((*id, &**series)),
            }
        });
        let written = write_checkpoint(disk, &dir, number, all)?;
        {
            let mut writer = self.writer.lock();
            writer.log().forget(bytes, segments);
            self.gauges.set(&mut writer);
        }
        // From here on the checkpoint counts, whatever becomes of the files it stands for.
        match Segments::find(disk, &dir) {
            Ok(files) => files.remove_obsolete(disk, &dir, damaged),
            Err(error) => tracing::warn!(%error, "old segments of the log stay for now"),
        }
        Ok(written)
    }
}
