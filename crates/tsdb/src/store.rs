//! The store: wires head, log, blocks and the threads that keep them in order.

mod append; // batches into log and head
mod beside; // exemplars and metadata, in and out
mod blocks; // the blocks of a store
mod cardinality; // what the series in memory are made of
mod compact; // many small blocks into one
mod counters; // what the store counts about itself
mod delete; // samples that are deleted before their time
mod exemplars; // the newest exemplars
mod families; // what families of metrics mean
mod flush; // the head into a block
mod import; // samples from elsewhere, straight into blocks
mod keeper; // the thread that keeps memory and disk within their limits
mod maintain; // retention
mod options; // how a store is opened, and why it cannot be
mod recover; // from the log back into the head
mod select; // samples out
mod snapshot; // a copy of everything
mod trouble; // why samples cannot be written

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use stonechat_model::{
    AppendError, Appended, Appender, Batch, Exemplar, Labels, Matcher, Metadata, Queryable,
    QueryableError, Selection, SeriesRef, TimeRange, Timestamp,
};

use crate::block::BlockError;
use crate::disk::DiskLock;
use crate::head::Head;
use crate::log::{LogStart, LogWriter, Packer, Segments, Syncer};
use append::{Rules, Writer};
use blocks::BlockSet;
use counters::{Counters, Gauges};
use exemplars::Exemplars;
use families::Families;
use keeper::Alarm;
use maintain::{Maintenance, Report};
use trouble::Trouble;

pub use blocks::BlockInfo;
pub use cardinality::Cardinality;
pub use counters::StoreStats;
pub use import::{Imported, Importer};
pub use options::{OpenError, StoreLimits, StoreOptions};
pub use recover::{Damage, DamageKind, Progress, Recovery};

/// Name of the log's directory in the data directory.
const LOG_DIR: &str = "wal";

/// Name of the blocks' directory in the data directory.
const BLOCKS_DIR: &str = "blocks";

/// The longest label set in bytes, so that every series fits into a record of the log.
const LABELS_BYTES_MAX: usize = 4 << 20;

/// A data directory that is open.
///
/// Batches are taken one at a time: to be checked against the last samples, to be written to the log, and only then
/// to be seen by queries, which never wait for that. A thread writes the head into blocks when it has grown to its limit,
/// and merges blocks.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    running: Mutex<Running>,
}

/// What the threads of a store share.
#[derive(Debug)]
struct Shared {
    options: StoreOptions,
    head: Head,
    blocks: BlockSet,
    writer: Mutex<Writer>,
    syncer: Arc<Syncer>,
    maintenance: Mutex<Maintenance>,
    report: Mutex<Report>,
    counters: Counters,
    gauges: Gauges,
    alarm: Alarm,
    trouble: Trouble,
    exemplars: Exemplars,
    families: Families,
    /// Set when the log is read back.
    recovery: OnceLock<Recovery>,
    /// Bytes of the log that were there at the start, and how many of them were read.
    recovery_bytes: u64,
    recovered_bytes: AtomicU64,
    /// What may change while the store is open.
    limits: Mutex<StoreLimits>,
    /// Samples before this moment are refused and forgotten.
    horizon: AtomicI64,
    closed: AtomicBool,
}

/// What ends when the store is closed.
#[derive(Default)]
struct Running {
    lock: Option<DiskLock>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a data directory, made if missing, and reads back what its log holds. Damage costs what is
    /// damaged, is logged and told by [`recovery`](Self::recovery), and stops nothing.
    ///
    /// # Errors
    /// When the directory is in use, cannot be read or made, or was written by a newer version.
    pub fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let options = options.guarded();
        let disk = Arc::clone(&options.disk);
        let log_dir = options.dir.join(LOG_DIR);
        let blocks_dir = options.dir.join(BLOCKS_DIR);
        let lock = options.take_over(&[&log_dir, &blocks_dir])?;

        let (blocks, damaged_blocks) = BlockSet::open(&disk, &blocks_dir, options.cache_bytes_max)?;
        let unreadable = |source| OpenError::Read {
            path: log_dir.clone(),
            source,
        };
        let files = Segments::find(&*disk, &log_dir, blocks.log_covered()).map_err(unreadable)?;
        recover::check_versions(&*disk, &log_dir, &files)?;
        files.remove_obsolete(&*disk, &log_dir, &[]);

