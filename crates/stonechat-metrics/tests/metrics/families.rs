use std::time::Duration;

use stonechat_metrics::{
    CacheMetric, Caches, Database, Direction, Format, HttpServer, Messages, Named, Outcome,
    PushStatus, Queues, Registry, Resources, WebRtc, WebSockets,
};

use super::lines;

#[test]
fn names_types_and_labels_are_those_that_were_agreed() {
    let registry = Registry::bare();
    let chat = registry.namespace("chat");
    HttpServer::register(&chat)
        .unwrap()
        .start("GET", "/")
        .finish("200");
    WebSockets::register(&chat)
        .unwrap()
        .message("ping", Direction::Out);
    Messages::register(&chat).unwrap().message_type("group");
    Queues::register(&chat).unwrap().queue("q");
    Database::register(&chat)
        .unwrap()
        .start("insert", "messages")
        .discard();
    let expected = [
        "chat_db_query_duration_seconds histogram {operation,table}",
        "chat_http_request_duration_seconds histogram {method,path}",
        "chat_http_requests_in_flight gauge {}",
        "chat_http_requests_total counter {method,path,status}",
        "chat_message_delivery_duration_seconds histogram {}",
        "chat_message_send_duration_seconds histogram {type}",
        "chat_messages_pushed_total counter {status}",
        "chat_messages_sent_total counter {type,status}",
        "chat_queue_consumed_total counter {queue,status}",
        "chat_queue_lag gauge {queue}",
        "chat_queue_published_total counter {queue,status}",
        "chat_websocket_connection_duration_seconds histogram {}",
        "chat_websocket_connections gauge {}",
        "chat_websocket_messages_total counter {type,direction}",
    ];
    assert_eq!(outline(&registry.encode(Format::Text)), expected);
}

/// Name, type and label names of each family, read from the text format.
fn outline(text: &str) -> Vec<String> {
    let label_names = |name: &str| -> String {
        let sample = text
            .lines()
            .find(|line| !line.starts_with('#') && line.starts_with(name))
            .unwrap();
        let labels = sample
            .split_once('{')
            .map_or("", |(_, rest)| rest.rsplit_once('}').unwrap().0);
        let names = labels
            .split(',')
            .filter_map(|label| label.split_once('='))
            .map(|(name, _)| name);
        names
            .filter(|name| *name != "le")
            .collect::<Vec<_>>()
            .join(",")
    };
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            format!("{name} {kind} {{{}}}", label_names(name))
        })
        .collect()
}

#[test]
fn a_connection_is_open_until_its_guard_is_dropped() {
    let registry = Registry::bare();
    let websockets = WebSockets::register(&registry).unwrap();
    let (first, second) = (websockets.connect(), websockets.connect());
    assert_eq!(
        lines(&registry, "websocket_connections "),
        ["websocket_connections 2"]
    );
    drop(first);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = second;
        std::panic::resume_unwind(Box::new("the connection's task fails"));
    }));
    assert!(panicked.is_err());
    assert_eq!(
        lines(&registry, "websocket_connections "),
        ["websocket_connections 0"]
    );
    let count = "websocket_connection_duration_seconds_count";
    assert_eq!(lines(&registry, count), [format!("{count} 2")]);
}

