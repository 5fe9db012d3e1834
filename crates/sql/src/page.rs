//! The series of all queries in the text format 0.0.4, for any other Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use stonechat_model::{Labels, METRIC_NAME, Timestamp, format_float, is_legacy_label_name};

use crate::board::Shown;
use crate::plan::MetricKind;
use crate::report;

/// One family: its samples stand together, as the format demands.
struct Family<'a> {
    kind: &'a str,
    help: &'a str,
    samples: Vec<(&'a Labels, f64, Option<Timestamp>)>,
}

/// Writes what is shown.
pub(crate) fn write(shown: &[Arc<Shown>]) -> String {
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for shown in shown {
        for sample in &shown.samples {
            let metric = &shown.slot.query.metrics[sample.metric];
            let family = families.entry(&metric.name).or_insert_with(|| Family {
                kind: kind(&metric.kind),
                help: &metric.help,
                samples: Vec::new(),
            });
            family
                .samples
                .push((&sample.labels, sample.value, sample.timestamp));
        }
    }
    for (labels, value) in shown.iter().flat_map(|shown| report::about(shown)) {
        let known = report::ABOUT
            .iter()
            .find(|(name, _, _)| *name == labels.metric_name());
        if let Some((name, kind, help)) = known {
            let family = families.entry(name).or_insert_with(|| Family {
                kind,
                help,
                samples: Vec::new(),
            });
            family.samples.push((labels, value, None));
        }
    }
    let mut text = String::new();
    for (name, family) in &families {
        family.write(name, &mut text);
    }
    text
}

fn kind(kind: &MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "gauge",
        MetricKind::Counter { .. } => "counter",
        MetricKind::Histogram { .. } => "histogram",
        MetricKind::Summary { .. } => "summary",
    }
}

impl Family<'_> {
    fn write(&self, name: &str, text: &mut String) {
        if !self.help.is_empty() {
            let help = self.help.replace('\\', "\\\\").replace('\n', "\\n");
            push(text, format_args!("# HELP {} {help}\n", in_comment(name)));
        }
        push(
            text,
            format_args!("# TYPE {} {}\n", in_comment(name), self.kind),
        );
        for (labels, value, timestamp) in &self.samples {
            series(text, labels);
            push(text, format_args!(" {}", format_float(*value)));
            if let Some(timestamp) = timestamp {
                push(text, format_args!(" {}", timestamp.millis()));
            }
            text.push('\n');
        }
    }
}

/// A name that is not of the old kind stands in quotes, inside the braces.
fn series(text: &mut String, labels: &Labels) {
    let name = labels.metric_name();
    let is_plain = is_plain(name);
    let mut separator = '{';
    if is_plain {
        text.push_str(name);
    } else {
        push(text, format_args!("{{\"{}\"", escaped(name)));
        separator = ',';
    }
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        text.push(separator);
        separator = ',';
        if is_legacy_label_name(name) {
            text.push_str(name);
        } else {
            push(text, format_args!("\"{}\"", escaped(name)));
        }
        push(text, format_args!("=\"{}\"", escaped(value)));
    }
    if separator == ',' {
        text.push('}');
    }
}

fn in_comment(name: &str) -> String {
    if is_plain(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", escaped(name))
    }
}

/// Names of metrics may have colons beside what names of labels may have.
fn is_plain(name: &str) -> bool {
    is_legacy_label_name(&name.replace(':', "_"))
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("a string takes everything");
}
