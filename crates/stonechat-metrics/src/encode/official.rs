//! A [`Registry`] is a collector of `prometheus-client`, which can so expose both together.

use std::fmt::{self, Write};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::number::whole;
use crate::desc::{Desc, Kind};
use crate::family::View;
use crate::metric::Reading;
use crate::registry::{Reader, Registry};

/// Lets a registry of `prometheus-client` expose this one's families among its own, in any format
/// that it knows. It cannot tell who reads, so that each time counts as a scrape.
impl Collector for Registry {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let scrape = self.scrape(Reader::Scraper);
        for shown in &scrape.families {
            let desc = shown.source.desc();
            // The encoder writes the head at once, so a family without series is left out before.
            let mut series = Vec::new();
            scrape.visit(shown, &mut |view| series.push(owned(view)));
            if !series.is_empty() {
                encode_family(desc, shown.owner.constant_labels(), &series, &mut encoder)?;
            }
        }
        Ok(())
    }
}

/// One series, on its own.
struct Series {
    values: Vec<String>,
    reading: Owned,
}

enum Owned {
    Number(f64),
    Histogram { sum: f64, counts: Vec<u64> },
}

fn owned(view: View<'_>) -> Series {
    Series {
        values: view.values.iter().map(str::to_owned).collect(),
        reading: match view.reading {
            Reading::Number(value) => Owned::Number(value),
            Reading::Histogram(histogram) => Owned::Histogram {
                sum: histogram.sum,
                counts: histogram.counts.clone(),
            },
        },
    }
}

fn encode_family(
    desc: &Desc,
    constant_labels: &[(String, String)],
    series: &[Series],
    encoder: &mut DescriptorEncoder,
) -> fmt::Result {
    // The encoder adds the unit to the name, and `_total` to a counter's.
    let unit = (!desc.unit.is_empty()).then(|| Unit::Other(desc.unit.clone()));
    let name = desc.family_name();
    let stem = name
        .strip_suffix(&format!("_{}", desc.unit))
        .unwrap_or(name);
    let name = if unit.is_some() { stem } else { name };
    let kind = metric_type(desc.kind);
    let mut encoder = encoder.encode_descriptor(name, &escape(&desc.help), unit.as_ref(), kind)?;
    for Series { values, reading } in series {
        let labels = Labels {
            constant_labels,
            desc,
            values,
        };
        if labels.is_empty() {
            encode_reading(desc, reading, &mut encoder)?;
        } else {
            encode_reading(desc, reading, &mut encoder.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_reading(desc: &Desc, reading: &Owned, encoder: &mut MetricEncoder) -> fmt::Result {
    match reading {
        Owned::Histogram { sum, counts } => {
            let bounds = desc.buckets.iter().copied().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
            encoder.encode_histogram::<NoLabelSet>(*sum, counts.iter().sum(), &buckets, None)
        }
        // Whole numbers are written as such: `3`, not `3.0`.
        Owned::Number(value) if desc.kind == Kind::Counter => match whole(*value) {
            Some(whole) => encoder.encode_counter::<NoLabelSet, u64, f64>(&whole, None),
            None => encoder.encode_counter::<NoLabelSet, f64, f64>(value, None),
        },
        Owned::Number(value) => match whole(*value) {
            Some(whole) => encoder.encode_gauge(&whole),
            None => encoder.encode_gauge(value),
        },
    }
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
    let mut escaped = String::new();
    super::escape(&mut escaped, help, true);
    escaped
}

#[derive(Debug)]
struct Labels<'a> {
    constant_labels: &'a [(String, String)],
    desc: &'a Desc,
    values: &'a [String],
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
