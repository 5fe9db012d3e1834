//! The series of a running server, asked for by its API.

use std::collections::HashMap;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use reqwest::Url;
use serde::Deserialize;
use stonechat_model::{
    Labels, Matcher, Metadata, MetricType, Queryable, QueryableError, Selection, TimeRange,
};
use tokio::runtime::Handle;

/// A server that speaks Prometheus' API. It is asked for labels and what metrics are, not for samples.
pub(super) struct Server {
    base: Url,
    client: reqwest::Client,
    /// Answers by their URL: rules ask for the same again and again.
    answers: Mutex<HashMap<Url, serde_json::Value>>,
}

/// An answer, good or bad.
#[derive(Deserialize)]
struct Answer {
    data: Option<serde_json::Value>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct MetadataAnswer {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    unit: String,
}

impl Server {
    pub(super) fn new(url: &str) -> Result<Self> {
        let base = Url::parse(url).with_context(|| format!("{url:?} is no URL"))?;
        Ok(Self {
            base,
            client: reqwest::Client::new(),
            answers: Mutex::default(),
        })
    }

    /// Asks, waits, and remembers. Not to be called on a thread that others wait for.
    fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        pairs: &[(&str, String)],
    ) -> Result<T, QueryableError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url.query_pairs_mut().extend_pairs(pairs);
        let remote = |error: &dyn std::error::Error| QueryableError::Remote(error.to_string());
        let known = self.answers.lock().get(&url).cloned();
        let data = match known {
            Some(data) => data,
            None => {
                let get = async {
                    let response = self.client.get(url.clone()).send().await?;
                    response.json::<Answer>().await
                };
                let answer = Handle::current().block_on(get).map_err(|error| {
                    let reasons = anyhow::Error::from(error);
                    QueryableError::Remote(format!("{reasons:#}"))
                })?;
                if let Some(error) = answer.error {
                    return Err(QueryableError::Remote(error));
                }
                let data = answer.data.unwrap_or_default();
                self.answers.lock().insert(url, data.clone());
                data
            }
        };
        serde_json::from_value(data).map_err(|error| remote(&error))
    }
}

/// The form of matcher sets and a range.
fn form(sets: &[Vec<Matcher>], range: TimeRange) -> Vec<(&'static str, String)> {
    let seconds =
        |millis: i64| format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000));
    let mut form: Vec<_> = sets
        .iter()
        .filter(|set| !set.is_empty())
        .map(|set| {
            let matchers: Vec<String> = set.iter().map(ToString::to_string).collect();
            ("match[]", format!("{{{}}}", matchers.join(",")))
        })
        .collect();
    form.push(("start", seconds(range.start.millis())));
    form.push(("end", seconds(range.end.millis())));
    form
}

/// The kind that a word means. Those that the linter does not look for count as unknown.
fn kind(word: &str) -> MetricType {
    let known = [
        MetricType::Counter,
        MetricType::Gauge,
        MetricType::Histogram,
        MetricType::GaugeHistogram,
    ];
    let found = known.into_iter().find(|kind| kind.as_str() == word);
    found.unwrap_or_default()
}

impl Queryable for Server {
    fn select(
        &self,
        _: &[Matcher],
        _: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        Err(QueryableError::Remote(
            "samples are not asked for".to_owned(),
        ))
    }

    fn series(
        &self,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        let found: Vec<std::collections::BTreeMap<String, String>> =
            self.ask(&["series"], &form(sets, range))?;
        let labels = found.iter().map(Labels::from_pairs);
        labels
            .collect::<Result<_, _>>()
            .map_err(|error| QueryableError::Remote(error.to_string()))
    }

    fn label_names(
        &self,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.ask(&["labels"], &form(sets, range))
    }

    fn label_values(
        &self,
        name: &str,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.ask(&["label", name, "values"], &form(sets, range))
    }

    fn metadata(
        &self,
        family: Option<&str>,
    ) -> Result<Vec<(String, Vec<Metadata>)>, QueryableError> {
        let pairs: Vec<_> = family
            .map(|name| ("metric", name.to_owned()))
            .into_iter()
            .collect();
        let found: HashMap<String, Vec<MetadataAnswer>> = self.ask(&["metadata"], &pairs)?;
        let metadata = |told: MetadataAnswer| Metadata {
            kind: kind(&told.kind),
            help: told.help,
            unit: told.unit,
        };
        let told = |(family, told): (String, Vec<MetadataAnswer>)| {
            (family, told.into_iter().map(metadata).collect())
        };
        Ok(found.into_iter().map(told).collect())
    }
}
