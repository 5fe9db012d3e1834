//! How a store is opened, and why it cannot be.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Disk, DiskLock, FileSystem};

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
    /// The log is rewritten as a checkpoint when it has grown by the length of the last checkpoint, but not before it has
    /// grown by this. 64 MiB by default.
    pub checkpoint_bytes_min: u64,
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
            checkpoint_bytes_min: 64 << 20,
            disk: Arc::new(FileSystem),
        }
    }

    /// Makes a directory whose name survives a power cut.
    pub(super) fn make_dir(&self, dir: &Path) -> Result<(), OpenError> {
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
    pub(super) fn lock(&self, path: &Path) -> Result<DiskLock, OpenError> {
        self.disk.lock(path).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked(self.dir.clone()),
            _ => OpenError::Create {
                path: path.to_owned(),
                source,
            },
        })
    }
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
