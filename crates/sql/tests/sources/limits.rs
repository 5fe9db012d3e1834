use std::time::{Duration, Instant};

use stonechat_sql::plan::{PoolLimits, Request};
use stonechat_sql::rows::Value::Int;
use stonechat_sql::source::SourceError;

use crate::setup::{
    Database, MySql, Postgres, Sqlite, Terms, ask, ask_on, source, until, url, value,
};

const TEN_MILLION: [(Database, &str); 3] = [
    (
        MySql,
        "SELECT seq, REPEAT('x', 100) AS filler FROM seq_1_to_10000000",
    ),
    (
        Postgres,
        "SELECT i, repeat('x', 100) AS filler FROM generate_series(1, 10000000) AS i",
    ),
    (
        Sqlite,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000000) SELECT i, printf('%100d', i) FROM n",
    ),
];

#[tokio::test]
async fn ten_million_rows_are_an_error_and_not_read_into_memory() {
    for (database, sql) in TEN_MILLION {
        let Some(url) = url(database) else { continue };
        let source = source(database, &url, PoolLimits::default());
        let before = memory_bytes();
        let error = ask(&*source, sql).await.expect_err("too many rows");
        assert!(
            matches!(error, SourceError::TooManyRows(100)),
            "{database:?}: {error}"
        );
        let grown = memory_bytes().saturating_sub(before);
        assert!(grown < 64 << 20, "{database:?}: {grown} bytes more");
        assert_eq!(
            value(&*source, "SELECT 1").await,
            Int(1),
            "the source goes on"
        );
    }
}

fn memory_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let resident = pages.split(' ').nth(1).expect("resident pages");
    resident.parse::<usize>().expect("a number") * 4_096
}

#[tokio::test]
async fn as_many_rows_as_allowed_are_an_answer() {
    let url = url(Sqlite).expect("SQLite is always there");
    let source = source(Sqlite, &url, PoolLimits::default());
    let request = Request::Sql("VALUES (1), (2), (3)".to_owned());
    for (rows_max, works) in [(2, false), (3, true)] {
        let terms = Terms {
            rows_max,
            ..Terms::default()
        };
        assert_eq!(
            ask_on(&*source, &request, &terms).await.is_ok(),
            works,
            "{rows_max}"
        );
    }
}

/// Connections on the server that carry a name.
async fn connections(url: &str, name: &str) -> i64 {
    let mut admin = <sqlx::PgConnection as sqlx::Connection>::connect(url)
        .await
        .expect("the server");
    let count =
        sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1");
    count
        .bind(name)
        .fetch_one(&mut admin)
        .await
        .expect("the activity")
}

#[tokio::test]
async fn a_pool_has_no_more_connections_than_allowed_and_closes_those_that_nobody_uses() {
    let Some(url) = url(Postgres) else { return };
    let name = format!("stonechat-pool-{}", std::process::id());
    let limits = PoolLimits {
        connections_max: 2,
        idle_max: Some(Duration::from_millis(500)),
        ..PoolLimits::default()
    };
    let source = source(Postgres, &format!("{url}?application_name={name}"), limits);
    assert_eq!(
        connections(&url, &name).await,
        0,
        "nothing is opened before it is needed"
    );
    let begin = Instant::now();
    let asked = (0..4).map(|_| ask(&*source, "SELECT 1 FROM pg_sleep(0.5)"));
    for answer in futures_util::future::join_all(asked).await {
        answer.expect("each has its turn");
    }
    assert!(begin.elapsed() >= Duration::from_secs(1), "two at a time");
    assert!(connections(&url, &name).await <= 2);
    until("idle connections are closed", async || {
        connections(&url, &name).await == 0
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_used_again_until_its_lifetime_ends() {
    let Some(url) = url(Postgres) else { return };
    let limits = PoolLimits {
        lifetime_max: Some(Duration::from_millis(500)),
        ping: true,
        ..PoolLimits::default()
    };
    let source = source(Postgres, &url, limits);
    let process = || value(&*source, "SELECT pg_backend_pid()");
    let first = process().await;
    assert_eq!(process().await, first);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_ne!(process().await, first);
}

#[tokio::test]
async fn waiting_for_a_connection_has_its_own_error() {
    let Some(url) = url(Postgres) else { return };
    let limits = PoolLimits {
        connections_max: 1,
        ..PoolLimits::default()
    };
    let source = source(Postgres, &url, limits);
    let request = Request::Sql("SELECT 1".to_owned());
    let terms = Terms {
        timeout: Duration::from_millis(200),
        ..Terms::default()
    };
    let busy = ask(&*source, "SELECT 1 FROM pg_sleep(1)");
    let (_, answer) = tokio::join!(busy, ask_on(&*source, &request, &terms));
    let error = answer.expect_err("the only connection is busy").to_string();
    assert_eq!(
        error,
        "cannot connect: all 1 connections were busy for 200ms"
    );
}
