use super::*;
use Dialect::{ClickHouse, MySql, Postgres, Sqlite};

#[test]
fn what_only_reads_is_let_through() {
    for (dialect, sql) in [
        (MySql, "SELECT 1"),
        (MySql, "  -- a comment\n select 1 ;  # the end"),
        (MySql, "/* why */ (SELECT 1) UNION (SELECT 2)"),
        (MySql, "SHOW GLOBAL STATUS"),
        (MySql, "SELECT 'a; DELETE FROM t', \"x\\\"; DROP\""),
        (MySql, "SELECT `delete`, `into` FROM t"),
        (MySql, "SELECT REPLACE(name, 'a', 'b'), (5)--1 FROM t"),
        (
            MySql,
            "SELECT SUBSTRING(a FROM 1 FOR 2), nextval FROM t WHERE updated > 1",
        ),
        (MySql, "SELECT SLEEP(1), 'get_lock(1)', get_lock FROM t"),
        (
            Postgres,
            "SELECT pg_sleep(1), pg_stat_get_numscans(1), currval('s') FROM pg_stat_activity",
        ),
        (
            Postgres,
            "WITH \"a\"(\"lo\") AS (SELECT 1) SELECT \"lo\" FROM \"a\"",
        ),
        (Postgres, "WITH a AS (SELECT 1) SELECT * FROM a"),
        (Postgres, "VALUES (1), (2)"),
        (Postgres, "TABLE t"),
        (Postgres, "SELECT $$; DELETE FROM t$$, $a$ ; $$ $a$"),
        (Postgres, "SELECT E'\\'; DELETE', '\\'"),
        (Postgres, "SELECT 1 /* a /* nested ; */ DELETE */"),
        (Postgres, "EXPLAIN ANALYZE SELECT 1"),
        (Sqlite, "PRAGMA page_count"),
        (Sqlite, "PRAGMA table_info(t)"),
        (Sqlite, "SELECT [into] FROM t"),
        (ClickHouse, "EXISTS TABLE t"),
        (ClickHouse, "DESCRIBE t"),
    ] {
        assert!(
            read(dialect, sql).is_ok(),
            "{sql}: {:?}",
            read(dialect, sql)
        );
    }
}

/// Each statement is refused with a reason that has this part.
fn all_refused(cases: &[(Dialect, &str, &str)]) {
    for (dialect, sql, reason) in cases {
        let error = read(*dialect, sql).expect_err(sql).to_string();
        assert!(error.contains(reason), "{sql}: {error}");
    }
}

#[test]
fn what_writes_is_refused_with_the_reason() {
    all_refused(&[
        (MySql, "", "there is no statement"),
        (MySql, " -- nothing", "there is no statement"),
        (MySql, "DELETE FROM t", "begins with `DELETE`"),
        (
            MySql,
            "/* SELECT */ update t set a=1",
            "begins with `update`",
        ),
        (MySql, "SET GLOBAL x = 1", "begins with `SET`"),
        (MySql, "CALL p()", "begins with `CALL`"),
        (MySql, "SELECT 1; DELETE FROM t", "more than one statement"),
        (MySql, "SELECT 1;;'x'", "more than one statement"),
        (
            MySql,
            "SELECT '\\\\'; DELETE FROM t",
            "more than one statement",
        ),
        (
            MySql,
            "SELECT * FROM t INTO OUTFILE '/tmp/x'",
            "INTO writes",
        ),
        (
            MySql,
            "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
            "a comment that the database executes",
        ),
        (
            MySql,
            "/*M!100100 DELETE */ SELECT 1",
            "a comment that the database executes",
        ),
        (MySql, "PRAGMA page_count", "PRAGMA page_count"),
        (Postgres, "SELECT * INTO copy FROM t", "INTO writes"),
        (
            Postgres,
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
            "begins with `DELETE`",
        ),
        (
            Postgres,
            "WITH a AS (SELECT 1) UPDATE t SET a = 1",
            "begins with `UPDATE`",
        ),
        (Postgres, "EXPLAIN ANALYZE DELETE FROM t", "has `DELETE`"),
        (Postgres, "COPY t TO '/tmp/x'", "begins with `COPY`"),
        (
            Postgres,
            "SELECT '\\'; DELETE FROM t; --'",
            "more than one statement",
        ),
        (
            Postgres,
            "EXPLAIN ANALYZE SELECT * INTO copy FROM t",
            "INTO writes",
        ),
        (
            MySql,
            "WITH a AS (SELECT 1) DELETE FROM t",
            "begins with `DELETE`",
        ),
        (Sqlite, "PRAGMA query_only(0)", "PRAGMA query_only"),
        (Sqlite, "PRAGMA page_size = 4096", "PRAGMA page_size"),
        (Sqlite, "ATTACH 'x' AS y", "begins with `ATTACH`"),
        (ClickHouse, "KILL QUERY WHERE 1", "begins with `KILL`"),
    ]);
}

