//! Remote write and the flush, as senders and scripts ask for them.

use axum::body::{Body, Bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::bench::{Answer, BODY_BYTES_MAX, Bench};

/// One sample, `written{} 2.0` at 5 ms, as a snappy block of one literal.
fn body() -> Vec<u8> {
    let label = b"\x0a\x13\x0a\x08__name__\x12\x07written";
    let sample = b"\x12\x0b\x09\0\0\0\0\0\0\0\x40\x10\x05";
    let series = [&label[..], sample].concat();
    let length = u8::try_from(series.len()).unwrap();
    let message = [&[0x0a, length][..], &series].concat();
    [&[length + 2, (length + 1) << 2][..], &message].concat()
}

async fn write(bench: &Bench, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::post("/api/v1/write");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body).unwrap();
    Answer::read(bench.router.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn samples_are_taken_and_asked_for() {
    let bench = Bench::new().await;
    let protobuf = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
    ];
    let answer = write(&bench, &protobuf, Body::from(body())).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let asked = bench.ask("GET /api/v1/query?query=written&time=1").await;
    assert_eq!(asked.json()["data"]["result"][0]["value"][1], "2");
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_a_reason() {
    let bench = Bench::new().await;
    let long = (BODY_BYTES_MAX + 1).to_string();
    let pieces = || {
        let pieces = std::iter::repeat_n(Bytes::from_static(&[0; 1024]), 1 + BODY_BYTES_MAX / 1024);
        Body::from_stream(futures_util::stream::iter(
            pieces.map(Ok::<_, std::io::Error>),
        ))
    };
    type Case<'a> = (&'a [(&'a str, &'a str)], Body, u16, &'a str);
    let cases: [Case; 5] = [
        (
            &[],
            Body::from("garbage"),
            400,
            "the body is no snappy block: ",
        ),
        (
            &[("content-encoding", "gzip")],
            Body::empty(),
            415,
            "gzip encoding",
        ),
        (
            &[("content-type", "text/plain")],
            Body::empty(),
            415,
            "expected application/x-protobuf",
        ),
        (
            &[("content-length", &long)],
            Body::empty(),
            413,
            "the body is too long; at most 10000 bytes",
        ),
        (
            &[],
            pieces(),
            413,
            "the body is too long; at most 10000 bytes",
        ),
    ];
    for (headers, body, status, reason) in cases {
        let answer = write(&bench, headers, body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.starts_with(reason), "{}", answer.body);
    }
    let foreign = [
        ("host", "127.0.0.1:9090"),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(
        write(&bench, &foreign, Body::from(body())).await.status,
        403
    );
    let mut rooms = bench.rooms.clone();
    rooms.intake = None;
    let registry = stonechat_metrics::Registry::bare();
    rooms.registry = registry;
    let closed = crate::router(rooms).unwrap();
    let request = Request::post("/api/v1/write")
        .body(Body::from(body()))
        .unwrap();
    let answer = Answer::read(closed.oneshot(request).await.unwrap()).await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.body.contains("--web.enable-remote-write-receiver"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_flush_is_answered_when_it_is_done() {
    let bench = Bench::new().await;
    assert_eq!(bench.ask("POST /api/v1/admin/tsdb/flush").await.status, 204);
    *bench.program.config_error.lock() = Some("the disk is full".to_owned());
    let answer = bench.ask("POST /api/v1/admin/tsdb/flush").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["error"], "the disk is full");
}

#[tokio::test]
async fn a_snapshot_has_a_name_where_it_is_allowed() {
    let bench = Bench::new().await;
    let ask = "POST /api/v1/admin/tsdb/snapshot";
    let answer = bench.ask(ask).await;
    assert_eq!(
        (answer.status, answer.json()["data"]["name"].as_str()),
        (200, Some("20231114T221320Z-1"))
    );
    *bench.program.config_error.lock() = Some("the disk is full".to_owned());
    let answer = bench.ask(ask).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (500, Some("create snapshot: the disk is full"))
    );
    *bench.program.unready.lock() = Some("this program allows nothing");
    let answer = bench.ask(ask).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (503, Some("admin APIs disabled"))
    );
}

#[tokio::test]
async fn series_are_deleted_where_it_is_allowed() {
    let bench = Bench::new().await;
    let ask = "POST /api/v1/admin/tsdb/delete_series?match[]=up&match[]={job='a'}&start=10&end=20";
    assert_eq!(bench.ask(ask).await.status, 204);
    let clean = "PUT /api/v1/admin/tsdb/clean_tombstones";
    assert_eq!(bench.ask(clean).await.status, 204);
    let deleted = bench.program.deleted.lock().clone();
    assert_eq!(deleted.len(), 1);
    for part in ["up", "job", "10000", "20000"] {
        assert!(deleted[0].contains(part), "{deleted:?}");
    }
    for (ask, status, error) in [
        (
            "POST /api/v1/admin/tsdb/delete_series",
            400,
            "no match[] parameter provided",
        ),
        (
            "POST /api/v1/admin/tsdb/delete_series?match[]=up&start=x",
            400,
            "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
        ),
        (
            "POST /api/v1/admin/tsdb/delete_series?match[]={}",
            400,
            "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
        ),
    ] {
        let answer = bench.ask(ask).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (status, Some(error)),
            "{ask}"
        );
    }
    *bench.program.config_error.lock() = Some("the disk is full".to_owned());
    assert_eq!(bench.ask(ask).await.status, 500);
    assert_eq!(bench.ask(clean).await.status, 500);
    *bench.program.unready.lock() = Some("this program allows nothing");
    for ask in [ask, clean] {
        let answer = bench.ask(ask).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (503, Some("admin APIs disabled"))
        );
    }
}
