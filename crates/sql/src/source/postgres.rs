//! PostgreSQL.
//!
//! A session's time zone is UTC, unless the URL has `timezone=…`: then `CURRENT_DATE` in a query is the day of that zone.

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgTypeInfo, Postgres};
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, Connection, Either, Error, Executor, SqlSafeStr,
    Statement as _,
};
use stonechat_model::Secret;
use url::Url;

use super::pool::{Failure, Server, Terms};
use super::rows::{collect, failure, message, statements_max};
use super::statement::{self, Dialect, Statement};
use super::{SourceError, bound, parsed, sql};
use crate::plan::Request;
use crate::rows::Rows;
use parameter::Parameter;

mod numeric; // NUMERIC from and to text
mod parameter; // a text as a parameter of any type
mod value; // a value of a row

/// SQLSTATE of a plan that no longer fits its table, which was altered. It fits again on a new connection.
const PLAN_OUTDATED: &str = "0A000";

/// A server of PostgreSQL.
pub(super) struct PostgresServer {
    url: Secret,
    connections_max: u32,
}

/// A connection, and the process that serves it.
pub(super) struct Session {
    connection: PgConnection,
    process: i32,
}

impl PostgresServer {
    /// A server that is reached when it is first asked.
    pub(super) fn new(url: Secret, connections_max: u32) -> Self {
        Self {
            url,
            connections_max,
        }
    }

    /// How to connect, and the time zone that the URL asks for.
    fn options(&self) -> Result<(PgConnectOptions, String), SourceError> {
        let mut url = parsed(&self.url)?;
        let mut zone = "UTC".to_owned();
        let mut rest = Vec::new();
        for (key, value) in url.query_pairs() {
            if ["timezone", "options[timezone]"].contains(&key.to_lowercase().as_str()) {
                zone = value.into_owned();
            } else {
                rest.push((key.into_owned(), value.into_owned()));
            }
        }
        let is_sized = rest
            .iter()
            .any(|(key, _)| key == "statement-cache-capacity");
        url.query_pairs_mut().clear().extend_pairs(rest);
        let options = PgConnectOptions::from_url(&url)
            .map_err(|error| SourceError::Connect(message(&error)))?;
        let options = if is_sized {
            options
        } else {
            options.statement_cache_capacity(statements_max(self.connections_max))
        };
        Ok((options.disable_statement_logging(), zone))
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
        url.port().unwrap_or(5432)
    )
}

impl Server for PostgresServer {
    type Connection = Session;
    type Order = Statement;

    fn check(&self, request: &Request) -> Result<Statement, SourceError> {
        statement::read(Dialect::Postgres, sql(request)?)
    }

    async fn connect(&self) -> Result<Session, SourceError> {
        const BEGIN: &str = "SELECT pg_backend_pid(), set_config('default_transaction_read_only', 'on', false), \
                             set_config('TimeZone', $1, false)";
        let (options, zone) = self.options()?;
        let mut connection = options
            .connect()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let begin = sqlx::query_as::<_, (i32, String, String)>(BEGIN)
            .persistent(false)
            .bind(zone);
        let (process, ..) = begin
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok(Session {
            connection,
            process,
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
        let arguments = arguments(&mut session.connection, order, terms).await?;
        let query = sqlx::query_with(AssertSqlSafe(order.text.as_str()), arguments);
        collect::<Postgres>(
            query.fetch(&mut session.connection),
            terms.rows_max,
            is_lost,
            value::read,
        )
        .await
    }

    async fn cancel(&self, session: &mut Session) {
        let Ok((options, _)) = self.options() else {
            return;
        };
        let Ok(mut other) = options.connect().await else {
            return; // A server that cannot be reached has lost this connection too.
        };
        let cancel = sqlx::query("SELECT pg_cancel_backend($1)").bind(session.process);
        let _ = cancel.execute(&mut other).await;
        let _ = other.close().await;
    }

    async fn close(&self, session: Session) {
        let _ = session.connection.close().await;
    }
}

/// The parameters as the types that the server found for them: it takes no text where it expects a number.
async fn arguments(
    connection: &mut PgConnection,
    order: &Statement,
    terms: Terms<'_>,
) -> Result<PgArguments, Failure> {
    let mut arguments = PgArguments::default();
    if order.parameters.is_empty() {
        return Ok(arguments);
    }
    let text = AssertSqlSafe(order.text.clone()).into_sql_str();
    let prepared = connection
        .prepare(text)
        .await
        .map_err(|error| failure(&error, is_lost))?;
    let kinds: &[PgTypeInfo] = match prepared.parameters() {
        Some(Either::Left(kinds)) => kinds,
        _ => &[],
    };
    for (name, kind) in order.parameters.iter().zip(kinds) {
        let value = bound(terms.parameters, name)?;
        let refused = |reason| {
            Failure::Query(SourceError::Refused(format!(
                "parameter `{name}`: {reason}"
            )))
        };
        let parameter = Parameter::new(value, kind).map_err(refused)?;
        arguments
            .add(parameter)
            .map_err(|error| refused(error.to_string()))?;
    }
    Ok(arguments)
}

/// Whether the server takes its leave (shutdown, a killed process, an idle session), or a plan has to be made anew.
fn is_lost(error: &Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        let leaves = code.starts_with("57P0") || code.starts_with("08") || code == "25P03";
        leaves || code == PLAN_OUTDATED && message(error).contains("cached plan")
    })
}
