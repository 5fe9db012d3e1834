use stonechat_sql::plan::PoolLimits;
use stonechat_sql::rows::Value::Int;
use stonechat_sql::source::SourceError;

use crate::setup::{MySql, Postgres, Sqlite, ask, execute, source, url, value};

#[tokio::test]
async fn wrong_sql_is_the_databases_own_message() {
    for (database, sql, message) in [
        (
            MySql,
            "SELECT nonsense FROM seq_1_to_2",
            "unknown column 'nonsense'",
        ),
        (
            MySql,
            "SELECT 1 FROM",
            "you have an error in your sql syntax",
        ),
        (
            MySql,
            "DELETE FROM t",
            "only statements that read are allowed",
        ),
        (
            MySql,
            "SELECT :missing",
            "parameter `:missing` has no value",
        ),
        (
            Postgres,
            "SELECT nonsense",
            "column \"nonsense\" does not exist (42703)",
        ),
        (Postgres, "SELECT 1 / 0", "division by zero (22012)"),
        (Sqlite, "SELECT nonsense", "no such column: nonsense"),
    ] {
        let Some(url) = url(database) else { continue };
        let source = source(database, &url, PoolLimits::default());
        let error = ask(&*source, sql).await.expect_err(sql);
        assert!(matches!(error, SourceError::Refused(_)), "{error:?}");
        assert!(
            error.to_string().to_lowercase().contains(message),
            "{sql}: {error}"
        );
        assert_eq!(
            value(&*source, "SELECT 1").await,
            Int(1),
            "the source goes on"
        );
    }
}

/// Statements that the first fence cannot know for what they are.
#[tokio::test]
async fn sessions_are_read_only() {
    for (database, prepare, sql, message) in [
        (
            MySql,
            vec![
                "CREATE TABLE IF NOT EXISTS source_written (a INT)",
                "CREATE OR REPLACE FUNCTION source_write() RETURNS INT BEGIN INSERT INTO source_written VALUES (1); RETURN 1; END",
            ],
            "SELECT source_write()",
            "Cannot execute statement in a READ ONLY transaction (1792)",
        ),
        (
            Postgres,
            vec![
                "CREATE SEQUENCE IF NOT EXISTS source_sequence",
                "CREATE OR REPLACE FUNCTION source_count() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''source_sequence'')'",
            ],
            "SELECT source_count()",
            "cannot execute nextval() in a read-only transaction (25006)",
        ),
    ] {
        let Some(url) = url(database) else { continue };
        for statement in prepare {
            execute(database, &url, statement).await;
        }
        let source = source(database, &url, PoolLimits::default());
        let error = ask(&*source, sql).await.expect_err(sql).to_string();
        assert_eq!(error, message);
    }
}

#[tokio::test]
async fn no_error_tells_the_password() {
    let secret = "hunter2-topsecret";
    for (database, scheme) in [(MySql, "mysql"), (Postgres, "postgres")] {
        let server =
            url(database).and_then(|url| url.split_once("://").map(|(_, rest)| rest.to_owned()));
        let server = server.map(|rest| rest.rsplit('@').next().unwrap_or_default().to_owned());
        let places = [
            "127.0.0.1:1/test",
            "127.0.0.1:99999/test",
            "[/test",
            "no.such.host.invalid/test",
            "127.0.0.1:1/test?ssl-mode=hunter2-topsecret",
        ];
        // A user who does not exist, on the real server.
        for place in places.into_iter().chain(server.as_deref()) {
            let url = format!("{scheme}://stranger:{secret}@{place}");
            let source = source(database, &url, PoolLimits::default());
            let error = ask(&*source, "SELECT 1").await;
            let Err(error @ SourceError::Connect(_)) = error else {
                panic!("{place}: {error:?}");
            };
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(secret), "{place}: {shown}");
        }
    }
}
