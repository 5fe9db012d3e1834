//! The files of a log and their names.

use std::io;
use std::path::{Path, PathBuf};

use super::frame::FileKind;
use crate::disk::Disk;

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFile {
    /// What it is.
    pub kind: FileKind,
    /// Its number: segments count up, a checkpoint has the number of the first segment behind it.
    pub number: u64,
    /// Its length.
    pub bytes: u64,
}

impl LogFile {
    /// Where the file lies.
    pub fn path(&self, dir: &Path) -> PathBuf {
        path(dir, self.kind, self.number)
    }
}

/// Enough for ten billion segments.
const NUMBER_DIGITS: usize = 10;

/// The path of a file of the log. Numbers have a fixed width, so that names sort as numbers do.
pub(super) fn path(dir: &Path, kind: FileKind, number: u64) -> PathBuf {
    let ending = match kind {
        FileKind::Segment => "log",
        FileKind::Checkpoint => "checkpoint",
        FileKind::Block => "block",
    };
    dir.join(format!("{number:0NUMBER_DIGITS$}.{ending}"))
}

/// Ending of a checkpoint that is being written.
pub(super) const UNFINISHED: &str = "unfinished";

/// Ending added to a file in whose middle there was damage, when the log no longer needs it.
pub(super) const DAMAGED: &str = "damaged";

/// The most damaged files that are kept for a later look.
const DAMAGED_MAX: usize = 4;

/// What lies in the directory of a log.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// The newest checkpoint.
    pub checkpoint: Option<LogFile>,
    /// The segments behind it, in order.
    pub segments: Vec<LogFile>,
    /// Segments before this number are in blocks.
    pub covered: u64,
    /// The first number behind those of files that were set aside.
    unused: u64,
    /// Files that a block or a newer checkpoint stands for, and checkpoints that were never finished.
    pub obsolete: Vec<PathBuf>,
}

impl Segments {
    /// Looks into the directory; segments before number `covered` are in blocks. Files of other names are left alone.
    pub fn find(disk: &dyn Disk, dir: &Path, covered: u64) -> io::Result<Self> {
        let mut found = Self::default();
        let mut files = Vec::new();
        for (name, bytes) in disk.list(dir)? {
            match name.rsplit_once('.') {
                Some((_, UNFINISHED)) => found.obsolete.push(dir.join(name)),
                Some((rest, DAMAGED)) => {
                    let number = rest.get(..NUMBER_DIGITS).map(str::parse::<u64>);
                    let behind = number.and_then(Result::ok).map_or(0, |number| number + 1);
                    found.unused = found.unused.max(behind);
                }
                Some((number, ending)) => files.extend(log_file(number, ending, bytes)),
                None => {}
            }
        }
        files.sort_by_key(|file| file.number);
        let mut checkpoints = files
            .iter()
            .filter(|file| file.kind == FileKind::Checkpoint && file.number > covered);
        found.checkpoint = checkpoints.next_back().cloned();
        let first = found
            .checkpoint
            .as_ref()
            .map_or(covered, |newest| newest.number);
        found.covered = covered;
        for file in files {
            let old = file.kind == FileKind::Checkpoint && Some(&file) != found.checkpoint.as_ref();
            if file.number < first || old {
                found.obsolete.push(file.path(dir));
            } else if file.kind == FileKind::Segment {
                found.segments.push(file);
            }
        }
        Ok(found)
    }

    /// The number for the next segment.
    pub fn next_number(&self) -> u64 {
        let behind_last = self.segments.last().map(|last| last.number + 1);
        let checkpoint = self.checkpoint.as_ref().map(|newest| newest.number);
        behind_last
            .or(checkpoint)
            .unwrap_or(1)
            .max(self.covered)
            .max(self.unused)
    }

    /// Removes what is obsolete. What cannot be removed stays for the next time.
    pub fn remove_obsolete(&self, disk: &dyn Disk, dir: &Path, damaged: &[PathBuf]) {
        for path in &self.obsolete {
            let removed = if damaged.contains(path) {
                set_aside(disk, dir, path)
            } else {
                disk.remove(path)
            };
            if let Err(error) = removed {
                tracing::warn!(file = %path.display(), %error, "a file of the log that is no longer needed stays");
            }
        }
        // Brought back by a power cut, when the block that stands for them is gone again, they would bring back their samples.
        if !self.obsolete.is_empty()
            && let Err(error) = disk.sync_dir(dir)
        {
            tracing::warn!(dir = %dir.display(), %error, "files of the log that were removed may come back");
        }
    }
}

fn log_file(number: &str, ending: &str, bytes: u64) -> Option<LogFile> {
    let kind = match ending {
        "log" => FileKind::Segment,
        "checkpoint" => FileKind::Checkpoint,
        _ => return None,
    };
    if number.len() != NUMBER_DIGITS || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(LogFile {
        kind,
        number: number.parse().ok()?,
        bytes,
    })
}

/// Keeps a damaged file under another name, and only the newest few of those.
fn set_aside(disk: &dyn Disk, dir: &Path, path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(DAMAGED);
    disk.rename(path, Path::new(&name))?;
    let mut kept: Vec<_> = disk.list(dir)?.into_iter().map(|(name, _)| name).collect();
    kept.retain(|name| {
        name.rsplit_once('.')
            .is_some_and(|(_, ending)| ending == DAMAGED)
    });
    kept.sort_unstable();
    let surplus = kept.len().saturating_sub(DAMAGED_MAX);
    kept.iter()
        .take(surplus)
        .try_for_each(|name| disk.remove(&dir.join(name)))
}
