//! Asking a source: one front for all kinds of databases and services.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Secret;
use url::Url;

use crate::plan::{Request, Source, SourceKind};
use crate::rows::Rows;
use pool::{Failure, Pool};

mod clickhouse; // ClickHouse over HTTP
mod http; // what REST and ClickHouse have in common
mod mysql; // MySQL and MariaDB
mod pool; // connections that are kept
mod postgres; // PostgreSQL
mod redis; // Redis, alone, behind Sentinel, or a cluster
mod rest; // services that answer in JSON
mod rows; // what the SQL drivers have in common
mod sqlite; // SQLite
mod statement; // statements that only read, and their parameters
mod tls; // certificates from files

/// One question to a source.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is asked.
    pub request: &'a Request,
    /// Values for its parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// How long the answer may take, from now; then it is cancelled, on the server too.
    pub timeout: Duration,
    /// Most rows that are taken; one more is an error.
    pub rows_max: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The server cannot be reached; the next query tries again.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server refused the query; its own message.
    #[error("{0}")]
    Refused(String),
    /// Cancelled, here and on the server.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer was cut off: raise `rows_max`, or aggregate in the query.
    #[error("more than {0} rows")]
    TooManyRows(usize),
    /// A value of a type that cannot be read.
    #[error("column `{column}`: {reason}")]
    Decode {
        /// The column.
        column: String,
        /// What it is.
        reason: String,
    },
    /// The answer is not what was expected, such as text where JSON should be.
    #[error("{0}")]
    Answer(String),
}

/// The future of an answer.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Rows, SourceError>> + Send + 'a>>;

/// An open source. It connects when it is first asked, holds at most as many connections as its
/// [`PoolLimits`](crate::plan::PoolLimits) allow, and heals by itself.
pub trait Ask: Send + Sync {
    /// Asks.
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a>;
}

/// Opens a source. Nothing is connected, and nothing can fail, before it is asked.
#[must_use]
pub fn open(source: &Source) -> Arc<dyn Ask> {
    let (limits, tls) = (source.pool.clone(), source.tls.clone());
    let most = limits.connections_max;
    match &source.kind {
        SourceKind::MySql(url) => Arc::new(Pool::new(
            mysql::MySqlServer::new(url.clone(), most),
            limits,
        )),
        SourceKind::Postgres(url) => Arc::new(Pool::new(
            postgres::PostgresServer::new(url.clone(), most),
            limits,
        )),
        SourceKind::Sqlite(url) => Arc::new(Pool::new(
            sqlite::SqliteFile::new(url.clone(), most),
            limits,
        )),
        SourceKind::Redis(source) => Arc::new(Pool::new(
            redis::RedisServer::new(source.clone(), tls),
            limits,
        )),
        SourceKind::ClickHouse(url) => Arc::new(clickhouse::ClickHouse::new(
            url.clone(),
            http::Service::new(limits, tls),
        )),
        SourceKind::Rest(source) => Arc::new(rest::RestService::new(
            source.clone(),
            http::Service::new(limits, tls),
        )),
    }
}

/// A URL, without saying what is in one that cannot be read: it may be the password.
fn parsed(url: &Secret) -> Result<Url, SourceError> {
    let parsed = Url::parse(url.reveal());
    parsed.map_err(|error| SourceError::Connect(format!("the URL cannot be read: {error}")))
}

/// The statement, from a request that has one.
fn sql(request: &Request) -> Result<&str, SourceError> {
    match request {
        Request::Sql(text) => Ok(text),
        _ => Err(SourceError::Refused(
            "a database is asked by a statement of SQL".to_owned(),
        )),
    }
}

/// The value of a parameter.
fn bound<'a>(parameters: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Failure> {
    let value = parameters.get(name).map(String::as_str);
    value.ok_or_else(|| {
        Failure::Query(SourceError::Refused(format!(
            "parameter `:{name}` has no value"
        )))
    })
}
