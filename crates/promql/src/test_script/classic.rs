//! Classic histograms (`x_bucket{le="1"}`, `x_count`, `x_sum`) as native ones with custom bounds, for `load_with_nhcb`.

use std::collections::BTreeMap;

use stonechat_model::{
    BucketSpan, Buckets, CUSTOM_BUCKETS_SCHEMA, Histogram, Labels, METRIC_NAME, Timestamp,
    parse_float,
};

/// The parts of classic histograms, by series and time.
#[derive(Debug, Default)]
pub(super) struct ClassicHistograms(BTreeMap<(Labels, i64), Parts>);

#[derive(Debug, Default)]
struct Parts {
    /// Upper bounds and cumulative counts.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

impl ClassicHistograms {
    /// Takes a sample in, if it is a part of a histogram.
    pub fn add(&mut self, labels: &Labels, at: Timestamp, value: f64) {
        let name = labels.metric_name();
        let part = ["_bucket", "_count", "_sum"]
            .into_iter()
            .find_map(|ending| Some((name.strip_suffix(ending)?, ending)));
        let Some((base, ending)) = part else {
            return;
        };
        let bound = labels.get("le").and_then(parse_float);
        if ending == "_bucket" && bound.is_none_or(f64::is_nan) {
            return;
        }
        let mut builder = labels.to_builder();
        builder.set(METRIC_NAME, base).remove("le");
        let Ok(series) = builder.build() else {
            return;
        };
        let parts = self.0.entry((series, at.millis())).or_default();
        match (ending, bound) {
            ("_bucket", Some(bound)) => parts.buckets.push((bound, value)),
            ("_count", _) => parts.count = Some(value),
            _ => parts.sum = value,
        }
    }

    /// The native histograms, by series, oldest first.
    pub fn into_native(self) -> impl Iterator<Item = (Labels, Timestamp, Histogram)> {
        self.0
            .into_iter()
            .map(|((labels, at), parts)| (labels, Timestamp::from_millis(at), parts.into_native()))
    }
}

impl Parts {
    fn into_native(mut self) -> Histogram {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.buckets.dedup_by_key(|(bound, _)| *bound);
        let all = self
            .count
            .or_else(|| self.buckets.last().map(|(_, count)| *count))
            .unwrap_or_default();
        let finite = self.buckets.iter().filter(|(bound, _)| bound.is_finite());
        let custom_values: Vec<f64> = finite.clone().map(|(bound, _)| *bound).collect();
        let mut before = 0.0;
        let counts: Vec<f64> = finite
            .map(|(_, count)| *count)
            .chain([all])
            .map(|count| count - std::mem::replace(&mut before, count))
            .collect();
        let length = u32::try_from(counts.len()).unwrap_or_default();
        let histogram = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: all,
            sum: self.sum,
            positive: Buckets {
                spans: vec![BucketSpan { offset: 0, length }],
                counts,
            },
            custom_values: custom_values.into(),
            ..Histogram::default()
        };
        histogram.compacted()
    }
}
