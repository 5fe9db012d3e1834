//! The database: users, tokens, sessions, messages. The services do not know which one it is.

mod accounts; // users and their tokens
mod messages; // sending, history, trimming
mod schema; // the tables
mod sessions; // who talks where

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlQueryResult};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, MySql, Sqlite};
use stonechat_metrics::{Database as DatabaseMetrics, Outcome, Registry};

use crate::fault::{Fault, Faults};

pub(crate) use messages::NewMessage;
pub(crate) use sessions::Member;

/// How much longer a query takes while [`Fault::SlowDb`] is on.
const SLOW_DB_DELAY: Duration = Duration::from_millis(800);
/// A query that takes longer is given up.
const QUERY_TIMEOUT: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements wait for a connection within [`QUERY_TIMEOUT`].
const MYSQL_CONNECTIONS_MAX: u32 = 16;
const SQLITE_READERS_MAX: u32 = 2;

/// Where the data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// SQLite, in the file `chat.db` of this folder, which is created if it is missing.
    Folder(PathBuf),
    /// MariaDB or MySQL, as `mysql://user:password@host:port/database`; the tables are created in
    /// that database.
    MySql(String),
}

/// A statement that the database did not carry out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What is given as the database cannot be opened: check the address or the folder.
    #[error("cannot open the database {what}")]
    Open {
        /// The folder, or the URL without its password.
        what: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// The folder of the data cannot be created.
    #[error("cannot create the data folder {}", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
    /// The database took too long.
    #[error("the database did not answer within {QUERY_TIMEOUT:?}")]
    Timeout,
    /// The database refused the statement.
    #[error("the database refused a statement")]
    Query(#[from] sqlx::Error),
}

/// SQLite has one writer at a time. A pool of one for writing makes writers wait in a fair queue
/// rather than poll for its lock.
#[derive(Debug)]
struct Sides<D: sqlx::Database> {
    read: sqlx::Pool<D>,
    write: sqlx::Pool<D>,
}

#[derive(Debug)]
enum Pool {
    Sqlite(Sides<Sqlite>),
    MySql(Sides<MySql>),
}

/// Runs the same code on either pool; both databases take `?` for a parameter.
macro_rules! on {
    ($store:expr, $side:ident, |$pool:ident| $body:expr) => {
        match &$store.pool {
            $crate::store::Pool::Sqlite(sides) => {
                let $pool = &sides.$side;
                $body
            }
            $crate::store::Pool::MySql(sides) => {
                let $pool = &sides.$side;
                $body
            }
        }
    };
}
use on;

/// The key that an insert was given, which the two drivers name differently.
trait InsertedKey {
    fn inserted_key(&self) -> i64;
}

impl InsertedKey for SqliteQueryResult {
    fn inserted_key(&self) -> i64 {
        self.last_insert_rowid()
    }
}

impl InsertedKey for MySqlQueryResult {
    fn inserted_key(&self) -> i64 {
        i64::try_from(self.last_insert_id()).unwrap_or(i64::MAX)
    }
}

/// The database, with its schema in place.
#[derive(Debug)]
pub(crate) struct Store {
    pool: Pool,
    metrics: DatabaseMetrics,
    faults: Arc<Faults>,
}

impl Store {
    /// Opens the database and creates the tables that are missing.
    pub async fn open(
        config: &StoreConfig,
        metrics: DatabaseMetrics,
        faults: Arc<Faults>,
    ) -> Result<Self, StoreError> {
        let pool = match config {
            StoreConfig::Folder(folder) => Pool::Sqlite(open_sqlite(folder).await?),
            StoreConfig::MySql(url) => Pool::MySql(open_mysql(url).await?),
        };
        let store = Self {
            pool,
            metrics,
            faults,
        };
        store.create_tables().await?;
        Ok(store)
    }

    /// Shows the connections of the pool. With SQLite it is that for reading: the other has one.
    pub fn watch_pool(&self, registry: &Registry) {
        on!(self, read, |pool| self.metrics.watch_pool(registry, pool));
    }

    /// Closes the connections once their statements are done.
    pub async fn close(&self) {
        on!(self, read, |pool| pool.close().await);
        on!(self, write, |pool| pool.close().await);
    }

    /// Measures a statement, makes it slow if the fault says so, and bounds it in time.
    async fn timed<T>(
        &self,
        operation: &'static str,
        table: &'static str,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let query = self.metrics.query(operation, table);
        if self.faults.is_on(Fault::SlowDb) {
            // Before the statement, not while it holds a connection: the fault is a slow database,
            // not an exhausted pool.
            tokio::time::sleep(SLOW_DB_DELAY).await;
        }
        let result = match tokio::time::timeout(QUERY_TIMEOUT, statement).await {
            Ok(result) => result.map_err(StoreError::from),
            Err(_) => Err(StoreError::Timeout),
        };
        query.finish(Outcome::from(&result));
        result
    }
}

async fn open_sqlite(folder: &Path) -> Result<Sides<Sqlite>, StoreError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| StoreError::Folder(folder.to_owned(), source))?;
    let file = folder.join("chat.db");
    // With a write-ahead log, `Normal` risks the last commits in a power cut, never the file.
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(QUERY_TIMEOUT);
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .test_before_acquire(false)
    };
    let failed = |source| StoreError::Open {
        what: file.display().to_string(),
        source,
    };
    let write = pool(1)
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    let read = pool(SQLITE_READERS_MAX)
        .connect_with(options)
        .await
        .map_err(failed)?;
    Ok(Sides { read, write })
}

async fn open_mysql(url: &str) -> Result<Sides<MySql>, StoreError> {
    let what = without_password(url);
    let failed = |source| StoreError::Open {
        what: what.clone(),
        source,
    };
    let options: MySqlConnectOptions = url.parse().map_err(failed)?;
    // A pool tries until its time is up and then tells only that; one connection tells why.
    let first = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
    let first = first
        .await
        .map_err(|_| StoreError::Timeout)?
        .map_err(failed)?;
    first.close().await.map_err(failed)?;
    let pool = MySqlPoolOptions::new()
        .max_connections(MYSQL_CONNECTIONS_MAX)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(failed)?;
    Ok(Sides {
        read: pool.clone(),
        write: pool,
    })
}

/// An address as it may be shown: `mysql://user:***@host/database`.
pub(crate) fn without_password(url: &str) -> String {
    let hidden = url.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    });
    hidden.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "mysql://chat:se:cr@t@db:3306/chat",
                "mysql://chat:***@db:3306/chat",
            ),
            ("mysql://chat@db/chat", "mysql://chat@db/chat"),
            ("redis://:secret@cache:6379", "redis://:***@cache:6379"),
            ("redis://cache:6379", "redis://cache:6379"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
