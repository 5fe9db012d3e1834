use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use stonechat_demo::{ChatConfig, Queries};
use tracing_subscriber::prelude::*;

use crate::api;
use crate::backend::{embedded, on_mariadb_and_redis, start};
use crate::exposition::{eventually, metric};
use crate::user::User;

/// Status, headers and body of an answer to a request with these headers.
async fn get(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, HeaderMap, Vec<u8>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Empty::<Bytes>::new()).unwrap());
    let (head, body) = response.await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, body.to_vec())
}

/// Two users who have written to each other, over HTTP and over a WebSocket.
async fn converse(gateway: SocketAddr) -> User {
    let ann = User::new(gateway, "ann").await;
    let ben = User::new(gateway, "ben").await;
    let mut to_ben = ben.connect().await;
    let message = json!({"to": "ben", "body": "hello"});
    assert_eq!(ann.post("/api/messages", message.clone()).await.0, 200);
    assert_eq!(to_ben.receive().await["body"], "hello");
    let mut to_ann = ann.connect().await;
    assert_eq!(to_ann.say(message).await["type"], "ack");
    assert_eq!(to_ben.receive().await["body"], "hello");
    ann
}

/// A service, one of its metrics, labels that its series have, and the least that they come to.
const SHOWN: &str = r#"
gateway chat_http_requests_total path="/api/messages" 1
gateway chat_http_client_requests_total host="logic" status="200" 6
gateway chat_http_client_request_duration_seconds_count method="POST" 6
gateway chat_websocket_connection_duration_seconds_count 2
gateway chat_websocket_messages_total type="ack" 1
gateway chat_websocket_message_size_bytes_count type="send" 1
gateway chat_cache_hits_total cache="tokens" 1
gateway chat_cache_misses_total cache="tokens" 2
gateway chat_cache_hit_ratio cache="tokens" 0.1
gateway chat_message_push_duration_seconds_count 2
gateway tokio_scheduler_delay_seconds_count 1
gateway chat_grpc_server_handled_total service="chat.Gateway" method="Push" code="OK" 1
gateway chat_grpc_server_handling_seconds_count method="Push" 1
logic chat_http_requests_total path="/messages" 2
logic chat_messages_received_total type="single" 2
logic chat_messages_sent_total status="ok" 2
logic chat_db_queries_total table="messages" status="ok" 2
logic chat_db_query_duration_seconds_count operation="insert" 4
logic password_hash_seconds_count operation="hash" 2
logic password_hash_seconds_count operation="verify" 2
logic chat_db_pool_connections 1
logic chat_queue_published_total status="ok" 2
task chat_queue_consumed_total status="ok" 2
task chat_queue_consume_duration_seconds_count 2
task chat_messages_pushed_total status="ok" 2
media media_memory_usage_bytes 1
logic chat_queue_pending_messages 0
"#;

#[tokio::test]
async fn each_service_shows_what_it_does() {
    let chat = start().await;
    let at = chat.addresses().clone();
    converse(at.gateway).await;
    for line in SHOWN.trim().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [service, name, labels @ .., least] = &*words else {
            panic!("{line}");
        };
        let service = match *service {
            "gateway" => at.gateway_metrics,
            "logic" => at.logic_metrics,
            "task" => at.task_metrics,
            _ => at.media_metrics,
        };
        let least: f64 = least.parse().unwrap();
        eventually(line, async || metric(service, name, labels).await >= least).await;
    }
    chat.stop().await;
}