#[test]
fn what_reads_and_does_more_is_refused() {
    all_refused(&[
        (
            Postgres,
            "SELECT set_config('default_transaction_read_only', 'off', false)",
            "`set_config` does more than read",
        ),
        (
            Postgres,
            "SELECT pg_catalog.PG_Terminate_Backend /* now */ (pid) FROM pg_stat_activity",
            "`pg_terminate_backend` does more than read",
        ),
        (
            Postgres,
            "SELECT \"pg_advisory_lock\"(1)",
            "`pg_advisory_lock` does more",
        ),
        (
            Postgres,
            "SELECT U&\"pg\\005fadvisory_lock\"(1)",
            "write it plainly",
        ),
        (Postgres, "SELECT lo_create(0)", "`lo_create` does more"),
        (
            Postgres,
            "SELECT a FROM t FOR NO KEY UPDATE",
            "FOR NO KEY UPDATE locks rows",
        ),
        (MySql, "SELECT `get_lock`('a', 1)", "`get_lock` does more"),
        (MySql, "SELECT NEXT VALUE FOR s", "changes the sequence"),
        (
            MySql,
            "SELECT * FROM t WHERE a > 1 FOR UPDATE",
            "FOR UPDATE locks rows",
        ),
        (
            MySql,
            "SELECT * FROM t LOCK IN SHARE MODE",
            "LOCK IN SHARE MODE locks rows",
        ),
        (
            Sqlite,
            "SELECT load_extension('x')",
            "`load_extension` does more",
        ),
    ]);
}

#[test]
fn parameters_become_placeholders_outside_quotes_and_comments() {
    for (dialect, sql, text, parameters) in [
        (
            MySql,
            "SELECT :a, :b, :a",
            "SELECT ?, ?, ?",
            vec!["a", "b", "a"],
        ),
        (
            Postgres,
            "SELECT :a, :b, :a",
            "SELECT $1, $2, $1",
            vec!["a", "b"],
        ),
        (
            Sqlite,
            "SELECT :a, :b, :a",
            "SELECT ?1, ?2, ?1",
            vec!["a", "b"],
        ),
        (ClickHouse, "SELECT :a", "SELECT {a:String}", vec!["a"]),
        (
            Postgres,
            "SELECT now()::date, x::text",
            "SELECT now()::date, x::text",
            vec![],
        ),
        (Postgres, "SELECT :a::int", "SELECT $1::int", vec!["a"]),
        (
            Postgres,
            "SELECT l[1:n] FROM t",
            "SELECT l[1:n] FROM t",
            vec![],
        ),
        (
            Postgres,
            "SELECT ':a', \":a\", $$:a$$ -- :a",
            "SELECT ':a', \":a\", $$:a$$ -- :a",
            vec![],
        ),
        (
            MySql,
            "SELECT ':a' /* :a */, 'it''s :a', :größe",
            "SELECT ':a' /* :a */, 'it''s :a', ?",
            vec!["größe"],
        ),
        (
            MySql,
            "SELECT '10:30', @x := 1",
            "SELECT '10:30', @x := 1",
            vec![],
        ),
    ] {
        let statement = read(dialect, sql).expect(sql);
        assert_eq!(statement.text, text, "{sql}");
        assert_eq!(statement.parameters, parameters, "{sql}");
    }
}
