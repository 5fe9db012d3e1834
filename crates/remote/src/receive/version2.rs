//! Bodies of remote write 2.0: `io.prometheus.write.v2.Request`.
//!
//! All texts stand once in a table, and series refer to them. The labels of each series are put together as version 1 has
//! them, so that everything behind is the same for both.
//!
//! Source: <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.

use stonechat_model::{Exemplar, Labels, STALE_NAN, Timestamp, is_stale};

use super::histogram;
use super::request::Request;
use super::version1::{read_sample, text_of};
use crate::wire::{Reader, Value, WireError};

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("a series refers to a text that is not in the table")]
    Symbol,
    #[error("a series has a label name without a value")]
    Odd,
    #[error("its labels become too long when they are written out")]
    TooLong,
}

/// Texts of the table.
struct Symbols<'a>(Vec<&'a [u8]>);

impl<'a> Symbols<'a> {
    fn get(&self, number: u64) -> Result<&'a [u8], BadRequest> {
        let place = usize::try_from(number).map_err(|_| BadRequest::Symbol)?;
        self.0.get(place).copied().ok_or(BadRequest::Symbol)
    }
}

/// Reads a body into `request`, which is empty. What is given back holds the labels, at most `bytes_max` long: a long text
/// may be referred to many times.
pub(super) fn read(
    body: &[u8],
    bytes_max: usize,
    request: &mut Request,
) -> Result<Vec<u8>, BadRequest> {
    // The table may stand behind the series, so it is read first.
    let mut symbols = Symbols(Vec::new());
    let mut reader = Reader::new(body);
    while let Some((number, value)) = reader.field()? {
        if number == 4 {
            symbols.0.push(value.bytes(number)?);
        }
    }
    let mut labels = Vec::new();
    let mut reader = Reader::new(body);
    while let Some((number, value)) = reader.field()? {
        if number == 5 {
            let series = value.bytes(number)?;
            read_series(series, (&symbols, bytes_max), &mut labels, request)?;
        }
    }
    Ok(labels)
}

fn read_series(
    series: &[u8],
    (symbols, bytes_max): (&Symbols, usize),
    labels: &mut Vec<u8>,
    request: &mut Request,
) -> Result<(), BadRequest> {
    let mut references = Vec::new();
    let mut metadata = None;
    let mut reader = Reader::new(series);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => numbers(value, &mut references)?,
            5 => metadata = Some(value.bytes(number)?),
            _ => {}
        }
    }
    let start = labels.len();
    put_labels(&references, (symbols, bytes_max), labels)?;
    request.begin(start..labels.len());
    let mut reader = Reader::new(series);
    while let Some((number, value)) = reader.field()? {
        match number {
            2 => request.samples.push(read_sample(value.bytes(number)?)?),
            3 => {
                let (timestamp, histogram) = histogram::read(value.bytes(number)?)?;
                if is_stale(histogram.sum) {
                    request.samples.push((timestamp, STALE_NAN));
                } else {
                    request.add_histogram(timestamp, histogram);
                }
            }
            4 => {
                let exemplar = read_exemplar(value.bytes(number)?, symbols)?;
                request.exemplars.extend(exemplar);
            }
            _ => {}
        }
    }
    if let Some(metadata) = metadata {
        let start = labels.len();
        put_metadata(metadata, (&references, symbols), labels)?;
        if labels.len() > bytes_max {
            return Err(BadRequest::TooLong);
        }
        if labels.len() > start {
            request.metadata.push(start..labels.len());
        }
    }
    Ok(())
}

/// Repeated `uint32`, packed or one by one.
fn numbers(value: Value, into: &mut Vec<u64>) -> Result<(), WireError> {
    if let Value::Bytes(packed) = value {
        let mut reader = Reader::new(packed);
        while !reader.rest().is_empty() {
            into.push(reader.varint()?);
        }
        return Ok(());
    }
    into.push(value.unsigned(1)?);
    Ok(())
}

/// Labels as they stand in a series of version 1.
fn put_labels(
    references: &[u64],
    (symbols, bytes_max): (&Symbols, usize),
    out: &mut Vec<u8>,
) -> Result<(), BadRequest> {
    let (pairs, rest) = references.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(BadRequest::Odd);
    }
    for [name, value] in pairs {
        let (name, value) = (symbols.get(*name)?, symbols.get(*value)?);
        let length = field_length(name) + field_length(value);
        if out.len() + length > bytes_max {
            return Err(BadRequest::TooLong);
        }
        out.push(0x0a);
        put_varint(length, out);
        put_field(1, name, out);
        put_field(2, value, out);
    }
    Ok(())
}

/// What a family means, as version 1 has it.
fn put_metadata(
    metadata: &[u8],
    (references, symbols): (&[u64], &Symbols),
    out: &mut Vec<u8>,
) -> Result<(), BadRequest> {
    let (mut kind, mut help, mut unit) = (0, 0, 0);
    let mut reader = Reader::new(metadata);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => kind = value.unsigned(number)?,
            3 => help = value.unsigned(number)?,
            4 => unit = value.unsigned(number)?,
            _ => {}
        }
    }
    let (help, unit) = (symbols.get(help)?, symbols.get(unit)?);
    if kind == 0 && help.is_empty() && unit.is_empty() {
        return Ok(());
    }
    let mut name = &[][..];
    for pair in references.as_chunks::<2>().0 {
        if symbols.get(pair[0])? == b"__name__" {
            name = symbols.get(pair[1])?;
        }
    }
    // The series of a distribution have the family's name and more.
    if matches!(kind, 3..=5) {
        let suffixes = [&b"_bucket"[..], b"_count", b"_sum"];
        name = suffixes
            .iter()
            .find_map(|end| name.strip_suffix(*end))
            .unwrap_or(name);
    }
    out.extend_from_slice(&[0x08, (kind & 0x7f) as u8]);
    put_field(2, name, out);
    put_field(4, help, out);
    put_field(5, unit, out);
    Ok(())
}

fn read_exemplar(exemplar: &[u8], symbols: &Symbols) -> Result<Option<Exemplar>, BadRequest> {
    let (mut references, mut value, mut timestamp) = (Vec::new(), 0.0, 0);
    let mut reader = Reader::new(exemplar);
    while let Some((number, field)) = reader.field()? {
        match number {
            1 => numbers(field, &mut references)?,
            2 => value = field.double(number)?,
            3 => timestamp = field.signed(number)?,
            _ => {}
        }
    }
    let mut pairs = Vec::new();
    for [name, value] in references.as_chunks::<2>().0 {
        pairs.push((symbols.get(*name)?, symbols.get(*value)?));
    }
    let labels = text_of(pairs).and_then(|pairs| Labels::from_pairs(pairs).ok());
    Ok(labels.map(|labels| Exemplar {
        labels,
        value,
        timestamp: Timestamp::from_millis(timestamp),
    }))
}

const fn varint_length(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

const fn field_length(text: &[u8]) -> usize {
    1 + varint_length(text.len()) + text.len()
}

fn put_varint(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_field(number: u8, text: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    put_varint(text.len(), out);
    out.extend_from_slice(text);
}
