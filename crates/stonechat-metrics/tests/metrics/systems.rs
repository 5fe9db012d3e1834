//! Each example exposes exactly the families of its system.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use stonechat_metrics::{Format, Registry};

#[path = "../../examples/chatim.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod chatim;
#[path = "../../examples/im_suite.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod im_suite;
#[path = "../../examples/media_service.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod media_service;
#[path = "../../examples/resonance.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod resonance;

/// Rounds of traffic until everything has happened at least once.
const ROUNDS: u64 = 400;

const SECONDS: &str = "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10";
const FAST: &str = "0.0005,0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5";
const LONG: &str = "1,5,15,60,300,900,1800,3600,7200,14400,28800";
const MILLISECONDS: &str = "5,10,25,50,100,250,500,1000,2500,5000,10000";
const FAST_MS: &str = "0.5,1,2.5,5,10,25,50,100,250,500,1000,2500,5000";
const SIZES: &str = "64,256,1024,4096,16384,65536,262144,1048576,4194304,16777216";
const MESSAGE_SIZES: &str = "64,256,1024,4096,16384,65536,262144,1048576";

/// Name and labels, type, unit, buckets.
type Row = (&'static str, &'static str, &'static str, &'static str);

const IM_SUITE: &[Row] = &[
    ("http_requests_total{method,path,status}", "counter", "", ""),
    (
        "http_request_duration_seconds{method,path,status}",
        "histogram",
        "seconds",
        SECONDS,
    ),
    ("messages_sent_total{}", "counter", "", ""),
    ("online_users_current{}", "gauge", "", ""),
    (
        "db_query_duration_seconds{operation,table}",
        "histogram",
        "seconds",
        FAST,
    ),
    ("redis_cache_hits_total{}", "counter", "", ""),
    ("redis_cache_misses_total{}", "counter", "", ""),
    ("im_active_users_total{}", "gauge", "", ""),
    ("webrtc_connections_active{}", "gauge", "", ""),
    ("mysql_connections_active{}", "gauge", "", ""),
    ("mysql_connections_idle{}", "gauge", "", ""),
    ("redis_memory_used_bytes{}", "gauge", "bytes", ""),
];

const CHATIM: &[Row] = &[
    (
        "chatim_http_requests_total{method,endpoint,status}",
        "counter",
        "",
        "",
    ),
    (
        "chatim_http_request_duration_seconds{method,endpoint}",
        "histogram",
        "seconds",
        SECONDS,
    ),
    (
        "chatim_http_request_size_bytes{}",
        "histogram",
        "bytes",
        SIZES,
    ),
    (
        "chatim_http_response_size_bytes{}",
        "histogram",
        "bytes",
        SIZES,
    ),
    ("chatim_messages_sent_total{type,status}", "counter", "", ""),
    (
        "chatim_message_send_duration_seconds{type}",
        "histogram",
        "seconds",
        FAST,
    ),
    ("chatim_unread_messages_count{user_id}", "gauge", "", ""),
    (
        "chatim_redis_stream_pending_messages{stream_key}",
        "gauge",
        "",
        "",
    ),
    ("chatim_websocket_active_connections{}", "gauge", "", ""),
    (
        "chatim_websocket_messages_pushed_total{type,status}",
        "counter",
        "",
        "",
    ),
    (
        "chatim_websocket_connection_duration_seconds{}",
        "histogram",
        "seconds",
        LONG,
    ),
    (
        "chatim_redis_operations_total{operation,status}",
        "counter",
        "",
        "",
    ),
    (
        "chatim_redis_operation_duration_seconds{operation}",
        "histogram",
        "seconds",
        FAST,
    ),
    ("chatim_redis_pool_connections{state}", "gauge", "", ""),
    (
        "chatim_db_queries_total{operation,table,status}",
        "counter",
        "",
        "",
    ),
    (
        "chatim_db_query_duration_seconds{operation,table}",
        "histogram",
        "seconds",
        FAST,
    ),
    ("chatim_db_connection_pool{state}", "gauge", "", ""),
    // Runtime metrics, in the place of those of Go.
    ("tokio_alive_tasks{}", "gauge", "", ""),
    (
        "tokio_scheduler_delay_seconds{}",
        "histogram",
        "seconds",
        "0.00001,0.00005,0.0001,0.0005,0.001,0.005,0.01,0.05,0.1,0.5,1,2.5",
    ),
    ("process_resident_memory_bytes{}", "gauge", "bytes", ""),
    ("process_memory_allocated_bytes{}", "gauge", "bytes", ""),
    ("process_memory_heap_bytes{}", "gauge", "bytes", ""),
];

