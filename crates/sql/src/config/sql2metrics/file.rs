//! The file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use stonechat_model::yaml::Spanned;

use super::super::written::{Entries, Text};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) schedule: Option<ScheduleFile>,
    pub(super) prometheus: Option<Spanned<IgnoredAny>>,
    pub(super) alertmanager: Option<Spanned<IgnoredAny>>,
    pub(super) notifier: Option<Spanned<IgnoredAny>>,
    pub(super) mysql: Option<Spanned<MySqlFile>>,
    pub(super) mysql_connections: Option<Entries<Spanned<MySqlFile>>>,
    pub(super) redis: Option<Spanned<RedisFile>>,
    pub(super) redis_connections: Option<Entries<Spanned<RedisFile>>>,
    pub(super) restapi_connections: Option<Entries<Spanned<RestFile>>>,
    /// Looked at only when a metric needs it.
    #[serde(rename = "iotdb")]
    _iotdb: Option<IgnoredAny>,
    pub(super) metrics: Option<Vec<Spanned<MetricFile>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleFile {
    pub(super) interval: Option<Text>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MySqlFile {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    pub(super) params: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedisFile {
    pub(super) mode: Option<Text>,
    pub(super) addr: Option<Text>,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: Option<u32>,
    pub(super) enable_tls: Option<bool>,
    pub(super) skip_tls_verify: Option<Spanned<bool>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestFile {
    pub(super) base_url: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) headers: Option<BTreeMap<String, String>>,
    pub(super) tls: Option<RestTlsFile>,
    pub(super) retry: Option<RetryFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestTlsFile {
    pub(super) skip_verify: Option<Spanned<bool>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryFile {
    pub(super) max_attempts: Option<u32>,
    pub(super) backoff: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricFile {
    pub(super) name: Text,
    pub(super) help: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Text>,
    pub(super) source: Text,
    pub(super) query: Option<Text>,
    pub(super) labels: Option<Entries<Text>>,
    pub(super) result_field: Option<Text>,
    pub(super) connection: Option<Text>,
    pub(super) buckets: Option<Spanned<Vec<f64>>>,
    #[serde(rename = "objectives")]
    _objectives: Option<IgnoredAny>,
    pub(super) enabled: Option<bool>,
}
