//! Why a block cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// Why a block cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// A file cannot be opened, read or written: check its owner, its rights and the room on the disk.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be: take the block from a backup, or leave it out.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The block was written by a version that is not known here.
    #[error("{} has version {version}, which is not supported", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// Series have to be added in the order of their labels, each once.
    #[error("{0} is not behind the series before it")]
    Order(stonechat_model::Labels),
    /// The index would become larger than its format allows.
    #[error("the block has too many series; write several blocks of less time each")]
    TooLarge,
}

impl BlockError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}
