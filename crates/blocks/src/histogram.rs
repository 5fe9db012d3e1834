//! Chunks of native histograms.
//!
//! A chunk begins with the layout that all its samples share: zero threshold, schema, spans, custom bounds. Both kinds of
//! chunks are read; written are those of float counts, which hold every histogram that our model has.

use std::sync::Arc;

use stonechat_model::{BucketSpan, Buckets, CUSTOM_BUCKETS_SCHEMA, Histogram, ResetHint, is_stale};

use crate::bits::{BitReader, BitWriter};
use crate::xor::Xor;

/// A sample of a chunk of histograms.
pub(crate) enum Read {
    Histogram(i64, Arc<Histogram>),
    /// The series ended.
    Stale(i64),
}

/// Bits of the third byte: what is known about the counter before the chunk.
const HINT_MASK: u8 = 0b1100_0000;

/// Bounds are written as thousandths up to this.
const THOUSANDTHS_MAX: f64 = 33_554_430.0;

/// The most buckets of a histogram: more would only be in a damaged chunk.
const BUCKETS_MAX: usize = 1 << 16;

/// What the samples of a chunk share.
struct Layout {
    hint: u8,
    schema: i32,
    zero_threshold: f64,
    positive: Vec<BucketSpan>,
    negative: Vec<BucketSpan>,
    custom_values: Arc<[f64]>,
}

impl Layout {
    fn read(hint: u8, reader: &mut BitReader) -> Option<Self> {
        let zero_threshold = read_threshold(reader)?;
        let schema = i32::try_from(reader.varbit_int()?).ok()?;
        let (positive, negative) = (read_spans(reader)?, read_spans(reader)?);
        let mut custom_values = Vec::new();
        if schema == CUSTOM_BUCKETS_SCHEMA {
            for _ in 0..within(reader.varbit_uint()?)? {
                custom_values.push(read_bound(reader)?);
            }
        }
        Some(Self {
            hint: hint & HINT_MASK,
            schema,
            zero_threshold,
            positive,
            negative,
            custom_values: custom_values.into(),
        })
    }

    /// What is known about the counter before the sample at an index.
    fn reset_hint(&self, index: u16) -> ResetHint {
        match self.hint {
            0b1100_0000 => ResetHint::Gauge,
            _ if index > 0 => ResetHint::NotReset,
            0b1000_0000 => ResetHint::Reset,
            // That there was none before this chunk says nothing when the chunk before is gone.
            _ => ResetHint::Unknown,
        }
    }

    fn histogram(&self, index: u16, count: f64, zero_count: f64, sum: f64) -> Histogram {
        Histogram {
            reset_hint: self.reset_hint(index),
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count,
            count,
            sum,
            positive: Buckets::default(),
            negative: Buckets::default(),
            custom_values: Arc::clone(&self.custom_values),
        }
    }

    fn with_buckets(
        &self,
        mut histogram: Histogram,
        mut counts: impl Iterator<Item = f64>,
    ) -> Histogram {
        for (spans, buckets) in [
            (&self.positive, &mut histogram.positive),
            (&self.negative, &mut histogram.negative),
        ] {
            buckets.spans.clone_from(spans);
            buckets.counts = counts.by_ref().take(count_of(spans)).collect();
        }
        histogram
    }
}

fn within(count: u64) -> Option<usize> {
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= BUCKETS_MAX)
}

fn count_of(spans: &[BucketSpan]) -> usize {
    spans.iter().map(|span| span.length as usize).sum()
}

fn read_spans(reader: &mut BitReader) -> Option<Vec<BucketSpan>> {
    let count = within(reader.varbit_uint()?)?;
    let mut spans = Vec::new();
    for _ in 0..count {
        let length = u32::try_from(reader.varbit_uint()?).ok()?;
        let offset = i32::try_from(reader.varbit_int()?).ok()?;
        spans.push(BucketSpan { offset, length });
        within(count_of(&spans) as u64)?;
    }
    Some(spans)
}

fn write_spans(spans: &[BucketSpan], writer: &mut BitWriter) {
    writer.varbit_uint(spans.len() as u64);
    for span in spans {
        writer.varbit_uint(u64::from(span.length));
        writer.varbit_int(i64::from(span.offset));
    }
}

