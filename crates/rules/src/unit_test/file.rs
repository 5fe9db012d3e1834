//! The file as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use stonechat_model::Timestamp;
use stonechat_model::duration::ConfigDuration;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestFile {
    #[serde(default)]
    pub rule_files: Vec<String>,
    #[serde(default)]
    pub evaluation_interval: Option<ConfigDuration>,
    #[serde(default)]
    pub group_eval_order: Vec<String>,
    /// Neighbouring floats count as equal.
    #[serde(default)]
    pub fuzzy_compare: bool,
    #[serde(default)]
    pub tests: Vec<Test>,
}

/// Series, and what is expected of rules and expressions over them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    /// Time between two points of a series.
    #[serde(default)]
    pub interval: Option<ConfigDuration>,
    #[serde(default)]
    pub input_series: Vec<InputSeries>,
    #[serde(default)]
    pub alert_rule_test: Vec<AlertTest>,
    #[serde(default)]
    pub promql_expr_test: Vec<ExprTest>,
    #[serde(default)]
    pub external_labels: BTreeMap<String, String>,
    #[serde(default)]
    pub external_url: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub start_timestamp: Option<Start>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputSeries {
    pub series: String,
    pub values: String,
}

/// Alerts that have to fire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertTest {
    #[serde(default)]
    pub eval_time: Offset,
    #[serde(default)]
    pub groupname: String,
    #[serde(default)]
    pub alertname: String,
    #[serde(default)]
    pub exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedAlert {
    #[serde(default)]
    pub exp_labels: BTreeMap<String, String>,
    #[serde(default)]
    pub exp_annotations: BTreeMap<String, String>,
}

/// What an expression has to give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExprTest {
    #[serde(default)]
    pub expr: String,
    #[serde(default)]
    pub eval_time: Offset,
    #[serde(default)]
    pub exp_samples: Vec<ExpectedSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedSample {
    #[serde(default)]
    pub labels: String,
    #[serde(default)]
    pub value: f64,
    #[serde(default)]
    pub histogram: String,
}

/// A time since the start; nothing is the start itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offset(pub Duration);

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(ConfigDuration::deserialize(deserializer)?.0))
    }
}

/// When a test begins: seconds since 1970, or a date.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start(pub Timestamp);

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let seconds = text.parse::<f64>().ok().map(|seconds| seconds * 1000.0);
        let millis = match seconds {
            // Milliseconds of any date of ours fit.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a start is a date, which fits"
            )]
            Some(millis) => Some(millis.round() as i64),
            None => text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond),
        };
        let millis = millis.ok_or_else(|| {
            serde::de::Error::custom(format!(
                "not a time: {text:?}; write seconds since 1970 or 2024-01-01T00:00:00Z"
            ))
        })?;
        Ok(Self(Timestamp::from_millis(millis)))
    }
}
