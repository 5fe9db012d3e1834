use stonechat_sql::plan::{PoolLimits, Request};
use stonechat_sql::rows::Value::{self, Bool, Float, Int, Null, Time, Uint};

use crate::setup::{
    Database, MySql, Postgres, Sqlite, Terms, ask, ask_on, decimal, execute, local, source, text,
    url, value,
};

/// Each expression is one value.
async fn check(database: Database, cases: &[(&str, Value)]) {
    let Some(url) = url(database) else { return };
    let source = source(database, &url, PoolLimits::default());
    for (expression, expected) in cases {
        let found = value(&*source, &format!("SELECT {expression}")).await;
        assert_eq!(&found, expected, "{database:?}: {expression}");
    }
}

#[tokio::test]
async fn every_type_of_mysql() {
    let long = "12345678901234567890.0123456789";
    check(
        MySql,
        &[
            ("1", Int(1)),
            ("-5", Int(-5)),
            ("TRUE", Int(1)),
            ("NULL", Null),
            ("CAST(18446744073709551615 AS UNSIGNED)", Uint(u64::MAX)),
            ("CAST(7 AS UNSIGNED)", Int(7)),
            ("CAST(9223372036854775807 AS SIGNED)", Int(i64::MAX)),
            (&format!("CAST('{long}' AS DECIMAL(30,10))"), decimal(long)),
            (
                "SUM(x) FROM (SELECT 1 AS x UNION ALL SELECT 2) AS t",
                decimal("3"),
            ),
            ("1.50", decimal("1.50")),
            ("1e-3", Float(0.001)),
            ("CAST('16777217' AS DOUBLE)", Float(16_777_217.0)),
            ("'größe'", text("größe")),
            ("DATE '2026-11-22'", local("2026-11-22")),
            (
                "TIMESTAMP '2026-11-22 10:20:30'",
                local("2026-11-22T10:20:30"),
            ),
            (
                "CAST('2026-11-22 10:20:30.25' AS DATETIME(6))",
                local("2026-11-22T10:20:30.25"),
            ),
            ("TIME '-100:20:30'", local("-100:20:30")),
            ("CAST('10:20:30.5' AS TIME(6))", local("10:20:30.500000")),
            ("CAST('abc' AS BINARY)", text("abc")),
            ("JSON_OBJECT('a', 1)", text("{\"a\": 1}")),
        ],
    )
    .await;
}

#[tokio::test]
async fn columns_of_a_table_of_mysql() {
    let Some(url) = url(MySql) else { return };
    for statement in [
        "CREATE OR REPLACE TABLE source_types (flag BOOLEAN, bits BIT(9), small FLOAT, year YEAR, at TIMESTAMP(3) NULL, \
         zero DATE, kind ENUM('a', 'b'), big BIGINT UNSIGNED)",
        "SET STATEMENT sql_mode = '', time_zone = '+00:00' FOR INSERT INTO source_types VALUES \
         (7, b'100000001', 0.1, 2026, '1970-01-01 00:00:01.500', '0000-00-00', 'b', 18446744073709551615)",
    ] {
        execute(MySql, &url, statement).await;
    }
    // The time zone in the URL is that of the session, and a point in time does not depend on it.
    for zone in ["%2B08:00", "%2B00:00"] {
        let source = source(
            MySql,
            &format!("{url}?timezone={zone}"),
            PoolLimits::default(),
        );
        let rows = ask(&*source, "SELECT * FROM source_types")
            .await
            .expect(zone);
        assert_eq!(rows.columns[..3], ["flag", "bits", "small"]);
        let (small, big) = (Float(f64::from(0.1_f32)), Uint(u64::MAX));
        let expected = [
            Int(7),
            Int(257),
            small,
            Int(2026),
            Time(1_500),
            Null,
            text("b"),
            big,
        ];
        assert_eq!(rows.rows, [expected], "{zone}");
    }
    // SHOW is sent as text.
    let source = source(MySql, &url, PoolLimits::default());
    let shown = ask(&*source, "SHOW TABLE STATUS LIKE 'source_types'")
        .await
        .expect("SHOW");
    assert_eq!(shown.rows[0][0], text("source_types"));
    let created = &shown.rows[0][shown.column("Create_time").expect("a column")];
    assert!(
        matches!(created, Value::Local(at) if at.contains('T')),
        "{created:?}"
    );
}

