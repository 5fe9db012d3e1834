use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use stonechat_model::Secret;
use stonechat_sql::plan::{PoolLimits, Request, SourceKind};
use stonechat_sql::rows::Value::{Bool, Float, Int, Null, Time, Uint};
use stonechat_sql::source::{Ask, SourceError};

use crate::rest::serve;
use crate::setup::{Terms, ask, ask_on, decimal, local, of_kind, text, until};

/// What was sent: settings and the like, the statement, the user.
type Sent = Arc<Mutex<Vec<(HashMap<String, String>, String, HeaderMap)>>>;

async fn double(
    State(sent): State<Sent>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    sent.lock().push((query.clone(), body.clone(), headers));
    let failed = |text: &str| (StatusCode::INTERNAL_SERVER_ERROR, text.to_owned());
    match body.as_str() {
        "SELECT slow" => tokio::time::sleep(Duration::from_mins(1)).await,
        "SELECT plain" if query.contains_key("readonly") => {
            return failed(
                "Code: 164. DB::Exception: Cannot modify 'readonly' setting in readonly mode. (READONLY)",
            );
        }
        "SELECT wrong" => {
            return failed(
                "Code: 47. DB::Exception: Unknown identifier 'wrong'. (UNKNOWN_IDENTIFIER)",
            );
        }
        "SELECT late" => {
            return failed("Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)");
        }
        "SELECT many" => {
            return (
                StatusCode::OK,
                format!("[\"n\"]\n[\"UInt8\"]\n{}", "[1]\n".repeat(200)),
            );
        }
        "SELECT broken" => {
            return (
                StatusCode::OK,
                "[\"n\"]\n[\"UInt8\"]\n[1]\nCode: 241. DB::Exception: Memory limit".to_owned(),
            );
        }
        "SELECT array" => {
            return (
                StatusCode::OK,
                "[\"n\"]\n[\"Array(UInt8)\"]\n[[1]]\n".to_owned(),
            );
        }
        _ => {}
    }
    let names = r#"["a","b","c","d","e","f","g","h","i"]"#;
    let types = r#"["UInt64","Nullable(Int32)","Decimal(38, 2)","Float64","LowCardinality(String)","Bool","DateTime('Asia/Shanghai')","Date","Int8"]"#;
    let row = r#"["18446744073709551615",null,"12345678901234567890.10","nan","größe",true,"1970-01-01T00:00:01Z","2026-11-22",-5]"#;
    (StatusCode::OK, format!("{names}\n{types}\n{row}\n"))
}

async fn start() -> (Arc<dyn Ask>, Sent) {
    let sent = Sent::default();
    let url = serve(Router::new().fallback(double).with_state(sent.clone())).await;
    let url = url.replace("http://", "http://reader:hunter2%2Btopsecret@") + "/?database=shop";
    (
        of_kind(
            SourceKind::ClickHouse(Secret::new(url)),
            PoolLimits::default(),
        ),
        sent,
    )
}

#[tokio::test]
async fn rows_are_read_by_their_types_and_settings_go_with_the_query() {
    let (source, sent) = start().await;
    let terms = Terms {
        parameters: [("region".to_owned(), "c\tn".to_owned())].into(),
        ..Terms::default()
    };
    let request = Request::Sql("SELECT * FROM t WHERE region = :region".to_owned());
    let rows = ask_on(&*source, &request, &terms).await.expect("rows");
    let [row] = rows.rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert!(matches!(row[3], Float(number) if number.is_nan()));
    let without_nan: Vec<_> = row
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != 3)
        .map(|(_, value)| value.clone())
        .collect();
    let long = decimal("12345678901234567890.10");
    let expected = [
        Uint(u64::MAX),
        Null,
        long,
        text("größe"),
        Bool(true),
        Time(1_000),
        local("2026-11-22"),
        Int(-5),
    ];
    assert_eq!(without_nan, expected);
    let sent = sent.lock();
    let (query, body, headers) = &sent[0];
    assert_eq!(body, "SELECT * FROM t WHERE region = {region:String}");
    for (name, value) in [
        ("database", "shop"),
        ("readonly", "1"),
        ("max_execution_time", "20"),
        ("max_result_rows", "100"),
        ("param_region", "c\\tn"),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    assert_eq!(
        (&headers["x-clickhouse-user"], &headers["x-clickhouse-key"]),
        (
            &"reader".parse().expect("a name"),
            &"hunter2+topsecret".parse().expect("a key")
        )
    );
}

#[tokio::test]
async fn errors_are_the_servers_own() {
    let (source, _) = start().await;
    for (sql, message) in [
        (
            "SELECT wrong",
            "Code: 47. DB::Exception: Unknown identifier 'wrong'",
        ),
        ("SELECT late", "no answer within 20s"),
        ("SELECT many", "more than 100 rows"),
        ("SELECT broken", "Code: 241. DB::Exception: Memory limit"),
        (
            "SELECT array",
            "column `n`: type Array(UInt8) cannot be read",
        ),
        ("DROP TABLE t", "only statements that read are allowed"),
    ] {
        let error = ask(&*source, sql).await.expect_err(sql).to_string();
        assert!(error.starts_with(message), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_user_who_may_not_set_anything_is_asked_without_settings() {
    let (source, sent) = start().await;
    for _ in 0..2 {
        ask(&*source, "SELECT plain")
            .await
            .expect("the second attempt");
    }
    let with: Vec<bool> = sent
        .lock()
        .iter()
        .map(|(query, ..)| query.contains_key("readonly"))
        .collect();
    assert_eq!(with, [true, false, false]);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_killed() {
    let (source, sent) = start().await;
    let terms = Terms {
        timeout: Duration::from_millis(300),
        ..Terms::default()
    };
    let answer = ask_on(&*source, &Request::Sql("SELECT slow".to_owned()), &terms).await;
    assert!(matches!(answer, Err(SourceError::Timeout(_))), "{answer:?}");
    until("the query is killed", async || sent.lock().len() == 2).await;
    let sent = sent.lock();
    assert_eq!(
        sent[1].1,
        format!(
            "KILL QUERY WHERE query_id = '{}' ASYNC",
            sent[0].0["query_id"]
        )
    );
}
