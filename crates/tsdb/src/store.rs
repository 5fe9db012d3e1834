//! The store: wires head, log and the thread that makes the log durable.

mod append; // batches into log and head
mod counters; // what the store counts about itself
mod maintain; // retention and checkpoints
mod options; // how a store is opened, and why it cannot be
mod recover; // from the log back into the head
mod select; // samples out

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use stonechat_model::{AppendError, Appended, Appender, Batch, Labels, SeriesRef};

use crate::disk::DiskLock;
use crate::head::Head;
use crate::log::{LogStart, LogWriter, Segments, Syncer};
use append::Writer;
use counters::{Counters, Gauges};
use maintain::{Maintenance, Report};

pub use counters::StoreStats;
pub use options::{OpenError, StoreOptions};
pub use recover::{Damage, DamageKind, Recovery};

/// Name of the lock file in the data directory.
const LOCK_FILE: &str = "lock";

/// Name of the log's directory in the data directory.
const LOG_DIR: &str = "wal";

/// The longest label set in bytes, so that every series fits into a record of the log.
const LABELS_BYTES_MAX: usize = 4 << 20;

/// A data directory that is open.
///
/// Batches are taken one at a time: to be checked against the last samples, to be written to the log, and only then
/// to be seen by queries, which never wait for that.
#[derive(Debug)]
pub struct Store {
    options: StoreOptions,
    head: Head,
    writer: Mutex<Writer>,
    syncer: Arc<Syncer>,
    maintenance: Mutex<Maintenance>,
    report: Mutex<Report>,
    counters: Counters,
    gauges: Gauges,
    recovery: Recovery,
    /// Samples before this moment are refused and forgotten.
    horizon: AtomicI64,
    closed: AtomicBool,
    running: Mutex<Running>,
}

/// What ends when the store is closed.
#[derive(Default)]
struct Running {
    lock: Option<DiskLock>,
    sync_thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a data directory, made if missing, and reads back what its log holds. Damage in the log costs what is
    /// damaged, is logged and told by [`recovery`](Self::recovery), and stops nothing.
    ///
    /// # Errors
    /// When the directory is in use, cannot be read or made, or was written by a newer version.
    pub fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let disk = Arc::clone(&options.disk);
        let log_dir = options.dir.join(LOG_DIR);
        options.make_dir(&options.dir)?;
        let lock = options.lock(&options.dir.join(LOCK_FILE))?;
        options.make_dir(&log_dir)?;

        let unreadable = |source| OpenError::Read {
            path: log_dir.clone(),
            source,
        };
        let files = Segments::find(&*disk, &log_dir).map_err(unreadable)?;
        let head = Head::default();
        let (recovery, known) = recover::recover(&*disk, &log_dir, &files, &head)?;
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
        let mut writer = Writer::new(log, known);
        Ok(Self {
            head,
            syncer,
            maintenance: Mutex::new(Maintenance::new(&recovery)),
            report: Mutex::new(Report::new(&files)),
            counters: Counters::default(),
            gauges: Gauges::of(&mut writer),
            writer: Mutex::new(writer),
            recovery,
            horizon: AtomicI64::new(i64::MIN),
            closed: AtomicBool::new(false),
            running: Mutex::new(Running {
                lock: Some(lock),
                sync_thread: Some(sync_thread),
            }),
            options,
        })
    }

    /// What was read back when the store was opened, and what was not.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Makes durable what was appended so far. The store does so by itself every
    /// [`sync_interval`](StoreOptions::sync_interval).
    ///
    /// # Errors
    /// When the device failed. The next [`maintain`](Self::maintain) then writes everything again.
    pub fn sync(&self) -> io::Result<()> {
        self.syncer.sync()
    }

    /// Takes no more samples, makes what was taken durable, and gives the directory free. Queries still answer.
    /// Closing twice does nothing; dropping the store closes it.
    ///
    /// # Errors
    /// When the device failed.
    pub fn close(&self) -> io::Result<()> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        // Whoever appends or makes a checkpoint is through after this.
        drop(self.maintenance.lock());
        drop(self.writer.lock());
        let mut running = self.running.lock();
        self.syncer.stop();
        if let Some(thread) = running.sync_thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that makes the log durable has panicked");
        }
        let synced = self.syncer.sync();
        running.lock = None;
        synced
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store could not be closed");
        }
    }
}

impl Appender for Store {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        if self.is_closed() {
            return Err(AppendError::Closed);
        }
        if labels.heap_bytes() > LABELS_BYTES_MAX {
            Counters::add(&self.counters.series_refused, 1);
            let error = io::Error::new(io::ErrorKind::InvalidInput, "the label set is too long");
            return Err(AppendError::Log(error));
        }
        let limit = self.options.series_max;
        self.head.get_or_create(labels, limit).map_err(|_| {
            Counters::add(&self.counters.series_refused, 1);
            AppendError::SeriesLimit { limit }
        })
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let mut writer = self.writer.lock();
        if self.is_closed() {
            return Err(AppendError::Closed);
        }
        let horizon = self.horizon.load(Ordering::Relaxed);
        let appended = writer.append(&self.head, batch, horizon);
        self.gauges.set(&mut writer);
        drop(writer);
        match &appended {
            Ok(appended) => self.counters.count(appended),
            Err(_) => Counters::add(&self.counters.append_failures, 1),
        }
        Ok(appended?)
    }
}
