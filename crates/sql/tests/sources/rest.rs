use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::routing::any;
use stonechat_model::Secret;
use stonechat_sql::plan::{PoolLimits, Request, RestRequest, RestSource, SourceKind};
use stonechat_sql::rows::Rows;
use stonechat_sql::rows::Value::{Bool, Float, Int, Null, Uint};
use stonechat_sql::source::SourceError;
use tokio::net::TcpListener;

use crate::setup::{Terms, ask_on, of_kind, text};

/// Serves until the test ends.
pub async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn get(path: &str) -> RestRequest {
    RestRequest {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: BTreeMap::new(),
        body: None,
        rows: "$".to_owned(),
        columns: BTreeMap::new(),
        retries: 0,
    }
}

async fn ask(url: &str, request: RestRequest, terms: &Terms) -> Result<Rows, SourceError> {
    let kind = SourceKind::Rest(RestSource {
        url: url.to_owned(),
        headers: [(
            "Authorization".to_owned(),
            Secret::new("Bearer hunter2-topsecret"),
        )]
        .into(),
    });
    let source = of_kind(kind, PoolLimits::default());
    ask_on(&*source, &Request::Rest(request), terms).await
}

#[tokio::test]
async fn rows_and_columns_are_found_by_their_paths() {
    const DOCUMENT: &str = r#"{"data": [{"region": "cn", "online": 3509, "load": {"avg": 0.5}},
        {"region": "eu", "online": 18446744073709551615, "up": true}], "total": 7, "none": null}"#;
    let url = serve(Router::new().route("/", any(async || DOCUMENT))).await;
    let columns = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(name, path)| ((*name).to_owned(), (*path).to_owned()))
            .collect()
    };
    for (rows, columns, names, found) in [
        ("$.total", columns(&[]), vec!["value"], vec![vec![Int(7)]]),
        (
            "$",
            columns(&[]),
            vec!["none", "total"],
            vec![vec![Null, Int(7)]],
        ),
        (
            "$.data[*]",
            columns(&[]),
            vec!["online", "region", "up"],
            vec![
                vec![Int(3509), text("cn"), Null],
                vec![Uint(u64::MAX), text("eu"), Bool(true)],
            ],
        ),
        (
            "$.data[*]",
            columns(&[("load", "$.load.avg"), ("where", "$.region")]),
            vec!["load", "where"],
            vec![vec![Float(0.5), text("cn")], vec![Null, text("eu")]],
        ),
        (
            "$.data[?@.online < 9999].online",
            columns(&[]),
            vec!["value"],
            vec![vec![Int(3509)]],
        ),
        ("$.missing[*]", columns(&[]), vec![], vec![]),
    ] {
        let request = RestRequest {
            rows: rows.to_owned(),
            columns,
            ..get("/")
        };
        let answer = ask(&url, request, &Terms::default()).await.expect(rows);
        assert_eq!(answer.columns, names, "{rows}");
        assert_eq!(answer.rows, found, "{rows}");
    }
}