const MEDIA_SERVICE: &[Row] = &[
    ("media_active_sessions{}", "gauge", "", ""),
    ("media_sessions_created_total{device_id}", "counter", "", ""),
    (
        "media_sessions_closed_total{device_id,reason}",
        "counter",
        "",
        "",
    ),
    (
        "media_session_duration_seconds{device_id}",
        "histogram",
        "seconds",
        "60,300,600,1200,1800,3600,7200",
    ),
    (
        "media_ice_connection_state{session_id,state}",
        "gauge",
        "",
        "",
    ),
    (
        "media_ice_candidates_added_total{session_id}",
        "counter",
        "",
        "",
    ),
    (
        "media_ice_connection_time_milliseconds{session_id}",
        "histogram",
        "milliseconds",
        "100,200,400,800,1600,3200,6400,12800",
    ),
    ("media_video_frame_rate{session_id}", "gauge", "", ""),
    ("media_video_bitrate_bps{session_id}", "gauge", "", ""),
    ("media_packet_loss_ratio{session_id}", "gauge", "ratio", ""),
    (
        "media_rtt_milliseconds{session_id}",
        "gauge",
        "milliseconds",
        "",
    ),
    (
        "media_jitter_milliseconds{session_id}",
        "gauge",
        "milliseconds",
        "",
    ),
    (
        "media_http_requests_total{method,path,status}",
        "counter",
        "",
        "",
    ),
    (
        "media_http_duration_seconds{method,path}",
        "histogram",
        "seconds",
        "0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1",
    ),
    ("media_http_requests_in_flight{}", "gauge", "", ""),
    ("media_websocket_connections{}", "gauge", "", ""),
    (
        "media_websocket_messages_total{type,direction}",
        "counter",
        "",
        "",
    ),
    (
        "media_websocket_message_size_bytes{type}",
        "histogram",
        "bytes",
        MESSAGE_SIZES,
    ),
    ("media_memory_usage_bytes{}", "gauge", "bytes", ""),
    ("media_memory_heap_alloc_bytes{}", "gauge", "bytes", ""),
    ("media_memory_heap_sys_bytes{}", "gauge", "bytes", ""),
    ("media_goroutine_count{}", "gauge", "", ""),
    ("media_cpu_usage_ratio{}", "gauge", "ratio", ""),
];

const RESONANCE: &[Row] = &[
    ("request_total{service,method,status}", "counter", "", ""),
    (
        "request_duration_ms{service,method}",
        "histogram",
        "",
        MILLISECONDS,
    ),
    ("connection_count{gateway_id}", "gauge", "", ""),
    ("message_send_total{session_type}", "counter", "", ""),
    (
        "message_push_duration_ms{gateway_id}",
        "histogram",
        "",
        FAST_MS,
    ),
    ("mq_publish_total{topic,status}", "counter", "", ""),
    ("mq_consume_duration_ms{topic}", "histogram", "", FAST_MS),
    (
        "db_query_duration_ms{table,operation}",
        "histogram",
        "",
        FAST_MS,
    ),
    ("cache_hit_rate{cache_type}", "gauge", "", ""),
    ("mq_lag{}", "gauge", "", ""),
];

/// Names by which the standard metrics of every [`Registry::new`] begin.
const OF_EVERY_SERVICE: [&str; 3] = ["process_", "tokio_", "stonechat_"];

