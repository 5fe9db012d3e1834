use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use stonechat_metrics::{Admin, Format, Registry, metrics_router, serve_admin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

#[tokio::test]
async fn metrics_come_in_the_format_that_was_asked_for() {
    let registry = Registry::bare();
    registry.counter("x_total", "X.").register().unwrap().inc();
    let cases: [(&[&str], Format); 5] = [
        (&[], Format::Text),
        (&["*/*"], Format::Text),
        (
            &["application/openmetrics-text; version=1.0.0"],
            Format::OpenMetrics,
        ),
        (
            &["text/html;q=0.9", "application/openmetrics-text;q=0.5"],
            Format::OpenMetrics,
        ),
        (
            &["application/openmetrics-text;q=0.1,text/plain;q=0.2"],
            Format::Text,
        ),
    ];
    for (accept, format) in cases {
        let mut request = Request::builder().uri("/metrics");
        for value in accept {
            request = request.header(header::ACCEPT, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = metrics_router(registry.clone())
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            format.content_type(),
            "{accept:?}"
        );
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, registry.encode(format).as_bytes());
    }
}

async fn answer(registry: &Registry, method: Method, scraper: bool) -> (HeaderMap, String) {
    let mut request = Request::builder().method(method).uri("/metrics");
    if scraper {
        request = request.header("X-Prometheus-Scrape-Timeout-Seconds", "10");
    }
    let request = request.body(Body::empty()).unwrap();
    let router = metrics_router(registry.clone());
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn only_a_scraper_takes_the_ends_of_sessions_away() {
    let registry = Registry::bare();
    let family = registry.gauge("x", "X.").labels(["id"]);
    let family = family.register().unwrap();
    drop(registry.session().own(&family, ["1"]));
    for _ in 0..2 {
        let (headers, body) = answer(&registry, Method::HEAD, true).await;
        assert_eq!(body, "");
        assert_eq!(headers[header::CONTENT_TYPE], Format::Text.content_type());
        assert!(!headers.contains_key(header::CONTENT_LENGTH));
        let (_, body) = answer(&registry, Method::GET, false).await;
        assert!(body.contains(r#"x{id="1"} 0"#), "{body}");
    }
    let (_, body) = answer(&registry, Method::GET, true).await;
    assert!(body.contains(r#"x{id="1"} 0"#), "{body}");
    for scraper in [false, true] {
        let (_, body) = answer(&registry, Method::GET, scraper).await;
        assert_eq!(body, "");
    }
}

/// The whole answer to one request on a connection of its own.
async fn get(addr: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn the_admin_server_answers_until_it_is_shut_down() {
    let registry = Registry::new();
    let admin = serve_admin("127.0.0.1:0", registry).await.unwrap();
    let addr = admin.local_addr();
    let health = get(addr, "/healthz").await.unwrap();
    assert!(
        health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"),
        "{health}"
    );
    let metrics = get(addr, "/metrics").await.unwrap();
    assert!(
        metrics.contains("\nprocess_threads ") && metrics.contains("\ntokio_workers 1\n"),
        "{metrics}"
    );
    assert!(
        get(addr, "/other")
            .await
            .unwrap()
            .starts_with("HTTP/1.1 404")
    );

    // A connection that a scraper keeps is closed too.
    let mut kept = TcpStream::connect(addr).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 1024];
    assert!(kept.read(&mut buffer).await.unwrap() > 0);
    admin.shutdown().await;
    assert_eq!(kept.read(&mut buffer).await.unwrap(), 0);
    assert!(get(addr, "/healthz").await.is_err());
}

#[tokio::test]
async fn a_dropped_handle_leaves_the_server_running() {
    let admin = serve_admin("127.0.0.1:0", Registry::bare()).await.unwrap();
    let addr = admin.local_addr();
    drop(admin);
    tokio::task::yield_now().await;
    assert!(
        get(addr, "/healthz")
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let admin = serve_admin("127.0.0.1:0", Registry::bare()).await.unwrap();
    let error = serve_admin(admin.local_addr(), Registry::bare())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_service_is_ready_when_it_says_so() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ready);
    let admin = Admin::new(Registry::bare()).ready(move || asked.load(Ordering::Relaxed));
    let router = admin.router();
    for (now, status) in [
        (false, StatusCode::SERVICE_UNAVAILABLE),
        (true, StatusCode::OK),
    ] {
        ready.store(now, Ordering::Relaxed);
        let request = Request::builder().uri("/readyz").body(Body::empty());
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_take_it() {
    use std::io::Read;
    for series in [10, 5_000] {
        let registry = Registry::bare();
        let family = registry.gauge("x", "X.").labels(["n"]).series_max(series);
        let family = family.register().unwrap();
        for number in 0..series {
            family.set([&number.to_string()], number as f64);
        }
        let expected = registry.encode(Format::Text);
        let router = metrics_router(registry);
        for encoding in ["", "gzip", "zstd", "gzip, zstd"] {
            let request = Request::builder()
                .uri("/metrics")
                .header(header::ACCEPT_ENCODING, encoding);
            let request = request.body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            let told = answer.headers().get(header::CONTENT_ENCODING).cloned();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let mut text = String::new();
            match told.as_ref().map(|told| told.to_str().unwrap()) {
                None => text = String::from_utf8(body.to_vec()).unwrap(),
                Some("gzip") => {
                    flate2::read::GzDecoder::new(&*body)
                        .read_to_string(&mut text)
                        .unwrap();
                }
                Some("zstd") => {
                    text = String::from_utf8(zstd::decode_all(&*body).unwrap()).unwrap();
                }
                Some(other) => panic!("{other}"),
            }
            assert_eq!(told.is_some(), !encoding.is_empty());
            assert!(text == expected, "{encoding} of {series} series");
        }
    }
}

#[tokio::test]
async fn a_large_answer_does_not_hold_up_the_runtime() {
    use std::thread::ThreadId;
    let registry = Registry::bare();
    let family = registry.gauge("x", "X.").labels(["n"]).series_max(10_000);
    let family = family.register().unwrap();
    for number in 0..10_000 {
        family.set([&number.to_string()], 1.0);
    }
    let writer = std::sync::Arc::new(std::sync::Mutex::new(None::<ThreadId>));
    let noted = std::sync::Arc::clone(&writer);
    registry.on_scrape(move || *noted.lock().unwrap() = Some(std::thread::current().id()));
    let router = metrics_router(registry);
    for _ in 0..2 {
        let request = Request::builder().uri("/metrics").body(Body::empty());
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let writer = writer.lock().unwrap().take();
        assert_ne!(writer, Some(std::thread::current().id()));
    }
}
