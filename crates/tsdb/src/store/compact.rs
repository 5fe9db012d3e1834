//! Many small blocks into one.
//!
//! Blocks have levels: the head is written as level 0, and so many blocks of a level become one of the next. So a sample
//! is written again once for each level, not once for each block.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;

use stonechat_model::{Columns, Labels, TimeRange, Timestamp};

use super::Shared;
use super::select::merge_columns;
use crate::block::{Block, BlockError, BlockWriter, Cache, Neighbours, block_order, span_millis};

/// So many blocks of each level become one of the next. Queries find the last hours as fast in sixteen small blocks as in one, and what is
/// merged later is written less often. 16 · 8 · 4 blocks of two hours are six weeks, and of a quarter of an hour, as many series make them,
/// five days.
const FANS: [usize; 3] = [16, 8, 4];

/// Bytes of unpacked samples of the blocks that are being merged, beside the pages of the last series, and as many of labels.
const CACHE_BYTES: usize = 24 << 20;

impl Shared {
    /// Merges blocks until no level has too many. What fails is counted, logged, and tried again the next time.
    pub(super) fn compact(&self) {
        while let Some(blocks) = self.due() {
            let merged = self.merge(&blocks, blocks[0].level() + 1);
            let mut report = self.report.lock();
            match merged {
                Ok(bytes) => {
                    report.compactions += 1;
                    report.blocks_written_bytes += bytes;
                }
                Err(_) if self.is_closed() => return,
                Err(error) => {
                    report.compaction_failures += 1;
                    tracing::error!(%error, "blocks could not be merged; they stay as they are");
                    return;
                }
            }
        }
    }

    /// The oldest blocks of a level that has enough of them.
    fn due(&self) -> Option<Vec<Arc<Block>>> {
        let blocks = self.blocks.current();
        (0..).zip(FANS).find_map(|(level, fan)| {
            let same: Vec<_> = blocks
                .iter()
                .filter(|block| block.level() == level)
                .take(fan)
                .cloned()
                .collect();
            (same.len() == fan).then_some(same)
        })
    }

    /// Writes one block in place of several. Returns its length.
    pub(super) fn merge(&self, blocks: &[Arc<Block>], level: u8) -> io::Result<u64> {
        let horizon =
            Timestamp::from_millis(self.horizon.load(std::sync::atomic::Ordering::Relaxed));
        let range = TimeRange {
            start: horizon,
            end: Timestamp::MAX,
        };
        let number = self.blocks.next_number();
        let dir = self.blocks.dir();
        let mut writer = BlockWriter::create(&*self.options.disk, dir, number, span_of(blocks))?;
        let mut merging =
            Merging::of(blocks, &self.options.disk, self.blocks.dir()).map_err(io::Error::other);
        let mut columns = Columns::default();
        let outcome = loop {
            if self.is_closed() {
                break Err(io::ErrorKind::Interrupted.into());
            }
            let merging = match &mut merging {
                Ok(merging) => merging,
                Err(error) => break Err(io::Error::other(error.to_string())),
            };
            columns.clear();
            match merging.next(range, &mut columns) {
                Ok(Some(labels)) => {
                    if let Err(error) = writer.push(&labels, &columns) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(io::Error::other(error)),
            }
        };
        if let Err(error) = outcome {
            writer.abandon();
            return Err(error);
        }
        let until = blocks
            .iter()
            .map(|block| block.log_until())
            .max()
            .unwrap_or(0);
        let replaced: Vec<u64> = blocks.iter().map(|block| block.number()).collect();
        let written = writer.finish(until, &replaced, level)?;
        match written {
            Some(written) => self
                .blocks
                .install(written.number, blocks)
                .map_err(io::Error::other)?,
            None => self.blocks.remove(blocks),
        }
        Ok(written.map_or(0, |written| written.bytes))
    }
}

/// How long the spans of time are into which several blocks are divided when they are one.
fn span_of(blocks: &[Arc<Block>]) -> u64 {
    let start = blocks.iter().map(|block| block.times().0).min();
    let end = blocks.iter().map(|block| block.times().1).max();
    let millis = start.zip(end).map_or(0, |(start, end)| end.abs_diff(start));
    let series = blocks.iter().map(|block| block.series()).max();
    let samples = blocks.iter().map(|block| block.samples()).sum();
    span_millis(millis, samples, series.unwrap_or(0).into())
}

/// Walks through the series of several blocks in order.
struct Merging {
    blocks: Vec<(Block, Neighbours)>,
    next: BinaryHeap<Next>,
}

/// The next series of a block.
struct Next {
    labels: Labels,
    block: usize,
    ordinal: u32,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its greatest first.
        block_order(&other.labels, &self.labels).then(other.block.cmp(&self.block))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Next {}

impl Merging {
    /// Opens the blocks once more, with caches of their own, so that queries keep theirs.
    fn of(
        blocks: &[Arc<Block>],
        disk: &Arc<dyn crate::disk::Disk>,
        dir: &std::path::Path,
    ) -> Result<Self, BlockError> {
        let mut merging = Self {
            blocks: Vec::new(),
            next: BinaryHeap::new(),
        };
        let cache = Arc::new(Cache::new(CACHE_BYTES, CACHE_BYTES, 0));
        for block in blocks {
            let block = Block::open(disk, dir, block.number(), &cache)?;
            merging.blocks.push((block, Neighbours::default()));
        }
        for block in 0..merging.blocks.len() {
            merging.advance(block, 0)?;
        }
        Ok(merging)
    }

    fn advance(&mut self, block: usize, ordinal: u32) -> Result<(), BlockError> {
        if ordinal < self.blocks[block].0.series() {
            let labels = self.blocks[block].0.labels(ordinal)?;
            self.next.push(Next {
                labels,
                block,
                ordinal,
            });
        }
        Ok(())
    }

    fn read(
        &mut self,
        next: &Next,
        range: TimeRange,
        columns: &mut Columns,
    ) -> Result<(), BlockError> {
        let (block, neighbours) = &mut self.blocks[next.block];
        block.read_beside(neighbours, next.ordinal, range, columns)
    }

    /// The samples of the next series in the range.
    fn next(
        &mut self,
        range: TimeRange,
        columns: &mut Columns,
    ) -> Result<Option<Labels>, BlockError> {
        let Some(first) = self.next.pop() else {
            return Ok(None);
        };
        self.read(&first, range, columns)?;
        self.advance(first.block, first.ordinal + 1)?;
        while self
            .next
            .peek()
            .is_some_and(|next| next.labels == first.labels)
            && let Some(same) = self.next.pop()
        {
            self.read(&same, range, columns)?;
            self.advance(same.block, same.ordinal + 1)?;
        }
        merge_columns(columns, 0, 0);
        Ok(Some(first.labels))
    }
}
