use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use stonechat_metrics::{Database, DatabaseMetric, Format, GrpcServer, Named, Registry};
use tower::{Layer, ServiceExt, service_fn};
use tracing_subscriber::prelude::*;

use super::lines;

/// A body that ends as it is told to.
#[derive(Clone, Copy)]
enum End {
    Trailers(&'static str),
    NoTrailers,
    Broken,
}

struct Answer {
    data: bool,
    end: Option<End>,
}

impl Body for Answer {
    type Data = bytes::Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, &'static str>>> {
        if std::mem::take(&mut self.data) {
            return Poll::Ready(Some(Ok(Frame::data("x".into()))));
        }
        Poll::Ready(match self.end.take() {
            Some(End::Trailers(status)) => {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from_static(status));
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(End::Broken) => Some(Err("broken")),
            Some(End::NoTrailers) | None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        !self.data && self.end.is_none()
    }
}

#[tokio::test]
async fn a_grpc_call_counts_under_the_status_of_its_trailers() {
    // Head, body, whether it is read to its end, and the code.
    let cases = [
        (None, Some(End::Trailers("0")), true, "OK"),
        (None, Some(End::Trailers("5")), true, "NotFound"),
        (None, Some(End::Trailers("99")), true, "Unknown"),
        (None, Some(End::Trailers("x")), true, "Unknown"),
        (None, Some(End::NoTrailers), true, "Unknown"),
        (None, Some(End::Broken), true, "Unknown"),
        (None, Some(End::Trailers("0")), false, "Cancelled"),
        (Some("7"), None, true, "PermissionDenied"),
        (Some("7"), None, false, "PermissionDenied"),
        (None, None, false, "Unknown"),
    ];
    for (head, end, read, code) in cases {
        let registry = Registry::bare();
        let grpc = GrpcServer::register(&registry).unwrap();
        grpc.known_methods(["/chat.Logic/SendMessage"]);
        let service = service_fn(move |_: Request<()>| {
            let mut response = Response::new(Answer {
                data: end.is_some(),
                end,
            });
            if let Some(status) = head {
                let status = HeaderValue::from_static(status);
                response.headers_mut().insert("grpc-status", status);
            }
            std::future::ready(Ok::<_, &str>(response))
        });
        let request = Request::post("/chat.Logic/SendMessage").body(()).unwrap();
        let answer = grpc.layer().layer(service).oneshot(request).await.unwrap();
        if read {
            let _ = answer.into_body().collect().await;
        } else {
            drop(answer);
        }
        let labels = format!(r#"{{service="chat.Logic",method="SendMessage",code="{code}"}}"#);
        assert_eq!(
            lines(&registry, "grpc_server_handled_total"),
            [format!("grpc_server_handled_total{labels} 1")]
        );
        assert_eq!(
            lines(&registry, "grpc_server_in_flight"),
            ["grpc_server_in_flight 0"]
        );
    }
}

/// Calls a service that answers each path with the code that is given with it.
async fn call_all(registry: &Registry, calls: &[(&str, &'static str)]) {
    let grpc = GrpcServer::register(registry).unwrap();
    for &(path, code) in calls {
        let end = (!code.is_empty()).then_some(End::Trailers(code));
        let service = service_fn(move |_: Request<()>| async move {
            Ok::<_, &str>(Response::new(Answer { data: false, end }))
        });
        let request = Request::builder().uri(path).body(()).unwrap();
        let answer = grpc.layer().layer(service).oneshot(request).await.unwrap();
        let _ = answer.into_body().collect().await;
    }
}

#[tokio::test]
async fn methods_that_nobody_has_seen_answer_share_one_series() {
    let registry = Registry::bare();
    // What a router, a gatekeeper, a limit and a service that is none answer for any path.
    let from_outside = ["12", "16", "7", "8", "14", "4", "1", ""];
    let paths: Vec<String> = (0..8).map(|number| format!("/x/{number}")).collect();
    let paths = paths.iter().map(String::as_str);
    let calls: Vec<(&str, &str)> = paths.zip(from_outside).collect();
    call_all(&registry, &calls).await;
    let counted = lines(&registry, "grpc_server_handled_total");
    let unknown = r#"{service="unknown",method="unknown","#;
    assert_eq!(counted.len(), from_outside.len(), "{counted:?}");
    for line in counted {
        assert!(line.contains(unknown), "{line}");
    }
}

#[tokio::test]
async fn a_method_that_has_answered_has_series_of_its_own() {
    let registry = Registry::bare();
    let calls = [("/a.B/c", "16"), ("/a.B/c", "5"), ("/a.B/c", "16")];
    call_all(&registry, &calls).await;
    let series = |service: &str, method: &str, code: &str| {
        let labels = format!(r#"service="{service}",method="{method}",code="{code}""#);
        format!("grpc_server_handled_total{{{labels}}} 1")
    };
    assert_eq!(
        lines(&registry, "grpc_server_handled_total"),
        [
            series("a.B", "c", "NotFound"),
            series("a.B", "c", "Unauthenticated"),
            series("unknown", "unknown", "Unauthenticated"),
        ]
    );
}

#[tokio::test]
async fn a_method_whose_panic_is_caught_outside_counts_as_internal() {
    for in_body in [false, true] {
        let registry = Registry::bare();
        let grpc = GrpcServer::register(&registry).unwrap();
        grpc.known_methods(["/a.B/c"]);
        let service = service_fn(move |_: Request<()>| async move {
            if !in_body {
                std::panic::resume_unwind(Box::new("a bug"));
            }
            Ok::<_, &str>(Response::new(Panics))
        });
        let request = Request::builder().uri("/a.B/c").body(()).unwrap();
        let call = grpc.layer().layer(service).oneshot(request);
        if in_body {
            let body = call.await.unwrap().into_body();
            assert!(super::panics_inside(body.collect()).await);
        } else {
            assert!(super::panics_inside(call).await);
        }
        let labels = r#"{service="a.B",method="c",code="Internal"}"#;
        assert_eq!(
            lines(&registry, "grpc_server_handled_total"),
            [format!("grpc_server_handled_total{labels} 1")]
        );
    }
}

/// A body that fails to be one.
struct Panics;

impl Body for Panics {
    type Data = bytes::Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, &'static str>>> {
        std::panic::resume_unwind(Box::new("a bug"))
    }
}

#[tokio::test]
async fn a_pool_and_its_queries_are_observed() {
    let registry = Registry::bare();
    let names = [
        (DatabaseMetric::Duration, Named::standard()),
        (DatabaseMetric::Pool, Named::standard()),
    ];
    let database = Database::register_as(&registry, &names).unwrap();
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect("sqlite::memory:").await.unwrap();
    database.watch_pool(&registry, &pool);

    let subscriber = tracing_subscriber::registry().with(database.sqlx_layer());
    // SQLite's queries are logged by a thread of its own, so that the subscriber must be everybody's.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for statement in [
        "CREATE TABLE users (id INTEGER)",
        "INSERT INTO users VALUES (1)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let held = pool.acquire().await.unwrap();
    let state =
        |state: &str, count: u8| format!(r#"db_pool_connections{{state="{state}"}} {count}"#);
    assert_eq!(
        lines(&registry, "db_pool_connections"),
        [state("active", 1), state("idle", 0)]
    );
    drop(held);
    let count = |operation: &str| {
        let labels = format!(r#"{{operation="{operation}",table="users"}}"#);
        lines(
            &registry,
            &format!("db_query_duration_seconds_count{labels}"),
        )
    };
    for _ in 0..500 {
        if !count("create").is_empty() && !count("insert").is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{}", registry.encode(Format::Text));
}

#[test]
fn exemplars_name_the_sampled_trace_of_opentelemetry() {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    let builder = Registry::builder().process(false).runtime(false);
    let builder = builder.trace_ids(stonechat_metrics::opentelemetry_trace_id);
    let registry = builder.build().unwrap();
    let waits = registry.histogram("wait", "Waits.").buckets([1.0, 2.0]);
    let waits = waits.register().unwrap();
    let within = |trace: u128, flags| {
        let span = SpanContext::new(
            TraceId::from_bytes(trace.to_be_bytes()),
            SpanId::from_bytes([1; 8]),
            flags,
            true,
            TraceState::NONE,
        );
        Context::new().with_remote_span_context(span).attach()
    };
    waits.observe(0.5); // outside of any trace
    {
        let _span = within(0xabc, TraceFlags::SAMPLED);
        waits.observe(1.5);
    }
    {
        let _span = within(0xdef, TraceFlags::default()); // nobody kept this one
        waits.observe(2.5);
    }
    let text = registry.encode(Format::OpenMetrics);
    let exemplars: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" # "))
        .map(|line| line.split('}').next().unwrap_or_default())
        .collect();
    assert_eq!(exemplars, [r#"wait_bucket{le="2.0""#], "{text}");
    assert!(
        text.contains(r##"# {trace_id="00000000000000000000000000000abc"} 1.5"##),
        "{text}"
    );
}