/// Zero is one byte of zeros, a power of two its exponent, everything else stands behind a byte of ones.
fn read_threshold(reader: &mut BitReader) -> Option<f64> {
    match i32::try_from(reader.bits(8)?).ok()? {
        0 => Some(0.0),
        255 => Some(f64::from_bits(reader.bits(64)?)),
        byte => Some(0.5 * 2.0_f64.powi(byte - 243)),
    }
}

fn write_threshold(threshold: f64, writer: &mut BitWriter) {
    if threshold == 0.0 {
        return writer.bits(0, 8);
    }
    let byte =
        (1..255).find(|byte| (0.5 * 2.0_f64.powi(byte - 243)).to_bits() == threshold.to_bits());
    match byte {
        Some(byte) => writer.bits(byte.unsigned_abs().into(), 8),
        None => {
            writer.bits(255, 8);
            writer.bits(threshold.to_bits(), 64);
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "thousandths that are written are below 2^25"
)]
fn read_bound(reader: &mut BitReader) -> Option<f64> {
    match reader.varbit_uint()? {
        0 => Some(f64::from_bits(reader.bits(64)?)),
        thousandths => Some((thousandths - 1) as f64 / 1000.0),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is whole, not negative and below 2^25"
)]
fn write_bound(bound: f64, writer: &mut BitWriter) {
    let thousandths = (bound * 1000.0).round();
    let whole = (0.0..=THOUSANDTHS_MAX).contains(&(bound * 1000.0))
        && (thousandths / 1000.0).to_bits() == bound.to_bits();
    if whole {
        writer.varbit_uint(thousandths as u64 + 1);
    } else {
        writer.bit(false);
        writer.bits(bound.to_bits(), 64);
    }
}

/// Number of samples, the byte of the header, and the rest.
fn head(chunk: &[u8]) -> Option<(u16, u8, BitReader<'_>)> {
    let (head, rest) = chunk.split_first_chunk::<3>()?;
    let count = u16::from_be_bytes([head[0], head[1]]);
    Some((count, head[2], BitReader::new(rest)))
}

/// A number that is written as the difference to the last difference.
#[derive(Debug, Clone, Copy, Default)]
struct Twice {
    value: i64,
    delta: i64,
}

impl Twice {
    fn read(&mut self, reader: &mut BitReader) -> Option<i64> {
        self.delta = self.delta.wrapping_add(reader.varbit_int()?);
        self.value = self.value.wrapping_add(self.delta);
        Some(self.value)
    }
}

/// Reads a chunk of histograms with counts of integers (Prometheus' `HistogramChunk`).
#[expect(
    clippy::cast_precision_loss,
    reason = "counts are exact below 2^53, and Prometheus makes the same floats of them"
)]
pub(crate) fn decode_whole(chunk: &[u8], mut sample: impl FnMut(Read)) -> Option<()> {
    let (samples, hint, mut reader) = head(chunk)?;
    let reader = &mut reader;
    let float = |count: Twice| count.value.cast_unsigned() as f64;
    if samples == 0 {
        return Some(());
    }
    let layout = Layout::read(hint, reader)?;
    let first = |value| Twice { value, delta: 0 };
    let mut timestamp = first(reader.varbit_int()?);
    let mut count = first(reader.varbit_uint()?.cast_signed());
    let mut zero_count = first(reader.varbit_uint()?.cast_signed());
    let mut sum = Xor::new(f64::from_bits(reader.bits(64)?));
    let mut buckets = Vec::new();
    let all = count_of(&layout.positive) + count_of(&layout.negative);
    for index in 0..samples {
        if index > 0 {
            timestamp.read(reader)?;
            count.read(reader)?;
            zero_count.read(reader)?;
            sum.read(reader)?;
        }
        if is_stale(sum.value()) {
            // Its buckets are not written.
            sample(Read::Stale(timestamp.value));
            continue;
        }
        if buckets.is_empty() {
            for _ in 0..all {
                buckets.push(first(reader.varbit_int()?));
            }
        } else {
            for bucket in &mut buckets {
                bucket.read(reader)?;
            }
        }
        let histogram = layout.histogram(index, float(count), float(zero_count), sum.value());
        let counts = absolute(&buckets, count_of(&layout.positive));
        let histogram = layout.with_buckets(histogram, counts.into_iter());
        sample(Read::Histogram(timestamp.value, histogram.into()));
    }
    Some(())
}

