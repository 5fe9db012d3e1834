//! How a store is opened, and why it cannot be.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Disk, DiskLock, FileSystem, ReadOnly};

/// Name of the lock file in the data directory.
const LOCK_FILE: &str = "lock";

/// How a store is opened. Begin with [`StoreOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The data directory; made if missing.
    pub dir: PathBuf,
    /// How long samples are kept, counted back from the newest sample, or from now when that lies in the future.
    /// 15 days by default, as in Prometheus.
    pub retention: Duration,
    /// The most series that may be there at a time. One million by default.
    pub series_max: usize,
    /// The longest time that an acknowledged sample stays in the kernel's memory only. One second by default.
    pub sync_interval: Duration,
    /// Length at which a segment of the log is ended. 64 MiB by default.
    pub segment_bytes_max: u64,
    /// The most bytes that blocks and log may take; the oldest blocks go first. No limit by default.
    pub retention_bytes: Option<u64>,
    /// Bytes of samples in memory, about, at which they are written into a block; at twice as many, batches wait for that. By
    /// default 150 for each series, 4 MiB at least.
    pub head_bytes_max: Option<u64>,
    /// The head is written into a block when it spans this time. Two hours by default.
    pub head_span: Duration,
    /// The head is written into a block when the log is so long. 1 GiB by default.
    pub log_bytes_max: u64,
    /// The most bytes of unpacked samples of blocks that are kept for the next query, for a minute or two; beside half as many of
    /// labels. 64 MiB by default.
    pub cache_bytes_max: usize,
    /// How much older than the newest sample one may be that comes behind a later one of its series. None by default, as in
    /// Prometheus.
    pub out_of_order_window: Duration,
    /// The most exemplars that are kept. 100,000 by default.
    pub exemplars_max: usize,
    /// [`open`](crate::Store::open) returns before the log is read back, and samples are taken meanwhile. False by default.
    pub recover_in_background: bool,
    /// Nothing in the directory is changed: it can be looked at by several at a time, and may be one that cannot be written to.
    /// Appending fails, and the head is never written into a block. False by default.
    pub read_only: bool,
    /// The file layer; the machine's file system by default.
    pub disk: Arc<dyn Disk>,
}

impl StoreOptions {
    /// The defaults for a data directory.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            retention: Duration::from_hours(15 * 24),
            series_max: 1_000_000,
            sync_interval: Duration::from_secs(1),
            segment_bytes_max: 64 << 20,
            retention_bytes: None,
            head_bytes_max: None,
            head_span: Duration::from_hours(2),
            log_bytes_max: 1 << 30,
            cache_bytes_max: 64 << 20,
            out_of_order_window: Duration::ZERO,
            exemplars_max: 100_000,
            recover_in_background: false,
            read_only: false,
            disk: Arc::new(FileSystem),
        }
    }

    /// For somebody who only looks: nothing is changed, and nothing is too old.
    #[must_use]
    pub fn read_only(dir: impl Into<PathBuf>) -> Self {
        Self {
            // A hundred years.
            retention: Duration::from_hours(100 * 365 * 24),
            series_max: usize::MAX,
            read_only: true,
            ..Self::new(dir)
        }
    }

    /// Those that may change later.
    #[must_use]
    pub const fn limits(&self) -> StoreLimits {
        StoreLimits {
            retention: self.retention,
            retention_bytes: self.retention_bytes,
            out_of_order_window: self.out_of_order_window,
            exemplars_max: self.exemplars_max,
        }
    }

    /// With a file layer that changes nothing, where nothing is to be changed.
    pub(super) fn guarded(mut self) -> Self {
        if self.read_only {
            self.disk = Arc::new(ReadOnly(self.disk));
        }
        self
    }

    /// Takes the data directory for this process, and makes what is missing of it.
    pub(super) fn take_over(&self, parts: &[&Path]) -> Result<DiskLock, OpenError> {
        self.make_dir(&self.dir)?;
        let lock = self.lock(&self.dir.join(LOCK_FILE))?;
        for part in parts {
            self.make_dir(part)?;
            // What the last process removed stays removed: numbers of new files follow from what is there now.
            self.disk
                .sync_dir(part)
                .map_err(|source| OpenError::Create {
                    path: part.to_path_buf(),
                    source,
                })?;
        }
        Ok(lock)
    }

    /// Makes a directory whose name survives a power cut.
    fn make_dir(&self, dir: &Path) -> Result<(), OpenError> {
        let made = self.disk.create_dir(dir).and_then(|()| match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.disk.sync_dir(parent),
            _ => Ok(()),
        });
        made.map_err(|source| OpenError::Create {
            path: dir.to_owned(),
            source,
        })
    }

    /// Takes the lock file.
    fn lock(&self, path: &Path) -> Result<DiskLock, OpenError> {
        self.disk.lock(path).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked(self.dir.clone()),
            _ => OpenError::Create {
                path: path.to_owned(),
                source,
            },
        })
    }
}

/// What may change while a store is open, by [`set_limits`](crate::Store::set_limits). The fields mean what those of
/// [`StoreOptions`] mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// How long samples are kept.
    pub retention: Duration,
    /// The most bytes that blocks and log may take.
    pub retention_bytes: Option<u64>,
    /// How much older than the newest sample one may be that comes behind a later one of its series.
    pub out_of_order_window: Duration,
    /// The most exemplars that are kept.
    pub exemplars_max: usize,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process owns the directory: stop it, or choose another directory.
    #[error("data directory {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The directory or its lock file cannot be made: check its owner, its rights and the room on the disk.
    #[error("{} cannot be made", path.display())]
    Create {
        /// What cannot be made.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be opened: check its owner and its rights.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A newer version wrote the file: use that version again, or choose another directory.
    #[error("{} has format version {version}, which this version does not know", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u8,
    },
    /// The system gives no thread: raise its limit.
    #[error("the thread that makes the log durable cannot be started")]
    Thread(#[source] io::Error),
}
