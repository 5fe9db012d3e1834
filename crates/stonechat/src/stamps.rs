//! How files were when they were read: looked at now and then, they tell a change.
//!
//! Looking beats being told: it works on every file system, and through the links by which mounted configurations are exchanged.

use std::path::PathBuf;
use std::time::SystemTime;

use stonechat_sql::config::Origin;

/// Time of the last change and size of each file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stamps(Vec<(Origin, Stamp)>);

/// Of each file that an origin means; none of a file that is gone.
type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Stamps {
    /// As the files are now.
    pub(crate) fn of(origins: impl IntoIterator<Item = Origin>) -> Self {
        let stamped = origins.into_iter().map(|origin| {
            let stamp = stamp(&origin);
            (origin, stamp)
        });
        Self(stamped.collect())
    }

    /// The same files as they are now.
    pub(crate) fn again(&self) -> Self {
        Self::of(self.0.iter().map(|(origin, _)| origin.clone()))
    }

    /// Those of files that were read after these were made. Where both know a file, what was seen first counts: it may have been changed
    /// between reading it and looking at it.
    pub(crate) fn followed_by(&self, mut later: Self) -> Self {
        for (origin, stamp) in &mut later.0 {
            if let Some((_, seen)) = self.0.iter().find(|(known, _)| known == origin) {
                stamp.clone_from(seen);
            }
        }
        later
    }
}

fn stamp(origin: &Origin) -> Stamp {
    let stamped = origin.files().into_iter().map(|file| {
        let metadata = std::fs::metadata(&file).ok();
        let stamp = metadata.and_then(|it| Some((it.modified().ok()?, it.len())));
        (file, stamp)
    });
    stamped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_or_removed_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().join("a.yml"), folder.path().join("b.yml")];
        std::fs::write(&files[0], "a").unwrap();
        let before = Stamps::of(files.clone().map(Origin::File));
        assert_eq!(before, before.again());
        std::fs::write(&files[1], "b").unwrap();
        let both = before.again();
        assert_ne!(before, both);
        std::fs::remove_file(&files[0]).unwrap();
        assert_ne!(both, both.again());
    }

    #[test]
    fn a_folder_changes_with_its_yaml_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let before = Stamps::of([Origin::Folder(folder.path().to_owned())]);
        // Such as SQLite writes beside its file, again and again.
        std::fs::write(folder.path().join("users.db-journal"), "").unwrap();
        assert_eq!(before, before.again());
        std::fs::write(folder.path().join("a.yml"), "").unwrap();
        assert_ne!(before, before.again());
    }

    #[test]
    fn what_changes_while_files_are_read_is_a_change_after_that() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().join("a.yml"), folder.path().join("b.yml")];
        std::fs::write(&files[0], "a").unwrap();
        let before = Stamps::of([Origin::File(files[0].clone())]);
        std::fs::write(&files[0], "longer").unwrap();
        std::fs::write(&files[1], "b").unwrap();
        let after = Stamps::of(files.map(Origin::File));
        let read = before.followed_by(after.clone());
        assert_ne!(read, read.again());
        assert_eq!(read.0[1], after.0[1]);
    }
}