/// Counts out of differences to the bucket before, which begin anew with the negative buckets.
#[expect(clippy::cast_precision_loss, reason = "see `decode_whole`")]
fn absolute(buckets: &[Twice], positive: usize) -> Vec<f64> {
    let mut counts = Vec::with_capacity(buckets.len());
    for side in [&buckets[..positive], &buckets[positive..]] {
        let mut count = 0_i64;
        for bucket in side {
            count = count.wrapping_add(bucket.value);
            counts.push(count as f64);
        }
    }
    counts
}

/// Reads a chunk of histograms with counts of floats (Prometheus' `FloatHistogramChunk`).
pub(crate) fn decode_float(chunk: &[u8], mut sample: impl FnMut(Read)) -> Option<()> {
    let (samples, hint, mut reader) = head(chunk)?;
    let reader = &mut reader;
    if samples == 0 {
        return Some(());
    }
    let layout = Layout::read(hint, reader)?;
    let raw = |reader: &mut BitReader| Some(Xor::new(f64::from_bits(reader.bits(64)?)));
    let mut timestamp = Twice {
        value: reader.varbit_int()?,
        delta: 0,
    };
    let (mut count, mut zero_count, mut sum) = (raw(reader)?, raw(reader)?, raw(reader)?);
    let mut buckets = Vec::new();
    let all = count_of(&layout.positive) + count_of(&layout.negative);
    for index in 0..samples {
        if index > 0 {
            timestamp.read(reader)?;
            for value in [&mut count, &mut zero_count, &mut sum] {
                value.read(reader)?;
            }
        }
        if is_stale(sum.value()) {
            sample(Read::Stale(timestamp.value));
            continue;
        }
        if buckets.is_empty() {
            for _ in 0..all {
                buckets.push(raw(reader)?);
            }
        } else {
            for bucket in &mut buckets {
                bucket.read(reader)?;
            }
        }
        let histogram = layout.histogram(index, count.value(), zero_count.value(), sum.value());
        let histogram = layout.with_buckets(histogram, buckets.iter().map(Xor::value));
        sample(Read::Histogram(timestamp.value, histogram.into()));
    }
    Some(())
}

/// True when two histograms may stand in one chunk, the second right behind the first.
pub(crate) fn share_a_chunk(first: &Histogram, next: &Histogram) -> bool {
    let gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
    let falls = |first: f64, next: f64| next < first;
    let shrinks = |first: &Buckets, next: &Buckets| {
        let mut pairs = first.counts.iter().zip(&next.counts);
        pairs.any(|(first, next)| falls(*first, *next))
    };
    let same_layout = first.schema == next.schema
        && first.zero_threshold.to_bits() == next.zero_threshold.to_bits()
        && first.positive.spans == next.positive.spans
        && first.negative.spans == next.negative.spans
        && first.custom_values == next.custom_values
        && gauge(first) == gauge(next);
    // A counter that begins anew begins a chunk: behind the first sample, readers trust that there is no reset.
    let counts_on = gauge(next)
        || !(next.reset_hint == ResetHint::Reset
            || falls(first.count, next.count)
            || falls(first.zero_count, next.zero_count)
            || shrinks(&first.positive, &next.positive)
            || shrinks(&first.negative, &next.negative));
    same_layout && counts_on
}

/// Writes a chunk of histograms that [share one](share_a_chunk).
pub(crate) fn encode(samples: &[(i64, Arc<Histogram>)]) -> Vec<u8> {
    let count = u16::try_from(samples.len()).expect("a chunk has far fewer samples than 2^16");
    let [high, low] = count.to_be_bytes();
    let hint = match samples.first().map(|(_, histogram)| histogram.reset_hint) {
        Some(ResetHint::Gauge) => 0b1100_0000,
        Some(ResetHint::Reset) => 0b1000_0000,
        Some(ResetHint::NotReset) => 0b0100_0000,
        Some(ResetHint::Unknown) | None => 0,
    };
    let mut writer = BitWriter::behind(vec![high, low, hint]);
    let mut columns: Vec<Xor> = Vec::new();
    let (mut last, mut delta) = (0_i64, 0_i64);
    for (timestamp, histogram) in samples {
        let values = [histogram.count, histogram.zero_count, histogram.sum];
        let buckets = histogram
            .positive
            .counts
            .iter()
            .chain(&histogram.negative.counts);
        let values = values.into_iter().chain(buckets.copied());
        if columns.is_empty() {
            write_layout(histogram, &mut writer);
            writer.varbit_int(*timestamp);
            columns = values.map(Xor::new).collect();
            for column in &columns {
                writer.bits(column.value().to_bits(), 64);
            }
        } else {
            let now = timestamp.wrapping_sub(last);
            writer.varbit_int(now.wrapping_sub(delta));
            delta = now;
            for (column, value) in columns.iter_mut().zip(values) {
                column.write(value, &mut writer);
            }
        }
        last = *timestamp;
    }
    writer.into_bytes()
}

