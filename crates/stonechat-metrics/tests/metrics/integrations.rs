use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use redis::aio::ConnectionLike;
use stonechat_metrics::{
    Database, DatabaseMetric, Format, GrpcServer, MetricsRecorder, Named, Redis, Registry,
};
use tower::{Layer, Service, ServiceExt, service_fn};
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

#[tokio::test]
async fn methods_that_do_not_exist_share_one_series() {
    let registry = Registry::bare();
    let grpc = GrpcServer::register(&registry).unwrap();
    let service = service_fn(async |_: Request<()>| {
        let end = Some(End::Trailers("12"));
        Ok::<_, &str>(Response::new(Answer { data: false, end }))
    });
    let mut service = grpc.layer().layer(service);
    for path in ["/a.B/c", "/x/123", "nonsense"] {
        let request = Request::builder().uri(path).body(()).unwrap();
        let answer = service.call(request).await.unwrap();
        let _ = answer.into_body().collect().await;
    }
    let labels = r#"{service="unknown",method="unknown",code="Unimplemented"}"#;
    assert_eq!(
        lines(&registry, "grpc_server_handled_total"),
        [format!("grpc_server_handled_total{labels} 3")]
    );
}

/// A connection that answers everything, or nothing.
struct FakeRedis(bool);

impl ConnectionLike for FakeRedis {
    fn req_packed_command<'a>(
        &'a mut self,
        _: &'a redis::Cmd,
    ) -> redis::RedisFuture<'a, redis::Value> {
        let answer = match self.0 {
            true => Ok(redis::Value::Okay),
            false => Err(redis::RedisError::from(std::io::Error::other("gone"))),
        };
        Box::pin(async { answer })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a redis::Pipeline,
        _: usize,
        count: usize,
    ) -> redis::RedisFuture<'a, Vec<redis::Value>> {
        Box::pin(async move { Ok(vec![redis::Value::Okay; count]) })
    }

    fn get_db(&self) -> i64 {
        0
    }
}

#[tokio::test]
async fn commands_to_redis_are_counted_by_how_they_end() {
    let registry = Registry::bare();
    let redis = Redis::register(&registry).unwrap();
    let mut working = redis.observed(FakeRedis(true));
    let mut broken = redis.observed(FakeRedis(false));
    let _: redis::Value = redis::cmd("SET")
        .arg("k")
        .arg("v")
        .query_async(&mut working)
        .await
        .unwrap();
    let lost: redis::RedisResult<redis::Value> =
        redis::cmd("get").arg("k").query_async(&mut broken).await;
    assert!(lost.is_err());
    let mut pipe = redis::pipe();
    let _: Vec<redis::Value> = pipe
        .cmd("GET")
        .arg("a")
        .cmd("GET")
        .arg("b")
        .query_async(&mut working)
        .await
        .unwrap();
    assert_eq!(
        lines(&registry, "redis_operations_total"),
        [
            r#"redis_operations_total{operation="get",status="error"} 1"#,
            r#"redis_operations_total{operation="pipeline",status="ok"} 1"#,
            r#"redis_operations_total{operation="set",status="ok"} 1"#,
        ]
    );
    assert_eq!(
        lines(&registry, "redis_operation_duration_seconds_count").len(),
        3
    );
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
fn libraries_that_use_the_facade_land_in_the_registry() {
    let registry = Registry::bare();
    let recorder = MetricsRecorder::new(&registry)
        .unwrap()
        .buckets("lib.wait", [1.0, 2.0]);
    metrics::with_local_recorder(&recorder, || {
        metrics::describe_counter!("lib.calls", "Calls of the library.");
        for _ in 0..3 {
            metrics::counter!("lib.calls", "to-what" => "x", "a" => "1").increment(2);
        }
        metrics::counter!("lib.calls", "a" => "1", "to-what" => "x").absolute(5);
        metrics::counter!("lib.calls").increment(1);
        metrics::gauge!("lib.calls_total").set(1.0);
        metrics::gauge!("9lives").increment(3.5);
        metrics::gauge!("9lives").decrement(1.0);
        metrics::histogram!("lib.wait").record(1.5);
        metrics::histogram!("lib.wait").record(f64::NAN);
        metrics::counter!("lib.bad", "__name__" => "x").increment(1);
    });
    let text = registry.encode(Format::Text);
    for line in [
        "# HELP lib_calls_total Calls of the library.",
        r#"lib_calls_total{a="1",to_what="x"} 6"#,
        "_9lives 2.5",
        r#"lib_wait_bucket{le="2"} 1"#,
        r#"stonechat_values_ignored_total{family="lib_wait"} 1"#,
        "stonechat_recorder_refused_total 3",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in\n{text}");
    }
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
