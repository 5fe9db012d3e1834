//! The protobuf format: a delimited `io.prometheus.client.MetricFamily` for each family, which is
//! the only format with native histograms.
//!
//! The messages are written out here because a build script would make every application that
//! takes this crate run one.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use crate::desc::{Desc, Kind};
use crate::family::{LabelValues, View};
use crate::metric::{self, HistogramReading, NativeReading, Reading, ZERO_THRESHOLD};
use crate::registry::{Reader, Registry};

/// The value of the header `Content-Type`.
pub const CONTENT_TYPE: &str = "application/vnd.google.protobuf; \
                                proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Writes all families of the registry behind what is in `out`.
pub fn encode(registry: &Registry, reader: Reader, out: &mut Vec<u8>) {
    let scrape = registry.scrape(reader);
    let mut body = Vec::new();
    for shown in &scrape.families {
        let desc = shown.source.desc();
        let constant = shown.owner.constant_labels();
        body.clear();
        scrape.visit(shown, &mut |view| {
            if body.is_empty() {
                encode_part(&head(desc), None, &mut body);
            }
            encode_part(&series(desc, constant, &view), Some(METRIC_TAG), &mut body);
        });
        if !body.is_empty() {
            encode_varint(body.len() as u64, out);
            out.extend_from_slice(&body);
        }
    }
}

/// The number of the field `metric` in a `MetricFamily`, which is written one metric at a time, so
/// that a large family is in memory only once.
const METRIC_TAG: u32 = 4;

fn encode_part(message: &impl Message, tag: Option<u32>, out: &mut Vec<u8>) {
    let length = message.encoded_len();
    if let Some(tag) = tag {
        encode_key(tag, WireType::LengthDelimited, out);
        encode_varint(length as u64, out);
        out.reserve(length + encoded_len_varint(length as u64));
    }
    message.encode_raw(out);
}

fn head(desc: &Desc) -> FamilyHead {
    FamilyHead {
        name: desc.name.clone(),
        help: desc.help.clone(),
        kind: match desc.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        },
        unit: desc.unit.clone(),
    }
}

fn series(desc: &Desc, constant: &[(String, String)], view: &View<'_>) -> Metric {
    let mut metric = Metric {
        label: labels(desc, constant, view.values),
        ..Metric::default()
    };
    match view.reading {
        Reading::Histogram(histogram) => metric.histogram = Some(histogram_of(desc, histogram)),
        Reading::Number(value) if desc.kind == Kind::Counter => {
            metric.counter = Some(Number { value });
        }
        Reading::Number(value) => metric.gauge = Some(Number { value }),
    }
    metric
}

fn labels(desc: &Desc, constant: &[(String, String)], values: &LabelValues) -> Vec<LabelPair> {
    let constant = constant
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let own = desc
        .label_names
        .iter()
        .map(String::as_str)
        .zip(values.iter());
    let pair = |(name, value): (&str, &str)| LabelPair {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    constant.chain(own).map(pair).collect()
}

fn histogram_of(desc: &Desc, reading: &HistogramReading) -> Histogram {
    let mut below = 0;
    let bounds = desc.buckets.iter().copied().chain([f64::INFINITY]);
    let bucket = |(index, (count, bound)): (usize, (&u64, f64))| {
        below += count;
        Bucket {
            cumulative_count: below,
            upper_bound: bound,
            exemplar: reading.exemplar(index).map(exemplar),
        }
    };
    let bucket = reading.counts.iter().zip(bounds).enumerate().map(bucket);
    let mut histogram = Histogram {
        bucket: bucket.collect(),
        sample_count: below,
        sample_sum: reading.sum,
        ..Histogram::default()
    };
    if let Some(native) = &reading.native {
        add_native(&mut histogram, native);
    }
    histogram
}

/// Adds the native buckets; count and sum are theirs then, as they were read at one moment.
fn add_native(histogram: &mut Histogram, native: &NativeReading) {
    let count = |side: &[(i32, u64)]| side.iter().map(|(_, count)| count).sum::<u64>();
    histogram.sample_count = native.zero + count(&native.positive) + count(&native.negative);
    histogram.sample_sum = native.sum;
    histogram.schema = Some(native.schema);
    histogram.zero_threshold = Some(ZERO_THRESHOLD);
    histogram.zero_count = Some(native.zero);
    (histogram.positive_span, histogram.positive_delta) = spans(&native.positive);
    (histogram.negative_span, histogram.negative_delta) = spans(&native.negative);
    if histogram.positive_span.is_empty() && histogram.negative_span.is_empty() {
        // A span without buckets says that this is a native histogram all the same.
        histogram.positive_span.push(BucketSpan {
            offset: 0,
            length: 0,
        });
    }
}

/// Buckets side by side become a span; counts become differences to the one before.
fn spans(buckets: &[(i32, u64)]) -> (Vec<BucketSpan>, Vec<i64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut deltas = Vec::with_capacity(buckets.len());
    let (mut next, mut before) = (0, 0);
    for (index, count) in buckets {
        match spans.last_mut() {
            Some(span) if *index == next => span.length += 1,
            _ => spans.push(BucketSpan {
                offset: index - next,
                length: 1,
            }),
        }
        next = index + 1;
        deltas.push(*count as i64 - before);
        before = *count as i64;
    }
    (spans, deltas)
}

fn exemplar(exemplar: &metric::Exemplar) -> Exemplar {
    let seconds = exemplar.at.floor();
    Exemplar {
        label: vec![LabelPair {
            name: "trace_id".to_owned(),
            value: exemplar.trace.to_string(),
        }],
        value: exemplar.value,
        timestamp: Some(Timestamp {
            seconds: seconds as i64,
            nanos: ((exemplar.at - seconds) * 1e9) as i32,
        }),
    }
}

/// A `MetricFamily` but for its metrics.
#[derive(Clone, PartialEq, Message)]
struct FamilyHead {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// A `Gauge` or a `Counter`.
#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, tag = "1")]
    sample_count: u64,
    #[prost(double, tag = "2")]
    sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "9")]
    negative_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "10")]
    negative_delta: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, tag = "1")]
    cumulative_count: u64,
    #[prost(double, tag = "2")]
    upper_bound: f64,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct BucketSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_side_by_side_are_one_span() {
        let span = |offset, length| BucketSpan { offset, length };
        let (spans, deltas) = spans(&[(-3, 2), (-2, 5), (0, 1), (7, 1), (8, 4)]);
        assert_eq!(spans, [span(-3, 2), span(1, 1), span(6, 2)]);
        assert_eq!(deltas, [2, 3, -4, 0, 3]);
    }
}
