//! The blocks of a data directory and their names.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Disk;

/// Ending of a block.
const ENDING: &str = "block";

/// Ending of a block that is being written.
pub(super) const UNFINISHED: &str = "unfinished";

/// Where the block with a number lies.
pub(crate) fn block_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.{ENDING}"))
}

/// What lies in the directory of the blocks.
#[derive(Debug, Default)]
pub(crate) struct BlockFiles {
    /// Numbers of whole blocks, in order.
    pub numbers: Vec<u64>,
    /// Blocks that were never finished.
    pub unfinished: Vec<PathBuf>,
}

impl BlockFiles {
    /// Looks into the directory. Files of other names are left alone.
    pub fn find(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        for (name, _) in disk.list(dir)? {
            match name.rsplit_once('.') {
                Some((number, ENDING)) if number.len() == 10 => {
                    found.numbers.extend(number.parse::<u64>());
                }
                Some((_, UNFINISHED)) => found.unfinished.push(dir.join(name)),
                _ => {}
            }
        }
        found.numbers.sort_unstable();
        Ok(found)
    }
}
