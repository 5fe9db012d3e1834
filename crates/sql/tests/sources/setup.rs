use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stonechat_model::Secret;
use stonechat_sql::plan::{Place, PoolLimits, Request, Source, SourceKind, Tls};
use stonechat_sql::rows::{Rows, Value};
use stonechat_sql::source::{Ask, Question, SourceError, open};

/// Which database a row of a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    MySql,
    Postgres,
    Sqlite,
}

pub use Database::{MySql, Postgres, Sqlite};

/// A server that the environment names, or a printed reason.
pub fn named(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    url
}

/// The URL of a database, where there is one.
pub fn url(database: Database) -> Option<String> {
    match database {
        MySql => named("STONECHAT_TEST_MYSQL_URL"),
        Postgres => named("STONECHAT_TEST_POSTGRES_URL"),
        // Empty, and nobody writes to it: what is asked is in the questions.
        Sqlite => {
            let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/sources.db");
            let file = std::fs::File::options()
                .create(true)
                .append(true)
                .open(path);
            file.expect("an empty file is an empty database");
            Some(format!("sqlite:{path}"))
        }
    }
}

/// A source of a database.
pub fn source(database: Database, url: &str, limits: PoolLimits) -> Arc<dyn Ask> {
    let kind = match database {
        MySql => SourceKind::MySql(Secret::new(url)),
        Postgres => SourceKind::Postgres(Secret::new(url)),
        Sqlite => SourceKind::Sqlite(url.to_owned()),
    };
    of_kind(kind, limits)
}

/// A source of any kind.
pub fn of_kind(kind: SourceKind, limits: PoolLimits) -> Arc<dyn Ask> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    open(&Source {
        name: "shop".to_owned(),
        kind,
        pool: limits,
        labels: BTreeMap::new(),
        tls: Tls::default(),
        place: Place::default(),
    })
}

/// The terms of a question.
pub struct Terms {
    pub parameters: BTreeMap<String, String>,
    pub timeout: Duration,
    pub rows_max: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            parameters: BTreeMap::new(),
            timeout: Duration::from_secs(20),
            rows_max: 100,
        }
    }
}

/// Asks with terms of its own.
pub async fn ask_on(
    source: &dyn Ask,
    request: &Request,
    terms: &Terms,
) -> Result<Rows, SourceError> {
    let question = Question {
        request,
        parameters: &terms.parameters,
        timeout: terms.timeout,
        rows_max: terms.rows_max,
    };
    source.ask(question).await
}

/// Asks in SQL.
pub async fn ask(source: &dyn Ask, sql: &str) -> Result<Rows, SourceError> {
    ask_on(source, &Request::Sql(sql.to_owned()), &Terms::default()).await
}

/// The only value of the only row.
pub async fn value(source: &dyn Ask, sql: &str) -> Value {
    let rows = ask(source, sql).await.expect(sql);
    assert_eq!(
        (rows.rows.len(), rows.columns.len()),
        (1, 1),
        "{sql}: {rows:?}"
    );
    rows.rows[0][0].clone()
}

/// Runs a statement that changes something, past the source.
pub async fn execute(database: Database, url: &str, statement: &str) {
    let text = sqlx::AssertSqlSafe(statement.to_owned());
    if database == MySql {
        let admin = sqlx::MySqlPool::connect(url).await.expect("the server");
        sqlx::raw_sql(text).execute(&admin).await.expect(statement);
    } else {
        let admin = sqlx::PgPool::connect(url).await.expect("the server");
        sqlx::raw_sql(text).execute(&admin).await.expect(statement);
    }
}

/// Waits until something is so, with a limit that only a broken program reaches.
pub async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let begin = Instant::now();
    while !check().await {
        assert!(
            begin.elapsed() < Duration::from_secs(15),
            "{what}: not within 15 s"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn local(text: &str) -> Value {
    Value::Local(text.to_owned())
}

pub fn decimal(text: &str) -> Value {
    Value::Decimal(text.to_owned())
}
