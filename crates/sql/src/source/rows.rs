//! What the three drivers of sqlx have in common: rows as they come, and what their errors mean.

use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{Column, Database, Error, Row};

use super::SourceError;
use super::pool::Failure;
use crate::rows::{Rows, Value};

/// How many prepared statements the connections of a source keep together. Each query is one statement, and one that is kept costs one
/// round trip in place of three. A server has room for them, too: MariaDB for 16,382 of all its clients.
const STATEMENTS_OF_ALL: usize = 4_000;

/// How many prepared statements each connection keeps, unless the URL says otherwise.
pub(super) fn statements_max(connections_max: u32) -> usize {
    STATEMENTS_OF_ALL / connections_max.clamp(1, 40) as usize
}

/// Reads rows one by one and stops behind `rows_max`, so that an answer of ten million is not held in memory.
pub(super) async fn collect<D: Database>(
    mut stream: BoxStream<'_, Result<D::Row, Error>>,
    rows_max: usize,
    is_lost: fn(&Error) -> bool,
    mut value: impl FnMut(&D::Row, usize) -> Result<Value, String>,
) -> Result<Rows, Failure> {
    let mut rows = Rows::default();
    while let Some(row) = stream
        .try_next()
        .await
        .map_err(|error| failure(&error, is_lost))?
    {
        if rows.rows.len() == rows_max {
            return Err(Failure::Unfinished(SourceError::TooManyRows(rows_max)));
        }
        if rows.columns.is_empty() {
            rows.columns = row
                .columns()
                .iter()
                .map(|column| column.name().to_owned())
                .collect();
        }
        let values = (0..row.len()).map(|index| {
            value(&row, index).map_err(|reason| {
                Failure::Unfinished(SourceError::Decode {
                    column: row.columns()[index].name().to_owned(),
                    reason,
                })
            })
        });
        rows.rows.push(values.collect::<Result<_, _>>()?);
    }
    Ok(rows)
}

/// What became of a connection after an error.
pub(super) fn failure(error: &Error, is_lost: fn(&Error) -> bool) -> Failure {
    match error {
        _ if is_lost(error) => Failure::Lost(SourceError::Connect(message(error))),
        Error::Database(_) => Failure::Query(SourceError::Refused(message(error))),
        Error::Encode(_) => Failure::Query(SourceError::Answer(message(error))),
        Error::Io(_) | Error::Tls(_) | Error::WorkerCrashed | Error::Protocol(_) => {
            Failure::Lost(SourceError::Connect(message(error)))
        }
        _ => Failure::Unfinished(SourceError::Answer(message(error))),
    }
}

/// The database's own message, or what the driver says. Neither names more of a URL than its host.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::Database(database) => {
            // MySQL's numbers say more than its SQLSTATE.
            let mysql = database.try_downcast_ref::<MySqlDatabaseError>();
            let number = mysql.map(|mysql| mysql.number().to_string().into());
            match number.or(database.code()) {
                Some(code) => format!("{} ({code})", database.message()),
                None => database.message().to_owned(),
            }
        }
        Error::Io(error) => error.to_string(),
        Error::Encode(error) => error.to_string(),
        // The text of these may quote a part of the URL.
        Error::Configuration(_) => "an option of the URL is not known or not right".to_owned(),
        other => other.to_string(),
    }
}

/// Bytes as text, or why not.
pub(super) fn text(bytes: &[u8], kind: &str) -> Result<Value, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::Text(text.to_owned())),
        Err(_) => Err(format!(
            "{kind} that is not UTF-8; use HEX() or encode() in the query"
        )),
    }
}

/// What to do about a type that cannot be read.
pub(super) fn unknown(kind: &str) -> String {
    format!("type {kind} cannot be read; cast it to a number or to text in the query")
}
