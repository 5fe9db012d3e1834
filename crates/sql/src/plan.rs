//! What is asked, where, how often, and which series the answer becomes: a configuration that is checked.
//!
//! Every file format is read into this one model, and nothing behind it knows from which format it came.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Secret;

/// A whole configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Where questions can be asked, by name.
    pub sources: BTreeMap<String, Arc<Source>>,
    /// What is asked.
    pub queries: Vec<Arc<Query>>,
}

/// A place in a file, for messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
}

/// A database or service, and how many connections it may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name in the configuration.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Bounds of its connections.
    pub pool: PoolLimits,
    /// Labels of every series that comes from it.
    pub labels: BTreeMap<String, String>,
    /// Whom to trust, and who we are; MySQL and PostgreSQL have this in their URL.
    pub tls: Tls,
    /// Where it is written.
    pub place: Place,
}

/// What a source is, and how to reach it.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// MySQL or MariaDB: `mysql://user:password@host:3306/database?ssl-mode=…`.
    MySql(Secret),
    /// PostgreSQL: `postgres://user:password@host:5432/database?sslmode=…`.
    Postgres(Secret),
    /// A file of SQLite: `sqlite:path` or a path.
    Sqlite(String),
    /// ClickHouse over HTTP: `http://user:password@host:8123/?database=…`.
    ClickHouse(Secret),
    /// Redis.
    Redis(RedisSource),
    /// A REST service that answers in JSON.
    Rest(RestSource),
}

/// How a Redis is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct RedisSource {
    /// `redis://[user:password@]host:6379/0`; several nodes of a cluster, or several sentinels.
    pub urls: Vec<Secret>,
    /// How these belong together.
    pub mode: RedisMode,
}

/// How the servers of a [`RedisSource`] belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisMode {
    /// One server.
    Standalone,
    /// Sentinels, which know the server with this name.
    Sentinel {
        /// Name of the master.
        master: String,
    },
    /// Nodes of a cluster.
    Cluster,
}

/// How a REST service is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct RestSource {
    /// What the paths of requests are appended to.
    pub url: String,
    /// Headers of every request.
    pub headers: BTreeMap<String, Secret>,
}

/// Certificates for TLS, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities that are trusted; without it, those of the system.
    pub ca_file: Option<PathBuf>,
    /// By which the server knows us.
    pub client: Option<TlsClient>,
}

/// A certificate of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsClient {
    /// The certificate.
    pub cert_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

/// Bounds of a source's connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolLimits {
    /// Most connections at a time, and so most queries at a time.
    pub connections_max: u32,
    /// How long a connection is used before it is replaced.
    pub lifetime_max: Option<Duration>,
    /// How long an unused connection is kept.
    pub idle_max: Option<Duration>,
    /// Whether a connection is tried before it is used.
    pub ping: bool,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            connections_max: 2,
            lifetime_max: Some(Duration::from_mins(30)),
            idle_max: Some(Duration::from_mins(10)),
            ping: false,
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// One question that is asked again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Its name, unique in a plan.
    pub name: String,
    /// The source that is asked.
    pub source: Arc<Source>,
    /// What is asked.
    pub request: Request,
    /// When.
    pub schedule: Schedule,
    /// The most by which it is asked later than the schedule says, so that not all are asked at once. Each query has its own
    /// delay, which stays the same.
    pub jitter: Duration,
    /// How long an answer may take; then the query is cancelled, on the server too where it can be.
    pub timeout: Duration,
    /// Most rows of an answer; one with more is an error.
    pub rows_max: usize,
    /// Asked once for each; without any, once. Every value goes into the request, and is a column of each row.
    pub parameters: Vec<BTreeMap<String, String>>,
    /// What the rows become.
    pub metrics: Vec<Metric>,
    /// What becomes of the last values when the query fails.
    pub on_error: OnError,
    /// Whether an answer without rows is an error.
    pub rows_required: bool,
    /// Where it is written.
    pub place: Place,
}

/// What is asked of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// One statement that reads. `:name` stands for a parameter and is bound, never pasted into the text.
    Sql(String),
    /// One command that reads, such as `HGETALL key`, with what its answer becomes.
    Redis {
        /// The command and its arguments; `:name` as a whole argument stands for a parameter.
        command: Vec<String>,
    },
    /// An HTTP request whose answer is JSON.
    Rest(RestRequest),
}

/// A request to a REST service, and where the rows are in the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RestRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// Appended to the URL of the source; `:name` in braces, `{name}`, stands for a parameter.
    pub path: String,
    /// Further headers.
    pub headers: BTreeMap<String, Secret>,
    /// What is sent.
    pub body: Option<String>,
    /// JSONPath of the rows (RFC 9535), such as `$.data[*]`.
    pub rows: String,
    /// JSONPath of each column inside a row; without any, the members of the row that are no objects or arrays.
    pub columns: BTreeMap<String, String>,
    /// How often a request that failed is sent again.
    pub retries: u32,
}

/// When a query is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// At a constant pace.
    Every(Duration),
    /// At the times of a cron expression.
    Cron {
        /// Five or six fields.
        expression: String,
        /// A name of the time-zone database.
        zone: String,
        /// The last value is stored again at this pace, so that a series does not end between two times.
        repeat: Duration,
    },
}

/// What becomes of a query's series when it fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// They end, until there is a new value.
    #[default]
    Stale,
    /// They keep their last values.
    Keep,
    /// They become NaN.
    Nan,
}

/// What a NULL in a value column becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnNull {
    /// No sample.
    #[default]
    Skip,
    /// The value 0.
    Zero,
    /// The value NaN.
    Nan,
}

/// A family of series that rows become.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What it means.
    pub help: String,
    /// What its values are.
    pub kind: MetricKind,
    /// Label name and the column of its value.
    pub labels: Vec<(String, String)>,
    /// Labels with the same value for every row.
    pub constant_labels: BTreeMap<String, String>,
    /// Where the values are.
    pub values: Values,
    /// The column with the time of a row.
    pub timestamp: Option<String>,
    /// What a NULL becomes.
    pub on_null: OnNull,
}

/// What the values of a metric are.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only grows. With `accumulate` each value is added to what came before.
    Counter {
        /// Rows are increments.
        accumulate: bool,
    },
    /// Each row is an observation, or with `accumulate` one more observation.
    Histogram {
        /// Upper bounds, rising, without +Inf.
        buckets: Vec<f64>,
        /// Observations of earlier answers stay.
        accumulate: bool,
    },
    /// Quantiles of the rows of one answer.
    Summary {
        /// From 0 to 1.
        quantiles: Vec<f64>,
    },
}

/// Where the values of a metric are.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// In one column.
    Column(String),
    /// In several columns; the name of the column becomes the value of a label.
    Columns {
        /// The label.
        label: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// The same for every row.
    Constant(f64),
    /// In the first column of the first row, whatever its name is: for an answer that is one number. Further columns and rows
    /// are left alone.
    Scalar,
}
