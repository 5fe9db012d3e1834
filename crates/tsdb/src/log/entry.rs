//! What else stands in the log: which series are meant, histograms, exemplars, metadata.

use std::io;
use std::sync::Arc;

use stonechat_model::{Exemplar, Histogram, Labels, Metadata, MetricType, Timestamp};

use super::batch::{LogSample, put_batch};
use super::frame::{Kind, put_record};
use super::record::LogId;
use crate::bytes::{Cursor, put_text, put_varint, unzigzag, zigzag};
use crate::histogram::{put_histogram, take_histogram};
use crate::packing;

/// Payloads shorter than this are not compressed.
const PACK_BYTES_MIN: usize = 64;

/// The most bytes of an unpacked payload.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// A histogram in the log.
pub(crate) type LogHistogram = (LogId, i64, Arc<Histogram>);

/// An exemplar in the log.
pub(crate) type LogExemplar = (LogId, Exemplar);

const TYPES: [MetricType; 8] = [
    MetricType::Unknown,
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
    MetricType::Summary,
    MetricType::Info,
    MetricType::StateSet,
];

/// Appends records, compressed where that helps. Kept for the memory that compression takes.
pub(crate) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    plain: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    /// The fastest level: the log is read once at most.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            zstd: zstd::bulk::Compressor::new(1)?,
            plain: Vec::new(),
        })
    }

    /// A byte that says how, and the payload.
    fn put(
        &mut self,
        bytes: &mut Vec<u8>,
        kind: Kind,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        self.plain.clear();
        fill(&mut self.plain);
        let packed = if self.plain.len() < PACK_BYTES_MIN {
            None
        } else {
            let packed = self.zstd.compress(&self.plain)?;
            Some(packed).filter(|packed| packed.len() + 4 < self.plain.len())
        };
        put_record(bytes, kind, |bytes| match packed {
            Some(packed) => {
                bytes.push(1);
                put_varint(bytes, self.plain.len() as u64);
                bytes.extend_from_slice(&packed);
            }
            None => {
                bytes.push(0);
                bytes.extend_from_slice(&self.plain);
            }
        })
    }

    /// From here on ids stand for label sets.
    pub fn put_table(&mut self, bytes: &mut Vec<u8>, series: &[(LogId, Labels)]) -> io::Result<()> {
        self.put(bytes, Kind::Table, |bytes| {
            for (id, labels) in series {
                put_varint(bytes, id.0);
                put_labels(bytes, labels);
            }
        })
    }

    /// Samples in the order in which they were accepted.
    pub fn put_samples(&mut self, bytes: &mut Vec<u8>, samples: &[LogSample]) -> io::Result<()> {
        self.put(bytes, Kind::Batch, |bytes| put_batch(bytes, samples))
    }

    /// Histograms in the order in which they were accepted.
    pub fn put_histograms(
        &mut self,
        bytes: &mut Vec<u8>,
        histograms: &[LogHistogram],
    ) -> io::Result<()> {
        self.put(bytes, Kind::Histograms, |bytes| {
            for (id, timestamp, histogram) in histograms {
                put_varint(bytes, id.0);
                put_varint(bytes, zigzag(*timestamp));
                put_histogram(bytes, histogram, None);
            }
        })
    }

    /// Exemplars.
    pub fn put_exemplars(
        &mut self,
        bytes: &mut Vec<u8>,
        exemplars: &[LogExemplar],
    ) -> io::Result<()> {
        self.put(bytes, Kind::Exemplars, |bytes| {
            for (id, exemplar) in exemplars {
                put_varint(bytes, id.0);
                put_varint(bytes, zigzag(exemplar.timestamp.millis()));
                bytes.extend(exemplar.value.to_le_bytes());
                put_labels(bytes, &exemplar.labels);
            }
        })
    }

    /// What families mean.
    pub fn put_metadata<'a>(
        &mut self,
        bytes: &mut Vec<u8>,
        metadata: impl Iterator<Item = (&'a str, &'a Metadata)>,
    ) -> io::Result<()> {
        self.put(bytes, Kind::Metadata, |bytes| {
            for (family, metadata) in metadata {
                let kind = TYPES.iter().position(|kind| *kind == metadata.kind);
                put_text(bytes, family);
                bytes.push(kind.unwrap_or(0) as u8);
                put_text(bytes, &metadata.help);
                put_text(bytes, &metadata.unit);
            }
        })
    }
}

/// Takes a payload as [`Packer`] wrote it apart; `None` when it is malformed.
pub(crate) fn unpack(payload: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor(payload);
    if cursor.byte()? == 0 {
        return Some(cursor.0.to_vec());
    }
    let length = cursor
        .varint()
        .filter(|&length| length <= UNPACKED_BYTES_MAX)?;
    packing::decompress(cursor.0, length)
}

fn put_labels(bytes: &mut Vec<u8>, labels: &Labels) {
    put_varint(bytes, labels.len() as u64);
    for (name, value) in labels.iter() {
        put_text(bytes, name);
        put_text(bytes, value);
    }
}

fn take_labels(cursor: &mut Cursor<'_>) -> Option<Labels> {
    let mut pairs = Vec::new();
    for _ in 0..cursor.varint()? {
        pairs.push((cursor.text()?, cursor.text()?));
    }
    Labels::from_pairs(pairs).ok()
}

/// Takes everything with one function.
fn take_all<T>(bytes: &[u8], take: impl Fn(&mut Cursor<'_>) -> Option<T>) -> Option<Vec<T>> {
    let (mut cursor, mut all) = (Cursor(bytes), Vec::new());
    while !cursor.is_empty() {
        all.push(take(&mut cursor)?);
    }
    Some(all)
}

/// The series of a table.
pub(crate) fn take_table(bytes: &[u8]) -> Option<Vec<(LogId, Labels)>> {
    take_all(bytes, |cursor| {
        Some((LogId(cursor.varint()?), take_labels(cursor)?))
    })
}

/// Histograms as they were put.
pub(crate) fn take_histograms(bytes: &[u8]) -> Option<Vec<LogHistogram>> {
    take_all(bytes, |cursor| {
        let id = LogId(cursor.varint()?);
        let timestamp = unzigzag(cursor.varint()?);
        Some((id, timestamp, Arc::new(take_histogram(cursor, None)?)))
    })
}

/// Exemplars as they were put.
pub(crate) fn take_exemplars(bytes: &[u8]) -> Option<Vec<LogExemplar>> {
    take_all(bytes, |cursor| {
        let id = LogId(cursor.varint()?);
        let timestamp = Timestamp::from_millis(unzigzag(cursor.varint()?));
        let value = f64::from_bits(cursor.i64()?.cast_unsigned());
        let labels = take_labels(cursor)?;
        Some((
            id,
            Exemplar {
                labels,
                value,
                timestamp,
            },
        ))
    })
}

/// Metadata as it was put.
pub(crate) fn take_metadata(bytes: &[u8]) -> Option<Vec<(String, Metadata)>> {
    take_all(bytes, |cursor| {
        let family = cursor.text()?.to_owned();
        let kind = *TYPES.get(usize::from(cursor.byte()?))?;
        let help = cursor.text()?.to_owned();
        let unit = cursor.text()?.to_owned();
        Some((family, Metadata { kind, help, unit }))
    })
}
