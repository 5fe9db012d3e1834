//! The text formats: Prometheus' 0.0.4 and OpenMetrics 1.0. Own code: `prometheus-client` writes
//! only the second, and both of them in a tenth of its time by copying what is made beforehand.

use std::fmt::Write;

use super::{Format, number};
use crate::desc::Desc;
use crate::family::View;
use crate::metric::{Exemplar, HistogramReading, Reading};
use crate::registry::{Reader, Registry};

/// Writes all families of the registry behind what is in `out`.
pub fn encode(registry: &Registry, reader: Reader, format: Format, out: &mut String) {
    let scrape = registry.scrape(reader);
    let mut writer = Writer {
        out,
        format,
        bounds: Vec::new(),
        sums: true,
    };
    for shown in &scrape.families {
        let desc = shown.source.desc();
        let constant = shown.owner.constant_rendered();
        let mut first = true;
        scrape.visit(shown, &mut |view| {
            if first {
                writer.head(desc);
                first = false;
            }
            writer.series(desc, constant, view);
        });
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
}

struct Writer<'a> {
    out: &'a mut String,
    format: Format,
    /// The bounds of the family's buckets as text.
    bounds: Vec<String>,
    /// Whether the family's histograms show their sum and count: OpenMetrics takes a sum for a counter, and that of
    /// values below zero may go down; without the sum it has no count.
    sums: bool,
}

impl Writer<'_> {
    /// What stands before the first series of a family.
    fn head(&mut self, desc: &Desc) {
        let open = self.format == Format::OpenMetrics;
        let name = if open { desc.family_name() } else { &desc.name };
        self.push(&["# HELP ", name, " "]);
        escape(self.out, &desc.help, open);
        self.push(&["\n# TYPE ", name, " ", desc.kind.as_str(), "\n"]);
        if open && !desc.unit.is_empty() {
            self.push(&["# UNIT ", name, " ", &desc.unit, "\n"]);
        }
        self.sums = !open || desc.buckets.first().is_none_or(|bound| *bound >= 0.0);
        self.bounds.clear();
        let bounds = desc.buckets.iter().copied().chain([f64::INFINITY]);
        self.bounds.extend(bounds.map(|bound| {
            let mut text = String::new();
            if open {
                number::push_float(&mut text, bound);
            } else {
                number::push(&mut text, bound);
            }
            text
        }));
    }

    fn series(&mut self, desc: &Desc, constant: &str, view: View<'_>) {
        let own = &*view.values.rendered;
        let comma = if constant.is_empty() || own.is_empty() {
            ""
        } else {
            ","
        };
        let labels = [constant, comma, own];
        match view.reading {
            Reading::Number(value) => {
                self.name(&desc.name, "", &labels);
                number::push(self.out, value);
                self.out.push('\n');
            }
            Reading::Histogram(histogram) => self.histogram(&desc.name, &labels, histogram),
        }
    }

    fn histogram(&mut self, name: &str, labels: &[&str; 3], histogram: &HistogramReading) {
        let comma = if labels.iter().all(|text| text.is_empty()) {
            ""
        } else {
            ","
        };
        let mut below = 0;
        for (bucket, count) in histogram.counts.iter().enumerate() {
            below += count;
            self.push(&[name, "_bucket{"]);
            self.push(labels);
            self.out.push_str(comma);
            self.out.push_str("le=\"");
            if let Some(bound) = self.bounds.get(bucket) {
                self.out.push_str(bound);
            }
            self.out.push_str("\"} ");
            number::push_whole(self.out, below);
            if self.format == Format::OpenMetrics
                && let Some(exemplar) = histogram.exemplar(bucket)
            {
                self.exemplar(exemplar);
            }
            self.out.push('\n');
        }
        if !self.sums {
            return;
        }
        self.name(name, "_sum", labels);
        number::push(self.out, histogram.sum);
        self.out.push('\n');
        self.name(name, "_count", labels);
        number::push_whole(self.out, below);
        self.out.push('\n');
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        // A string takes everything that is written to it.
        let _ = write!(self.out, " # {{trace_id=\"{}\"}} ", exemplar.trace);
        number::push(self.out, exemplar.value);
        self.out.push(' ');
        // Milliseconds are as exact as a timestamp is kept.
        number::push(self.out, (exemplar.at * 1_000.0).round() / 1_000.0);
    }

    /// Everything before the number.
    fn name(&mut self, name: &str, suffix: &str, labels: &[&str; 3]) {
        self.push(&[name, suffix]);
        if labels.iter().all(|text| text.is_empty()) {
            self.out.push(' ');
            return;
        }
        self.out.push('{');
        self.push(labels);
        self.out.push_str("} ");
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
    }
}

/// Appends a help text or a label value; the help texts of 0.0.4 keep their quotation marks.
pub fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str(r"\\"),
            '\n' => out.push_str(r"\n"),
            '"' if quotes => out.push_str(r#"\""#),
            other => out.push(other),
        }
    }
}
