use std::time::{Duration, Instant};

use stonechat_sql::plan::{PoolLimits, Request};
use stonechat_sql::rows::Value;
use stonechat_sql::source::SourceError;

use crate::setup::{Database, MySql, Postgres, Sqlite, Terms, ask_on, source, until, url, value};

/// How many statements with a mark in their text run on the server.
async fn running(database: Database, url: &str, mark: &str) -> i64 {
    let pattern = format!("%{mark}%");
    if database == MySql {
        let mut admin: sqlx::MySqlConnection = connection(url).await;
        let sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND ID <> CONNECTION_ID()";
        let count = sqlx::query_scalar(sql)
            .bind(pattern)
            .fetch_one(&mut admin)
            .await;
        return count.expect("the list of processes");
    }
    let mut admin: sqlx::PgConnection = connection(url).await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()";
    let count = sqlx::query_scalar(sql)
        .bind(pattern)
        .fetch_one(&mut admin)
        .await;
    count.expect("the activity")
}

async fn connection<C: sqlx::Connection>(url: &str) -> C {
    C::connect(url).await.expect("the server")
}

fn slow(database: Database, mark: &str) -> Request {
    Request::Sql(match database {
        MySql => format!("SELECT SLEEP(60) AS {mark}"),
        Postgres => format!("SELECT pg_sleep(60) AS {mark}"),
        Sqlite => {
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS {mark} FROM n"
            )
        }
    })
}

#[tokio::test]
async fn a_query_that_takes_too_long_ends_on_the_server() {
    for database in [MySql, Postgres] {
        let Some(url) = url(database) else { continue };
        let mark = format!("too_long_{}", std::process::id());
        let limits = PoolLimits {
            connections_max: 1,
            ..PoolLimits::default()
        };
        let source = source(database, &url, limits);
        let request = slow(database, &mark);
        let terms = Terms {
            timeout: Duration::from_secs(1),
            ..Terms::default()
        };
        let begin = Instant::now();
        let asked = ask_on(&*source, &request, &terms);
        let seen = until("the query runs", async || {
            running(database, &url, &mark).await == 1
        });
        let (answer, ()) = tokio::join!(asked, seen);
        assert!(matches!(answer, Err(SourceError::Timeout(_))), "{answer:?}");
        assert!(begin.elapsed() < Duration::from_secs(5));
        until("the query is gone", async || {
            running(database, &url, &mark).await == 0
        })
        .await;
        // Its only connection is free again.
        assert_eq!(value(&*source, "SELECT 1").await, Value::Int(1));
    }
}

#[tokio::test]
async fn a_question_that_is_dropped_ends_on_the_server() {
    for database in [MySql, Postgres] {
        let Some(url) = url(database) else { continue };
        let mark = format!("dropped_{}", std::process::id());
        let source = source(database, &url, PoolLimits::default());
        let request = slow(database, &mark);
        let asked =
            tokio::spawn(async move { ask_on(&*source, &request, &Terms::default()).await });
        until("the query runs", async || {
            running(database, &url, &mark).await == 1
        })
        .await;
        asked.abort();
        until("the query is gone", async || {
            running(database, &url, &mark).await == 0
        })
        .await;
    }
}

#[tokio::test]
async fn the_thread_of_sqlite_does_not_go_on() {
    let url = url(Sqlite).expect("SQLite is always there");
    let source = source(Sqlite, &url, PoolLimits::default());
    let terms = Terms {
        timeout: Duration::from_millis(300),
        ..Terms::default()
    };
    let request = slow(Sqlite, "n");
    let asked = ask_on(&*source, &request, &terms);
    let seen = until("the thread runs", async || threads_of_sqlite() == 1);
    let (answer, ()) = tokio::join!(asked, seen);
    assert!(matches!(answer, Err(SourceError::Timeout(_))), "{answer:?}");
    until("the thread ends", async || threads_of_sqlite() == 0).await;
}

/// Threads that sqlx started for connections of SQLite.
fn threads_of_sqlite() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names = tasks
        .flatten()
        .map(|task| std::fs::read_to_string(task.path().join("comm")));
    names
        .flatten()
        .filter(|name| name.starts_with("sqlx-sqlite"))
        .count()
}
