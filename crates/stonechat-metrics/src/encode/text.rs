//! Prometheus' text format 0.0.4. Own code: `prometheus-client` writes only OpenMetrics.

use crate::desc::Desc;
use crate::metric::{HistogramReading, Reading};
use crate::registry::Snapshot;

/// Writes all families; `constant_labels` come before the labels of each series.
pub fn encode(families: &[Snapshot], constant_labels: &[(String, String)]) -> String {
    let mut writer = Writer::default();
    for Snapshot { desc, series } in families {
        writer.head(desc);
        for (values, reading) in series {
            let constant = constant_labels.iter().map(|(name, value)| (name, &**value));
            let own = desc
                .label_names
                .iter()
                .zip(values.iter().map(|value| &**value));
            writer.labels(constant.chain(own));
            match reading {
                Reading::Number(value) => writer.sample(&desc.name, "", None, *value),
                Reading::Histogram(histogram) => writer.histogram(&desc.name, histogram),
            }
        }
    }
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// The labels of the series whose samples are being written, without braces.
    labels: String,
}

impl Writer {
    fn head(&mut self, desc: &Desc) {
        let Desc { name, help, .. } = desc;
        self.push(&["# HELP ", name, " "]);
        escape(&mut self.out, help, false);
        self.push(&["\n# TYPE ", name, " ", desc.kind.as_str(), "\n"]);
    }

    fn labels<'a>(&mut self, labels: impl Iterator<Item = (&'a String, &'a str)>) {
        self.labels.clear();
        for (name, value) in labels {
            if !self.labels.is_empty() {
                self.labels.push(',');
            }
            self.labels.push_str(name);
            self.labels.push_str("=\"");
            escape(&mut self.labels, value, true);
            self.labels.push('"');
        }
    }

    fn histogram(&mut self, name: &str, histogram: &HistogramReading) {
        let mut below = 0;
        for (bound, count) in &histogram.buckets {
            below += count;
            self.sample(name, "_bucket", Some(*bound), below as f64);
        }
        self.sample(name, "_sum", None, histogram.sum);
        self.sample(name, "_count", None, below as f64);
    }

    /// One line; `bound` becomes the label `le`.
    fn sample(&mut self, name: &str, suffix: &str, bound: Option<f64>, value: f64) {
        self.push(&[name, suffix]);
        if bound.is_some() || !self.labels.is_empty() {
            self.out.push('{');
            self.out.push_str(&self.labels);
            if let Some(bound) = bound {
                let comma = if self.labels.is_empty() { "" } else { "," };
                self.push(&[comma, "le=\"", &number(bound), "\""]);
            }
            self.out.push('}');
        }
        self.push(&[" ", &number(value), "\n"]);
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
    }
}

/// Help texts keep their quotation marks, label values do not.
fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str(r"\\"),
            '\n' => out.push_str(r"\n"),
            '"' if quotes => out.push_str(r#"\""#),
            other => out.push(other),
        }
    }
}

/// A number as Go's `ParseFloat` reads it back, bit for bit.
fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else if value.is_nan() || (1e-5..1e17).contains(&value.abs()) || value == 0.0 {
        value.to_string()
    } else {
        // Without an exponent the largest float has 309 digits.
        format!("{value:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short_and_come_back_the_same() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (0.005, "0.005"),
            (-2.5, "-2.5"),
            (1_700_000_000.25, "1700000000.25"),
            (1e21, "1e21"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
            let back: f64 = text.parse().unwrap();
            assert!(
                back.to_bits() == value.to_bits() || value.is_nan(),
                "{text}"
            );
        }
    }
}
