//! What a target can do wrong: that scrape fails with a reason, and nothing else is disturbed.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use stonechat_metrics::Format;
use tokio::io::AsyncWriteExt;

use super::bench::{Bench, jobs};
use super::store::Store;
use super::web::{good, head, serve, serve_page, serve_raw};
use crate::DropReason;
use crate::manager::ScrapeOptions;
use crate::status::{Health, TargetStatus};

/// Scrapes an address with more keys in its job until there is a status.
async fn status(address: SocketAddr, keys: &str) -> TargetStatus {
    let bench = Bench::new(ScrapeOptions::default());
    bench.manager.apply(jobs(&format!(
        "scrape_configs: [{{job_name: j, scrape_interval: 1s, {keys} static_configs: [{{targets: ['{address}']}}]}}]"
    )));
    let status = bench.scraped().await;
    bench.manager.shutdown(Duration::from_secs(5)).await;
    status
}

#[track_caller]
fn assert_down(status: &TargetStatus, error: &str) {
    assert_eq!(
        (status.health, status.last_error.as_str()),
        (Health::Down, error)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_http() {
    let address = serve_raw([0xff, 0x00, b'x', b'\r', b'\n', 7, 7, 7, b'\r', b'\n']).await;
    let status = status(address, "").await;
    assert!(
        status.last_error.starts_with("the answer is no HTTP: "),
        "{}",
        status.last_error
    );
    assert_eq!(status.health, Health::Down);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_metrics() {
    let address = serve_raw(good("up 1\n\u{1}\u{2}garbage\n")).await;
    let status = status(address, "").await;
    assert_down(
        &status,
        "line 2: expected a metric name, `{` or `#`, found \"\\u{1}\\u{2}garbage\"",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer() {
    let mut half = good("a 1\nb 2\n");
    half.truncate(half.len() - 3);
    let status = status(serve_raw(half).await, "").await;
    assert_down(
        &status,
        "the connection was closed in the middle of the answer",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_closed_connection() {
    let status = status(serve_raw("").await, "").await;
    assert_down(
        &status,
        "the connection was closed in the middle of the answer",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn silence() {
    let address = serve(|_, stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let status = status(address, "scrape_timeout: 100ms,").await;
    assert_down(&status, "no complete answer within 100ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends() {
    let address = serve(|_, mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b"a 1\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let status = status(address, "scrape_timeout: 100ms,").await;
    assert_down(&status, "no complete answer within 100ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes() {
    let written = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = written.clone();
    let address = serve(move |_, mut stream| {
        let written = counter.clone();
        async move {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            let piece = "a_long_metric_name_without_end 1\n".repeat(2000);
            for _ in 0..100_000_000 / piece.len() {
                if stream.write_all(piece.as_bytes()).await.is_err() {
                    return;
                }
                written.fetch_max(piece.len(), std::sync::atomic::Ordering::Relaxed);
                written.fetch_add(piece.len(), std::sync::atomic::Ordering::Relaxed);
            }
        }
    })
    .await;
    let status = status(address, "body_size_limit: 1MB,").await;
    assert_down(
        &status,
        "the answer is larger than the limit of 1048576 bytes",
    );
    // Two or three scrapes, each of which read a little over the limit; the rest fits in the buffers between.
    let written = written.load(std::sync::atomic::Ordering::Relaxed);
    assert!(written < 60_000_000, "{written} bytes were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_size_above_the_limit() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\n";
    let status = status(serve_raw(head).await, "body_size_limit: 1MB,").await;
    assert_down(
        &status,
        "the answer is larger than the limit of 1048576 bytes",
    );
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn gzip_answer(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_answers() {
    let good = gzip_answer(&gzipped("a 1\n".repeat(10).as_bytes()));
    let status_good = status(serve_raw(good).await, "").await;
    assert_eq!(status_good.last_error, "");
    assert_eq!(
        (status_good.samples_scraped, status_good.body_bytes),
        (10, 40)
    );

    let bomb = gzip_answer(&gzipped(&vec![b'a'; 50_000_000]));
    assert!(bomb.len() < 100_000);
    let status_bomb = status(serve_raw(bomb).await, "body_size_limit: 1MB,").await;
    assert_down(
        &status_bomb,
        "the answer is larger than the limit of 1048576 bytes",
    );

    let mut cut = gzipped(b"a 1\nb 2\n");
    cut.truncate(cut.len() - 6);
    let status_cut = status(serve_raw(gzip_answer(&cut)).await, "").await;
    assert!(
        status_cut
            .last_error
            .starts_with("the compressed answer cannot be read: "),
        "{}",
        status_cut.last_error
    );
    let status_plain = status(serve_raw(gzip_answer(b"a 1\n")).await, "").await;
    assert!(
        status_plain
            .last_error
            .starts_with("the compressed answer cannot be read: ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_compression() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: br\r\n\r\nx";
    let status = status(serve_raw(answer).await, "").await;
    assert_down(
        &status,
        "the compressed answer cannot be read: it is \"br\"",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_not_200() {
    let answer = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    let status = status(serve_raw(answer).await, "").await;
    assert_down(
        &status,
        "the server answered with status 500 Internal Server Error",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";
    let status = status(serve_raw(answer).await, "").await;
    assert_down(
        &status,
        "the Content-Type \"text/html\" is no metrics format that can be read",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects() {
    let address = serve(|head, mut stream| async move {
        let answer = match head.split_whitespace().nth(1).unwrap() {
            "/metrics" => redirect("/elsewhere?x=1"),
            "/elsewhere?x=1" => good("a 1\n"),
            "/round" => redirect("round"),
            "/secure" => redirect("https://127.0.0.1/metrics"),
            _ => b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        };
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    })
    .await;
    assert_eq!(status(address, "").await.last_error, "");
    assert_down(
        &status(address, "follow_redirects: false,").await,
        "the server answered with status 302 Found",
    );
    for (path, error) in [
        ("/round", "the target redirects: more than 10 in a row"),
        (
            "/secure",
            "the target redirects: to https://127.0.0.1/metrics, and https is not supported yet",
        ),
        ("/nowhere", "the target redirects: it does not say where to"),
    ] {
        assert_down(
            &status(address, &format!("metrics_path: {path},")).await,
            error,
        );
    }
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8() {
    let body = b"a{x=\"\xff\"} 1\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n";
    let status = status(serve_raw([head.as_bytes(), body].concat()).await, "").await;
    assert_down(&status, "line 1: the label value is not UTF-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_series() {
    let status = status(serve_page("a 1\na 2\nb 1\n").await, "").await;
    assert_eq!((status.health, status.samples_scraped), (Health::Up, 3));
    assert_eq!(status.dropped.get(DropReason::Duplicate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let status = status(address, "").await;
    assert_down(&status, "cannot connect: connection refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_too_much_together() {
    let bench = Bench::new(ScrapeOptions {
        answer_bytes_max: 64 << 10,
        ..ScrapeOptions::default()
    });
    let page: &'static str = "a_metric_with_a_name 1\n".repeat(10_000).leak();
    let address = serve_page(page).await;
    bench.manager.apply(jobs(&format!(
        "scrape_configs: [{{job_name: j, scrape_interval: 1s, static_configs: [{{targets: ['{address}']}}]}}]"
    )));
    assert_down(
        &bench.scraped().await,
        "the answers of all targets together are larger than the limit of 65536 bytes",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_says_who_asks_for_what() {
    let (sender, mut heads) = tokio::sync::mpsc::channel(10);
    let address = serve(move |first, mut stream| {
        let sender = sender.clone();
        async move {
            let mut next = Some(first);
            while let Some(request) = next {
                let _ = sender.try_send(request);
                let _ = stream.write_all(&good("a 1\n")).await;
                next = head(&mut stream).await;
            }
        }
    })
    .await;
    let keys = "metrics_path: /a b, params: {module: ['x y', z]}, scrape_timeout: 750ms,";
    let keys = keys.replace("/a b", "/ab");
    status(address, &keys).await;
    let head = heads.recv().await.unwrap().to_ascii_lowercase();
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        "get /ab?module=x+y&module=z http/1.1".to_owned(),
        format!("host: {address}"),
        format!("user-agent: stonechat/{version}"),
        "accept-encoding: gzip".to_owned(),
        "x-prometheus-scrape-timeout-seconds: 0.75".to_owned(),
        "accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;\
         escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            .to_owned(),
    ] {
        assert!(
            head.lines().any(|found| found == line),
            "{line} is not in {head}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_target_delays_no_other() {
    let hanging = serve(|_, stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let mut targets = vec![format!("'{hanging}'")];
    for _ in 0..10 {
        targets.push(format!("'{}'", serve_page("a 1\n").await));
    }
    let bench = Bench::new(ScrapeOptions::default());
    bench.manager.apply(jobs(&format!(
        "scrape_configs: [{{job_name: j, scrape_interval: 200ms, static_configs: [{{targets: [{}]}}]}}]",
        targets.join(", ")
    )));
    // Every good target has ten scrapes before the hanging one has had six.
    let up = |store: &Store, target: &str| {
        let address = target.trim_matches('\'');
        store.samples(&format!("up{{instance=\"{address}\", job=\"j\"}}"))
    };
    let good = &targets[1..];
    bench
        .store
        .until("all good targets have ten scrapes", |store| {
            good.iter().all(|target| up(store, target).len() >= 10)
        })
        .await;
    bench.manager.shutdown(Duration::from_secs(5)).await;
    for target in good {
        let samples = up(&bench.store, target);
        assert!(samples.iter().all(|(_, value)| *value == 1.0));
        // Nine intervals; had they waited for the hanging one, each would have taken twice as long.
        let (first, tenth) = (samples[0].0, samples[9].0);
        let span = tenth.since(first).as_millis();
        assert!(span < 9 * 300, "{target} took {span} ms for ten scrapes");
    }
    let text = bench.registry.encode(Format::Text);
    assert!(
        text.contains("stonechat_scrape_scrapes_total{outcome=\"timeout\"}"),
        "{text}"
    );
    assert!(
        up(&bench.store, &targets[0])
            .iter()
            .all(|(_, value)| *value == 0.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_closed_between_scrapes() {
    // The answer does not say that the connection will be closed.
    let address = serve_raw(good("a 1\n")).await;
    let bench = Bench::new(ScrapeOptions::default());
    bench.manager.apply(jobs(&format!(
        "scrape_configs: [{{job_name: j, scrape_interval: 200ms, static_configs: [{{targets: ['{address}']}}]}}]"
    )));
    let up = format!("up{{instance=\"{address}\", job=\"j\"}}");
    bench
        .store
        .until("there are five scrapes", |store| {
            store.samples(&up).len() >= 5
        })
        .await;
    let samples = bench.store.samples(&up);
    assert!(
        samples.iter().all(|(_, value)| *value == 1.0),
        "{samples:?}"
    );
}
