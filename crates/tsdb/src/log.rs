//! The write-ahead log: what was acknowledged, in files that only grow.
//!
//! `docs/storage.md` draws the format. A segment holds records in the order of their writing; a checkpoint holds, in
//! the same kind of records, what all segments before it amounted to.

mod bytes; // varints, and a cursor that never runs over
mod checkpoint; // everything in one file, in place of old segments
mod frame; // file headers and record frames
mod reader; // records out of a file, past damage
mod record; // what stands in a record
mod segment; // the files of a log and their names
mod sync; // what was written, made durable in time
mod writer; // records into segments

pub(crate) use checkpoint::write_checkpoint;
pub(crate) use frame::{FileKind, Header, Kind};
pub(crate) use reader::{Item, RecordReader};
pub(crate) use record::{LogId, Logged, Sample, put_samples, put_series};
pub(crate) use segment::{LogFile, Segments};
pub(crate) use sync::Syncer;
pub(crate) use writer::{LogStart, LogWriter};