#[tokio::test]
async fn every_type_of_postgres() {
    let long = "-12345678901234567890.0123456789";
    let uuid = "12345678-9abc-def0-1234-56789abcdef0";
    check(
        Postgres,
        &[
            ("1", Int(1)),
            ("-5::int2", Int(-5)),
            ("9223372036854775807", Int(i64::MAX)),
            ("true", Bool(true)),
            ("NULL", Null),
            ("NULL::numeric", Null),
            ("1.50", decimal("1.50")),
            (long, decimal(long)),
            ("0.00001", decimal("0.00001")),
            ("10000::numeric", decimal("10000")),
            ("1e20::numeric", decimal("100000000000000000000")),
            ("'NaN'::numeric", decimal("NaN")),
            ("sum(x) FROM generate_series(1, 3) AS x", Int(6)),
            ("sum(x::int8) FROM generate_series(1, 3) AS x", decimal("6")),
            ("0.5::float4", Float(0.5)),
            ("1e-3::float8", Float(0.001)),
            ("'größe'", text("größe")),
            ("'a'::\"char\"", text("a")),
            ("'x'::varchar", text("x")),
            ("'x'::char(2)", text("x ")),
            ("'public'::name", text("public")),
            ("'\\x616263'::bytea", text("abc")),
            ("date '2026-11-22'", local("2026-11-22")),
            ("date '1969-12-31'", local("1969-12-31")),
            ("date 'infinity'", local("infinity")),
            (
                "timestamp '2026-11-22 10:20:30.25'",
                local("2026-11-22T10:20:30.25"),
            ),
            ("timestamptz '1970-01-01 00:00:01.5+00'", Time(1_500)),
            ("timestamptz '1969-12-31 23:59:59.999+00'", Time(-1)),
            ("time '10:20:30'", local("10:20:30")),
            (
                "interval '1 month 2 days 3.5 seconds'",
                text("P1M2DT3.500000S"),
            ),
            (&format!("'{uuid}'::uuid"), text(uuid)),
            ("'{\"a\": 1}'::json", text("{\"a\": 1}")),
            ("'{\"a\": 1}'::jsonb", text("{\"a\": 1}")),
            ("b'101'", Int(5)),
            ("123::oid", Int(123)),
        ],
    )
    .await;
}

#[tokio::test]
async fn every_type_of_sqlite() {
    check(
        Sqlite,
        &[
            ("1", Int(1)),
            ("9223372036854775807", Int(i64::MAX)),
            ("1.5", Float(1.5)),
            ("TRUE", Int(1)),
            ("NULL", Null),
            ("'größe'", text("größe")),
            ("x'616263'", text("abc")),
            ("date(0, 'unixepoch')", text("1970-01-01")),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_names_the_column_and_its_type() {
    for (database, sql, message) in [
        (
            MySql,
            "SELECT 1 AS a, x'ff00' AS b",
            "column `b`: VARBINARY that is not UTF-8",
        ),
        (
            MySql,
            "SELECT POINT(1, 2) AS place",
            "column `place`: type GEOMETRY cannot be read",
        ),
        (
            Postgres,
            "SELECT ARRAY[1, 2] AS list",
            "column `list`: type INT4[] cannot be read",
        ),
        (
            Postgres,
            "SELECT '1.50'::money AS price",
            "column `price`: type MONEY cannot be read",
        ),
        (
            Postgres,
            "SELECT '\\xff'::bytea AS raw",
            "column `raw`: BYTEA that is not UTF-8",
        ),
        (
            Sqlite,
            "SELECT x'ff' AS raw",
            "column `raw`: BLOB that is not UTF-8",
        ),
    ] {
        let Some(url) = url(database) else { continue };
        let source = source(database, &url, PoolLimits::default());
        let error = ask(&*source, sql).await.expect_err(sql).to_string();
        assert!(error.starts_with(message), "{sql}: {error}");
        assert_eq!(
            value(&*source, "SELECT 1").await,
            Int(1),
            "the source goes on"
        );
    }
}

#[tokio::test]
async fn parameters_are_bound_and_not_pasted() {
    let evil = "x' OR '1'='1";
    let series =
        |condition| format!("SELECT count(*) FROM generate_series(1, 9) AS id WHERE {condition}");
    for (database, sql, given, expected) in [
        (MySql, "SELECT :p".to_owned(), evil, text(evil)),
        (
            MySql,
            "SELECT CONCAT(:p, ':p', :p)".to_owned(),
            "a",
            text("a:pa"),
        ),
        (
            MySql,
            "SELECT COUNT(*) FROM seq_1_to_9 WHERE seq = :p".to_owned(),
            "5",
            Int(1),
        ),
        (Postgres, "SELECT :p".to_owned(), evil, text(evil)),
        (Postgres, series("id = :p"), "5", Int(1)),
        (Postgres, series("id::int8 > :p"), "7", Int(2)),
        (Postgres, series("id::numeric < :p"), "2.5", Int(2)),
        (Postgres, series("id::float8 < :p"), "2.5", Int(2)),
        (
            Postgres,
            "SELECT timestamptz '1970-01-01 00:00:02Z' > :p".to_owned(),
            "1970-01-01T00:00:01Z",
            Bool(true),
        ),
        (
            Postgres,
            "SELECT date '2026-01-02' - :p::date".to_owned(),
            "2026-01-01",
            Int(1),
        ),
        (Postgres, "SELECT NOT :p".to_owned(), "false", Bool(true)),
        (
            Postgres,
            "SELECT :p::jsonb ->> 'a'".to_owned(),
            "{\"a\": 5}",
            text("5"),
        ),
        (Sqlite, "SELECT :p".to_owned(), evil, text(evil)),
        (Sqlite, "SELECT :p || :p".to_owned(), "a", text("aa")),
    ] {
        let Some(url) = url(database) else { continue };
        let source = source(database, &url, PoolLimits::default());
        let terms = Terms {
            parameters: [("p".to_owned(), given.to_owned())].into(),
            ..Terms::default()
        };
        let request = Request::Sql(sql.clone());
        for _ in 0..2 {
            let rows = ask_on(&*source, &request, &terms).await.expect(&sql);
            assert_eq!(rows.rows, [[expected.clone()]], "{database:?}: {sql}");
        }
    }
}
