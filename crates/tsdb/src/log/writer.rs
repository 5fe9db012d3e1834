//! Records into segments.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{FileKind, HEADER_BYTES, header};
use super::segment::path;
use super::sync::Syncer;
use crate::disk::{Disk, DiskFile};

/// Appends records to the newest segment. A segment is made when the first record for it comes, and a file that an
/// earlier process wrote is never written to again.
#[derive(Debug)]
pub(crate) struct LogWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    syncer: Arc<Syncer>,
    segment_bytes_max: u64,
    /// Number of the next segment.
    next: u64,
    current: Option<Current>,
    /// Bytes in all segments that no block stands for.
    bytes: u64,
    /// How many those segments are.
    segments: u64,
}

#[derive(Debug)]
struct Current {
    file: Arc<dyn DiskFile>,
    /// Where the last whole record ends.
    end: u64,
}

/// Where a log goes on.
#[derive(Debug)]
pub(crate) struct LogStart {
    /// The directory.
    pub dir: PathBuf,
    /// Number of the next segment.
    pub next: u64,
    /// Bytes in the segments that are there.
    pub bytes: u64,
    /// How many those are.
    pub segments: u64,
    /// Length at which a new segment is begun.
    pub segment_bytes_max: u64,
}

impl LogWriter {
    /// Goes on behind what is there.
    pub fn new(disk: Arc<dyn Disk>, syncer: Arc<Syncer>, start: LogStart) -> Self {
        Self {
            disk,
            dir: start.dir,
            syncer,
            segment_bytes_max: start.segment_bytes_max,
            next: start.next,
            current: None,
            bytes: start.bytes,
            segments: start.segments,
        }
    }

    /// Bytes in the segments that no block stands for.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of segments that no block stands for.
    pub fn segments(&self) -> u64 {
        self.segments
    }

    /// True when the segment is so long that the next should begin.
    pub fn is_full(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.end >= self.segment_bytes_max)
    }

    /// True when there is a segment to be written to.
    pub fn is_open(&self) -> bool {
        self.current.is_some()
    }

    /// Writes whole records. When it fails, the log ends with the last record of the call before.
    pub fn write(&mut self, records: &[u8]) -> io::Result<()> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.make_segment()?,
        };
        let written = current.file.append(records);
        match &written {
            Ok(()) => {
                current.end += records.len() as u64;
                self.bytes += records.len() as u64;
                self.syncer.written(&current.file);
                self.current = Some(current);
            }
            // A torn record is cut off again; where that fails too, the segment is left and the next write makes a new one.
            Err(_) if current.file.truncate(current.end).is_ok() => self.current = Some(current),
            Err(_) => {}
        }
        written
    }

    /// Ends the current segment. Returns the number that the next one will have.
    pub fn end_segment(&mut self) -> u64 {
        self.current = None;
        self.next
    }

    /// Forgets segments that a block now stands for.
    pub fn forget(&mut self, bytes: u64, segments: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.segments = self.segments.saturating_sub(segments);
    }

    fn make_segment(&mut self) -> io::Result<Current> {
        let path = path(&self.dir, FileKind::Segment, self.next);
        let made = self.disk.create(&path).and_then(|file| {
            file.append(&header(FileKind::Segment, self.next))?;
            Ok(file)
        });
        let file = made.inspect_err(|_| {
            // Half a header would be told as damage; if it stays, the next try begins by emptying the file.
            let _ = self.disk.remove(&path);
        })?;
        self.syncer.made();
        self.syncer.written(&file);
        self.next += 1;
        self.segments += 1;
        self.bytes += HEADER_BYTES as u64;
        Ok(Current {
            file,
            end: HEADER_BYTES as u64,
        })
    }
}
