//! Labels to series and back.
//!
//! For every label name there is a list of its values, sorted, each with the series that have it; for every series the
//! numbers of its names and values in those lists. A query unpacks the lists of the labels it names, and the rows of the
//! series it finds.

use std::io;

use hashbrown::HashMap;
use roaring::RoaringBitmap;
use stonechat_model::Labels;

use crate::bytes::{Cursor, put_text, put_varint};
use crate::packing;

/// Bytes of values after which a new record begins.
const LABEL_CHUNK_BYTES: usize = 128 << 10;

/// Series in a record of rows.
const ROWS: usize = 2048;

/// The most bytes of a record when unpacked.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// Collects the labels of series as they are written.
#[derive(Debug, Default)]
pub(super) struct IndexWriter {
    names: HashMap<Box<str>, u32>,
    values: Vec<HashMap<Box<str>, Value>>,
    /// Of each series: how many labels it has, and their names and provisional values. As varints, because for a million
    /// series this is what writing a block takes memory for.
    rows: Vec<u8>,
    series: u32,
}

#[derive(Debug, Default)]
struct Value {
    /// In the order of appearance.
    number: u32,
    /// Runs of series that are complete.
    runs: Vec<u8>,
    /// Series in all runs.
    series: u32,
    /// The run that may still grow, and where the one before ended.
    run: (u32, u32),
    run_before: u32,
}

impl Value {
    fn add(&mut self, ordinal: u32) {
        let (start, length) = self.run;
        self.series += 1;
        if length > 0 && start + length == ordinal {
            self.run.1 += 1;
            return;
        }
        self.end_run();
        self.run = (ordinal, 1);
    }

    fn end_run(&mut self) {
        let (start, length) = self.run;
        if length > 0 {
            put_varint(&mut self.runs, (start - self.run_before).into());
            put_varint(&mut self.runs, length.into());
            self.run_before = start + length;
        }
    }
}

/// A record of the index, with what the directory has to know of it.
#[derive(Debug)]
pub(super) enum IndexRecord {
    /// Values of a label; the first of them and its number.
    Values(Box<str>, Box<str>, u32),
    /// Labels of series from this one on.
    Rows(u32),
}

impl IndexWriter {
    /// Adds the next series.
    pub fn push(&mut self, labels: &Labels) {
        let ordinal = self.series;
        put_varint(&mut self.rows, labels.len() as u64);
        for (name, value) in labels.iter() {
            let name = match self.names.get(name) {
                Some(&name) => name,
                None => {
                    let number = self.values.len() as u32;
                    self.names.insert(name.into(), number);
                    self.values.push(HashMap::new());
                    number
                }
            };
            let values = &mut self.values[name as usize];
            let number = match values.get_mut(value) {
                Some(value) => {
                    value.add(ordinal);
                    value.number
                }
                None => {
                    let number = values.len() as u32;
                    let mut first = Value {
                        number,
                        ..Value::default()
                    };
                    first.add(ordinal);
                    values.insert(value.into(), first);
                    number
                }
            };
            put_varint(&mut self.rows, name.into());
            put_varint(&mut self.rows, number.into());
        }
        self.series += 1;
    }

    /// Series so far.
    pub fn series(&self) -> u32 {
        self.series
    }

    /// Writes everything by giving each record's payload to `put`. Names come in order.
    pub fn finish(
        self,
        mut put: impl FnMut(IndexRecord, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut names: Vec<(Box<str>, u32)> = self.names.into_iter().collect();
        names.sort_unstable();
        let mut values: Vec<_> = self.values.into_iter().map(Some).collect();
        // From provisional numbers to those of sorted values.
        let mut sorted_values: Vec<Vec<u32>> = vec![Vec::new(); values.len()];
        let mut sorted_names: Vec<u32> = vec![0; values.len()];
        for (place, (name, number)) in (0..).zip(&names) {
            let own = values[*number as usize].take().unwrap_or_default();
            sorted_names[*number as usize] = place;
            sorted_values[*number as usize] = put_values(name, own, &mut put)?;
        }
        let (mut provisional, mut rows) = (Cursor(&self.rows), Vec::new());
        // What was written here can be read.
        let mut next = || provisional.varint().unwrap_or(0);
        for first in (0..self.series).step_by(ROWS) {
            rows.clear();
            for _ in first..self.series.min(first + ROWS as u32) {
                let labels = next();
                put_varint(&mut rows, labels);
                for _ in 0..labels {
                    let (name, value) = (next() as usize, next() as usize);
                    put_varint(&mut rows, sorted_names[name].into());
                    put_varint(&mut rows, sorted_values[name][value].into());
                }
            }
            put(IndexRecord::Rows(first), &pack(&rows)?)?;
        }
        Ok(())
    }
}

/// Writes the values of a label. Returns their new numbers by the provisional ones.
fn put_values(
    name: &str,
    values: HashMap<Box<str>, Value>,
    put: &mut impl FnMut(IndexRecord, &[u8]) -> io::Result<()>,
) -> io::Result<Vec<u32>> {
    let mut sorted: Vec<(Box<str>, Value)> = values.into_iter().collect();
    sorted.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let mut numbers = vec![0; sorted.len()];
    let (mut bytes, mut first) = (Vec::new(), 0);
    for place in 0..sorted.len() {
        let (text, value) = &mut sorted[place];
        value.end_run();
        numbers[value.number as usize] = place as u32;
        put_text(&mut bytes, text);
        put_varint(&mut bytes, value.series.into());
        put_varint(&mut bytes, value.runs.len() as u64);
        bytes.append(&mut value.runs);
        if bytes.len() >= LABEL_CHUNK_BYTES || place + 1 == sorted.len() {
            let record = IndexRecord::Values(name.into(), sorted[first].0.clone(), first as u32);
            put(record, &pack(&bytes)?)?;
            bytes.clear();
            first = place + 1;
        }
    }
    Ok(numbers)
}

/// Bytes compressed by zstd behind their length.
pub(super) fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    put_varint(&mut packed, bytes.len() as u64);
    packed.extend(packing::compress(bytes, 3)?);
    Ok(packed)
}