        let syncer = Arc::new(Syncer::new(Arc::clone(&disk), log_dir.clone()));
        let log = LogWriter::new(
            disk,
            Arc::clone(&syncer),
            LogStart {
                dir: log_dir,
                next: files.next_number(),
                bytes: files.segments.iter().map(|file| file.bytes).sum(),
                segments: files.segments.len() as u64,
                segment_bytes_max: options.segment_bytes_max,
            },
        );
        let sync_thread = syncer
            .start(options.sync_interval)
            .map_err(OpenError::Thread)?;
        let packer = Packer::new().map_err(OpenError::Thread)?;
        let mut writer = Writer::new(log, packer);
        let gauges = Gauges::of(&mut writer);
        let all_files = files.checkpoint.iter().chain(&files.segments);
        let shared = Arc::new(Shared {
            head: Head::default(),
            blocks,
            syncer,
            maintenance: Mutex::default(),
            report: Mutex::default(),
            counters: Counters::default(),
            gauges,
            alarm: Alarm::default(),
            trouble: Trouble::default(),
            writer: Mutex::new(writer),
            exemplars: Exemplars::new(options.exemplars_max),
            families: Families::default(),
            recovery: OnceLock::new(),
            recovery_bytes: all_files.map(|file| file.bytes).sum(),
            recovered_bytes: AtomicU64::new(0),
            limits: Mutex::new(options.limits()),
            horizon: AtomicI64::new(i64::MIN),
            closed: AtomicBool::new(false),
            options,
        });
        let mut threads = vec![sync_thread];
        if shared.options.recover_in_background {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("tsdb-recover".to_owned());
            let recovering = thread.spawn(move || shared.recover(&files, &damaged_blocks));
            threads.push(recovering.map_err(OpenError::Thread)?);
        } else {
            shared.recover(&files, &damaged_blocks);
        }
        threads.push(keeper::start(&shared).map_err(OpenError::Thread)?);
        Ok(Self {
            shared,
            running: Mutex::new(Running {
                lock: Some(lock),
                threads,
            }),
        })
    }

    /// What was read back when the store was opened, and what was not. Waits until it is.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        self.shared.recovery.wait()
    }

    /// How far reading the log back is. Until it is complete, queries find what is in blocks and what came since the start.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            complete: self.shared.recovery.get().is_some(),
            bytes: self.shared.recovered_bytes.load(Ordering::Relaxed),
            bytes_total: self.shared.recovery_bytes,
        }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> StoreLimits {
        *self.shared.limits.lock()
    }

    /// Changes limits from now on.
    pub fn set_limits(&self, limits: StoreLimits) {
        *self.shared.limits.lock() = limits;
        self.shared.exemplars.set_limit(limits.exemplars_max);
    }

    /// Makes durable what was appended so far. The store does so by itself every
    /// [`sync_interval`](StoreOptions::sync_interval).
    ///
    /// # Errors
    /// When the device failed. The next [`maintain`](Self::maintain) then writes everything again.
    pub fn sync(&self) -> io::Result<()> {
        self.shared.syncer.sync()
    }

    /// Drops what is older than the retention, removes series of which nothing is left, and writes the head into a block
    /// when it is old enough. To be called every minute. What fails is counted, logged, and tried again the next
    /// time; samples and queries go on meanwhile.
    pub fn maintain(&self, now: Timestamp) {
        self.shared.maintain(now);
    }

    /// Writes the head into a block, removes the log that it stands for, and merges blocks as far as that is due. The store
    /// does so by itself when it is time.
    ///
    /// # Errors
    /// When the block cannot be written; head and log stay as they were.
    pub fn flush(&self) -> io::Result<()> {
        self.shared.flush()
    }

    /// Writes the head into a block and gives a directory all blocks, so that a store can be opened there. The directory is
    /// made, and has to be new or empty.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn snapshot(&self, dir: &Path) -> io::Result<()> {
        self.shared.snapshot(dir)
    }

    /// Deletes the samples in a range of the series that satisfy any of the matcher sets (of all series when there is none).
    /// They are gone for queries at once, and from the disk with the next merging or
    /// [`clean_tombstones`](Self::clean_tombstones). Returns for how many series something was deleted, block by block.
    ///
    /// # Errors
    /// When head, index or tombstones cannot be written or read; some may be deleted then.
    pub fn delete(&self, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> io::Result<u64> {
        self.shared.delete(matcher_sets, range)
    }

    /// Writes blocks anew from which something was deleted.
    ///
    /// # Errors
    /// When a block cannot be written; those before it are clean.
    pub fn clean_tombstones(&self) -> io::Result<()> {
        self.shared.clean_tombstones()
    }

    /// What the series in memory are made of: the greatest `limit` of each kind.
    #[must_use]
    pub fn cardinality(&self, limit: usize) -> Cardinality {
        self.shared.cardinality(limit)
    }

    /// The blocks, oldest first.
    #[must_use]
    pub fn blocks(&self) -> Vec<BlockInfo> {
        self.shared.blocks.infos()
    }

    /// From the first to the last sample; nothing when there is none. While the log is being read back, of what is there.
    #[must_use]
    pub fn range(&self) -> Option<TimeRange> {
        let shared = &self.shared;
        let blocks = shared.blocks.current();
        let blocks = blocks.iter().map(|block| block.times());
        let registry = shared.head.registry();
        let head = registry.iter_series().filter_map(|series| series.bounds());
        let (start, end) = blocks
            .chain(head)
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
        Some(TimeRange {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(end),
        })
    }

    /// Reads all blocks and says what is damaged in them.
    #[must_use]
    pub fn verify(&self) -> Vec<BlockError> {
        let blocks = self.shared.blocks.current();
        blocks.iter().flat_map(|block| block.verify()).collect()
    }

    /// The state of the store. Cheap: nothing is counted anew, and it waits for no disk.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.shared.stats()
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.options.dir
    }

    /// Takes no more samples, makes what was taken durable, and gives the directory free. Queries still answer.
    /// Closing twice does nothing; dropping the store closes it.
    ///
    /// # Errors
    /// When the device failed.
    pub fn close(&self) -> io::Result<()> {
        let shared = &self.shared;
        if shared.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        // Whoever appends or writes a block is through after this.
        drop(shared.maintenance.lock());
        drop(shared.writer.lock());
        let mut running = self.running.lock();
        shared.syncer.stop();
        shared.alarm.ring();
        for thread in running.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
        let synced = shared.syncer.sync();
        running.lock = None;
        synced
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store could not be closed");
        }
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn rules(&self) -> Rules {
        let window = self.limits.lock().out_of_order_window.as_millis();
        Rules {
            horizon: self.horizon.load(Ordering::Relaxed),
            late_window: i64::try_from(window).unwrap_or(i64::MAX),
        }
    }
}

