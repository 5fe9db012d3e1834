//! Everything in one file, in place of old segments.

use std::io;
use std::path::Path;
use std::sync::Arc;

use stonechat_model::TimeRange;

use super::frame::{FileKind, header};
use super::record::{LogId, put_chunks, put_end, put_series};
use super::segment::{UNFINISHED, path};
use crate::chunk::Chunk;
use crate::disk::{Disk, DiskFile};
use crate::head::Series;

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Bytes after which the device may catch up, so that the last sync does not stall the log's.
const SYNC_BYTES: u64 = 32 << 20;

/// Bytes of chunks after which a new record begins.
const RECORD_BYTES: usize = 1 << 20;

/// Writes the checkpoint `number` of `series`. Until the last step, which is atomic, the log is as it was; old files
/// stay for the caller to remove. An error among the series ends it. Returns the checkpoint's length.
pub(crate) fn write_checkpoint<'a>(
    disk: &dyn Disk,
    dir: &Path,
    number: u64,
    series: impl Iterator<Item = io::Result<(LogId, &'a Series)>>,
) -> io::Result<u64> {
    let finished = path(dir, FileKind::Checkpoint, number);
    let unfinished = finished.with_extension(UNFINISHED);
    let written = write(disk, &unfinished, number, series);
    let bytes = match written {
        Ok(bytes) => bytes,
        Err(error) => {
            // Gives the room back on a full disk; if that fails too, the next start removes it.
            let _ = disk.remove(&unfinished);
            return Err(error);
        }
    };
    disk.rename(&unfinished, &finished)?;
    disk.sync_dir(dir)?;
    Ok(bytes)
}

fn write<'a>(
    disk: &dyn Disk,
    unfinished: &Path,
    number: u64,
    series: impl Iterator<Item = io::Result<(LogId, &'a Series)>>,
) -> io::Result<u64> {
    let mut out = Out {
        file: disk.create(unfinished)?,
        buffer: header(FileKind::Checkpoint, number).to_vec(),
        written: 0,
        unsynced: 0,
    };
    let mut count = 0;
    for series in series {
        let (id, series) = series?;
        put_series(&mut out.buffer, [(id, series.labels())].into_iter())?;
        put_all_chunks(&mut out.buffer, id, &series.snapshot(TimeRange::ALL))?;
        count += 1;
        if out.buffer.len() >= WRITE_BYTES {
            out.flush()?;
        }
    }
    put_end(&mut out.buffer, count)?;
    out.flush()?;
    out.file.sync()?;
    Ok(out.written)
}

/// The chunks of a series in as many records as it takes.
fn put_all_chunks(buffer: &mut Vec<u8>, id: LogId, chunks: &[Chunk]) -> io::Result<()> {
    let mut rest = chunks;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take_while(|chunk| {
            bytes += chunk.bytes.len();
            bytes <= RECORD_BYTES
        });
        let count = fitting.count().max(1);
        put_chunks(buffer, id, &rest[..count])?;
        rest = &rest[count..];
    }
    Ok(())
}

struct Out {
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    written: u64,
    unsynced: u64,
}

impl Out {
    fn flush(&mut self) -> io::Result<()> {
        self.file.append(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.unsynced += self.buffer.len() as u64;
        self.buffer.clear();
        if self.unsynced >= SYNC_BYTES {
            self.file.sync()?;
            self.unsynced = 0;
        }
        Ok(())
    }
}
