//! The file layer: the few operations on files that the store needs, so that tests can make them fail.
//!
//! Nothing here buffers: what [`DiskFile::append`] returned has reached the kernel and survives the death of the
//! process, what [`DiskFile::sync`] returned survives a power cut.

mod read_only; // a file layer that changes nothing

use std::fmt::Debug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

pub use read_only::ReadOnly;

/// Holds a lock file until it is dropped. The kernel lets go of it when the process dies.
pub type DiskLock = Box<dyn Send + Sync>;

/// Files of a data directory.
pub trait Disk: Debug + Send + Sync {
    /// Makes a directory and those above it, if missing.
    ///
    /// # Errors
    /// When the file system refuses.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the lock file at `path`.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<DiskLock>;

    /// Takes the lock file at `path` as one of several who change nothing. Without such a file nobody needs it.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when a process holds it that makes changes.
    fn lock_shared(&self, path: &Path) -> io::Result<DiskLock>;

    /// Names and lengths in bytes of the files in a directory, in any order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>>;

    /// Opens a file for reading from its beginning.
    ///
    /// # Errors
    /// When the file cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>>;

    /// Opens a file for reading anywhere.
    ///
    /// # Errors
    /// When the file cannot be opened.
    fn open_at(&self, path: &Path) -> io::Result<Arc<dyn DiskRead>>;

    /// Makes an empty file for appending; one that is there already is emptied.
    ///
    /// # Errors
    /// When the file system refuses.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Cuts a file that nobody writes to, and makes that and all before it durable.
    ///
    /// # Errors
    /// When the file system refuses.
    fn cut(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Gives a file a new name in the same directory, replacing a file of that name.
    ///
    /// # Errors
    /// When the file system refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file that no longer changes a second name, or copies it where the file system cannot.
    ///
    /// # Errors
    /// When the file system refuses.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the file system refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes names that were made, changed or removed in a directory durable.
    ///
    /// # Errors
    /// When the file system refuses.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A file that only grows at its end.
pub trait DiskFile: Debug + Send + Sync {
    /// Writes all bytes at the end.
    ///
    /// # Errors
    /// When fewer bytes could be written; some may stand in the file then.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to a length; the next append goes there.
    ///
    /// # Errors
    /// When the file system refuses.
    fn truncate(&self, bytes: u64) -> io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When the device failed: what was written since the last success may be lost, even if a later call succeeds.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is read in pieces. It stays readable after its name is removed.
pub trait DiskRead: Debug + Send + Sync {
    /// Fills the buffer from an offset.
    ///
    /// # Errors
    /// When the file is shorter, or the device failed.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// The length of the file.
    ///
    /// # Errors
    /// When the file system refuses.
    fn length(&self) -> io::Result<u64>;
}

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<DiskLock> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_shared(&self, path: &Path) -> io::Result<DiskLock> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Box::new(())),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let attributes = entry.metadata()?;
            // A name that is no text is none of ours.
            if let (true, Ok(name)) = (attributes.is_file(), entry.file_name().into_string()) {
                files.push((name, attributes.len()));
            }
        }
        Ok(files)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(path)?))
    }

    fn open_at(&self, path: &Path) -> io::Result<Arc<dyn DiskRead>> {
        Ok(Arc::new(File::open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        // Appending, so that after `truncate` the next write goes to the new end by itself.
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(0)?;
        Ok(Arc::new(file))
    }

    fn cut(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() > bytes {
            file.set_len(bytes)?;
        }
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if std::fs::hard_link(from, to).is_err() {
            std::fs::copy(from, to)?;
            File::open(to)?.sync_all()?;
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl DiskFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

impl DiskRead for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}
