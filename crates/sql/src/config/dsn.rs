//! Names of data sources as other programs write them: drivers of Go and SQLAlchemy.

mod clickhouse; // its own protocol, and HTTP
mod mysql; // URLs, and `user:password@tcp(host:3306)/name`
mod postgres; // URLs with settings of the session
mod sqlite; // files

use std::time::Duration;

use stonechat_model::Secret;
use stonechat_model::yaml::Spanned;

use super::check::Check;
use crate::plan::SourceKind;

/// A source, and what was said about it besides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dsn {
    pub(super) kind: SourceKind,
    /// The name of its driver.
    pub(super) driver: String,
    pub(super) host: String,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) connect_timeout: Option<Duration>,
    /// What cannot be taken as it is written.
    pub(super) warnings: Vec<String>,
}

/// How a driver's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    MySql,
    Postgres,
    Sqlite,
    ClickHouse,
}

const FAMILIES: [(&str, Family); 21] = [
    ("mysql", Family::MySql),
    ("mariadb", Family::MySql),
    ("maria", Family::MySql),
    ("percona", Family::MySql),
    ("aurora", Family::MySql),
    ("my", Family::MySql),
    ("postgres", Family::Postgres),
    ("postgresql", Family::Postgres),
    ("pg", Family::Postgres),
    ("pgsql", Family::Postgres),
    ("pgx", Family::Postgres),
    ("px", Family::Postgres),
    ("sqlite", Family::Sqlite),
    ("sqlite3", Family::Sqlite),
    ("sq", Family::Sqlite),
    ("file", Family::Sqlite),
    ("moderncsqlite", Family::Sqlite),
    ("modernsqlite", Family::Sqlite),
    ("clickhouse", Family::ClickHouse),
    ("clickhousedb", Family::ClickHouse),
    ("ch", Family::ClickHouse),
];

/// Databases that these programs know and we do not.
const OTHERS: [(&str, &str); 20] = [
    ("sqlserver", "SQL Server"),
    ("mssql", "SQL Server"),
    ("azuresql", "Azure SQL"),
    ("ms", "SQL Server"),
    ("oracle", "Oracle"),
    ("godror", "Oracle"),
    ("snowflake", "Snowflake"),
    ("vertica", "Vertica"),
    ("athena", "Athena"),
    ("cloudsql", "the Cloud SQL connector"),
    ("rds", "an RDS token as password"),
    ("db2", "Db2"),
    ("ibm_db_sa", "Db2"),
    ("trino", "Trino"),
    ("presto", "Presto"),
    ("awssecretsmanager", "AWS Secrets Manager"),
    ("gcpsecretmanager", "Google Secret Manager"),
    ("hashivault", "Vault"),
    ("k8ssecret", "a Kubernetes secret"),
    ("bigquery", "BigQuery"),
];

/// Reads a name as it stands in a file; `None` where it is wrong, or of a database that we do not know.
pub(super) fn checked<T>(
    check: &mut Check<'_>,
    written: &Spanned<T>,
    text: &str,
    read: fn(&str) -> Result<Dsn, String>,
) -> Option<Dsn> {
    if let Some(other) = foreign(text) {
        check.leave_out(written, format!("{other} is not supported yet"));
        return None;
    }
    match read(text) {
        Ok(dsn) => {
            for warning in &dsn.warnings {
                check.warn(written, warning);
            }
            Some(dsn)
        }
        Err(reason) => {
            check.at(written, reason);
            None
        }
    }
}

/// The database that a name belongs to, if it is one of the others.
fn foreign(text: &str) -> Option<&'static str> {
    let scheme = text.split(':').next()?.to_ascii_lowercase();
    let plain = scheme.split(['+', '-']).next()?;
    let known = OTHERS.iter().find(|(other, _)| *other == plain);
    known.map(|(_, other)| *other)
}

/// Reads what drivers of Go read.
///
/// # Errors
/// Why it cannot be read. No part of a password is in the message.
pub(super) fn go(text: &str) -> Result<Dsn, String> {
    read(text, "+", sqlite::go)
}

/// Reads what SQLAlchemy reads: `dialect+driver://user:password@host:port/database`.
///
/// # Errors
/// As [`go`].
pub(super) fn sqlalchemy(text: &str) -> Result<Dsn, String> {
    read(text, "+", sqlite::sqlalchemy)
}

fn read(
    text: &str,
    split: &str,
    sqlite: impl Fn(&str) -> Result<Dsn, String>,
) -> Result<Dsn, String> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err("there is no driver in front; write `driver://user@host:port/name`".to_owned());
    };
    let scheme = scheme.to_ascii_lowercase();
    let (name, driver) = scheme.split_once(split).unwrap_or((scheme.as_str(), ""));
    let family = FAMILIES.iter().find(|(known, _)| *known == name);
    let Some((_, family)) = family else {
        return Err(match foreign(text) {
            Some(other) => format!("{other} is not supported yet"),
            None if name.contains(['/', '@']) => {
                "there is no driver in front; write `driver://user@host:port/name`".to_owned()
            }
            None => format!(
                "the driver `{name}` is not known; mysql, postgres, sqlite and clickhouse are"
            ),
        });
    };
    match family {
        Family::MySql => mysql::read(rest),
        Family::Postgres => postgres::read(rest, &scheme),
        Family::Sqlite => sqlite(rest),
        Family::ClickHouse => clickhouse::read(rest, driver),
    }
}

/// A duration in seconds or of Go.
fn seconds(text: &str) -> Option<Duration> {
    match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => super::time::go_duration(text),
    }
}

fn secret(text: String) -> Secret {
    Secret::new(text)
}

#[cfg(test)]
mod tests;