#[tokio::test]
async fn redis_is_shown_by_logic() {
    on_mariadb_and_redis("shown", async |config| {
        let chat = stonechat_demo::run(config).await.unwrap();
        let logic = chat.addresses().logic_metrics;
        converse(chat.addresses().gateway).await;
        for operation in ["eval", "xreadgroup", "pipeline", "info"] {
            let labels = [format!("operation=\"{operation}\"")];
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            eventually(operation, async || {
                metric(logic, "chat_redis_operations_total", &labels).await > 0.0
                    && metric(
                        logic,
                        "chat_redis_operation_duration_seconds_count",
                        &labels,
                    )
                    .await
                        > 0.0
            })
            .await;
        }
        assert!(metric(logic, "chat_redis_memory_used_bytes", &[]).await > 1e5);
        eventually("active and idle connections", async || {
            metric(logic, "chat_redis_pool_connections", &[]).await == 4.0
        })
        .await;
        chat.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_sqlx_tells_is_shown_by_logic() {
    let queries = Queries::register().unwrap();
    tracing_subscriber::registry().with(queries.layer()).init();
    let chat = stonechat_demo::run(ChatConfig {
        queries: Some(queries),
        ..embedded()
    });
    let chat = chat.await.unwrap();
    converse(chat.addresses().gateway).await;
    let name = "chat_sqlx_query_duration_seconds_count";
    for labels in [
        [r#"operation="insert""#, r#"table="messages""#],
        [r#"operation="select""#, r#"table="users""#],
    ] {
        let logic = chat.addresses().logic_metrics;
        eventually(labels[1], async || {
            metric(logic, name, &labels).await >= 2.0
        })
        .await;
    }
    chat.stop().await;
}

#[tokio::test]
async fn a_request_is_found_again_in_the_exemplars_of_all_its_services() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const OPENMETRICS: [(&str, &str); 1] = [("accept", "application/openmetrics-text")];
    let chat = start().await;
    let at = chat.addresses();
    let ann = converse(at.gateway).await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let token = format!("Bearer {}", ann.token);
    let headers = [("traceparent", &*parent), ("authorization", &*token)];
    assert_eq!(get(at.gateway, "/api/sessions", &headers).await.0, 200);
    for (service, name) in [
        (
            at.gateway_metrics,
            "chat_http_request_duration_seconds_bucket",
        ),
        (
            at.gateway_metrics,
            "chat_http_client_request_duration_seconds_bucket",
        ),
        (
            at.logic_metrics,
            "chat_http_request_duration_seconds_bucket",
        ),
        (at.logic_metrics, "chat_db_query_duration_seconds_bucket"),
    ] {
        let (_, _, page) = get(service, "/metrics", &OPENMETRICS).await;
        let page = String::from_utf8(page).unwrap();
        let found = |line: &str| line.starts_with(name) && line.contains(TRACE);
        assert!(page.lines().any(found), "{name} in {page}");
    }
    chat.stop().await;
}

#[tokio::test]
async fn a_scraper_gets_the_format_and_the_compression_that_it_asks_for() {
    let chat = start().await;
    let gateway = chat.addresses().gateway_metrics;
    let protobuf = "application/vnd.google.protobuf; \
                    proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let (_, headers, body) = get(gateway, "/metrics", &[("accept", protobuf)]).await;
    let told = headers["content-type"].to_str().unwrap();
    assert!(told.contains("io.prometheus.client.MetricFamily"), "{told}");
    assert!(body.len() > 1_000);
    let (_, _, plain) = get(gateway, "/metrics", &[]).await;
    for (encoding, magic) in [
        ("gzip", &[0x1f, 0x8b][..]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        let asked = [("accept-encoding", encoding)];
        let (_, headers, body) = get(gateway, "/metrics", &asked).await;
        assert_eq!(headers["content-encoding"], encoding);
        assert!(body.starts_with(magic) && body.len() < plain.len() / 2);
    }
    chat.stop().await;
}

#[tokio::test]
async fn services_say_whether_they_live_and_take_work() {
    let chat = stonechat_demo::run(embedded()).await.unwrap();
    let at = chat.addresses();
    for service in [
        at.gateway_metrics,
        at.logic_metrics,
        at.task_metrics,
        at.media_metrics,
    ] {
        assert_eq!(
            api::get(service, "/healthz", None).await,
            (200, json!("ok\n"))
        );
        assert_eq!(
            api::get(service, "/readyz", None).await,
            (200, json!("ready\n"))
        );
    }
    chat.stop().await;
}
