//! Bodies of remote write 1.0: `prometheus.WriteRequest`.
//!
//! Source: <https://prometheus.io/docs/specs/prw/remote_write_spec/> and `prompb/{remote,types}.proto` of Prometheus.

use std::borrow::Cow;

use stonechat_model::{Exemplar, Labels, STALE_NAN, Timestamp, is_stale};

use super::histogram;
use super::request::Request;
use crate::wire::{Reader, Value, WireError};

/// Fields of `WriteRequest`.
const SERIES: u32 = 1;
const METADATA: u32 = 3;

/// Fields of `TimeSeries`.
const LABELS: u32 = 1;
const SAMPLES: u32 = 2;
const EXEMPLARS: u32 = 3;
const HISTOGRAMS: u32 = 4;

/// The key of a label in a series, as it stands in the body.
const LABEL_KEY: u8 = 0x0a;

/// Where fields of a request stand, for reading bodies that have them in an odd order.
enum Order {
    LabelsFirst,
    Odd,
}

/// Reads a body into `request`, which is empty. The labels of its series are places in the body that is given back: it is
/// another one when some series has labels behind its samples, which no known sender writes, but protobuf allows.
pub(super) fn read<'a>(body: &'a [u8], request: &mut Request) -> Result<Cow<'a, [u8]>, WireError> {
    match read_ordered(body, request)? {
        Order::LabelsFirst => Ok(Cow::Borrowed(body)),
        Order::Odd => {
            let ordered = labels_first(body)?;
            request.clear();
            read_ordered(&ordered, request)?;
            Ok(Cow::Owned(ordered))
        }
    }
}

fn read_ordered(body: &[u8], request: &mut Request) -> Result<Order, WireError> {
    let mut reader = Reader::new(body);
    while let Some((number, value)) = reader.field()? {
        match number {
            SERIES => {
                let series = value.bytes(number)?;
                let start = body.len() - reader.rest().len() - series.len();
                if let Order::Odd = read_series(series, start, request)? {
                    return Ok(Order::Odd);
                }
            }
            METADATA => {
                let end = body.len() - reader.rest().len();
                request.metadata.push(end - value.bytes(number)?.len()..end);
            }
            _ => {}
        }
    }
    Ok(Order::LabelsFirst)
}

/// Reads a series that begins at `start` of the body.
fn read_series(series: &[u8], start: usize, request: &mut Request) -> Result<Order, WireError> {
    let mut reader = Reader::new(series);
    while let Some((&LABEL_KEY, rest)) = reader.rest().split_first() {
        reader = Reader::new(rest);
        reader.delimited()?;
    }
    let labels_end = series.len() - reader.rest().len();
    request.begin(start..start + labels_end);
    while let Some((number, value)) = reader.field()? {
        match number {
            LABELS => return Ok(Order::Odd),
            SAMPLES => request.samples.push(read_sample(value.bytes(number)?)?),
            EXEMPLARS => request
                .exemplars
                .extend(read_exemplar(value.bytes(number)?)?),
            HISTOGRAMS => {
                let (timestamp, histogram) = histogram::read(value.bytes(number)?)?;
                // The end of a series is a float in our store, whatever the series was.
                if is_stale(histogram.sum) {
                    request.samples.push((timestamp, STALE_NAN));
                } else {
                    request.add_histogram(timestamp, histogram);
                }
            }
            _ => {}
        }
    }
    Ok(Order::LabelsFirst)
}

#[inline]
pub(super) fn read_sample(sample: &[u8]) -> Result<(i64, f64), WireError> {
    let (mut timestamp, mut value) = (0, 0.0);
    let mut reader = Reader::new(sample);
    while let Some((number, field)) = reader.field()? {
        match number {
            1 => value = field.double(number)?,
            2 => timestamp = field.signed(number)?,
            _ => {}
        }
    }
    Ok((timestamp, value))
}

/// An exemplar; none when its labels cannot be, which costs nothing but the exemplar.
fn read_exemplar(exemplar: &[u8]) -> Result<Option<Exemplar>, WireError> {
    let mut reader = Reader::new(exemplar);
    let (mut labels, mut value, mut timestamp) = (Vec::new(), 0.0, 0);
    while let Some((number, field)) = reader.field()? {
        match number {
            1 => labels.push(super::labels::read_label(field.bytes(number)?)?),
            2 => value = field.double(number)?,
            3 => timestamp = field.signed(number)?,
            _ => {}
        }
    }
    let labels = text_of(labels).and_then(|pairs| Labels::from_pairs(pairs).ok());
    Ok(labels.map(|labels| Exemplar {
        labels,
        value,
        timestamp: Timestamp::from_millis(timestamp),
    }))
}

/// Names and values as texts, if they are all UTF-8.
pub(super) fn text_of<'a>(pairs: Vec<(&'a [u8], &'a [u8])>) -> Option<Vec<(&'a str, &'a str)>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let texts = pairs
        .into_iter()
        .map(|(name, value)| Some((text(name)?, text(value)?)));
    texts.collect()
}

/// The same request with every series' labels before its samples.
fn labels_first(body: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut ordered = Vec::with_capacity(body.len());
    let mut reader = Reader::new(body);
    loop {
        let before = reader.rest();
        let Some((number, value)) = reader.field()? else {
            return Ok(ordered);
        };
        let field = &before[..before.len() - reader.rest().len()];
        let (SERIES, Value::Bytes(series)) = (number, value) else {
            ordered.extend_from_slice(field);
            continue;
        };
        // The key and the length of the series stay the same.
        ordered.extend_from_slice(&field[..field.len() - series.len()]);
        for wants_labels in [true, false] {
            let mut parts = Reader::new(series);
            loop {
                let before = parts.rest();
                let Some((number, _)) = parts.field()? else {
                    break;
                };
                if (number == LABELS) == wants_labels {
                    ordered.extend_from_slice(&before[..before.len() - parts.rest().len()]);
                }
            }
        }
    }
}
