//! Query results as text. Written by hand: a long range query is mostly numbers, and each is written once, straight into
//! the answer.

use std::fmt::Write as _;

use stonechat_model::{Columns, Histogram, Labels, Timestamp, format_float};
use stonechat_promql::{Point, Value};

/// The `data` of a query's answer. `at` is the time that a text gets, which has none of its own.
pub(crate) fn value(value: &Value, at: Timestamp) -> String {
    let mut text = format!(
        r#"{{"resultType":"{}","result":"#,
        value.value_type().api_name()
    );
    match value {
        Value::Scalar(number) => point(&mut text, *number),
        Value::String(string) => {
            text.push('[');
            seconds(&mut text, at);
            text.push(',');
            quoted(&mut text, string);
            text.push(']');
        }
        Value::Vector(samples) => list(&mut text, samples, |text, sample| {
            text.push_str(r#"{"metric":"#);
            labels(text, &sample.labels);
            match &sample.histogram {
                Some(histogram) => {
                    text.push_str(r#","histogram":"#);
                    histogram_point(text, sample.point.timestamp, histogram);
                }
                None => {
                    text.push_str(r#","value":"#);
                    point(text, sample.point);
                }
            }
            text.push('}');
        }),
        Value::Matrix(all) => list(&mut text, all, |text, series| {
            text.push_str(r#"{"metric":"#);
            labels(text, &series.labels);
            if !series.points.timestamps.is_empty() {
                text.push_str(r#","values":"#);
                points(text, &series.points);
            }
            if !series.points.histograms.is_empty() {
                text.push_str(r#","histograms":"#);
                list(
                    text,
                    &series.points.histograms,
                    |text, (time, histogram)| {
                        histogram_point(text, Timestamp::from_millis(*time), histogram);
                    },
                );
            }
            text.push('}');
        }),
    }
    text.push('}');
    text
}

fn list<T>(text: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

fn points(text: &mut String, columns: &Columns) {
    text.push('[');
    for (index, (&timestamp, &value)) in columns.timestamps.iter().zip(&columns.values).enumerate()
    {
        if index > 0 {
            text.push(',');
        }
        point(
            text,
            Point {
                timestamp: Timestamp::from_millis(timestamp),
                value,
            },
        );
    }
    text.push(']');
}

/// `[1435781430.781,"1"]`
fn point(text: &mut String, point: Point) {
    text.push('[');
    seconds(text, point.timestamp);
    text.push_str(",\"");
    float(text, point.value);
    text.push_str("\"]");
}

/// `[1435781430.781,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}]`, without the empty buckets.
/// Source: `MarshalHistogram` in `util/jsonutil/marshal.go`.
fn histogram_point(text: &mut String, timestamp: Timestamp, histogram: &Histogram) {
    text.push('[');
    seconds(text, timestamp);
    text.push_str(r#",{"count":""#);
    float(text, histogram.count);
    text.push_str(r#"","sum":""#);
    float(text, histogram.sum);
    text.push('"');
    let mut buckets = histogram.buckets();
    buckets.retain(|bucket| bucket.count != 0.0);
    if !buckets.is_empty() {
        text.push_str(r#","buckets":"#);
        list(text, &buckets, |text, bucket| {
            let inclusive = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => "[0",
                (true, false) => "[1",
                (false, false) => "[2",
                (true, true) => "[3",
            };
            text.push_str(inclusive);
            for value in [bucket.lower, bucket.upper, bucket.count] {
                text.push_str(",\"");
                float(text, value);
                text.push('"');
            }
            text.push(']');
        });
    }
    text.push_str("}]");
}

/// Below this, whole numbers are exact, and the shortest digits are written without an exponent.
const WHOLE_MAX: f64 = 9e15;

/// A value as Prometheus' API writes it: with an exponent below 1e-6 and from 1e21 on.
/// Source: `MarshalFloat` in `util/jsonutil/marshal.go`.
fn float(text: &mut String, value: f64) {
    let size = value.abs();
    // Most values are whole; below 2⁵³ each of them is exact.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "whole numbers of this size are not changed by it"
    )]
    if size < WHOLE_MAX && value.trunc() == value && (value != 0.0 || value.is_sign_positive()) {
        text.push_str(itoa::Buffer::new().format(value as i64));
        return;
    }
    if (1e-4..WHOLE_MAX).contains(&size) {
        text.push_str(zmij::Buffer::new().format_finite(value));
        return;
    }
    if !value.is_finite() || size == 0.0 || (1e-6..1e21).contains(&size) {
        text.push_str(&format_float(value));
        return;
    }
    let written = format!("{value:e}");
    let (digits, power) = written.split_once('e').unwrap_or((&written, "0"));
    let (sign, power) = power
        .strip_prefix('-')
        .map_or(('+', power), |power| ('-', power));
    // Writing to a String cannot fail.
    let _ = write!(text, "{digits}e{sign}{power:0>2}");
}

/// Seconds with as many decimals as the milliseconds need.
fn seconds(text: &mut String, timestamp: Timestamp) {
    let millis = timestamp.millis();
    if millis < 0 {
        text.push('-');
    }
    let (whole, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    text.push_str(itoa::Buffer::new().format(whole));
    if rest > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, ".{rest:03}");
    }
}

fn labels(text: &mut String, labels: &Labels) {
    text.push('{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        quoted(text, name);
        text.push(':');
        quoted(text, value);
    }
    text.push('}');
}

/// A JSON string.
fn quoted(text: &mut String, string: &str) {
    text.push('"');
    let mut rest = string;
    // What has to be escaped is rare, and one byte each.
    while let Some(place) = rest
        .bytes()
        .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        text.push_str(&rest[..place]);
        match rest.as_bytes()[place] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{control:04x}");
            }
        }
        rest = &rest[place + 1..];
    }
    text.push_str(rest);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stonechat_model::{BucketSpan, Buckets};
    use stonechat_promql::{Sample, Series};

    use super::*;

    fn at(millis: i64, value: f64) -> Point {
        Point {
            timestamp: Timestamp::from_millis(millis),
            value,
        }
    }

    fn histogram() -> Arc<Histogram> {
        Arc::new(Histogram {
            count: 4.0,
            sum: 2.5,
            zero_threshold: 0.001,
            zero_count: 1.0,
            positive: Buckets {
                spans: vec![BucketSpan {
                    offset: 1,
                    length: 2,
                }],
                counts: vec![2.0, 0.0],
            },
            negative: Buckets {
                spans: vec![BucketSpan {
                    offset: 0,
                    length: 1,
                }],
                counts: vec![1.0],
            },
            ..Histogram::default()
        })
    }

    #[test]
    fn histograms_are_written_bucket_by_bucket() {
        let sample = Sample {
            labels: Labels::default(),
            point: at(1000, 0.0),
            histogram: Some(histogram()),
        };
        let series = Series {
            labels: Labels::default(),
            points: Columns {
                timestamps: vec![0],
                values: vec![1.0],
                histograms: vec![(1500, histogram())],
                ..Columns::default()
            },
        };
        let written = r#"{"count":"4","sum":"2.5","buckets":[[1,"-1","-0.5","1"],[3,"-0.001","0.001","1"],[0,"1","2","2"]]}"#;
        for (input, result) in [
            (
                Value::Vector(vec![sample]),
                format!(r#"vector","result":[{{"metric":{{}},"histogram":[1,{written}]}}]"#),
            ),
            (
                Value::Matrix(vec![series]),
                format!(
                    r#"matrix","result":[{{"metric":{{}},"values":[[0,"1"]],"histograms":[[1.500,{written}]]}}]"#
                ),
            ),
        ] {
            let text = value(&input, Timestamp::from_millis(0));
            assert_eq!(text, format!(r#"{{"resultType":"{result}}}"#));
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }

    #[test]
    fn floats_have_the_shortest_digits() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut numbers = vec![
            -0.0,
            0.0,
            0.1,
            9e15,
            9e15 - 1.0,
            -9e15,
            8.5e15,
            1e-4,
            0.000_123,
        ];
        for _ in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let exponent = 1023 - 20 + random % 80;
            numbers.push(f64::from_bits(random << 12 >> 12 | exponent << 52));
            numbers.push(-((random >> 12) as f64) / 1000.0);
        }
        for number in numbers {
            let size = number.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) {
                continue;
            }
            let mut text = String::new();
            float(&mut text, number);
            assert_eq!(text, format_float(number));
        }
    }

    #[test]
    fn every_kind_of_value() {
        let up = Labels::from_pairs([("__name__", "up"), ("path", "a\"\\\u{1}")]).unwrap();
        let columns = Columns {
            timestamps: vec![-1500, 2000],
            values: vec![f64::NAN, 1e21],
            ..Columns::default()
        };
        for (input, text) in [
            (
                Value::Scalar(at(1_435_781_430_781, 1.5)),
                r#"{"resultType":"scalar","result":[1435781430.781,"1.5"]}"#,
            ),
            (
                Value::String("a\"".to_owned()),
                r#"{"resultType":"string","result":[1.500,"a\""]}"#,
            ),
            (
                Value::Vector(Vec::new()),
                r#"{"resultType":"vector","result":[]}"#,
            ),
            (
                Value::Vector(vec![Sample {
                    labels: up,
                    point: at(1000, f64::INFINITY),
                    histogram: None,
                }]),
                r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","path":"a\"\\\u0001"},"value":[1,"+Inf"]}]}"#,
            ),
            (
                Value::Matrix(vec![Series {
                    labels: Labels::default(),
                    points: columns,
                }]),
                r#"{"resultType":"matrix","result":[{"metric":{},"values":[[-1.500,"NaN"],[2,"1e+21"]]}]}"#,
            ),
        ] {
            let written = value(&input, Timestamp::from_millis(1500));
            assert_eq!(written, text);
            serde_json::from_str::<serde_json::Value>(&written).unwrap();
        }
    }
}
