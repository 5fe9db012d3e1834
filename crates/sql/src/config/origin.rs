use std::path::{Path, PathBuf};

/// What a plan was read from. A change of any may change the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, such as one with a password.
    File(PathBuf),
    /// The YAML files that stand directly in a folder.
    Folder(PathBuf),
    /// The files that a pattern matches, with `*`, `?` and `[…]`.
    Pattern(String),
}

impl Origin {
    /// The files that are meant now, in the order of their names. A file is named whether it is there or not.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::File(file) => vec![file.clone()],
            Self::Folder(folder) => {
                let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
                let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
                files.retain(|file| is_yaml(file) && file.is_file());
                files.sort();
                files
            }
            Self::Pattern(pattern) => {
                let files = glob::glob(pattern).into_iter().flatten().flatten();
                files.filter(|path| path.is_file()).collect()
            }
        }
    }
}

fn is_yaml(file: &Path) -> bool {
    let extension = file.extension();
    extension.is_some_and(|extension| extension == "yml" || extension == "yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_as_they_are_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("with [brackets]");
        std::fs::create_dir_all(path.join("sub.yml")).unwrap();
        for name in ["b.yml", "a.yaml", "users.db", "users.db-journal"] {
            std::fs::write(path.join(name), "").unwrap();
        }
        let names = |origin: Origin| -> Vec<String> {
            let files = origin.files();
            let names = files
                .iter()
                .map(|file| file.file_name().unwrap().to_string_lossy().into_owned());
            names.collect()
        };
        assert_eq!(names(Origin::Folder(path.clone())), ["a.yaml", "b.yml"]);
        let pattern = glob::Pattern::escape(&path.to_string_lossy()) + "/*.yml";
        assert_eq!(names(Origin::Pattern(pattern)), ["b.yml"]);
        assert_eq!(names(Origin::File(path.join("gone.yml"))), ["gone.yml"]);
        assert!(names(Origin::Folder(path.join("nowhere"))).is_empty());
    }
}
