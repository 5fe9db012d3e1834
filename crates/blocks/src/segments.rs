//! `chunks/000001` and on: the samples of a block.
//!
//! Source: `tsdb/docs/format/chunks.md` of Prometheus.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::BlockError;
use crate::bytes::{Bytes, put_uvarint};

const MAGIC: u32 = 0x85BD_40DD;

/// Magic, version, and three bytes of nothing.
const HEAD_BYTES: usize = 8;

/// A segment that would become longer is ended, as in Prometheus.
const SEGMENT_BYTES_MAX: u64 = 512 << 20;

/// The longest chunk that is read. Prometheus' have about a kilobyte, rarely many.
const CHUNK_BYTES_MAX: usize = 64 << 20;

/// Bytes that are read at a time: nearly every chunk with its length and checksum.
const READ_BYTES: usize = 4096;

/// Open segments.
#[derive(Debug)]
pub(crate) struct Segments(Vec<(PathBuf, File)>);

impl Segments {
    pub(crate) fn open(folder: &Path) -> Result<Self, BlockError> {
        let entries = fs::read_dir(folder).map_err(BlockError::file(folder))?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(BlockError::file(folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.bytes().all(|byte| byte.is_ascii_digit()) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut segments = Vec::new();
        for path in paths {
            let file = File::open(&path).map_err(BlockError::file(&path))?;
            let mut head = [0; HEAD_BYTES];
            file.read_exact_at(&mut head, 0)
                .map_err(BlockError::file(&path))?;
            if head[..4] != MAGIC.to_be_bytes() {
                return Err(BlockError::damaged(&path, "not a segment of chunks"));
            }
            if head[4] != 1 {
                let version = head[4].into();
                return Err(BlockError::Version { path, version });
            }
            segments.push((path, file));
        }
        Ok(Self(segments))
    }

    /// Encoding and bytes of a chunk.
    pub(crate) fn read(&self, reference: u64) -> Result<(u8, Vec<u8>), BlockError> {
        let number = usize::try_from(reference >> 32).unwrap_or(usize::MAX);
        let at = reference & 0xffff_ffff;
        let Some((path, file)) = self.0.get(number) else {
            let missing = Path::new("chunks").join(format!("{:06}", number.saturating_add(1)));
            return Err(BlockError::damaged(&missing, "the segment is missing"));
        };
        let damaged = || BlockError::damaged(path, format!("the chunk at byte {at}"));
        let mut bytes = vec![0; READ_BYTES];
        let mut have = read_up_to(file, &mut bytes, at).map_err(BlockError::file(path))?;
        let mut head = Bytes(&bytes[..have]);
        let length = head
            .length()
            .filter(|length| *length <= CHUNK_BYTES_MAX)
            .ok_or_else(damaged)?;
        let start = have - head.0.len();
        // Behind the length: the encoding, the content and the checksum.
        let end = start + 1 + length + 4;
        if end > have {
            bytes.resize(end, 0);
            have += read_up_to(file, &mut bytes[have..], at + have as u64)
                .map_err(BlockError::file(path))?;
        }
        if have < end {
            return Err(damaged());
        }
        bytes.truncate(end);
        let checksum = bytes.split_off(end - 4);
        let content = bytes.split_off(start);
        if crc32c::crc32c(&content).to_be_bytes()[..] != checksum {
            return Err(damaged());
        }
        Ok((content[0], content[1..].to_vec()))
    }
}

fn read_up_to(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
    let mut have = 0;
    while have < bytes.len() {
        match file.read_at(&mut bytes[have..], at + have as u64) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(have)
}

/// Writes segments.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    folder: PathBuf,
    /// Segments that were begun.
    count: u64,
    /// The last of them, and its length.
    current: Option<(PathBuf, BufWriter<File>, u64)>,
}

impl SegmentWriter {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            count: 0,
            current: None,
        }
    }

    /// Writes a chunk. Gives its reference.
    pub(crate) fn put(&mut self, encoding: u8, chunk: &[u8]) -> Result<u64, BlockError> {
        let mut record = Vec::with_capacity(chunk.len() + 12);
        put_uvarint(&mut record, chunk.len() as u64);
        let start = record.len();
        record.push(encoding);
        record.extend_from_slice(chunk);
        let checksum = crc32c::crc32c(&record[start..]);
        record.extend_from_slice(&checksum.to_be_bytes());
        let full = self
            .current
            .as_ref()
            .is_none_or(|(_, _, length)| length + record.len() as u64 > SEGMENT_BYTES_MAX);
        if full {
            self.finish()?;
            self.begin()?;
        }
        let Some((path, file, length)) = &mut self.current else {
            return Err(BlockError::TooLarge);
        };
        file.write_all(&record).map_err(BlockError::file(path))?;
        let reference = (self.count - 1) << 32 | *length;
        *length += record.len() as u64;
        Ok(reference)
    }

    fn begin(&mut self) -> Result<(), BlockError> {
        self.count += 1;
        let path = self.folder.join(format!("{:06}", self.count));
        let file = File::create_new(&path).map_err(BlockError::file(&path))?;
        let mut file = BufWriter::new(file);
        let mut head = MAGIC.to_be_bytes().to_vec();
        head.extend_from_slice(&[1, 0, 0, 0]);
        file.write_all(&head).map_err(BlockError::file(&path))?;
        self.current = Some((path, file, head.len() as u64));
        Ok(())
    }

    /// Makes what was written durable.
    pub(crate) fn finish(&mut self) -> Result<(), BlockError> {
        let Some((path, mut file, _)) = self.current.take() else {
            return Ok(());
        };
        let flushed = file.flush().and_then(|()| file.get_ref().sync_all());
        flushed.map_err(BlockError::file(&path))
    }
}
