//! What only this server answers: health, status, the page, and refusals.

use serde_json::json;

use super::bench::{Answer, Bench};
use super::cases::is_like;
use crate::{HostNames, Site};

/// The data of each answer, with `"*"` for anything.
#[tokio::test]
async fn status_pages() {
    let bench = Bench::new().await;
    for (path, wanted) in [
        (
            "/api/v1/status/buildinfo",
            json!({ "version": "3.5.0", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "",
                    "application": "Stonechat", "applicationVersion": "0.1.0" }),
        ),
        (
            "/api/v1/status/runtimeinfo",
            json!({ "startTime": "2023-11-14T22:13:20Z", "CWD": "/srv", "hostname": "machine", "serverTime": "*",
                    "reloadConfigSuccess": true, "lastConfigTime": "2023-11-14T22:13:21.5Z", "corruptionCount": 0,
                    "storageRetention": "15d" }),
        ),
        ("/api/v1/status/flags", json!({ "query.timeout": "2m" })),
        (
            "/api/stonechat/v1/status",
            json!({ "version": "0.1.0", "started_at": "2023-11-14T22:13:20Z",
                    "config": { "source": "monitoring", "last_reload_successful": true, "last_reload_at": "2023-11-14T22:13:21.5Z", "error": null },
                    "storage": { "series": 3, "samples_total": 63, "write_failure": null, "history": 1.0 } }),
        ),
        (
            "/api/stonechat/v1/dashboards",
            json!([{ "file": "chat.json", "title": "Chat", "uid": null, "panels": 3 }]),
        ),
        ("/api/stonechat/v1/notifications", json!([])),
    ] {
        let answer = bench.ask(&format!("GET {path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        let data = &answer.json()["data"];
        assert!(
            is_like(&wanted, data),
            "{path}\nanswered {data}\nwanted   {wanted}"
        );
    }
}

/// The rules of the tests write series of their own at their own time, so only what the others have is looked at.
#[tokio::test]
async fn the_largest_names_and_labels_are_listed() {
    let bench = Bench::new().await;
    let data = bench.ask("GET /api/v1/status/tsdb?limit=1000").await.json()["data"].clone();
    let value = |list: &str, name: &str| {
        let entries = data[list].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["name"] == name);
        entry.unwrap_or_else(|| panic!("no {name} in {list}"))["value"].clone()
    };
    for (list, name, wanted) in [
        ("seriesCountByMetricName", "sent_total", 2),
        ("labelValueCountByLabelName", "path", 2),
        // Twice `path`, `/` and `/a`.
        ("memoryInBytesByLabelName", "path", 11),
        ("seriesCountByLabelValuePair", "job=chat", 3),
        ("seriesCountByLabelValuePair", "path=/a", 1),
    ] {
        assert_eq!(value(list, name), wanted, "{list} {name}");
    }
    assert!(data["headStats"]["numSeries"].as_u64().unwrap() >= 3);
    let first = bench.ask("GET /api/v1/status/tsdb?limit=1").await.json();
    let pairs = first["data"]["seriesCountByLabelValuePair"].clone();
    assert_eq!(pairs.as_array().unwrap().len(), 1);
    for (limit, error) in [
        ("0", "limit must be a positive number"),
        ("x", "limit must be a positive number"),
        ("10001", "limit must not exceed 10000"),
    ] {
        let answer = bench
            .ask(&format!("GET /api/v1/status/tsdb?limit={limit}"))
            .await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!(error))
        );
    }
}

