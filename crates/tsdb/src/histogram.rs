//! Native histograms to bytes and back.
//!
//! One histogram after the other: the layout of buckets is written when it changes, counts are differences to those
//! of the histogram before where both are whole numbers. `docs/storage.md` draws it.

use std::sync::Arc;

use stonechat_model::{BucketSpan, Buckets, Histogram, ResetHint};

use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};

const HINTS: [ResetHint; 4] = [
    ResetHint::Unknown,
    ResetHint::Reset,
    ResetHint::NotReset,
    ResetHint::Gauge,
];

/// The layout is that of the histogram before.
const SAME_LAYOUT: u8 = 4;

/// All counts are whole numbers.
const WHOLE: u8 = 8;

/// The most spans, counts or bounds of one histogram.
const PARTS_MAX: u64 = 1 << 16;

/// Whole counts are below this.
const WHOLE_MAX: f64 = 4_503_599_627_370_496.0;

/// Appends a histogram behind `last`.
pub(crate) fn put_histogram(bytes: &mut Vec<u8>, histogram: &Histogram, last: Option<&Histogram>) {
    let last = last.filter(|last| same_layout(histogram, last));
    let whole =
        counts(histogram).all(is_whole) && last.is_none_or(|last| counts(last).all(is_whole));
    let hint = HINTS.iter().position(|hint| *hint == histogram.reset_hint);
    let mut flags = hint.unwrap_or(0) as u8;
    flags |= if last.is_some() { SAME_LAYOUT } else { 0 };
    flags |= if whole { WHOLE } else { 0 };
    bytes.push(flags);
    if last.is_none() {
        put_layout(bytes, histogram);
    }
    bytes.extend(histogram.sum.to_le_bytes());
    let mut before = last.into_iter().flat_map(counts);
    for count in counts(histogram) {
        let before = before.next().unwrap_or(0.0);
        if whole {
            put_varint(bytes, zigzag(count as i64 - before as i64));
        } else {
            bytes.extend(count.to_le_bytes());
        }
    }
}

/// Takes the histogram that was put behind `last`.
pub(crate) fn take_histogram(
    cursor: &mut Cursor<'_>,
    last: Option<&Histogram>,
) -> Option<Histogram> {
    let flags = cursor.byte()?;
    let last = if flags & SAME_LAYOUT == 0 {
        None
    } else {
        Some(last?)
    };
    let mut histogram = match last {
        Some(last) => last.clone(),
        None => take_layout(cursor)?,
    };
    histogram.reset_hint = HINTS[usize::from(flags & 3)];
    histogram.sum = f64::from_bits(cursor.i64()?.cast_unsigned());
    let mut take = |count: &mut f64| {
        *count = if flags & WHOLE == 0 {
            f64::from_bits(cursor.i64()?.cast_unsigned())
        } else {
            (*count as i64).wrapping_add(unzigzag(cursor.varint()?)) as f64
        };
        Some(())
    };
    take(&mut histogram.count)?;
    take(&mut histogram.zero_count)?;
    let positive = histogram.positive.counts.iter_mut();
    for count in positive.chain(&mut histogram.negative.counts) {
        take(count)?;
    }
    Some(histogram)
}

/// A number that stands for a histogram when two are compared.
pub(crate) fn fingerprint(histogram: &Histogram) -> u64 {
    let mut bytes = Vec::new();
    put_histogram(&mut bytes, histogram, None);
    u64::from(crc32fast::hash(&bytes)) << 32 | bytes.len() as u64
}

fn counts(histogram: &Histogram) -> impl Iterator<Item = f64> {
    let buckets = histogram
        .positive
        .counts
        .iter()
        .chain(&histogram.negative.counts);
    [histogram.count, histogram.zero_count]
        .into_iter()
        .chain(buckets.copied())
}

fn is_whole(count: f64) -> bool {
    count.abs() < WHOLE_MAX && (count as i64 as f64).to_bits() == count.to_bits()
}