#[test]
fn a_message_that_is_not_finished_failed() {
    let registry = Registry::bare();
    let single = Messages::register(&registry)
        .unwrap()
        .message_type("single");
    let sent = |status: &str| {
        lines(
            &registry,
            &format!("messages_sent_total{{type=\"single\",status=\"{status}\"}}"),
        )
    };
    assert_eq!(
        sent("error"),
        [r#"messages_sent_total{type="single",status="error"} 0"#],
        "from the start"
    );
    single.start_send().finish(Outcome::Ok);
    single.start_send().finish(Outcome::Error);
    drop(single.start_send());
    assert_eq!(
        sent("ok"),
        [r#"messages_sent_total{type="single",status="ok"} 1"#]
    );
    assert_eq!(
        sent("error"),
        [r#"messages_sent_total{type="single",status="error"} 2"#]
    );
    let count = r#"message_send_duration_seconds_count{type="single"}"#;
    assert_eq!(lines(&registry, count), [format!("{count} 3")]);
}

#[test]
fn pushes_and_queues_count_by_status() {
    let registry = Registry::bare();
    let messages = Messages::register(&registry).unwrap();
    let queue = Queues::register(&registry).unwrap().queue("stream:1");
    for status in [PushStatus::Ok, PushStatus::Offline, PushStatus::Offline] {
        messages.pushed(status);
    }
    messages.delivered_after(Duration::from_millis(40));
    queue.published(Outcome::Ok);
    queue.consumed(Outcome::from(&Err::<(), ()>(())));
    queue.set_lag(12);
    let expected = [
        r#"messages_pushed_total{status="error"} 0"#,
        r#"messages_pushed_total{status="offline"} 2"#,
        r#"messages_pushed_total{status="ok"} 1"#,
    ];
    assert_eq!(lines(&registry, "messages_pushed_total"), expected);
    assert_eq!(
        lines(&registry, "queue_lag"),
        [r#"queue_lag{queue="stream:1"} 12"#]
    );
    let expected = [
        r#"queue_consumed_total{queue="stream:1",status="error"} 1"#,
        r#"queue_consumed_total{queue="stream:1",status="ok"} 0"#,
    ];
    assert_eq!(lines(&registry, "queue_consumed_total"), expected);
    let bucket = r#"message_delivery_duration_seconds_bucket{le="0.05"}"#;
    assert_eq!(lines(&registry, bucket), [format!("{bucket} 1")]);
}

#[test]
fn a_timer_observes_once_however_it_ends() {
    let registry = Registry::bare();
    let histogram = registry.histogram("h_seconds", "H.").register().unwrap();
    drop(histogram.start_timer());
    let shown = histogram.start_timer().finish();
    histogram.start_timer().discard();
    assert_eq!(histogram.count(), 2);
    assert!(histogram.sum() >= shown.as_secs_f64());
}

#[test]
fn what_was_not_measured_is_not_shown() {
    let registry = Registry::bare();
    let calls = WebRtc::register(&registry).unwrap();
    let call = calls.session("s-1", "camera-7");
    let measured = |registry: &Registry| -> Vec<String> {
        let text = registry.encode(Format::Text);
        let gauges = ["video_frame_rate", "video_bitrate_bps", "packet_loss_ratio"];
        let times = ["rtt_seconds", "jitter_seconds"];
        let names: Vec<String> = gauges
            .iter()
            .chain(&times)
            .map(|name| format!("webrtc_{name}{{"))
            .collect();
        let is_one = |line: &&str| names.iter().any(|name| line.starts_with(name));
        text.lines().filter(is_one).map(str::to_owned).collect()
    };
    assert!(measured(&registry).is_empty());
    call.set_loss(0.0);
    call.set_round_trip(Duration::from_millis(20));
    assert_eq!(
        measured(&registry),
        [
            r#"webrtc_packet_loss_ratio{session_id="s-1"} 0"#,
            r#"webrtc_rtt_seconds{session_id="s-1"} 0.02"#,
        ]
    );

    let registry = Registry::bare();
    let users = Caches::register_as(&registry, &[(CacheMetric::Rate, Named::standard())]);
    let users = users.unwrap().cache("users");
    assert!(lines(&registry, "cache_hit_ratio").is_empty());
    users.miss();
    assert_eq!(
        lines(&registry, "cache_hit_ratio{"),
        [r#"cache_hit_ratio{cache="users"} 0"#]
    );

    // A share of the time since the last scrape takes two of them.
    let registry = Registry::bare();
    Resources::register(&registry).unwrap();
    assert!(lines(&registry, "process_cpu_usage_ratio").is_empty());
}
