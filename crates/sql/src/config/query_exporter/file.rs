//! The file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::yaml::Spanned;

use super::super::written::{Entries, Never, Shape, Text};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "builtin-metrics", alias = "builtin_metrics")]
    pub(super) builtin_metrics: Option<Spanned<IgnoredAny>>,
    pub(super) databases: Option<Entries<DatabaseFile>>,
    pub(super) metrics: Option<Entries<MetricFile>>,
    pub(super) queries: Option<Entries<QueryFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseFile {
    pub(super) dsn: Spanned<Shape<Never, DsnFile>>,
    #[serde(rename = "connection-pool")]
    pub(super) connection_pool: Option<PoolFile>,
    #[serde(rename = "connect-sql")]
    pub(super) connect_sql: Option<Vec<Text>>,
    pub(super) labels: Option<Entries<Text>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DsnFile {
    pub(super) dialect: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) options: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolFile {
    pub(super) size: Option<u32>,
    #[serde(rename = "max-overflow")]
    pub(super) max_overflow: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TypeFile {
    Counter,
    Enum,
    Gauge,
    Histogram,
    Summary,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricFile {
    #[serde(rename = "type")]
    pub(super) kind: Spanned<TypeFile>,
    pub(super) description: Option<String>,
    pub(super) labels: Option<Vec<Text>>,
    pub(super) buckets: Option<Spanned<Vec<f64>>>,
    /// Only for a type that is refused.
    #[serde(rename = "states")]
    _states: Option<IgnoredAny>,
    pub(super) expiration: Option<Text>,
    pub(super) increment: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryFile {
    #[serde(default)]
    pub(super) databases: Vec<Text>,
    #[serde(default)]
    pub(super) metrics: Vec<Text>,
    pub(super) sql: Text,
    pub(super) interval: Option<Text>,
    pub(super) schedule: Option<Text>,
    pub(super) timeout: Option<Spanned<f64>>,
    #[expect(
        clippy::type_complexity,
        reason = "a list of sets, or a mapping of such lists"
    )]
    pub(super) parameters: Option<Spanned<Shape<Vec<Entries<Text>>, Entries<Vec<Entries<Text>>>>>>,
}
