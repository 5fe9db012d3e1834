//! `sql.yml` as it is written: nothing checked but types and keys.

use serde::Deserialize;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;

use super::super::written::{Entries, Never, Shape, Text};

/// A length of time with its place.
pub(super) type Span = Spanned<ConfigDuration>;

/// Sets of parameters, or the values of each.
pub(super) type ParametersFile = Shape<Vec<Entries<Text>>, Entries<Vec<String>>>;

/// What stands behind the name of a metric: one, or several of this name.
pub(super) type MetricsFile = Shape<Vec<Spanned<MetricFile>>, MetricFile>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) include: Option<Vec<Text>>,
    pub(super) sources: Option<Entries<Spanned<SourceFile>>>,
    pub(super) queries: Option<Entries<Spanned<QueryFile>>>,
}

/// A source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    pub(super) mysql: Option<Spanned<Shape<Never, PartsFile>>>,
    pub(super) postgres: Option<Spanned<Shape<Never, PartsFile>>>,
    pub(super) clickhouse: Option<Spanned<Shape<Never, PartsFile>>>,
    pub(super) sqlite: Option<Text>,
    pub(super) redis: Option<Spanned<Shape<Never, RedisFile>>>,
    pub(super) rest: Option<Text>,
    pub(super) password: Option<Text>,
    pub(super) password_file: Option<Text>,
    pub(super) headers: Option<Entries<Text>>,
    pub(super) header_files: Option<Entries<Text>>,
    pub(super) tls: Option<Spanned<TlsFile>>,
    pub(super) labels: Option<Entries<Text>>,
    pub(super) connections_max: Option<Spanned<u32>>,
    pub(super) lifetime: Option<ConfigDuration>,
    pub(super) idle: Option<ConfigDuration>,
    pub(super) ping: Option<bool>,
    pub(super) connect_timeout: Option<Span>,
}

/// Certificates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    pub(super) ca_file: Option<Text>,
    pub(super) cert_file: Option<Text>,
    pub(super) key_file: Option<Text>,
}

/// A database in parts instead of a URL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartsFile {
    pub(super) host: Text,
    pub(super) port: Option<u16>,
    pub(super) user: Option<Text>,
    pub(super) database: Option<Text>,
    pub(super) options: Option<Entries<Text>>,
}

/// Several servers of Redis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedisFile {
    pub(super) sentinels: Option<Vec<Text>>,
    pub(super) master: Option<Text>,
    pub(super) cluster: Option<Vec<Text>>,
}

/// A query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryFile {
    pub(super) source: Option<Text>,
    pub(super) sources: Option<Spanned<Vec<Text>>>,
    pub(super) sql: Option<Text>,
    pub(super) redis: Option<Spanned<Shape<Vec<String>, Never>>>,
    pub(super) rest: Option<Spanned<RestFile>>,
    pub(super) interval: Option<Span>,
    pub(super) cron: Option<Text>,
    pub(super) timezone: Option<Text>,
    pub(super) repeat: Option<Span>,
    pub(super) jitter: Option<Span>,
    pub(super) timeout: Option<Span>,
    pub(super) rows_max: Option<Spanned<usize>>,
    pub(super) rows_required: Option<bool>,
    pub(super) on_error: Option<OnErrorFile>,
    pub(super) parameters: Option<Spanned<ParametersFile>>,
    pub(super) metrics: Option<Entries<Spanned<MetricsFile>>>,
}

/// An HTTP request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RestFile {
    pub(super) method: Option<Text>,
    pub(super) path: Option<String>,
    pub(super) headers: Option<Entries<Text>>,
    pub(super) body: Option<String>,
    pub(super) rows: Option<Text>,
    pub(super) columns: Option<Entries<Text>>,
    pub(super) retries: Option<u32>,
}

/// What becomes of series when a query fails.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnErrorFile {
    Stale,
    Keep,
    Nan,
}

/// What a NULL becomes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnNullFile {
    Skip,
    Zero,
    Nan,
}

/// A type.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TypeFile {
    Gauge,
    Counter,
    Histogram,
    Summary,
}

/// A metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricFile {
    #[serde(rename = "type")]
    pub(super) kind: Option<Spanned<TypeFile>>,
    pub(super) help: Option<String>,
    pub(super) labels: Option<Spanned<Shape<Vec<Text>, Entries<Text>>>>,
    pub(super) constant_labels: Option<Entries<Text>>,
    pub(super) value: Option<Text>,
    pub(super) values: Option<Spanned<Vec<Text>>>,
    pub(super) value_label: Option<Text>,
    pub(super) constant: Option<Spanned<f64>>,
    pub(super) timestamp: Option<String>,
    pub(super) on_null: Option<OnNullFile>,
    pub(super) buckets: Option<Spanned<Vec<f64>>>,
    pub(super) quantiles: Option<Spanned<Vec<f64>>>,
    pub(super) accumulate: Option<Spanned<bool>>,
}
