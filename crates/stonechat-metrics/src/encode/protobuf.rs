//! The protobuf format: a delimited `io.prometheus.client.MetricFamily` for each family, which is
//! the only format with native histograms.
//!
//! The fields are written out by hand, straight from what is shown: messages as structs would be made anew for each
//! series at each scrape, and a build script would run in every application that takes this crate.

mod wire; // fields of messages

use std::io::Write;

use crate::desc::{Desc, Kind};
use crate::family::{LabelValues, View};
use crate::metric::{Exemplar, HistogramReading, NativeReading, Reading, ZERO_THRESHOLD};
use crate::registry::{Reader, Registry};
use wire::{close, double, int, message, open, signed, text, whole};

/// The value of the header `Content-Type`.
pub const CONTENT_TYPE: &str = "application/vnd.google.protobuf; \
                                proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Writes all families of the registry behind what is in `out`.
pub fn encode(registry: &Registry, reader: Reader, out: &mut Vec<u8>) {
    let scrape = registry.scrape(reader).with_native();
    for shown in &scrape.families {
        let desc = shown.source.desc();
        let constant = shown.owner.constant_labels();
        let mut family = None;
        scrape.visit(shown, &mut |view| {
            if family.is_none() {
                family = Some(open(out));
                head(desc, out);
            }
            message(4, out, |out| series(desc, constant, &view, out));
        });
        if let Some(family) = family {
            close(family, out);
        }
    }
}

/// A `MetricFamily` but for its metrics.
fn head(desc: &Desc, out: &mut Vec<u8>) {
    text(1, &desc.name, out);
    text(2, &desc.help, out);
    let kind = match desc.kind {
        Kind::Counter => 0,
        Kind::Gauge => 1,
        Kind::Histogram => 4,
    };
    whole(3, kind, out);
    if !desc.unit.is_empty() {
        text(5, &desc.unit, out);
    }
}

/// A `Metric`.
fn series(desc: &Desc, constant: &[(String, String)], view: &View<'_>, out: &mut Vec<u8>) {
    labels(desc, constant, view.values, out);
    match view.reading {
        Reading::Histogram(reading) => message(7, out, |out| histogram(desc, reading, out)),
        Reading::Number(value) => {
            let field = if desc.kind == Kind::Counter { 3 } else { 2 };
            message(field, out, |out| double(1, value, out));
        }
    }
}

fn labels(desc: &Desc, constant: &[(String, String)], values: &LabelValues, out: &mut Vec<u8>) {
    for (name, value) in constant {
        label(name, value, out);
    }
    for (name, value) in desc.label_names.iter().zip(values.iter()) {
        label(name, value, out);
    }
}

/// A `LabelPair` of a `Metric`.
fn label(name: &str, value: &str, out: &mut Vec<u8>) {
    message(1, out, |out| {
        text(1, name, out);
        text(2, value, out);
    });
}

/// A `Histogram`; both kinds of its buckets were read at one moment, and so have one count.
fn histogram(desc: &Desc, reading: &HistogramReading, out: &mut Vec<u8>) {
    whole(1, reading.counts.iter().sum(), out);
    double(2, reading.sum, out);
    let bounds = desc.buckets.iter().copied().chain([f64::INFINITY]);
    let mut below = 0;
    for (bucket, (count, bound)) in reading.counts.iter().zip(bounds).enumerate() {
        below += count;
        message(3, out, |out| {
            whole(1, below, out);
            double(2, bound, out);
            if let Some(found) = reading.exemplar(bucket) {
                message(3, out, |out| exemplar(found, out));
            }
        });
    }
    if let Some(found) = reading.native() {
        native(found, out);
    }
}

/// The native part of a `Histogram`.
fn native(native: &NativeReading, out: &mut Vec<u8>) {
    int(5, native.schema.into(), out);
    double(6, ZERO_THRESHOLD, out);
    whole(7, native.zero, out);
    side(9, &native.negative, out);
    if native.positive.is_empty() && native.negative.is_empty() {
        // A span without buckets says that this is a native histogram all the same.
        message(12, out, |_| ());
    }
    side(12, &native.positive, out);
}

/// The buckets of one sign: those side by side are a span, and in the field behind the spans are their counts, each as the
/// difference to the one before.
fn side(field: u32, buckets: &[(i32, u64)], out: &mut Vec<u8>) {
    if buckets.is_empty() {
        return;
    }
    let mut next = 0;
    for span in buckets.chunk_by(|(left, _), (right, _)| left + 1 == *right) {
        let first = span[0].0;
        let length = span.len();
        message(field, out, |out| {
            int(1, i64::from(first - next), out);
            whole(2, length as u64, out);
        });
        next = first + length as i32;
    }
    message(field + 1, out, |out| {
        let mut before = 0;
        for (_, count) in buckets {
            let count = *count as i64;
            signed(count - before, out);
            before = count;
        }
    });
}

/// An `Exemplar`.
fn exemplar(exemplar: &Exemplar, out: &mut Vec<u8>) {
    message(1, out, |out| {
        text(1, "trace_id", out);
        message(2, out, |out| {
            // A vector takes everything that is written to it.
            let _ = write!(out, "{}", exemplar.trace);
        });
    });
    double(2, exemplar.value, out);
    let seconds = exemplar.at.floor();
    message(3, out, |out| {
        whole(1, seconds as u64, out);
        whole(2, ((exemplar.at - seconds) * 1e9) as u64, out);
    });
}