fn write_layout(histogram: &Histogram, writer: &mut BitWriter) {
    write_threshold(histogram.zero_threshold, writer);
    writer.varbit_int(i64::from(histogram.schema));
    write_spans(&histogram.positive.spans, writer);
    write_spans(&histogram.negative.spans, writer);
    if histogram.has_custom_buckets() {
        writer.varbit_uint(histogram.custom_values.len() as u64);
        for bound in &*histogram.custom_values {
            write_bound(*bound, writer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(spans: &[(i32, u32)], counts: &[f64]) -> Buckets {
        let spans = spans
            .iter()
            .map(|&(offset, length)| BucketSpan { offset, length });
        Buckets {
            spans: spans.collect(),
            counts: counts.to_vec(),
        }
    }

    /// Samples that share a chunk, growing.
    fn check(first: &Histogram) {
        let samples: Vec<(i64, Arc<Histogram>)> = (0..50_i32)
            .map(|step| {
                let mut next = first.clone();
                let more = f64::from(step);
                next.count += more;
                next.sum += more * 0.3;
                for side in [&mut next.positive, &mut next.negative] {
                    side.counts.iter_mut().for_each(|count| *count += more);
                }
                if step > 0 && next.reset_hint != ResetHint::Gauge {
                    next.reset_hint = ResetHint::NotReset;
                }
                (
                    i64::from(step) * 15_000 + i64::from(step % 3),
                    Arc::new(next),
                )
            })
            .collect();
        for pair in samples.windows(2) {
            assert!(share_a_chunk(&pair[0].1, &pair[1].1));
            assert_eq!(
                share_a_chunk(&pair[1].1, &pair[0].1),
                first.reset_hint == ResetHint::Gauge
            );
        }
        let chunk = encode(&samples);
        let mut found = Vec::new();
        let add = |read| match read {
            Read::Histogram(timestamp, histogram) => found.push((timestamp, histogram)),
            Read::Stale(_) => panic!("nothing is stale"),
        };
        decode_float(&chunk, add).unwrap();
        assert_eq!(found, samples);
    }

    #[test]
    fn histograms_come_back() {
        let plain = Histogram {
            schema: 3,
            zero_threshold: 2.0_f64.powi(-128),
            zero_count: 2.0,
            count: 12.5,
            sum: -0.0,
            positive: buckets(&[(-7, 2), (4, 1)], &[1.0, 2.0, 3.0]),
            negative: buckets(&[(0, 1)], &[4.5]),
            ..Histogram::default()
        };
        check(&plain);
        check(&Histogram {
            reset_hint: ResetHint::Gauge,
            zero_threshold: 0.1,
            ..plain.clone()
        });
        check(&Histogram {
            reset_hint: ResetHint::Reset,
            zero_threshold: 0.0,
            ..plain
        });
        check(&Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: 3.0,
            positive: buckets(&[(0, 3)], &[1.0, 1.0, 1.0]),
            custom_values: [0.005, 0.1, 1.0 / 3.0, 1e9].into(),
            ..Histogram::default()
        });
    }

    #[test]
    fn powers_of_two_take_a_byte() {
        for (threshold, bytes) in [(0.0, 1), (2.0_f64.powi(-128), 1), (1024.0, 1), (0.1, 9)] {
            let mut writer = BitWriter::default();
            write_threshold(threshold, &mut writer);
            let written = writer.into_bytes();
            assert_eq!(written.len(), bytes);
            assert_eq!(
                read_threshold(&mut BitReader::new(&written)),
                Some(threshold)
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = decode_whole(&bytes, |_| {});
            let _ = decode_float(&bytes, |_| {});
        }
    }
}
