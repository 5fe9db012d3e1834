//! Blocks: immutable files that hold the samples of all series of some time, with an index of their own.
//!
//! A block is written once, series by series in [`block_order`], and read in pieces through a cache of bounded size. Its
//! records are framed as those of the log, so that one reader finds its way past damage in both.

mod cache; // decoded pieces, of bounded size
mod directory; // where everything stands
mod files; // the blocks of a data directory and their names
mod grid; // timestamps that series share
mod index; // labels to series and back
mod page; // values
mod read; // samples out of a block
mod references; // under which references the head knows the series of a block
mod select; // series by matchers
mod tombstones; // what was deleted and is still in the file
mod write; // samples into a block

use std::cmp::Ordering;
use std::path::PathBuf;

use stonechat_model::{Labels, QueryableError};

pub(crate) use cache::Cache;
pub(crate) use files::{BlockFiles, block_path};
pub(crate) use read::{Block, Neighbours};
pub(crate) use references::References;
pub(crate) use write::{BlockWriter, span_millis};

/// The label by which buckets of one histogram differ.
const BUCKET_LABEL: &str = "le";

/// Why a block cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The device gave an error, or the file ends early.
    #[error("block {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A record is not what it should be: restore the file from a backup, or let it be set aside.
    #[error("block {} is damaged at byte {offset}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        offset: u64,
    },
    /// A newer version wrote the file.
    #[error("block {} has format version {version}, which this version does not know", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u8,
    },
}

impl From<BlockError> for QueryableError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Read { source, .. } => Self::Read(source),
            damaged => Self::Damaged {
                what: damaged.to_string(),
            },
        }
    }
}

/// The order of series in a block: buckets of a histogram stand side by side from the lowest bound to the highest, because
/// their counts rise together.
pub(crate) fn block_order(one: &Labels, other: &Labels) -> Ordering {
    let rest = |labels: &Labels| labels.iter().any(|(name, _)| name == BUCKET_LABEL);
    if !rest(one) && !rest(other) {
        return one.cmp(other);
    }
    without_bound(one)
        .cmp(without_bound(other))
        .then_with(|| bound(one).total_cmp(&bound(other)))
        .then_with(|| one.cmp(other))
}

fn without_bound(labels: &Labels) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().filter(|(name, _)| *name != BUCKET_LABEL)
}

fn bound(labels: &Labels) -> f64 {
    let bound = labels
        .get(BUCKET_LABEL)
        .and_then(stonechat_model::parse_float);
    bound.unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
mod tests;