fn same_layout(one: &Histogram, other: &Histogram) -> bool {
    let bits = |bounds: &[f64]| {
        bounds
            .iter()
            .map(|bound| bound.to_bits())
            .collect::<Vec<_>>()
    };
    one.schema == other.schema
        && one.zero_threshold.to_bits() == other.zero_threshold.to_bits()
        && one.positive.spans == other.positive.spans
        && one.negative.spans == other.negative.spans
        && one.positive.counts.len() == other.positive.counts.len()
        && one.negative.counts.len() == other.negative.counts.len()
        && (Arc::ptr_eq(&one.custom_values, &other.custom_values)
            || bits(&one.custom_values) == bits(&other.custom_values))
}

fn put_layout(bytes: &mut Vec<u8>, histogram: &Histogram) {
    put_varint(bytes, zigzag(histogram.schema.into()));
    bytes.extend(histogram.zero_threshold.to_le_bytes());
    for buckets in [&histogram.positive, &histogram.negative] {
        put_varint(bytes, buckets.spans.len() as u64);
        for span in &buckets.spans {
            put_varint(bytes, zigzag(span.offset.into()));
            put_varint(bytes, span.length.into());
        }
        put_varint(bytes, buckets.counts.len() as u64);
    }
    put_varint(bytes, histogram.custom_values.len() as u64);
    for bound in histogram.custom_values.iter() {
        bytes.extend(bound.to_le_bytes());
    }
}

fn take_layout(cursor: &mut Cursor<'_>) -> Option<Histogram> {
    let few = |count: u64| (count <= PARTS_MAX).then_some(count);
    let mut histogram = Histogram {
        schema: i32::try_from(unzigzag(cursor.varint()?)).ok()?,
        zero_threshold: f64::from_bits(cursor.i64()?.cast_unsigned()),
        ..Histogram::default()
    };
    for buckets in [&mut histogram.positive, &mut histogram.negative] {
        *buckets = Buckets::default();
        for _ in 0..few(cursor.varint()?)? {
            buckets.spans.push(BucketSpan {
                offset: i32::try_from(unzigzag(cursor.varint()?)).ok()?,
                length: u32::try_from(cursor.varint()?).ok()?,
            });
        }
        buckets.counts = vec![0.0; few(cursor.varint()?)? as usize];
    }
    let bounds: Option<Vec<f64>> = (0..few(cursor.varint()?)?)
        .map(|_| Some(f64::from_bits(cursor.i64()?.cast_unsigned())))
        .collect();
    histogram.custom_values = bounds?.into();
    Some(histogram)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_count() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (0_u32..1000).prop_map(f64::from),
            1 => (0_u32..1000).prop_map(|count| f64::from(count) / 3.0),
            1 => any::<u64>().prop_map(f64::from_bits),
        ]
    }

    fn any_buckets() -> impl Strategy<Value = Buckets> {
        let counts = proptest::collection::vec(any_count(), 0..5);
        (counts, -3_i32..3).prop_map(|(counts, offset)| Buckets {
            spans: vec![BucketSpan {
                offset,
                length: counts.len() as u32,
            }],
            counts,
        })
    }

    fn any_histogram() -> impl Strategy<Value = Histogram> {
        let numbers = (any_count(), any_count(), any_count(), -4_i32..9, 0_usize..4);
        let bounds = proptest::collection::vec(any_count(), 0..3);
        (numbers, any_buckets(), any_buckets(), bounds).prop_map(
            |((count, zero_count, sum, schema, hint), positive, negative, bounds)| Histogram {
                reset_hint: HINTS[hint],
                schema,
                zero_threshold: 0.001,
                zero_count,
                count,
                sum,
                positive,
                negative,
                custom_values: bounds.into(),
            },
        )
    }

    fn bytes_of(histogram: &Histogram) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_histogram(&mut bytes, histogram, None);
        bytes
    }

    proptest! {
        #[test]
        fn histograms_come_back(histograms in proptest::collection::vec(any_histogram(), 1..6)) {
            let mut bytes = Vec::new();
            let mut last = None;
            for histogram in &histograms {
                put_histogram(&mut bytes, histogram, last);
                last = Some(histogram);
            }
            let mut cursor = Cursor(&bytes);
            let mut last: Option<Histogram> = None;
            for histogram in &histograms {
                let read = take_histogram(&mut cursor, last.as_ref()).unwrap();
                prop_assert_eq!(bytes_of(&read), bytes_of(histogram));
                last = Some(read);
            }
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = take_histogram(&mut Cursor(&bytes), None);
        }
    }
}
