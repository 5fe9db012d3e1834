//! The protobuf format, read back with messages that know only what is looked at.

use std::sync::atomic::{AtomicBool, Ordering};

use prost::Message;
use stonechat_metrics::{Registry, TraceId};

#[derive(Clone, PartialEq, Message)]
struct Family {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<Label>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(sint64, repeated, tag = "10")]
    negative_delta: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<Span>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    bound: f64,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<Label>,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

fn families(registry: &Registry) -> Vec<Family> {
    let bytes = registry.encode_protobuf();
    let mut rest = bytes.as_slice();
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(Family::decode_length_delimited(&mut rest).unwrap());
    }
    families
}

#[test]
fn counters_and_gauges_come_back() {
    let builder = Registry::builder().process(false).runtime(false);
    let registry = builder.constant_label("zone", "eu").build().unwrap();
    let sent = registry.counter("sent_bytes_total", "Sent.").unit("bytes");
    let sent = sent.labels(["peer"]).register().unwrap();
    sent.inc_by(["b"], 3);
    sent.inc(["a"]);
    registry
        .gauge("online", "Online.")
        .register()
        .unwrap()
        .set(-2.5);
    registry
        .gauge("empty", "Empty.")
        .labels(["a"])
        .register()
        .unwrap();
    let families = families(&registry);
    let names: Vec<(&str, i32)> = families
        .iter()
        .map(|family| (family.name.as_str(), family.kind))
        .collect();
    let limited = ("stonechat_series_limited_total", 0);
    assert_eq!(names, [("online", 1), ("sent_bytes_total", 0), limited]);
    assert_eq!(families[0].metric[0].gauge.as_ref().unwrap().value, -2.5);
    assert_eq!((&*families[1].help, &*families[1].unit), ("Sent.", "bytes"));
    let sent: Vec<(Vec<(&str, &str)>, f64)> = families[1]
        .metric
        .iter()
        .map(|metric| {
            let labels = metric.label.iter();
            let labels = labels.map(|label| (&*label.name, &*label.value));
            (labels.collect(), metric.counter.as_ref().unwrap().value)
        })
        .collect();
    let labels = |peer| vec![("zone", "eu"), ("peer", peer)];
    assert_eq!(sent, [(labels("a"), 1.0), (labels("b"), 3.0)]);
}

#[test]
fn a_native_histogram_is_beside_the_classic_one() {
    let builder = Registry::builder().process(false).runtime(false);
    let builder = builder.trace_ids(|| Some(TraceId(0xfeed)));
    let registry = builder.build().unwrap();
    let wait = registry
        .histogram("wait_seconds", "Waiting.")
        .unit("seconds");
    let wait = wait.buckets([1.0, 2.0]).native(100).register().unwrap();
    for value in [0.0, 1.0, 1.0, 2.0, 1000.0, -1.0] {
        wait.observe(value);
    }
    let families = families(&registry);
    let histogram = families[0].metric[0].histogram.as_ref().unwrap();
    assert_eq!(
        (families[0].kind, histogram.count, histogram.sum),
        (4, 6, 1003.0)
    );
    let buckets: Vec<(u64, f64)> = histogram
        .bucket
        .iter()
        .map(|one| (one.count, one.bound))
        .collect();
    assert_eq!(buckets, [(4, 1.0), (5, 2.0), (6, f64::INFINITY)]);
    let exemplar = histogram.bucket[2].exemplar.as_ref().unwrap();
    assert_eq!(
        (exemplar.value, &*exemplar.label[0].name),
        (1000.0, "trace_id")
    );
    assert_eq!((histogram.schema, histogram.zero_count), (Some(3), Some(1)));
    // 1 is in bucket 0, 2 in bucket 8, 1000 in bucket 80: 2^(80/8) = 1024.
    let spans: Vec<(i32, u32)> = histogram
        .positive_span
        .iter()
        .map(|span| (span.offset, span.length))
        .collect();
    assert_eq!(spans, [(0, 1), (7, 1), (71, 1)]);
    assert_eq!(histogram.positive_delta, [2, -1, 0]);
    assert_eq!(histogram.negative_delta, [1]);
}

#[test]
fn buckets_side_by_side_are_one_span() {
    let registry = Registry::bare();
    let histogram = registry.histogram("h", "H.").native(100);
    let histogram = histogram.register().unwrap();
    for (exponent, times) in [(-3, 2), (-2, 5), (0, 1), (7, 1), (8, 4)] {
        for _ in 0..times {
            // Bucket i ends with 2^(i/8).
            histogram.observe((f64::from(exponent) / 8.0).exp2());
            histogram.observe(-(f64::from(exponent) / 8.0).exp2());
        }
    }
    let families = families(&registry);
    let histogram = families[0].metric[0].histogram.as_ref().unwrap();
    let spans = histogram.positive_span.iter();
    let spans: Vec<(i32, u32)> = spans.map(|span| (span.offset, span.length)).collect();
    assert_eq!(spans, [(-3, 2), (1, 1), (6, 2)]);
    assert_eq!(histogram.positive_delta, [2, 3, -4, 0, 3]);
    assert_eq!(histogram.negative_delta, [2, 3, -4, 0, 3]);
}

/// Prometheus refuses a histogram whose count is not that of its buckets.
#[test]
fn both_kinds_of_buckets_agree_while_others_observe() {
    let registry = Registry::bare();
    let histogram = registry.histogram("h", "H.").buckets([1.0]).native(100);
    let histogram = histogram.register().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    histogram.observe(2.0);
                }
            });
        }
        for _ in 0..500 {
            let families = families(&registry);
            let histogram = families[0].metric[0].histogram.as_ref().unwrap();
            let native: i64 = histogram.positive_delta.iter().sum();
            assert_eq!(histogram.count, native.cast_unsigned());
            assert_eq!(histogram.count, histogram.bucket[1].count);
            assert_eq!(histogram.sum, 2.0 * histogram.count as f64);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_native_histogram_without_observations_is_one_all_the_same() {
    let registry = Registry::bare();
    let histogram = registry.histogram("h", "H.").native(10);
    histogram.register().unwrap();
    let families = families(&registry);
    let histogram = families[0].metric[0].histogram.as_ref().unwrap();
    assert_eq!(histogram.schema, Some(3));
    assert_eq!(histogram.positive_span.len(), 1);
}
