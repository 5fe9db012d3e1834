//! How files were when they were read: looked at now and then, they tell a change.
//!
//! Looking beats being told: it works on every file system, and through the links by which mounted configurations are exchanged.

use std::path::PathBuf;
use std::time::SystemTime;

/// Time of the last change and size of each file; none of a file that is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stamps {
    files: Vec<PathBuf>,
    stamps: Vec<Option<(SystemTime, u64)>>,
}

impl Stamps {
    /// As the files are now.
    pub(crate) fn of(files: &[PathBuf]) -> Self {
        let stamp = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Self {
            files: files.to_vec(),
            stamps: files.iter().map(stamp).collect(),
        }
    }

    /// The files.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_or_removed_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().join("a.yml"), folder.path().join("b.yml")];
        std::fs::write(&files[0], "a").unwrap();
        let before = Stamps::of(&files);
        assert_eq!(before, Stamps::of(&files));
        std::fs::write(&files[1], "b").unwrap();
        let both = Stamps::of(&files);
        assert_ne!(before, both);
        std::fs::remove_file(&files[0]).unwrap();
        assert_ne!(both, Stamps::of(&files));
    }
}
