//! Requests of remote write 1.0, written.

use stonechat_model::{Buckets, Columns, Histogram, Labels, ResetHint};

/// Writes one request. Series and samples go in, a body as it is sent comes out.
#[derive(Debug, Default)]
pub struct RequestWriter {
    message: Vec<u8>,
    samples: usize,
}

impl RequestWriter {
    /// Adds samples of a series: floats and histograms, each in order of time.
    pub fn add(&mut self, labels: &Labels, columns: &Columns) {
        self.samples += columns.len();
        message(1, &mut self.message, |series| {
            for (name, value) in labels.iter() {
                message(1, series, |label| {
                    bytes(1, name.as_bytes(), label);
                    bytes(2, value.as_bytes(), label);
                });
            }
            for (at, value) in columns.timestamps.iter().zip(&columns.values) {
                message(2, series, |sample| {
                    double(1, *value, sample);
                    whole(2, at.cast_unsigned(), sample);
                });
            }
            for (at, histogram) in &columns.histograms {
                message(4, series, |out| write_histogram(*at, histogram, out));
            }
        });
    }

    /// Number of samples so far.
    #[must_use]
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// The body in snappy, and an empty writer again. `None` when nothing was added.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        if self.message.is_empty() {
            return None;
        }
        self.samples = 0;
        let message = std::mem::take(&mut self.message);
        // Fails only for messages of 4 GiB.
        snap::raw::Encoder::new().compress_vec(&message).ok()
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn whole(number: u64, value: u64, out: &mut Vec<u8>) {
    varint(number << 3, out);
    varint(value, out);
}

fn zigzag(number: u64, value: i32, out: &mut Vec<u8>) {
    let value = i64::from(value);
    whole(number, (value << 1 ^ value >> 63).cast_unsigned(), out);
}

fn double(number: u64, value: f64, out: &mut Vec<u8>) {
    varint(number << 3 | 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

fn bytes(number: u64, content: &[u8], out: &mut Vec<u8>) {
    varint(number << 3 | 2, out);
    varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn message(number: u64, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    write(&mut content);
    bytes(number, &content, out);
}

fn doubles(number: u64, values: &[f64], out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let values: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    bytes(number, &values, out);
}

/// With counts of floats, which hold all that the model has.
fn write_histogram(at: i64, histogram: &Histogram, out: &mut Vec<u8>) {
    double(2, histogram.count, out);
    double(3, histogram.sum, out);
    zigzag(4, histogram.schema, out);
    double(5, histogram.zero_threshold, out);
    double(7, histogram.zero_count, out);
    write_buckets(8, &histogram.negative, out);
    write_buckets(11, &histogram.positive, out);
    let hint = match histogram.reset_hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    whole(14, hint, out);
    whole(15, at.cast_unsigned(), out);
    doubles(16, &histogram.custom_values, out);
}

/// Spans, and behind the number that differences have, the counts.
fn write_buckets(spans: u64, buckets: &Buckets, out: &mut Vec<u8>) {
    for span in &buckets.spans {
        message(spans, out, |out| {
            zigzag(1, span.offset, out);
            whole(2, span.length.into(), out);
        });
    }
    doubles(spans + 2, &buckets.counts, out);
}
