//! OpenMetrics text 1.0.0, written by `prometheus-client`: a [`Registry`] is one of its collectors.

use std::fmt::{self, Write};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::desc::{Desc, Kind};
use crate::metric::Reading;
use crate::registry::{Registry, Snapshot};

/// Writes all families of the registry, and the end mark.
pub fn encode(registry: &Registry) -> String {
    let mut peer = prometheus_client::registry::Registry::default();
    peer.register_collector(Box::new(registry.clone()));
    let mut out = String::new();
    // Writing to a string does not fail. If it ever did, the end mark would be missing, and the
    // scraper would refuse the answer instead of taking half of it for the whole.
    let _ = text::encode(&mut out, &peer);
    out
}

/// Lets a registry of `prometheus-client` expose this one's families among its own, in any format
/// that it knows.
impl Collector for Registry {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for family in self.snapshot() {
            encode_family(&family, self.constant_labels(), &mut encoder)?;
        }
        Ok(())
    }
}

fn encode_family(
    family: &Snapshot,
    constant_labels: &[(String, String)],
    encoder: &mut DescriptorEncoder,
) -> fmt::Result {
    let desc = &family.desc;
    // The encoder adds the unit to the name, and `_total` to a counter's.
    let unit = (!desc.unit.is_empty()).then(|| Unit::Other(desc.unit.clone()));
    let name = desc.family_name();
    let stem = name
        .strip_suffix(&format!("_{}", desc.unit))
        .unwrap_or(name);
    let name = if unit.is_some() { stem } else { name };
    let kind = metric_type(desc.kind);
    let mut encoder = encoder.encode_descriptor(name, &escape(&desc.help), unit.as_ref(), kind)?;
    for (values, reading) in &family.series {
        let labels = Labels {
            constant_labels,
            desc,
            values,
        };
        if labels.is_empty() {
            encode_reading(desc.kind, reading, &mut encoder)?;
        } else {
            encode_reading(desc.kind, reading, &mut encoder.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_reading(kind: Kind, reading: &Reading, encoder: &mut MetricEncoder) -> fmt::Result {
    match reading {
        Reading::Histogram(histogram) => {
            let (sum, count) = (histogram.sum, histogram.count());
            encoder.encode_histogram::<NoLabelSet>(sum, count, &histogram.buckets, None)
        }
        // Whole numbers are written as such: `3`, not `3.0`.
        Reading::Number(value) if kind == Kind::Counter => match whole(*value) {
            Some(whole) => encoder.encode_counter::<NoLabelSet, u64, f64>(&whole, None),
            None => encoder.encode_counter::<NoLabelSet, f64, f64>(value, None),
        },
        Reading::Number(value) => match whole(*value) {
            Some(whole) => encoder.encode_gauge(&whole),
            None => encoder.encode_gauge(value),
        },
    }
}

fn whole(value: f64) -> Option<u64> {
    // Up to here every whole number has a float of its own.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let whole = value.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&value);
    (whole && value.is_sign_positive()).then_some(value as u64)
}

fn metric_type(kind: Kind) -> MetricType {
    match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    }
}

/// The encoder writes help texts as they are.
fn escape(help: &str) -> String {
    help.replace('\\', r"\\")
        .replace('\n', r"\n")
        .replace('"', r#"\""#)
}

#[derive(Debug)]
struct Labels<'a> {
    constant_labels: &'a [(String, String)],
    desc: &'a Desc,
    values: &'a [Box<str>],
}

impl Labels<'_> {
    fn is_empty(&self) -> bool {
        self.constant_labels.is_empty() && self.values.is_empty()
    }
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> fmt::Result {
        let constant = self
            .constant_labels
            .iter()
            .map(|(name, value)| (name, &**value));
        let own = self
            .desc
            .label_names
            .iter()
            .zip(self.values.iter().map(|value| &**value));
        for (name, value) in constant.chain(own) {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            key.write_str(name)?;
            let mut written = key.encode_label_value()?;
            prometheus_client::encoding::EncodeLabelValue::encode(&value, &mut written)?;
            written.finish()?;
        }
        Ok(())
    }
}
