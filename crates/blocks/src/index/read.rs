//! Reading an index. All of it is in memory; the checksums of what is read are checked.

use std::fs;
use std::path::{Path, PathBuf};

use stonechat_model::Labels;

use super::{CONTENTS_BYTES, ChunkPlace, MAGIC, SERIES_ALIGNMENT, VERSION};
use crate::BlockError;
use crate::bytes::Bytes;

/// Names and values of labels.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// An index in memory.
#[derive(Debug)]
pub(crate) struct Index {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where each symbol stands.
    symbols: Vec<(u32, u32)>,
    /// Series in the order of their labels.
    series: Vec<u32>,
}

impl Index {
    pub(crate) fn read(path: &Path) -> Result<Self, BlockError> {
        let bytes = fs::read(path).map_err(BlockError::file(path))?;
        let damaged = |what: &str| BlockError::damaged(path, what);
        let mut head = Bytes(&bytes);
        if head.u32() != Some(MAGIC) {
            return Err(damaged("not an index"));
        }
        match head.u8() {
            Some(VERSION) => {}
            version => {
                return Err(BlockError::Version {
                    path: path.to_owned(),
                    version: version.unwrap_or_default().into(),
                });
            }
        }
        let (symbols_at, postings_at) =
            contents(&bytes).ok_or_else(|| damaged("the table of contents"))?;
        let symbols = symbols(&bytes, symbols_at).ok_or_else(|| damaged("the symbols"))?;
        let series = all_series(&bytes, postings_at).ok_or_else(|| damaged("the postings"))?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            symbols,
            series,
        })
    }

    /// Number of series.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// The reference by which tombstones name a series.
    pub(crate) fn reference(&self, index: usize) -> u64 {
        u64::from(self.series[index])
    }

    /// Labels and chunks of a series.
    pub(crate) fn series(&self, index: usize) -> Result<(Labels, Vec<ChunkPlace>), BlockError> {
        let at = u64::from(self.series[index]) * SERIES_ALIGNMENT;
        let damaged = || BlockError::damaged(&self.path, format!("the series at byte {at}"));
        let (pairs, chunks) = self.entry(at).ok_or_else(damaged)?;
        let labels = Labels::from_pairs(pairs).map_err(|_| damaged())?;
        Ok((labels, chunks))
    }

    fn entry(&self, at: u64) -> Option<(Pairs<'_>, Vec<ChunkPlace>)> {
        let mut bytes = Bytes(self.bytes.get(usize::try_from(at).ok()?..)?);
        let length = bytes.length()?;
        let content = bytes.take(length)?;
        if bytes.u32()? != crc32c::crc32c(content) {
            return None;
        }
        let mut content = Bytes(content);
        let mut pairs = Vec::new();
        for _ in 0..content.uvarint()? {
            pairs.push((
                self.symbol(content.uvarint()?)?,
                self.symbol(content.uvarint()?)?,
            ));
        }
        let mut chunks: Vec<ChunkPlace> = Vec::new();
        for _ in 0..content.uvarint()? {
            let (min_time, reference) = match chunks.last() {
                None => (content.varint()?, None),
                Some(last) => {
                    let gap = content.uvarint()?.cast_signed();
                    (last.max_time.checked_add(gap)?, Some(last.reference))
                }
            };
            let length = content.uvarint()?.cast_signed();
            let reference = match reference {
                None => content.uvarint()?,
                Some(last) => last.checked_add_signed(content.varint()?)?,
            };
            chunks.push(ChunkPlace {
                min_time,
                max_time: min_time.checked_add(length)?,
                reference,
            });
        }
        Some((pairs, chunks))
    }

    fn symbol(&self, number: u64) -> Option<&str> {
        let (at, length) = *self.symbols.get(usize::try_from(number).ok()?)?;
        let bytes = self.bytes.get(at as usize..)?.get(..length as usize)?;
        std::str::from_utf8(bytes).ok()
    }
}

/// Where the symbols and the table of postings begin.
fn contents(bytes: &[u8]) -> Option<(u64, u64)> {
    let start = bytes.len().checked_sub(CONTENTS_BYTES)?;
    let (places, checksum) = bytes[start..].split_last_chunk::<4>()?;
    if u32::from_be_bytes(*checksum) != crc32c::crc32c(places) {
        return None;
    }
    let (symbols, postings_table) = (places.first_chunk()?, places.last_chunk()?);
    Some((
        u64::from_be_bytes(*symbols),
        u64::from_be_bytes(*postings_table),
    ))
}

fn section(bytes: &[u8], at: u64) -> Option<Bytes<'_>> {
    Bytes(bytes.get(usize::try_from(at).ok()?..)?).section()
}

fn symbols(bytes: &[u8], at: u64) -> Option<Vec<(u32, u32)>> {
    let mut content = section(bytes, at)?;
    // The content begins behind the section's length.
    let start = usize::try_from(at).ok()? + 4;
    let all = content.0.len();
    let count = content.u32()?;
    let mut symbols = Vec::new();
    for _ in 0..count {
        let text = content.text()?;
        let place = start + (all - content.0.len()) - text.len();
        symbols.push((u32::try_from(place).ok()?, u32::try_from(text.len()).ok()?));
    }
    Some(symbols)
}

/// The list that the table of postings has for no name: all series, in the order of their labels.
fn all_series(bytes: &[u8], at: u64) -> Option<Vec<u32>> {
    let mut table = section(bytes, at)?;
    for _ in 0..table.u32()? {
        // Each entry says of how many texts its key is made: two.
        if table.uvarint()? != 2 {
            return None;
        }
        let (name, value) = (table.text()?, table.text()?);
        let place = table.uvarint()?;
        if name.is_empty() && value.is_empty() {
            let mut postings = section(bytes, place)?;
            let count = postings.u32()?;
            return (0..count).map(|_| postings.u32()).collect();
        }
    }
    // A block without a series has no such list.
    Some(Vec::new())
}
