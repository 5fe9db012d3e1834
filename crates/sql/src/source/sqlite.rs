//! SQLite: a file, opened read-only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Error, Row, TypeInfo, ValueRef};

use super::pool::{Failure, Server, Terms};
use super::rows::{collect, message, statements_max, text, unknown};
use super::statement::{self, Dialect, Statement};
use super::{SourceError, bound, sql};
use crate::plan::Request;
use crate::rows::{Rows, Value};

/// After so many of its instructions SQLite looks whether it should stop: some tens of microseconds.
const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 10_000;

/// A file of SQLite.
pub(super) struct SqliteFile {
    /// `sqlite:path`, `sqlite://path` or a path.
    url: String,
    connections_max: u32,
}

/// A connection, which is a thread of its own, and the flag that stops it.
pub(super) struct Session {
    connection: SqliteConnection,
    stopped: Arc<AtomicBool>,
}

impl SqliteFile {
    /// A file that is opened when it is first asked.
    pub(super) fn new(url: String, connections_max: u32) -> Self {
        Self {
            url,
            connections_max,
        }
    }

    fn unreachable(&self, error: &Error) -> SourceError {
        SourceError::Connect(format!("{}: {}", self.url, message(error)))
    }
}

impl Server for SqliteFile {
    type Connection = Session;
    type Order = Statement;

    fn check(&self, request: &Request) -> Result<Statement, SourceError> {
        statement::read(Dialect::Sqlite, sql(request)?)
    }

    async fn connect(&self) -> Result<Session, SourceError> {
        let options: SqliteConnectOptions = if self.url.starts_with("sqlite:") {
            self.url.parse().map_err(|error| self.unreachable(&error))?
        } else {
            SqliteConnectOptions::new().filename(&self.url)
        };
        let options = options
            .read_only(true)
            .create_if_missing(false)
            .pragma("query_only", "on")
            .statement_cache_capacity(statements_max(self.connections_max))
            .disable_statement_logging();
        let mut connection = options
            .connect()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = stopped.clone();
        let mut handle = connection
            .lock_handle()
            .await
            .map_err(|error| self.unreachable(&error))?;
        handle.set_progress_handler(INSTRUCTIONS_BETWEEN_LOOKS, move || {
            !flag.load(Ordering::Relaxed)
        });
        drop(handle);
        Ok(Session {
            connection,
            stopped,
        })
    }

    async fn ping(&self, session: &mut Session) -> bool {
        session.connection.ping().await.is_ok()
    }

    async fn run(
        &self,
        session: &mut Session,
        order: &Statement,
        terms: Terms<'_>,
    ) -> Result<Rows, Failure> {
        let mut arguments = SqliteArguments::default();
        for name in &order.parameters {
            let value = bound(terms.parameters, name)?.to_owned();
            arguments
                .add(value)
                .map_err(|error| Failure::Query(SourceError::Answer(error.to_string())))?;
        }
        let query = sqlx::query_with(AssertSqlSafe(order.text.as_str()), arguments);
        collect::<Sqlite>(
            query.fetch(&mut session.connection),
            terms.rows_max,
            |_| false,
            value,
        )
        .await
    }

    async fn cancel(&self, session: &mut Session) {
        session.stopped.store(true, Ordering::Relaxed);
    }

    async fn close(&self, session: Session) {
        let _ = session.connection.close().await;
    }
}

/// Reads a value by its own type: in SQLite that of the column binds nobody.
fn value(row: &SqliteRow, index: usize) -> Result<Value, String> {
    let raw = row.try_get_raw(index).map_err(|error| error.to_string())?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    let read = match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked(index).map(Value::Int),
        "REAL" => row.try_get_unchecked(index).map(Value::Float),
        "TEXT" | "BLOB" => {
            let bytes: Vec<u8> = row
                .try_get_unchecked(index)
                .map_err(|error| error.to_string())?;
            return text(&bytes, &kind);
        }
        _ => return Err(unknown(&kind)),
    };
    read.map_err(|error| error.to_string())
}
