//! MySQL and MariaDB.
//!
//! Statements are prepared, never sent as text: the text protocol rounds FLOAT to six digits. The time zone of a session stays
//! that of the server (or `timezone=` in the URL), because `CURDATE()` in a query means the server's day.

use sqlx::mysql::{
    MySql, MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Error, Executor, Row};
use stonechat_model::Secret;
use url::Url;

use super::pool::{Failure, Server, Terms};
use super::rows::{collect, message, statements_max};
use super::statement::{self, Dialect, Statement};
use super::{SourceError, bound, parsed, sql};
use crate::plan::Request;
use crate::rows::Rows;
use zone::Zone;

mod value; // a value of a row
mod zone; // what TIMESTAMP values are relative to

/// Errors with which a server takes its leave: shutdown, killed connections, idle for too long.
const LEAVING: [u16; 5] = [1053, 1927, 2006, 2013, 4031];

/// A server of MySQL or MariaDB.
pub(super) struct MySqlServer {
    url: Secret,
    connections_max: u32,
}

/// A connection, and what the server calls it.
pub(super) struct Session {
    connection: MySqlConnection,
    id: u64,
    zone: Zone,
}

impl MySqlServer {
    /// A server that is reached when it is first asked.
    pub(super) fn new(url: Secret, connections_max: u32) -> Self {
        Self {
            url,
            connections_max,
        }
    }

    fn options(&self) -> Result<MySqlConnectOptions, SourceError> {
        let url = parsed(&self.url)?;
        let options = MySqlConnectOptions::from_url(&url)
            .map_err(|error| SourceError::Connect(message(&error)))?;
        let named = |wanted: &[&str]| url.query_pairs().any(|(key, _)| wanted.contains(&&*key));
        let options = if named(&["timezone", "time-zone"]) {
            options
        } else {
            options.timezone(None)
        };
        let options = if named(&["statement-cache-capacity"]) {
            options
        } else {
            options.statement_cache_capacity(statements_max(self.connections_max))
        };
        // The driver's own modes would change what `||` means in a query.
        let options = options.pipes_as_concat(false).no_engine_substitution(false);
        Ok(options.disable_statement_logging())
    }

    async fn open(&self) -> Result<MySqlConnection, SourceError> {
        let options = self.options()?;
        options
            .connect()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &Error) -> SourceError {
        let place = parsed(&self.url).map(|url| place(&url)).unwrap_or_default();
        SourceError::Connect(format!("{place}: {}", message(error)))
    }
}

fn place(url: &Url) -> String {
    format!(
        "{}:{}",
        url.host_str().unwrap_or("localhost"),
        url.port().unwrap_or(3306)
    )
}

impl Server for MySqlServer {
    type Connection = Session;
    type Order = Statement;

    fn check(&self, request: &Request) -> Result<Statement, SourceError> {
        statement::read(Dialect::MySql, sql(request)?)
    }

    async fn connect(&self) -> Result<Session, SourceError> {
        const ABOUT: &str = "SELECT CONNECTION_ID(), @@session.time_zone, @@system_time_zone";
        let mut connection = self.open().await?;
        let read_only = "SET SESSION TRANSACTION READ ONLY";
        connection
            .execute(read_only)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let row = connection
            .fetch_one(ABOUT)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let text = |index| {
            row.try_get_unchecked::<String, usize>(index)
                .unwrap_or_default()
        };
        let id = row
            .try_get_unchecked(0)
            .map_err(|error| self.unreachable(&error))?;
        Ok(Session {
            connection,
            id,
            zone: Zone::read(&text(1), &text(2)),
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
        let zone = &session.zone;
        let decode = |row: &MySqlRow, index| value::read(row, index, zone);
        let text = AssertSqlSafe(order.text.as_str());
        // Not every SHOW can be prepared; its numbers are whole, so their text loses nothing.
        if order.parameters.is_empty() && order.begins_with("SHOW") {
            let stream = sqlx::raw_sql(text).fetch(&mut session.connection);
            return collect::<MySql>(stream, terms.rows_max, is_lost, decode).await;
        }
        let mut arguments = MySqlArguments::default();
        for name in &order.parameters {
            let value = bound(terms.parameters, name)?;
            arguments
                .add(value)
                .map_err(|error| Failure::Query(SourceError::Answer(error.to_string())))?;
        }
        let stream = sqlx::query_with(text, arguments).fetch(&mut session.connection);
        collect::<MySql>(stream, terms.rows_max, is_lost, decode).await
    }

    async fn cancel(&self, session: &mut Session) {
        let Ok(mut other) = self.open().await else {
            return; // A server that cannot be reached has lost this connection too.
        };
        // It fails when the query has ended in the meantime.
        let kill = format!("KILL QUERY {}", session.id);
        let _ = other.execute(AssertSqlSafe(kill)).await;
        let _ = other.close().await;
    }

    async fn close(&self, session: Session) {
        let _ = session.connection.close().await;
    }
}

fn is_lost(error: &Error) -> bool {
    let database = error.as_database_error();
    let database = database.and_then(|database| database.try_downcast_ref::<MySqlDatabaseError>());
    database.is_some_and(|database| LEAVING.contains(&database.number()))
}
