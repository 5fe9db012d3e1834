//! Native histograms in a body: `prometheus.Histogram`, which both versions of remote write have alike.

use stonechat_model::{BucketSpan, Buckets, Histogram, ResetHint};

use crate::wire::{Reader, Value, WireError, unzigzag};

/// A histogram and its time in milliseconds.
///
/// Counts of integers are differences to the bucket before; they become absolute floats.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of integers are exact below 2^53, and Prometheus makes the same floats of them"
)]
pub(super) fn read(bytes: &[u8]) -> Result<(i64, Histogram), WireError> {
    let mut histogram = Histogram::default();
    let mut timestamp = 0;
    let (mut positive, mut negative) = (Side::default(), Side::default());
    let mut custom_values = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => histogram.count = value.unsigned(number)? as f64,
            2 => histogram.count = value.double(number)?,
            3 => histogram.sum = value.double(number)?,
            4 => histogram.schema = small(value.zigzag(number)?),
            5 => histogram.zero_threshold = value.double(number)?,
            6 => histogram.zero_count = value.unsigned(number)? as f64,
            7 => histogram.zero_count = value.double(number)?,
            8 => negative.spans.push(span(value.bytes(number)?)?),
            9 => numbers(value, &mut negative.deltas)?,
            10 => doubles(value, &mut negative.counts)?,
            11 => positive.spans.push(span(value.bytes(number)?)?),
            12 => numbers(value, &mut positive.deltas)?,
            13 => doubles(value, &mut positive.counts)?,
            14 => histogram.reset_hint = reset_hint(value.unsigned(number)?),
            15 => timestamp = value.signed(number)?,
            16 => doubles(value, &mut custom_values)?,
            _ => {}
        }
    }
    histogram.positive = positive.buckets();
    histogram.negative = negative.buckets();
    histogram.custom_values = custom_values.into();
    Ok((timestamp, histogram))
}

/// Positive or negative buckets as they are written.
#[derive(Default)]
struct Side {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl Side {
    #[expect(clippy::cast_precision_loss, reason = "see `read`")]
    fn buckets(self) -> Buckets {
        let mut counts = self.counts;
        let mut count = 0_i64;
        counts.extend(self.deltas.into_iter().map(|delta| {
            count = count.wrapping_add(delta);
            count as f64
        }));
        Buckets {
            spans: self.spans,
            counts,
        }
    }
}

/// A schema outside of 32 bits is none that exists, and is refused as such.
fn small(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn span(bytes: &[u8]) -> Result<BucketSpan, WireError> {
    let mut span = BucketSpan::default();
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => span.offset = small(value.zigzag(number)?),
            2 => span.length = u32::try_from(value.unsigned(number)?).unwrap_or(u32::MAX),
            _ => {}
        }
    }
    Ok(span)
}

/// Repeated `sint64`, packed or one by one.
fn numbers(value: Value, into: &mut Vec<i64>) -> Result<(), WireError> {
    match value {
        Value::Bytes(packed) => {
            let mut reader = Reader::new(packed);
            while !reader.rest().is_empty() {
                into.push(unzigzag(reader.varint()?));
            }
            Ok(())
        }
        single => {
            into.push(single.zigzag(9)?);
            Ok(())
        }
    }
}

/// Repeated `double`, packed or one by one.
fn doubles(value: Value, into: &mut Vec<f64>) -> Result<(), WireError> {
    match value {
        Value::Bytes(packed) => {
            let (doubles, rest) = packed.as_chunks::<8>();
            into.extend(doubles.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            if rest.is_empty() {
                Ok(())
            } else {
                Err(WireError::Truncated)
            }
        }
        single => {
            into.push(single.double(10)?);
            Ok(())
        }
    }
}

fn reset_hint(value: u64) -> ResetHint {
    match value {
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}
