//! The notification log on disk: the file `nflog`, so that a restart tells nobody anything twice.
//!
//! The format is described in `NFLOG.md` beside this crate's manifest. Each message that has arrived is appended as
//! one record; when most of the file is outdated it is written anew and put in the place of the old one in one step.

mod record; // one record as bytes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use stonechat_model::Timestamp;

use self::record::{Damage, HEADER, read_all};
use crate::dispatch::Restored;
use crate::log::LogEntry;

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NflogError {
    /// The directory or file cannot be read or written.
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A newer version of the program has written the file.
    #[error("{} has version {version}, which is newer than this program", path.display())]
    Newer { path: PathBuf, version: u8 },
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Nflog {
    path: PathBuf,
    file: File,
    /// Length of the file, and how much of it was needed when it was last written anew.
    bytes: u64,
    bytes_needed: u64,
    /// A write failed, so that the end of the file may be half a record.
    broken: bool,
    dirty: bool,
}

/// Below this length a file is not worth writing anew.
const REWRITE_BYTES_MIN: u64 = 1 << 20;

impl Nflog {
    /// Opens the log in a directory, which is made if it is missing, and reads what it holds. A damaged file is set
    /// aside as `nflog.damaged`, and what stands before the damage is used: alerts have to go out all the same.
    pub(crate) fn open(
        directory: &Path,
        now: Timestamp,
    ) -> Result<(Self, Vec<Restored>), NflogError> {
        let path = directory.join("nflog");
        let io = |source| NflogError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(directory).map_err(io)?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io(error)),
        };
        let (entries, damage) = read_all(&bytes);
        match damage {
            Some(Damage::Newer(version)) => {
                return Err(NflogError::Newer { path, version });
            }
            Some(Damage::Broken { at }) => {
                let aside = directory.join("nflog.damaged");
                tracing::error!(
                    file = %path.display(), at, kept_as = %aside.display(),
                    "the notification log is damaged; what follows is lost and may be told again"
                );
                fs::write(&aside, &bytes).map_err(io)?;
            }
            Some(Damage::Torn { at }) => {
                tracing::warn!(
                    file = %path.display(), at,
                    "the notification log ends in half a record, which is dropped"
                );
            }
            None => {}
        }
        let entries = newest(entries, now);
        let plain: Vec<LogEntry> = entries.iter().map(|r| r.entry.clone()).collect();
        // Written anew, the file is whole, and holds nothing outdated. Times of writing stay as they were.
        let times: Vec<Timestamp> = entries.iter().map(|r| r.written_at).collect();
        let (file, length) = write_whole(&path, plain.iter().zip(times)).map_err(io)?;
        let log = Self {
            path,
            file,
            bytes: length,
            bytes_needed: length,
            broken: false,
            dirty: false,
        };
        Ok((log, entries))
    }

    /// Appends entries. They survive the end of the process at once, and a power cut after [`sync`](Self::sync).
    pub(crate) fn append(&mut self, entries: &[LogEntry], now: Timestamp) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            record::write(&mut bytes, entry, now)?;
        }
        let written = self.file.write_all(&bytes);
        self.broken |= written.is_err();
        self.dirty = true;
        self.bytes += bytes.len() as u64;
        written
    }

    /// True when the file should be written anew.
    pub(crate) fn wants_rewrite(&self) -> bool {
        self.broken || self.bytes > REWRITE_BYTES_MIN.max(4 * self.bytes_needed)
    }

    /// Puts a new file with these entries in the place of the old one.
    pub(crate) fn rewrite(&mut self, entries: &[LogEntry], now: Timestamp) -> io::Result<()> {
        let times = std::iter::repeat(now);
        let (file, length) = write_whole(&self.path, entries.iter().zip(times))?;
        self.file = file;
        self.bytes = length;
        self.bytes_needed = length;
        self.broken = false;
        self.dirty = false;
        Ok(())
    }

    /// Makes what was appended survive a power cut.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// Of several entries about the same thing only the newest counts, and none that nobody needs any more.
fn newest(entries: Vec<Restored>, now: Timestamp) -> Vec<Restored> {
    let mut newest = std::collections::BTreeMap::new();
    for restored in entries {
        let key = restored.entry.key.clone();
        let older = newest
            .get(&key)
            .is_none_or(|kept: &Restored| kept.entry.at <= restored.entry.at);
        if older {
            newest.insert(key, restored);
        }
    }
    newest
        .into_values()
        // Where alerts fire the receiver still has to hear of their end, however late.
        .filter(|restored| restored.entry.expires_at > now || !restored.entry.firing.is_empty())
        .collect()
}

/// Writes a file beside the old one and renames it into its place.
fn write_whole<'a>(
    path: &Path,
    entries: impl Iterator<Item = (&'a LogEntry, Timestamp)>,
) -> io::Result<(File, u64)> {
    let mut bytes = HEADER.to_vec();
    for (entry, written_at) in entries {
        record::write(&mut bytes, entry, written_at)?;
    }
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, bytes.len() as u64))
}

/// A log without entries, for tests of what follows from its content.
#[cfg(test)]
pub(crate) fn empty_file() -> Vec<u8> {
    HEADER.to_vec()
}

/// Adds a record to the bytes of a file.
#[cfg(test)]
pub(crate) fn write_record(bytes: &mut Vec<u8>, entry: &LogEntry, now: Timestamp) {
    record::write(bytes, entry, now).expect("records in tests are short");
}

/// Reads the bytes of a file.
#[cfg(test)]
pub(crate) fn read_bytes(bytes: &[u8], now: Timestamp) -> Vec<Restored> {
    newest(read_all(bytes).0, now)
}

#[cfg(test)]
mod tests;
