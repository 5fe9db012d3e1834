//! Writing an index. Symbols stand before the series that use them, so everything is collected first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use stonechat_model::Labels;

use super::{ChunkPlace, MAGIC, SERIES_ALIGNMENT, VERSION};
use crate::BlockError;
use crate::bytes::{put_text, put_uvarint, put_varint};

/// Collects series, and writes them.
#[derive(Debug, Default)]
pub(crate) struct IndexWriter {
    series: Vec<(Labels, Vec<ChunkPlace>)>,
}

/// Bytes with a known position.
struct Out {
    file: BufWriter<File>,
    position: u64,
}

impl Out {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Zeros until the position is a multiple.
    fn align(&mut self, to: u64) -> io::Result<()> {
        let missing = self.position.next_multiple_of(to) - self.position;
        let zeros = [0; SERIES_ALIGNMENT as usize];
        self.put(&zeros[..usize::try_from(missing).unwrap_or_default()])
    }

    /// Length, content and checksum. Gives where it begins.
    fn section(&mut self, content: &[u8]) -> io::Result<u64> {
        let start = self.position;
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        self.put(&length.to_be_bytes())?;
        self.put(content)?;
        self.put(&crc32c::crc32c(content).to_be_bytes())?;
        Ok(start)
    }
}

impl IndexWriter {
    /// Adds a series, which is behind all before it.
    pub(crate) fn add(
        &mut self,
        labels: &Labels,
        chunks: Vec<ChunkPlace>,
    ) -> Result<(), BlockError> {
        if self.series.last().is_some_and(|(last, _)| last >= labels) {
            return Err(BlockError::Order(labels.clone()));
        }
        self.series.push((labels.clone(), chunks));
        Ok(())
    }

    /// Number of series.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Writes the file, and makes it durable.
    pub(crate) fn write(self, path: &Path) -> Result<(), BlockError> {
        let file = File::create_new(path).map_err(BlockError::file(path))?;
        let mut out = Out {
            file: BufWriter::new(file),
            position: 0,
        };
        self.write_to(&mut out).map_err(BlockError::file(path))?;
        let flushed = out.file.flush();
        flushed
            .and_then(|()| out.file.get_ref().sync_all())
            .map_err(BlockError::file(path))
    }

    fn write_to(&self, out: &mut Out) -> io::Result<()> {
        out.put(&MAGIC.to_be_bytes())?;
        out.put(&[VERSION])?;
        let symbols: BTreeSet<&str> = self
            .series
            .iter()
            .flat_map(|(labels, _)| labels.iter())
            .flat_map(|(name, value)| [name, value])
            .collect();
        let symbols_at = out.section(&symbol_table(&symbols))?;
        let numbers: HashMap<&str, u32> = symbols.iter().copied().zip(0..).collect();
        drop(symbols);
        out.align(SERIES_ALIGNMENT)?;
        let series_at = out.position;
        let mut postings: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
        for (labels, chunks) in &self.series {
            out.align(SERIES_ALIGNMENT)?;
            let reference =
                u32::try_from(out.position / SERIES_ALIGNMENT).map_err(io::Error::other)?;
            let content = entry(labels, chunks, &numbers);
            let mut length = Vec::new();
            put_uvarint(&mut length, content.len() as u64);
            out.put(&length)?;
            out.put(&content)?;
            out.put(&crc32c::crc32c(&content).to_be_bytes())?;
            // All series stand under no name.
            for pair in labels.iter().chain([("", "")]) {
                postings.entry(pair).or_default().push(reference);
            }
        }
        // Readers of version 2 look at neither the indices of labels nor their table, but expect a place.
        let label_indices_at = out.position;
        let table = 0_u32.to_be_bytes();
        let mut places = Vec::new();
        out.align(4)?;
        let postings_at = out.position;
        for (pair, references) in &postings {
            out.align(4)?;
            let count = u32::try_from(references.len()).map_err(io::Error::other)?;
            let mut content = count.to_be_bytes().to_vec();
            for reference in references {
                content.extend_from_slice(&reference.to_be_bytes());
            }
            places.push((pair, out.section(&content)?));
        }
        let label_table_at = out.section(&table)?;
        let mut content = u32::try_from(places.len())
            .map_err(io::Error::other)?
            .to_be_bytes()
            .to_vec();
        for ((name, value), place) in places {
            put_uvarint(&mut content, 2);
            put_text(&mut content, name);
            put_text(&mut content, value);
            put_uvarint(&mut content, place);
        }
        let postings_table_at = out.section(&content)?;
        let mut contents = Vec::new();
        for place in [
            symbols_at,
            series_at,
            label_indices_at,
            label_table_at,
            postings_at,
            postings_table_at,
        ] {
            contents.extend_from_slice(&place.to_be_bytes());
        }
        out.put(&contents)?;
        out.put(&crc32c::crc32c(&contents).to_be_bytes())
    }
}

fn symbol_table(symbols: &BTreeSet<&str>) -> Vec<u8> {
    let count = u32::try_from(symbols.len()).unwrap_or(u32::MAX);
    let mut content = count.to_be_bytes().to_vec();
    for symbol in symbols {
        put_text(&mut content, symbol);
    }
    content
}

fn entry(labels: &Labels, chunks: &[ChunkPlace], numbers: &HashMap<&str, u32>) -> Vec<u8> {
    let mut content = Vec::new();
    put_uvarint(&mut content, labels.len() as u64);
    for (name, value) in labels.iter() {
        for symbol in [name, value] {
            put_uvarint(&mut content, numbers[symbol].into());
        }
    }
    put_uvarint(&mut content, chunks.len() as u64);
    let mut last: Option<ChunkPlace> = None;
    for chunk in chunks {
        match last {
            None => put_varint(&mut content, chunk.min_time),
            Some(last) => {
                put_uvarint(
                    &mut content,
                    (chunk.min_time - last.max_time).cast_unsigned(),
                );
            }
        }
        put_uvarint(
            &mut content,
            (chunk.max_time - chunk.min_time).cast_unsigned(),
        );
        match last {
            None => put_uvarint(&mut content, chunk.reference),
            Some(last) => put_varint(
                &mut content,
                (chunk.reference.wrapping_sub(last.reference)).cast_signed(),
            ),
        }
        last = Some(*chunk);
    }
    content
}
