//! The blocks of a store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use stonechat_model::{TimeRange, Timestamp};

use super::OpenError;
use crate::block::{Block, BlockError, BlockFiles, Cache, block_path};
use crate::disk::Disk;

/// Blocks ordered by the time of their first sample.
pub(super) type Blocks = Arc<Vec<Arc<Block>>>;

/// Ending added to a block that cannot be read.
const DAMAGED: &str = "damaged";

/// See the module. Whoever holds a list keeps its blocks readable, whatever becomes of their files.
#[derive(Debug)]
pub(super) struct BlockSet {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    cache: Arc<Cache>,
    current: RwLock<Blocks>,
    next: AtomicU64,
    /// Rises when samples of the head or of elsewhere come in.
    generation: AtomicU64,
}

/// A block, as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockInfo {
    /// Its number; a higher one was written later.
    pub number: u64,
    /// The file.
    pub path: PathBuf,
    /// From its first to its last sample.
    pub range: TimeRange,
    /// Number of series.
    pub series: u64,
    /// Number of samples.
    pub samples: u64,
    /// Length of the file.
    pub bytes: u64,
    /// How often its samples were merged.
    pub level: u8,
}

impl BlockSet {
    /// Opens all blocks. Those that cannot be read are set aside and told.
    pub fn open(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        cache_bytes: usize,
    ) -> Result<(Self, Vec<BlockError>), OpenError> {
        let files = BlockFiles::find(&**disk, dir).map_err(|source| OpenError::Read {
            path: dir.to_owned(),
            source,
        })?;
        for path in &files.unfinished {
            if let Err(error) = disk.remove(path) {
                tracing::warn!(file = %path.display(), %error, "an unfinished block stays");
            }
        }
        let cache = Arc::new(Cache::new(cache_bytes, cache_bytes / 4, cache_bytes / 2));
        let (mut blocks, mut damages) = (Vec::new(), Vec::new());
        for &number in &files.numbers {
            match Block::open(disk, dir, number, &cache) {
                Ok(block) => blocks.push(Arc::new(block)),
                Err(BlockError::Version { path, version }) => {
                    return Err(OpenError::Version { path, version });
                }
                Err(error) => {
                    tracing::error!(%error, "a block cannot be opened and is set aside");
                    set_aside(&**disk, dir, number);
                    damages.push(error);
                }
            }
        }
        let replaced: Vec<u64> = blocks
            .iter()
            .flat_map(|block| block.replaces().to_vec())
            .collect();
        blocks.retain(|block| {
            let stays = !replaced.contains(&block.number());
            if !stays {
                block.retire();
            }
            stays
        });
        sort(&mut blocks);
        let next = files.numbers.last().map_or(1, |last| last + 1);
        let set = Self {
            disk: Arc::clone(disk),
            dir: dir.to_owned(),
            cache,
            current: RwLock::new(Arc::new(blocks)),
            next: AtomicU64::new(next),
            generation: AtomicU64::new(0),
        };
        Ok((set, damages))
    }

    /// Gives the memory of unpacked pieces back that no query has wanted for a while.
    pub fn age_cache(&self) {
        self.cache.age();
    }

    /// Where the blocks lie.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The blocks as they are now.
    pub fn current(&self) -> Blocks {
        Arc::clone(&self.current.read())
    }

    /// See [`BlockSet::generation`](BlockSet).
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// A number for a new block.
    pub fn next_number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Segments of the log before this number are in blocks.
    pub fn log_covered(&self) -> u64 {
        let covered = self.current().iter().map(|block| block.log_until()).max();
        covered.unwrap_or(0)
    }

    /// Adds a written block in place of others.
    pub fn install(&self, number: u64, replaced: &[Arc<Block>]) -> Result<(), BlockError> {
        let block = Block::open(&self.disk, &self.dir, number, &self.cache)?;
        self.replace(Some(block), replaced);
        Ok(())
    }

    /// Takes blocks out. Their files go with the last reader.
    pub fn remove(&self, blocks: &[Arc<Block>]) {
        self.replace(None, blocks);
    }

    fn replace(&self, added: Option<Block>, removed: &[Arc<Block>]) {
        let mut current = self.current.write();
        let gone = |block: &Arc<Block>| removed.iter().any(|other| Arc::ptr_eq(other, block));
        let mut blocks: Vec<_> = current
            .iter()
            .filter(|block| !gone(block))
            .cloned()
            .collect();
        blocks.extend(added.map(Arc::new));
        sort(&mut blocks);
        *current = Arc::new(blocks);
        self.generation.fetch_add(1, Ordering::SeqCst);
        for block in removed {
            block.retire();
        }
    }

    /// Blocks that end before a moment.
    pub fn expired(&self, horizon: Timestamp) -> Vec<Arc<Block>> {
        let blocks = self.current();
        let expired = blocks
            .iter()
            .filter(|block| block.times().1 < horizon.millis());
        expired.cloned().collect()
    }

    /// The oldest blocks without which the rest takes at most so many bytes.
    pub fn surplus(&self, bytes_max: u64) -> Vec<Arc<Block>> {
        let blocks = self.current();
        let mut bytes: u64 = blocks.iter().map(|block| block.bytes()).sum();
        let mut by_age: Vec<_> = blocks.iter().collect();
        by_age.sort_by_key(|block| block.times().1);
        let surplus = by_age.into_iter().take_while(|block| {
            let over = bytes > bytes_max;
            bytes = bytes.saturating_sub(block.bytes());
            over
        });
        surplus.cloned().collect()
    }

    /// All blocks, as they are told of.
    pub fn infos(&self) -> Vec<BlockInfo> {
        let info = |block: &Arc<Block>| {
            let (start, end) = block.times();
            BlockInfo {
                number: block.number(),
                path: block.path().to_owned(),
                range: TimeRange {
                    start: Timestamp::from_millis(start),
                    end: Timestamp::from_millis(end),
                },
                series: block.series().into(),
                samples: block.samples(),
                bytes: block.bytes(),
                level: block.level(),
            }
        };
        self.current().iter().map(info).collect()
    }
}

fn sort(blocks: &mut [Arc<Block>]) {
    blocks.sort_by_key(|block| (block.times(), block.number()));
}

fn set_aside(disk: &dyn Disk, dir: &Path, number: u64) {
    let path = block_path(dir, number);
    let renamed: io::Result<()> =
        disk.rename(&path, &path.with_extension(format!("block.{DAMAGED}")));
    if let Err(error) = renamed {
        tracing::warn!(file = %path.display(), %error, "a damaged block cannot be set aside");
    }
}
