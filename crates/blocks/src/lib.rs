//! Prometheus' block format, which Thanos and Mimir have too: the way from and to them.
//!
//! A block is a folder with the samples of a range of time: `meta.json`, `index`, `chunks/`, and `tombstones` for what is
//! deleted. Read are index version 2, chunks of floats and of both kinds of native histograms; written are floats and
//! histograms with float counts. It knows no store: samples go in and out as [`Columns`](stonechat_model::Columns).
//!
//! ```
//! use stonechat_blocks::{Block, BlockWriter};
//! use stonechat_model::{Columns, Labels, Timestamp};
//!
//! let folder = tempfile::tempdir()?;
//! let mut writer = BlockWriter::create(folder.path(), 1_700_000_000_000, 7)?;
//! let mut samples = Columns::default();
//! samples.push(Timestamp::from_millis(15_000), 1.0);
//! writer.add(&Labels::from_pairs([("__name__", "up")])?, &samples)?;
//! let (path, _) = writer.finish()?.expect("there is a sample");
//!
//! let block = Block::open(&path)?;
//! let mut read = Columns::default();
//! block.read(&block.series(0)?, &mut read)?;
//! assert_eq!(read, samples);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bits; // bits, and numbers of a few bits
mod block; // a block that is there
mod bytes; // numbers and sections of an index
mod error; // why a block cannot be read or written
mod histogram; // chunks of native histograms
mod index; // series, and where their chunks are
mod meta; // meta.json
mod segments; // files of chunks
mod tombstones; // what is deleted
mod ulid; // names of blocks
mod writer; // a block that is being written
mod xor; // chunks of floats

pub use block::{Block, BlockSeries, find_blocks};
pub use error::BlockError;
pub use meta::{BlockMeta, BlockStats, Compaction};
pub use writer::BlockWriter;
