//! A block that is there.

use std::path::{Path, PathBuf};

use stonechat_model::{Columns, Labels, STALE_NAN, TimeRange, Timestamp};

use crate::index::{ChunkPlace, Index};
use crate::segments::Segments;
use crate::tombstones::{self, Tombstones};
use crate::{BlockError, BlockMeta, histogram, xor};

/// Kinds of chunks, as they are numbered in Prometheus.
pub(crate) const FLOATS: u8 = 1;
const HISTOGRAMS: u8 = 2;
pub(crate) const FLOAT_HISTOGRAMS: u8 = 3;

/// An open block, whose series are read one after the other or in any order.
#[derive(Debug)]
pub struct Block {
    folder: PathBuf,
    meta: BlockMeta,
    index: Index,
    segments: Segments,
    tombstones: Tombstones,
}

/// A series of a block.
#[derive(Debug, Clone)]
pub struct BlockSeries {
    /// Its name.
    pub labels: Labels,
    chunks: Vec<ChunkPlace>,
    /// How tombstones name it.
    reference: u64,
}

impl BlockSeries {
    /// Number of its chunks.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks.len()
    }
}

impl Block {
    /// Opens the block in a folder.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another version.
    pub fn open(folder: &Path) -> Result<Self, BlockError> {
        Ok(Self {
            meta: BlockMeta::read(&folder.join("meta.json"))?,
            index: Index::read(&folder.join("index"))?,
            segments: Segments::open(&folder.join("chunks"))?,
            tombstones: tombstones::read(&folder.join("tombstones"))?,
            folder: folder.to_owned(),
        })
    }

    /// What the block is.
    #[must_use]
    pub const fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True when there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A series, by its place in the order of labels.
    ///
    /// # Errors
    /// When its part of the index is damaged.
    pub fn series(&self, index: usize) -> Result<BlockSeries, BlockError> {
        let (labels, chunks) = self.index.series(index)?;
        Ok(BlockSeries {
            labels,
            chunks,
            reference: self.index.reference(index),
        })
    }

    /// Appends the samples of a series to `columns`, without what is deleted.
    ///
    /// # Errors
    /// When a chunk is damaged. What stands before it is in `columns`.
    pub fn read(&self, series: &BlockSeries, columns: &mut Columns) -> Result<(), BlockError> {
        self.read_range(series, TimeRange::ALL, columns)
    }

    /// Appends the samples of a series within a range. Chunks outside of it are not read.
    ///
    /// # Errors
    /// When a chunk is damaged. What stands before it is in `columns`.
    pub fn read_range(
        &self,
        series: &BlockSeries,
        range: TimeRange,
        columns: &mut Columns,
    ) -> Result<(), BlockError> {
        let deleted = self.tombstones.get(&series.reference);
        let left_out = |at: i64| {
            !range.contains(Timestamp::from_millis(at))
                || deleted.is_some_and(|ranges| {
                    ranges
                        .iter()
                        .any(|(start, end)| (*start..=*end).contains(&at))
                })
        };
        let (start, end) = (range.start.millis(), range.end.millis());
        let chunks = series.chunks.iter();
        for chunk in chunks.filter(|chunk| chunk.min_time <= end && chunk.max_time >= start) {
            let (encoding, bytes) = self.segments.read(chunk.reference)?;
            let mut float = |at: i64, value: f64| {
                if !left_out(at) {
                    columns.timestamps.push(at);
                    columns.values.push(value);
                }
            };
            let read = match encoding {
                FLOATS => xor::decode(&bytes, float),
                HISTOGRAMS | FLOAT_HISTOGRAMS => {
                    let add = |read| match read {
                        histogram::Read::Stale(at) => float(at, STALE_NAN),
                        histogram::Read::Histogram(at, histogram) => {
                            if !left_out(at) {
                                columns.histograms.push((at, histogram));
                            }
                        }
                    };
                    if encoding == HISTOGRAMS {
                        histogram::decode_whole(&bytes, add)
                    } else {
                        histogram::decode_float(&bytes, add)
                    }
                }
                _ => None,
            };
            read.ok_or_else(|| {
                let what = format!("a chunk of {} at {:#x}", series.labels, chunk.reference);
                BlockError::damaged(&self.folder, what)
            })?;
        }
        Ok(())
    }
}

/// The folders in `folder` that are blocks, in order of time. What Prometheus has not finished (`*.tmp-for-*`) is no block.
///
/// # Errors
/// When the folder, or the `meta.json` of a block, cannot be read.
pub fn find_blocks(folder: &Path) -> Result<Vec<(PathBuf, BlockMeta)>, BlockError> {
    if folder.join("meta.json").is_file() {
        let meta = BlockMeta::read(&folder.join("meta.json"))?;
        return Ok(vec![(folder.to_owned(), meta)]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(BlockError::file(folder))? {
        let path = entry.map_err(BlockError::file(folder))?.path();
        let meta = path.join("meta.json");
        // An unfinished folder has an extension.
        if path.extension().is_none() && meta.is_file() {
            found.push((path, BlockMeta::read(&meta)?));
        }
    }
    found.sort_by_key(|(_, meta)| meta.min_time);
    Ok(found)
}
