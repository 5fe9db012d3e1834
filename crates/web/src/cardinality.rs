//! `/api/v1/status/tsdb`: which names and labels the series in memory are made of.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::Hash;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use stonechat_model::{Labels, METRIC_NAME, TimeRange};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};
use crate::params::Params;
use crate::work;

/// Entries of each list unless the parameter `limit` says otherwise, as in Prometheus.
const ENTRIES: usize = 10;

/// The most entries of a list.
const ENTRIES_MAX: usize = 10_000;

/// The names, labels and pairs with the most series. What only the files of Prometheus have is left out.
pub(crate) async fn tsdb(State(rooms): State<Rooms>, params: Params) -> Result<Response, ApiError> {
    let refused = |reason| ApiError::new(ErrorType::BadData, reason);
    let entries = match params.get("limit").map(str::parse) {
        None => ENTRIES,
        Some(Ok(0) | Err(_)) => return Err(refused("limit must be a positive number")),
        Some(Ok(entries)) if entries > ENTRIES_MAX => {
            return Err(refused("limit must not exceed 10000"));
        }
        Some(Ok(entries)) => entries,
    };
    let done = work::run(rooms, None, move |rooms, cancel| {
        let series = rooms.queryable.series(&[], TimeRange::ALL);
        let series =
            series.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
        let mut counts = Counts::default();
        for labels in &series {
            if cancel.is_cancelled() {
                return Err(ApiError::new(ErrorType::Canceled, "query was canceled"));
            }
            counts.add(labels);
        }
        Ok(counts.shown(series.len(), entries))
    })
    .await?;
    success(&done.value?)
}

/// What the series have in common.
#[derive(Default)]
struct Counts<'a> {
    /// Series of each metric name.
    names: HashMap<&'a str, usize>,
    /// Series of each label and value.
    pairs: HashMap<(&'a str, &'a str), usize>,
}

impl<'a> Counts<'a> {
    fn add(&mut self, labels: &'a Labels) {
        for (name, value) in labels.iter() {
            *self.pairs.entry((name, value)).or_default() += 1;
            if name == METRIC_NAME {
                *self.names.entry(value).or_default() += 1;
            }
        }
    }

    fn shown(&self, series: usize, entries: usize) -> Value {
        let (mut values, mut bytes) = (BTreeMap::new(), BTreeMap::new());
        for ((name, value), series) in &self.pairs {
            *values.entry(*name).or_insert(0) += 1;
            // Each series keeps its labels as one text.
            *bytes.entry(*name).or_insert(0) += series * (name.len() + value.len());
        }
        let pair = |(name, value): &(&str, &str)| format!("{name}={value}");
        json!({
            "headStats": { "numSeries": series, "numLabelPairs": self.pairs.len() },
            "seriesCountByMetricName": largest(&self.names, entries, ToString::to_string),
            "labelValueCountByLabelName": largest(&values, entries, ToString::to_string),
            "memoryInBytesByLabelName": largest(&bytes, entries, ToString::to_string),
            "seriesCountByLabelValuePair": largest(&self.pairs, entries, pair),
        })
    }
}

/// The entries with the largest numbers, the largest first, and those with the same number by name.
fn largest<'a, K: Hash + Ord + 'a>(
    counts: impl IntoIterator<Item = (&'a K, &'a usize)>,
    entries: usize,
    shown: impl Fn(&K) -> String,
) -> Vec<Value> {
    let mut all: Vec<(&K, usize)> = counts
        .into_iter()
        .map(|(key, count)| (key, *count))
        .collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(entries);
    all.into_iter()
        .map(|(key, count)| json!({ "name": shown(key), "value": count }))
        .collect()
}