/// The inverse of [`pack`].
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor(packed);
    let length = cursor
        .varint()
        .filter(|&length| length <= UNPACKED_BYTES_MAX)?;
    packing::decompress(cursor.0, length)
}

/// Values of one label.
#[derive(Debug, Default)]
pub(super) struct LabelChunk {
    /// Sorted texts, and where their runs of series are in `bytes`.
    values: Vec<(Box<str>, u32, u32)>,
    bytes: Vec<u8>,
    text_bytes: usize,
}

impl LabelChunk {
    /// Reads a payload.
    pub fn take(payload: &[u8]) -> Option<Self> {
        let bytes = unpack(payload)?;
        let mut cursor = Cursor(&bytes);
        let (mut values, mut text_bytes) = (Vec::new(), 0);
        while !cursor.is_empty() {
            let text = cursor.text()?;
            cursor.varint()?;
            let length = cursor.varint()?;
            let from = bytes.len() - cursor.0.len();
            cursor.take(length)?;
            let to = bytes.len() - cursor.0.len();
            text_bytes += text.len();
            values.push((
                text.into(),
                u32::try_from(from).ok()?,
                u32::try_from(to).ok()?,
            ));
        }
        Some(Self {
            values,
            bytes,
            text_bytes,
        })
    }

    /// Bytes of memory, about.
    pub fn heap_bytes(&self) -> usize {
        self.values.len() * 40 + self.text_bytes + self.bytes.len()
    }

    /// A value by its place.
    pub fn value(&self, place: usize) -> Option<&str> {
        Some(&self.values.get(place)?.0)
    }

    /// Values from `from` on, in order, with their places.
    pub fn values_from<'a>(&'a self, from: &str) -> impl Iterator<Item = (usize, &'a str)> {
        let first = self.values.partition_point(|(text, _, _)| **text < *from);
        (first..).zip(self.values[first..].iter().map(|(text, _, _)| &**text))
    }

    /// Adds the series that have the value at a place; false when they cannot be read.
    pub fn add_series(&self, place: usize, series: &mut RoaringBitmap) -> bool {
        let (_, from, to) = self.values[place];
        let mut cursor = Cursor(&self.bytes[from as usize..to as usize]);
        let mut last = 0_u64;
        while !cursor.is_empty() {
            let (Some(gap), Some(length)) = (cursor.varint(), cursor.varint()) else {
                return false;
            };
            let start = last.saturating_add(gap);
            last = start.saturating_add(length);
            if last > u64::from(u32::MAX) {
                return false;
            }
            series.insert_range(start as u32..last as u32);
        }
        true
    }
}

/// Labels of neighbouring series as numbers.
#[derive(Debug, Default)]
pub(super) struct RowChunk {
    ends: Vec<u32>,
    pairs: Vec<(u32, u32)>,
}

impl RowChunk {
    /// Reads a payload.
    pub fn take(payload: &[u8]) -> Option<Self> {
        let bytes = unpack(payload)?;
        let mut cursor = Cursor(&bytes);
        let mut rows = Self::default();
        while !cursor.is_empty() {
            for _ in 0..cursor.varint()? {
                let name = u32::try_from(cursor.varint()?).ok()?;
                rows.pairs
                    .push((name, u32::try_from(cursor.varint()?).ok()?));
            }
            rows.ends.push(rows.pairs.len() as u32);
        }
        Some(rows)
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        self.ends.len() * 4 + self.pairs.len() * 8
    }

    /// Numbers of the names and values of the series at a place.
    pub fn row(&self, place: usize) -> Option<&[(u32, u32)]> {
        let to = *self.ends.get(place)?;
        let from = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.pairs.get(from as usize..to as usize)
    }
}