impl Appender for Store {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        let shared = &self.shared;
        if shared.is_closed() {
            return Err(AppendError::Closed);
        }
        if labels.heap_bytes() > LABELS_BYTES_MAX {
            Counters::add(&shared.counters.series_refused, 1);
            let error = io::Error::new(io::ErrorKind::InvalidInput, "the label set is too long");
            return Err(AppendError::Log(error));
        }
        let limit = shared.options.series_max;
        shared.head.get_or_create(labels, limit).map_err(|_| {
            Counters::add(&shared.counters.series_refused, 1);
            AppendError::SeriesLimit { limit }
        })
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let shared = &self.shared;
        shared.await_room();
        let mut writer = shared.writer.lock();
        if shared.is_closed() {
            return Err(AppendError::Closed);
        }
        let appended = writer.append(&shared.head, &shared.exemplars, batch, shared.rules());
        shared.gauges.set(&mut writer);
        drop(writer);
        match &appended {
            Ok(appended) => {
                shared.counters.count(appended);
                shared.gauges.add_samples(appended.accepted as u64);
                shared.watch_growth();
            }
            Err(_) => Counters::add(&shared.counters.append_failures, 1),
        }
        shared.trouble.appended(appended.as_ref().err());
        Ok(appended?)
    }

    fn describe(&self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        self.shared.describe(family, metadata)
    }
}

impl Queryable for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        Ok(Box::new(self.shared.select(matchers, range)?))
    }

    fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        self.shared.series(matcher_sets, range)
    }

    fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.shared.label_names(matcher_sets, range)
    }

    fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.shared.label_values(name, matcher_sets, range)
    }

    fn exemplars(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<(Labels, Vec<Exemplar>)>, QueryableError> {
        Ok(self.shared.select_exemplars(matcher_sets, range))
    }

    fn metadata(
        &self,
        family: Option<&str>,
    ) -> Result<Vec<(String, Vec<Metadata>)>, QueryableError> {
        Ok(self.shared.families.get(family))
    }

    fn remarks(&self) -> Vec<String> {
        let progress = self.progress();
        if progress.complete {
            return Vec::new();
        }
        let percent = progress.fraction() * 100.0;
        vec![format!(
            "history is not complete yet: {percent:.0} % of the log is read back"
        )]
    }
}