#[tokio::test]
async fn parameters_are_encoded_where_they_stand() {
    let echo = async |uri: Uri, headers: HeaderMap, body: String| {
        let query = uri.query().unwrap_or_default().to_owned();
        let token = headers[header::AUTHORIZATION]
            .to_str()
            .expect("a text")
            .to_owned();
        serde_json::json!({"path": uri.path(), "query": query, "token": token, "body": body})
            .to_string()
    };
    let url = serve(Router::new().fallback(echo)).await;
    let terms = Terms {
        parameters: [("p".to_owned(), "a/b \"&c".to_owned())].into(),
        ..Terms::default()
    };
    let request = RestRequest {
        method: "POST".to_owned(),
        body: Some(r#"{"x": "{p}", "y": {"z": "{q}"}}"#.to_owned()),
        ..get("v1/{p}?x={p}")
    };
    let answer = ask(&url, request, &terms).await.expect("an echo");
    let column = |name: &str| answer.rows[0][answer.column(name).expect("a column")].clone();
    assert_eq!(column("path"), text("/v1/a%2Fb%20%22%26c"));
    assert_eq!(column("query"), text("x=a%2Fb%20%22%26c"));
    assert_eq!(
        column("body"),
        text(r#"{"x": "a/b \"&c", "y": {"z": "{q}"}}"#)
    );
    assert_eq!(column("token"), text("Bearer hunter2-topsecret"));
}

#[tokio::test]
async fn requests_are_sent_again_only_where_that_is_safe() {
    for (method, status, retries, requests, works) in [
        ("GET", StatusCode::BAD_GATEWAY, 2, 3, true),
        ("GET", StatusCode::BAD_GATEWAY, 1, 2, false),
        ("GET", StatusCode::NOT_FOUND, 2, 1, false),
        ("POST", StatusCode::BAD_GATEWAY, 2, 1, false),
        ("POST", StatusCode::SERVICE_UNAVAILABLE, 2, 3, true),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        let answer = async move || match counter.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => (status, "no luck"),
            _ => (StatusCode::OK, "{\"a\": 1}"),
        };
        let url = serve(Router::new().fallback(answer)).await;
        let request = RestRequest {
            method: method.to_owned(),
            retries,
            ..get("/")
        };
        let answer = ask(&url, request, &Terms::default()).await;
        assert_eq!(answer.is_ok(), works, "{method} {status}: {answer:?}");
        assert_eq!(count.load(Ordering::Relaxed), requests, "{method} {status}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_and_no_secret_with_it() {
    let router = Router::new()
        .route("/html", any(async || "<html>Sign in"))
        .route("/many", any(async || format!("[{}1]", "1,".repeat(200))))
        .route("/list", any(async || "{\"a\": [1]}"))
        .route(
            "/slow",
            any(async || tokio::time::sleep(Duration::from_mins(1)).await),
        )
        .route("/huge", any(async || "1".repeat(65 << 20)))
        .route(
            "/away",
            any(async || {
                (
                    StatusCode::FOUND,
                    [(header::LOCATION, "http://127.0.0.2:1/")],
                )
            }),
        )
        .fallback(async |headers: HeaderMap| {
            (StatusCode::UNAUTHORIZED, format!("not with {headers:?}"))
        });
    let url = serve(router).await;
    let secret_url = url.replace("http://", "http://me:hunter2-topsecret@");
    let terms = Terms {
        timeout: Duration::from_secs(5),
        ..Terms::default()
    };
    let rows = |rows: &str, path: &str| RestRequest {
        rows: rows.to_owned(),
        ..get(path)
    };
    let columns = [("a".to_owned(), "$.a".to_owned())].into();
    let delete = RestRequest {
        method: "DELETE".to_owned(),
        ..get("/")
    };
    for (url, request, message) in [
        (url.as_str(), get("/html"), "the answer is not JSON"),
        (&url, rows("$[*]", "/many"), "more than 100 rows"),
        (
            &url,
            RestRequest {
                columns,
                ..get("/list")
            },
            "column `a`: a list where one value was expected",
        ),
        (&url, get("/slow"), "no answer within 5s"),
        (&url, get("/huge"), "an answer of more than 64 MiB"),
        (&url, get("/away"), "302 Found"),
        (&url, get("/"), "401 Unauthorized: not with"),
        (&url, rows("$[", "/html"), "`$[` is no JSONPath"),
        (&url, delete, "only GET and POST ask without changing"),
        (&secret_url, get("/"), "401 Unauthorized"),
        (
            "http://me:hunter2-topsecret@127.0.0.1:1",
            get("/"),
            "cannot connect",
        ),
        (
            "http://me:hunter2-topsecret@[",
            get("/"),
            "cannot connect: the URL cannot be read",
        ),
    ] {
        let error = ask(url, request, &terms).await.expect_err(message);
        assert!(error.to_string().starts_with(message), "{message}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
