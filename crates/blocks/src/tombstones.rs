//! `tombstones`: what of a block is deleted.
//!
//! Source: `tsdb/docs/format/tombstones.md` of Prometheus.

use std::collections::HashMap;
use std::path::Path;
use std::{fs, io};

use crate::BlockError;
use crate::bytes::Bytes;

const MAGIC: u32 = 0x0130_BA30;
const VERSION: u8 = 1;

/// Deleted ranges of time, both ends included, by the reference of the series in the index.
pub(crate) type Tombstones = HashMap<u64, Vec<(i64, i64)>>;

/// Reads the file; a block without one has nothing deleted.
pub(crate) fn read(path: &Path) -> Result<Tombstones, BlockError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tombstones::new()),
        Err(error) => return Err(BlockError::file(path)(error)),
    };
    parse(&bytes).ok_or_else(|| BlockError::damaged(path, "not a list of tombstones"))
}

fn parse(bytes: &[u8]) -> Option<Tombstones> {
    let mut head = Bytes(bytes);
    if head.u32()? != MAGIC || head.u8()? != VERSION {
        return None;
    }
    let (content, checksum) = head.0.split_last_chunk::<4>()?;
    if u32::from_be_bytes(*checksum) != crc32c::crc32c(content) {
        return None;
    }
    let (mut content, mut found) = (Bytes(content), Tombstones::new());
    while !content.0.is_empty() {
        let series = content.uvarint()?;
        let range = (content.varint()?, content.varint()?);
        found.entry(series).or_default().push(range);
    }
    Some(found)
}

/// A file without tombstones.
pub(crate) fn none() -> Vec<u8> {
    let mut bytes = MAGIC.to_be_bytes().to_vec();
    bytes.push(VERSION);
    bytes.extend_from_slice(&crc32c::crc32c(&[]).to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{put_uvarint, put_varint};

    #[test]
    fn ranges_are_read() {
        assert_eq!(parse(&none()), Some(Tombstones::new()));
        let mut content = Vec::new();
        for (series, start, end) in [(16, -5, 10), (16, 20, 30), (32, 0, 1)] {
            put_uvarint(&mut content, series);
            put_varint(&mut content, start);
            put_varint(&mut content, end);
        }
        let checksum = crc32c::crc32c(&content).to_be_bytes();
        let file = [&MAGIC.to_be_bytes()[..], &[VERSION], &content, &checksum].concat();
        let expected = [(16, vec![(-5, 10), (20, 30)]), (32, vec![(0, 1)])];
        assert_eq!(parse(&file), Some(expected.into()));
        for end in 0..file.len() {
            assert_eq!(parse(&file[..end]), None, "{end}");
        }
    }
}
