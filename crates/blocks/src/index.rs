//! `index`: the series of a block and where their chunks are.
//!
//! Source: `tsdb/docs/format/index.md` of Prometheus, version 2.

mod read;
mod write;

pub(crate) use read::Index;
pub(crate) use write::IndexWriter;

const MAGIC: u32 = 0xBAAA_D700;
const VERSION: u8 = 2;

/// Series begin at multiples of this, so that 32 bits can refer to them.
const SERIES_ALIGNMENT: u64 = 16;

/// Bytes of the table of contents: six places and a checksum.
const CONTENTS_BYTES: usize = 6 * 8 + 4;

/// A chunk of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkPlace {
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
    /// Number of the segment, and place in it.
    pub(crate) reference: u64,
}