/// A registry with the traffic of one system, the families that it must have, and the findings of
/// promtool that its names force.
fn systems() -> [(
    &'static str,
    Registry,
    &'static [Row],
    &'static [&'static str],
); 4] {
    let registry = Registry::bare();
    let suite = im_suite::ImSuite::register(&registry).unwrap();
    (0..ROUNDS).for_each(|number| suite.round(number));
    let im_suite = ("im_suite", registry, IM_SUITE, IM_SUITE_FINDINGS);

    let registry = Registry::new();
    let mut chat = chatim::ChatIm::register(&registry).unwrap();
    (0..ROUNDS).for_each(|number| chat.round(number));
    let chatim = ("chatim", registry, CHATIM, CHATIM_FINDINGS);

    let registry = Registry::bare();
    let mut media = media_service::MediaService::register(&registry).unwrap();
    (0..ROUNDS).for_each(|number| media.round(number));
    // Calls end with the service, so that it is kept until after the first scrape.
    std::mem::forget(media);
    let media = (
        "media_service",
        registry,
        MEDIA_SERVICE,
        MEDIA_SERVICE_FINDINGS,
    );

    let registry = Registry::bare();
    let mut chat = resonance::Resonance::register(&registry).unwrap();
    (0..ROUNDS).for_each(|number| chat.round(number));
    let resonance = ("resonance", registry, RESONANCE, RESONANCE_FINDINGS);
    [im_suite, chatim, media, resonance]
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    kind: String,
    labels: Vec<String>,
    unit: String,
    buckets: Vec<String>,
}

/// Reads name, type, labels, unit and buckets of every family from the two text formats.
fn shapes(registry: &Registry) -> BTreeMap<String, Shape> {
    let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
    let mut last = String::new();
    let text = registry.encode(Format::Text);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            last = name.to_owned();
            shapes.entry(last.clone()).or_default().kind = kind.to_owned();
        } else if !line.starts_with('#') {
            let labels = line
                .split_once('{')
                .map_or("", |(_, rest)| rest.rsplit_once('}').unwrap().0);
            let shape = shapes.get_mut(&last).unwrap();
            let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
            let (own, bound): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| *name != "le");
            shape.labels = own.iter().map(|(name, _)| (*name).to_owned()).collect();
            for (_, bound) in bound {
                let bound = bound.trim_matches('"').to_owned();
                if bound != "+Inf" && !shape.buckets.contains(&bound) {
                    shape.buckets.push(bound);
                }
            }
        }
    }
    for line in registry.encode(Format::OpenMetrics).lines() {
        if let Some(rest) = line.strip_prefix("# UNIT ") {
            let (name, unit) = rest.split_once(' ').unwrap();
            let names = [name.to_owned(), format!("{name}_total")];
            let shape = names
                .iter()
                .find(|name| shapes.contains_key(*name))
                .unwrap();
            shapes.get_mut(shape).unwrap().unit = unit.to_owned();
        }
    }
    shapes
}

fn expected(row: &Row) -> (String, Shape) {
    let (family, kind, unit, buckets) = row;
    let (name, labels) = family.trim_end_matches('}').split_once('{').unwrap();
    let list = |text: &str| {
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let shape = Shape {
        kind: (*kind).to_owned(),
        labels: list(labels),
        unit: (*unit).to_owned(),
        buckets: list(buckets),
    };
    (name.to_owned(), shape)
}

#[tokio::test]
async fn each_example_exposes_the_families_of_its_system() {
    let systems = systems();
    for (_, registry, ..) in &systems {
        registry.peek(Format::Text);
    }
    // A share of CPU time is one of the time between two looks, which are to be a second apart.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for (system, registry, rows, _) in systems {
        let mut shown = shapes(&registry);
        for row in rows {
            let (name, shape) = expected(row);
            assert_eq!(shown.remove(&name), Some(shape), "{system}: {name}");
        }
        let more: Vec<_> = shown
            .keys()
            .filter(|name| !OF_EVERY_SERVICE.iter().any(|start| name.starts_with(start)))
            .collect();
        assert!(more.is_empty(), "{system} shows more: {more:?}");
        assert!(
            system == "chatim" || shown.is_empty(),
            "{system}: {shown:?}"
        );
    }
}

