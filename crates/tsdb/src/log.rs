//! The write-ahead log: what was acknowledged, in files that only grow.
//!
//! `docs/storage.md` draws the format. A segment holds records in the order of their writing. Older programs also wrote
//! checkpoints, which hold what all segments before them amounted to.

mod batch; // the samples of a batch, as changes
mod entry; // series, histograms, exemplars, metadata
mod frame; // file headers and record frames
mod reader; // records out of a file, past damage
mod record; // what stands in a record
mod segment; // the files of a log and their names
mod sync; // what was written, made durable in time
mod writer; // records into segments

pub(crate) use batch::{Bases, Link, LogSample, take_batch};
pub(crate) use entry::{
    LogExemplar, LogHistogram, Packer, take_exemplars, take_histograms, take_metadata, take_table,
    unpack,
};
pub(crate) use frame::{
    FileKind, HEADER_BYTES, Header, Kind, check_header, header, open_record, put_record,
};
pub(crate) use reader::{Item, RecordReader};
pub(crate) use record::{LogId, Logged, Sample};
pub(crate) use segment::{LogFile, Segments};
pub(crate) use sync::Syncer;
pub(crate) use writer::{LogStart, LogWriter};
