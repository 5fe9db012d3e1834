//! The demo's monitoring folder, written out from the program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rust_embed::RustEmbed;

use super::ports::Ports;

/// `monitoring/demo` as it stands in the repository.
#[derive(RustEmbed)]
#[folder = "../../monitoring/demo"]
struct Monitoring;

/// Where a demo keeps its files. A temporary one is removed at the end.
pub(crate) struct Folder {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// Opens the named folder, or makes a temporary one, and writes the monitoring files with the demo's addresses.
    pub(crate) fn open(named: Option<&Path>, ports: Ports) -> Result<Self> {
        let temporary = match named {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("stonechat-demo-")
                    .tempdir()?,
            ),
        };
        let path = named.map_or_else(
            || temporary.as_ref().map(|folder| folder.path().to_owned()),
            |named| Some(named.to_owned()),
        );
        let path = path.context("the demo has no folder")?;
        let folder = Self { path, temporary };
        for name in Monitoring::iter() {
            let Some(embedded) = Monitoring::get(&name) else {
                continue;
            };
            let file = folder.monitoring().join(name.as_ref());
            let parent = file.parent().context("an embedded file has no folder")?;
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make {}", parent.display()))?;
            let text = ports.rewrite(&String::from_utf8_lossy(&embedded.data));
            if fs::read_to_string(&file).is_ok_and(|there| there != text) {
                anyhow::bail!(
                    "{} is there already and is another; remove it, or choose another --dir",
                    file.display()
                );
            }
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(folder)
    }

    /// What `serve --config` gets.
    pub(crate) fn monitoring(&self) -> PathBuf {
        self.path.join("monitoring")
    }

    /// A file or folder of the demo.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// True when nothing of it will be left.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_monitoring_folder() {
        let folder = Folder::open(None, Ports::new(Some(21000)).unwrap()).unwrap();
        let text =
            fs::read_to_string(folder.monitoring().join("prometheus/prometheus.yml")).unwrap();
        assert!(
            text.contains("127.0.0.1:21002") && !text.contains("19101"),
            "{text}"
        );
        assert!(
            folder
                .monitoring()
                .join("alertmanager/alertmanager.yml")
                .exists()
        );
        assert!(folder.is_temporary());
    }

    #[test]
    fn leaves_files_of_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("monitoring/prometheus/prometheus.yml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "mine").unwrap();
        assert!(Folder::open(Some(folder.path()), Ports::new(None).unwrap()).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}