#[test]
fn the_conflict_of_im_suite_is_an_error_that_names_both_places() {
    let registry = Registry::bare();
    im_suite::ImSuite::register(&registry).unwrap();
    let again = [
        registry
            .counter("http_requests_total", "Total number of HTTP requests")
            .labels(["method", "path", "status"])
            .register()
            .map(drop),
        registry
            .histogram("http_request_duration_seconds", "HTTP request latency")
            .unit("seconds")
            .labels(["method", "path", "status"])
            .register()
            .map(drop),
        registry
            .counter("messages_sent_total", "Total messages sent")
            .register()
            .map(drop),
    ];
    for error in again.map(|again| again.unwrap_err().to_string()) {
        assert!(
            error.contains("is already registered, and differently"),
            "{error}"
        );
        let first = error
            .lines()
            .find_map(|line| line.trim().strip_prefix("first: "));
        let first: Vec<&str> = first.unwrap().rsplitn(3, ':').collect();
        let [column, line, file] = first[..] else {
            panic!("{error}");
        };
        assert!(file.ends_with("examples/im_suite.rs"), "{error}");
        for number in [column, line] {
            assert!(number.parse::<u32>().unwrap() > 0, "{error}");
        }
        assert!(error.contains(&format!("again: {}:", file!())), "{error}");
        assert!(error.contains("help text differs: \""), "{error}");
    }
    assert_eq!(shapes(&registry)["messages_sent_total"].kind, "counter");
}

// The names are those of the systems' dashboards and alert rules, so they stay.
const IM_SUITE_FINDINGS: &[&str] =
    &[r#"im_active_users_total non-counter metrics should not have "_total" suffix"#];
const CHATIM_FINDINGS: &[&str] = &[
    r#"chatim_unread_messages_count non-histogram and non-summary metrics should not have "_count" suffix"#,
];
const MEDIA_SERVICE_FINDINGS: &[&str] = &[
    r#"media_goroutine_count non-histogram and non-summary metrics should not have "_count" suffix"#,
    r#"media_ice_connection_time_milliseconds use base unit "seconds" instead of "milliseconds""#,
    r#"media_jitter_milliseconds use base unit "seconds" instead of "milliseconds""#,
    r#"media_rtt_milliseconds use base unit "seconds" instead of "milliseconds""#,
];
const RESONANCE_FINDINGS: &[&str] = &[
    r#"connection_count non-histogram and non-summary metrics should not have "_count" suffix"#,
    "db_query_duration_ms metric names should not contain abbreviated units",
    "message_push_duration_ms metric names should not contain abbreviated units",
    "mq_consume_duration_ms metric names should not contain abbreviated units",
    "request_duration_ms metric names should not contain abbreviated units",
];

#[tokio::test]
async fn promtool_finds_only_what_the_names_force() {
    for (system, registry, _, findings) in systems() {
        let Some(told) = super::exposition::promtool(&registry.encode(Format::Text)) else {
            return;
        };
        let told: BTreeSet<&str> = told.lines().collect();
        let findings: BTreeSet<&str> = findings.iter().copied().collect();
        assert_eq!(told, findings, "{system}");
    }
}

/// The examples as they are started; where only this test was built, there is nothing to start.
#[test]
fn an_example_serves_its_metrics_where_it_is_told_to() {
    let tests = std::env::current_exe().unwrap();
    let examples = tests.ancestors().nth(2).unwrap().join("examples");
    for system in ["im_suite", "chatim", "media_service", "resonance"] {
        let program = examples.join(system);
        if !program.exists() {
            println!("skipped: {} is not built", program.display());
            continue;
        }
        let mut child = Command::new(program)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addr = line
            .trim()
            .trim_start_matches("http://")
            .trim_end_matches("/metrics");
        let answer = super::get_blocking(addr, "/metrics");
        child.kill().unwrap();
        child.wait().unwrap();
        let answer = answer.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("# TYPE"),
            "{answer}"
        );
    }
}