/// Where we answer in words of our own: Prometheus says which function of Go has failed, and takes warnings in any order.
#[tokio::test]
async fn answers_that_are_worded_otherwise() {
    let bench = Bench::new().await;
    for (path, error) in [
        (
            "/api/v1/query?query=1&limit=x",
            r#"invalid parameter "limit": "x" is not a whole number"#,
        ),
        (
            "/api/v1/rules?exclude_alerts=maybe",
            r#"invalid parameter "exclude_alerts": "maybe" is neither true nor false"#,
        ),
        (
            "/api/v1/rules?group_limit=x",
            r#"invalid parameter "group_limit": group_limit needs to be greater than 0"#,
        ),
    ] {
        let answer = bench.ask(&format!("GET {path}")).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!(error))
        );
    }
    let terms: Vec<String> = (2..16).map(|q| format!("quantile({q},up)")).collect();
    let answer = bench
        .ask(&format!(
            "POST /api/v1/query time=1700000000&query={}",
            terms.join("%2B")
        ))
        .await;
    let warnings = answer.json()["warnings"].as_array().unwrap().clone();
    assert_eq!(warnings.len(), 11, "{warnings:?}");
    assert_eq!(warnings[10], "4 more warning annotations omitted");
}

#[tokio::test]
async fn the_times_of_a_query_are_told_when_asked_for() {
    let bench = Bench::new().await;
    for ask in [
        "GET /api/v1/query?query=up&stats=all",
        "GET /api/v1/query_range?query=up&start=0&end=1&step=1&stats=1",
    ] {
        let data = bench.ask(ask).await.json()["data"].clone();
        let wanted = json!({ "timings": { "evalTotalTime": "*", "execQueueTime": "*", "execTotalTime": "*" } });
        assert!(is_like(&wanted, &data["stats"]), "{data}");
        assert!(data["stats"]["timings"]["execTotalTime"].as_f64().unwrap() > 0.0);
    }
    let data = bench.ask("GET /api/v1/query?query=up").await.json()["data"].clone();
    assert_eq!(data.get("stats"), None);
}

/// Status and the begin of the body.
#[tokio::test]
async fn health_and_paths_that_are_not_there() {
    let bench = Bench::new().await;
    let check = async |ask: &str, status: u16, begin: &str| {
        let answer = bench.ask(ask).await;
        let seen = (answer.status, answer.body.starts_with(begin));
        assert_eq!(seen, (status, true), "{ask}: {}", answer.body);
    };
    check("GET /-/healthy", 200, "Stonechat is Healthy.").await;
    check("GET /-/ready", 200, "Stonechat is Ready.").await;
    check("GET /metrics", 200, "# ").await;
    check("GET /api/v1/nothing", 404, "there is no /api/v1/nothing").await;
    check("GET /-/nothing", 404, "there is no /-/nothing").await;
    check("GET /assets/nothing.js", 404, "").await;
    check("PUT /api/v1/query?query=1", 405, "").await;
    check("GET /-/reload", 405, "").await;
    check("POST /-/reload", 200, "").await;
    check("PUT /-/reload", 200, "").await;

    *bench.program.unready.lock() = Some("the server stops");
    check("GET /-/ready", 503, "Service Unavailable: the server stops").await;
    check("GET /-/healthy", 200, "").await;
    *bench.program.config_error.lock() = Some("a.yml:1:2".to_owned());
    check("POST /-/reload", 500, "failed to reload config: a.yml:1:2").await;
    let status = bench.ask("GET /api/v1/status/runtimeinfo").await.json();
    assert_eq!(status["data"]["reloadConfigSuccess"], false);
}

