//! The state of alerts on disk: the file `alerts` in the data folder.
//!
//! It holds since when each alert has been pending or firing, so that a restart begins no `for` anew, ends no
//! `keep_firing_for`, and tells nobody anything twice. The format is described in `STATE.md` beside this crate's manifest. What
//! changes is appended, before anybody is told of it; when most of the file is outdated it is written anew and put in the
//! place of the old one in one step.

mod record; // one line of the file

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use stonechat_model::{Labels, Timestamp};

use crate::alerts::ActiveAlert;
use crate::rule::Group;
use record::{Damage, Record};

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It cannot be read or written: look at the disk.
    #[error("{} cannot be used", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer version of the program has written it: use that version, or move the file away.
    #[error("{} has version {version}, which is newer than this program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// What a rule is known by over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RuleId {
    pub file: String,
    pub group: String,
    pub rule: String,
    /// As they are written.
    pub labels: BTreeMap<String, String>,
    /// Counts the rules of the group that have the same name and labels.
    pub nth: usize,
}

impl RuleId {
    /// Of the rule that stands at this place in a group.
    pub fn of(group: &Group, index: usize) -> Self {
        let rule = &group.rules[index];
        let before = group.rules[..index].iter();
        Self {
            file: group.file.clone(),
            group: group.name.clone(),
            rule: rule.name.clone(),
            labels: rule.labels_written(),
            nth: before.filter(|other| rule.continues(other)).count(),
        }
    }
}

/// What of a rule's alerts has changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// These stand in the place of all that was known before.
    pub whole: bool,
    pub alerts: Vec<(Labels, ActiveAlert)>,
    pub gone: Vec<Labels>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.gone.is_empty()
    }
}

/// The alerts of a rule, as they were when it was last evaluated.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    pub alerts: HashMap<Labels, ActiveAlert>,
    pub seen_at: Timestamp,
}

/// All rules that had alerts.
pub(crate) type Memory = HashMap<RuleId, Remembered>;

/// The open file.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    file: File,
    /// Length of the file, and how much of it was needed when it was last written anew.
    bytes: u64,
    bytes_needed: u64,
    /// A write failed, so that the end of the file may be half a line; or what is written is no longer true.
    outdated: bool,
    dirty: bool,
}

/// Below this length a file is not worth writing anew.
const REWRITE_BYTES_MIN: u64 = 1 << 20;

impl StateFile {
    /// Opens the file in a folder, which is made if it is missing, and reads what it holds; nothing, where there was none
    /// or it is damaged. A damaged one is set aside as `alerts.damaged`.
    pub fn open(folder: &Path) -> Result<(Self, Option<Memory>), StateError> {
        let path = folder.join("alerts");
        let io = |source| StateError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(folder).map_err(io)?;
        let memory = match fs::read(&path) {
            Ok(bytes) => read(&path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(error)),
        };
        let nothing = Memory::new();
        let (file, length) = write_whole(&path, memory.as_ref().unwrap_or(&nothing)).map_err(io)?;
        let file = Self {
            path,
            file,
            bytes: length,
            bytes_needed: length,
            outdated: false,
            dirty: false,
        };
        Ok((file, memory))
    }

    /// Appends what has changed. It survives the end of the process at once, and a power cut after [`sync`](Self::sync).
    pub fn append(&mut self, id: &RuleId, changes: &Changes, at: Timestamp) -> io::Result<()> {
        self.write(&Record::changes(id, changes, at))
    }

    /// Notes that a group was evaluated and nothing in it has changed.
    pub fn seen(&mut self, file: &str, group: &str, at: Timestamp) -> io::Result<()> {
        self.write(&Record::seen(file, group, at))
    }

    fn write(&mut self, record: &Record<'_>) -> io::Result<()> {
        let line = record.line()?;
        let written = self.file.write_all(&line);
        self.outdated |= written.is_err();
        self.dirty = true;
        self.bytes += line.len() as u64;
        written
    }

    /// What is written is no longer true: the file is to be written anew.
    pub fn outdate(&mut self) {
        self.outdated = true;
    }

    /// True when the file should be written anew.
    pub fn wants_rewrite(&self) -> bool {
        self.outdated || self.bytes > REWRITE_BYTES_MIN.max(4 * self.bytes_needed)
    }

    /// Puts a new file with these rules in the place of the old one.
    pub fn rewrite(&mut self, memory: &Memory) -> io::Result<()> {
        let (file, length) = write_whole(&self.path, memory)?;
        self.file = file;
        (self.bytes, self.bytes_needed) = (length, length);
        (self.outdated, self.dirty) = (false, false);
        Ok(())
    }

    /// Makes what was appended survive a power cut.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// Reads the bytes of a file. What stands before a torn end is good: the end was never acknowledged to anybody.
fn read(path: &Path, bytes: &[u8]) -> Result<Option<Memory>, StateError> {
    let (memory, damage) = record::read_all(bytes);
    match damage {
        None => Ok(Some(memory)),
        Some(Damage::Newer(version)) => Err(StateError::Newer {
            path: path.to_owned(),
            version,
        }),
        Some(Damage::Torn { line }) => {
            tracing::warn!(file = %path.display(), line, "the state of alerts ends in half a line, which is dropped");
            Ok(Some(memory))
        }
        Some(Damage::Broken { line }) => {
            let aside = path.with_extension("damaged");
            tracing::error!(
                file = %path.display(), line, kept_as = %aside.display(),
                "the state of alerts is damaged; it is made up from the stored series"
            );
            let kept = fs::write(&aside, bytes);
            kept.map_err(|source| StateError::Io {
                path: aside,
                source,
            })?;
            Ok(None)
        }
    }
}

/// Writes a file beside the old one and renames it into its place.
fn write_whole(path: &Path, memory: &Memory) -> io::Result<(File, u64)> {
    let mut bytes = record::HEADER.as_bytes().to_vec();
    for (id, rule) in memory {
        let record = Record::whole(id, rule.alerts.iter(), rule.seen_at);
        bytes.extend(record.line()?);
    }
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, bytes.len() as u64))
}

#[cfg(test)]
mod tests;