#[tokio::test]
async fn a_foreign_page_may_not_reload() {
    let bench = Bench::new().await;
    let own = ("host", "127.0.0.1:9090");
    for (headers, status) in [
        (vec![own], 200),
        (vec![own, ("origin", "http://127.0.0.1:9090")], 200),
        (vec![own, ("sec-fetch-site", "same-origin")], 200),
        (vec![own, ("origin", "https://evil.example")], 403),
        (vec![own, ("origin", "null")], 403),
        (vec![own, ("sec-fetch-site", "cross-site")], 403),
        (vec![own, ("sec-fetch-site", "same-site")], 403),
    ] {
        for method in ["POST", "PUT"] {
            let answer = bench
                .ask_with(&format!("{method} /-/reload"), &headers)
                .await;
            assert_eq!(answer.status, status, "{method} {headers:?}");
        }
        // A query changes nothing, and the browser keeps its answer from the foreign page.
        let query = bench.ask_with("POST /api/v1/query query=1", &headers).await;
        assert_eq!(query.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn the_page_is_kept_apart_from_everything_else() {
    let bench = Bench::new().await;
    for path in ["/", "/alerts", "/targets/x"] {
        let page = bench.ask(&format!("GET {path}")).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(page.header("content-type").starts_with("text/html"));
        if page.body.contains("was built without its web UI") {
            assert_eq!(page.status, 404);
            eprintln!("skipped: the web UI is not built");
            continue;
        }
        assert_eq!(page.status, 200);
        assert_eq!(page.header("cache-control"), "no-cache");
        let tag = page.header("etag");
        let again = bench
            .ask_with(&format!("GET {path}"), &[("if-none-match", tag)])
            .await;
        assert_eq!((again.status, again.body.as_str()), (304, ""));
        assert_eq!(again.header("cache-control"), "no-cache");
        let other = bench
            .ask_with(&format!("GET {path}"), &[("if-none-match", "\"x\"")])
            .await;
        assert_eq!(other.status, 200);
        for asset in page.body.split("src=\"").skip(1) {
            let asset = asset.split('"').next().unwrap();
            let answer = bench.ask(&format!("GET {asset}")).await;
            assert_eq!(
                answer.header("content-type"),
                "text/javascript; charset=utf-8"
            );
            // Only what has a hash of its content in its name never changes.
            let kept = match asset.contains('-') {
                true => "public, max-age=31536000, immutable",
                false => "no-cache",
            };
            assert_eq!(answer.header("cache-control"), kept, "{asset}");
        }
    }
}

async fn answer(site: &Site, path: &str, host: &str) -> Answer {
    let request = axum::http::Request::builder()
        .uri(path)
        .header("host", host);
    let request = request.body(axum::body::Body::empty()).unwrap();
    Answer::read(site.answer(request).await).await
}

#[tokio::test]
async fn before_the_rooms_are_there_everybody_is_told_to_come_back() {
    let bench = Bench::new().await;
    let site = Site::new(&bench.registry, HostNames::any()).unwrap();
    for (path, status, said) in [
        ("/-/healthy", 200, "Healthy"),
        (
            "/-/ready",
            503,
            "Service Unavailable: the server is starting",
        ),
        (
            "/-/reload",
            503,
            "Service Unavailable: the server is starting",
        ),
        ("/api/v1/query?query=1", 503, r#""errorType":"unavailable""#),
        (
            "/api/stonechat/v1/status",
            503,
            "the server is starting and reads its log back",
        ),
        ("/metrics", 200, "# "),
    ] {
        let answer = answer(&site, path, "localhost").await;
        assert!(
            answer.status == status && answer.body.contains(said),
            "{path}: {}",
            answer.body
        );
    }
    site.open(bench.rooms.clone()).unwrap();
    assert_eq!(answer(&site, "/-/ready", "localhost").await.status, 200);
    assert_eq!(
        answer(&site, "/api/v1/query?query=1", "localhost")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_name_that_is_none_of_ours_reads_nothing() {
    let bench = Bench::new().await;
    let site = Site::new(&bench.registry, HostNames::only(["stonechat.example"])).unwrap();
    for opened in [false, true] {
        for path in [
            "/",
            "/api/v1/query?query=1",
            "/metrics",
            "/-/healthy",
            "/-/reload",
        ] {
            let refused = answer(&site, path, "evil.example:9090").await;
            assert_eq!(refused.status, 403, "{path}");
            assert!(refused.body.contains("--accept-host"), "{}", refused.body);
        }
        for host in [
            "localhost:9090",
            "127.0.0.1:9090",
            "[::1]:9090",
            "stonechat.example",
        ] {
            assert_eq!(
                answer(&site, "/-/healthy", host).await.status,
                200,
                "{host} {opened}"
            );
        }
        site.open(bench.rooms.clone()).unwrap();
    }
    let anyone = Site::new(&bench.registry, HostNames::any()).unwrap();
    assert_eq!(
        answer(&anyone, "/-/healthy", "monitor.lan:9090")
            .await
            .status,
        200
    );
}
