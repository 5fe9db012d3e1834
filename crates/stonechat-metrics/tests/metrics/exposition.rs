use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use stonechat_metrics::{
    Database, Format, HttpServer, Messages, Outcome, Queues, Registry, WebSockets,
};

/// One family of each kind, with and without labels.
fn sample() -> Registry {
    let registry = Registry::bare();
    let bytes = registry
        .counter("sent_bytes_total", "Bytes sent.")
        .unit("bytes");
    let bytes = bytes.labels(["peer"]).register().unwrap();
    bytes.with(["b"]).inc_by(3);
    bytes.with(["a"]).inc_by_f64(1.5);
    registry
        .gauge("online", "Users online.")
        .register()
        .unwrap()
        .set(-2.5);
    let wait = registry
        .histogram("wait_seconds", "Waiting.")
        .unit("seconds")
        .buckets([0.1, 1.0]);
    let wait = wait.labels(["queue"]).register().unwrap().with(["x"]);
    for seconds in [0.05, 0.1, 0.5, 7.0] {
        wait.observe(seconds);
    }
    registry
}

#[test]
fn the_text_format_is_written_in_a_fixed_order() {
    let expected = r#"# HELP online Users online.
# TYPE online gauge
online -2.5
# HELP sent_bytes_total Bytes sent.
# TYPE sent_bytes_total counter
sent_bytes_total{peer="a"} 1.5
sent_bytes_total{peer="b"} 3
# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
wait_seconds_bucket{queue="x",le="0.1"} 2
wait_seconds_bucket{queue="x",le="1"} 3
wait_seconds_bucket{queue="x",le="+Inf"} 4
wait_seconds_sum{queue="x"} 7.65
wait_seconds_count{queue="x"} 4
"#;
    assert_eq!(sample().encode(Format::Text), expected);
}

#[test]
fn openmetrics_has_units_an_end_mark_and_counters_without_total_in_their_type() {
    let expected = r#"# HELP online Users online.
# TYPE online gauge
online -2.5
# HELP sent_bytes Bytes sent.
# TYPE sent_bytes counter
# UNIT sent_bytes bytes
sent_bytes_total{peer="a"} 1.5
sent_bytes_total{peer="b"} 3
# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{queue="x",le="0.1"} 2
wait_seconds_bucket{queue="x",le="1.0"} 3
wait_seconds_bucket{queue="x",le="+Inf"} 4
wait_seconds_sum{queue="x"} 7.65
wait_seconds_count{queue="x"} 4
# EOF
"#;
    assert_eq!(sample().encode(Format::OpenMetrics), expected);
}

#[test]
fn a_family_without_series_is_not_shown() {
    let registry = Registry::bare();
    registry.gauge("x", "X.").labels(["a"]).register().unwrap();
    assert_eq!(registry.encode(Format::Text), "");
    assert_eq!(registry.encode(Format::OpenMetrics), "# EOF\n");
}

#[test]
fn help_and_label_values_are_escaped() {
    let registry = Registry::bare();
    let family = registry
        .gauge("x", "a \\ b\nc \"d\"")
        .labels(["l"])
        .register()
        .unwrap();
    family.with(["q\"b\\n\nü"]).set(1.0);
    let text = "# HELP x a \\\\ b\\nc \"d\"\n# TYPE x gauge\nx{l=\"q\\\"b\\\\n\\nü\"} 1\n";
    assert_eq!(registry.encode(Format::Text), text);
    let open =
        "# HELP x a \\\\ b\\nc \\\"d\\\"\n# TYPE x gauge\nx{l=\"q\\\"b\\\\n\\nü\"} 1\n# EOF\n";
    assert_eq!(registry.encode(Format::OpenMetrics), open);
}

#[test]
fn constant_labels_are_on_every_series() {
    let builder = Registry::builder().process(false).runtime(false);
    let registry = builder.constant_label("zone", "eu \"1\"").build().unwrap();
    registry.gauge("g", "G.").register().unwrap().set(1.0);
    let histogram = registry
        .histogram("h", "H.")
        .buckets([1.0])
        .labels(["a"])
        .register()
        .unwrap();
    histogram.with(["b"]).observe(0.5);
    for format in [Format::Text, Format::OpenMetrics] {
        let text = registry.encode(format);
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let without = samples.filter(|line| !line.contains(r#"zone="eu \"1\"""#));
        assert_eq!(without.collect::<Vec<_>>(), Vec::<&str>::new());
    }
    assert_eq!(
        super::lines(&registry, "h_sum"),
        [r#"h_sum{zone="eu \"1\"",a="b"} 0.5"#]
    );
}

#[test]
fn a_registry_is_a_collector_of_the_official_client() {
    let registry = sample();
    let mut official = prometheus_client::registry::Registry::with_prefix("app");
    official.register_collector(Box::new(registry.clone()));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &official).unwrap();
    assert!(
        text.contains("# UNIT app_sent_bytes bytes\napp_sent_bytes_total{peer=\"a\"} 1.5\n"),
        "{text}"
    );
}

#[test]
fn an_observation_is_in_the_first_bucket_that_reaches_it() {
    for count in [1, 11, 16, 17, 60] {
        let registry = Registry::bare();
        let bounds: Vec<f64> = (1..=count).map(f64::from).collect();
        let histogram = registry.histogram("h", "H.").buckets(bounds.clone());
        let histogram = histogram.register().unwrap();
        let values: Vec<f64> = (-2..=2 * count + 3)
            .map(|step| f64::from(step) / 2.0)
            .collect();
        for value in &values {
            histogram.observe(*value);
        }
        let expected: Vec<String> = bounds
            .iter()
            .map(|bound| {
                let below = values.iter().filter(|value| *value <= bound).count();
                format!("h_bucket{{le=\"{bound}\"}} {below}")
            })
            .chain([format!("h_bucket{{le=\"+Inf\"}} {}", values.len())])
            .collect();
        assert_eq!(super::lines(&registry, "h_bucket"), expected);
    }
}

#[test]
fn special_values_of_a_gauge_are_shown() {
    let registry = Registry::bare();
    let family = registry.gauge("x", "X.").labels(["v"]).register().unwrap();
    family.with(["nan"]).set(f64::NAN);
    family.with(["up"]).set(f64::INFINITY);
    family.with(["down"]).set(f64::NEG_INFINITY);
    family.with(["zero"]).set(-0.0);
    assert_eq!(
        super::lines(&registry, "x{"),
        [
            r#"x{v="down"} -Inf"#,
            r#"x{v="nan"} NaN"#,
            r#"x{v="up"} +Inf"#,
            r#"x{v="zero"} -0"#
        ]
    );
}

#[test]
fn process_metrics_are_there_by_default() {
    let registry = Registry::new();
    let value = |name: &str| -> f64 {
        let lines = super::lines(&registry, &format!("{name} "));
        assert_eq!(lines.len(), 1, "{name}");
        lines[0].rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 100_000.0);
    assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
    assert!(value("process_open_fds") >= 3.0);
    assert!(value("process_max_fds") >= value("process_open_fds"));
    assert!(value("process_threads") >= 1.0);
    assert!(value("process_cpu_seconds_total") >= 0.0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let age = now.as_secs_f64() - value("process_start_time_seconds");
    assert!(
        (-2.0..600.0).contains(&age),
        "this process started {age} s ago"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runtime_metrics_are_those_of_the_runtime_around_new() {
    let registry = Registry::new();
    let scraped = registry.clone();
    let text = std::thread::spawn(move || scraped.encode(Format::Text))
        .join()
        .unwrap();
    for line in [
        "tokio_workers 2\n",
        "tokio_alive_tasks ",
        "tokio_global_queue_depth ",
        "tokio_worker_busy_seconds_total{worker=\"0\"} ",
        "tokio_worker_busy_seconds_total{worker=\"1\"} ",
        "tokio_worker_park_total{worker=\"1\"} ",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn outside_of_a_runtime_the_first_scrape_inside_one_finds_it() {
    let registry = Registry::new();
    assert!(!registry.encode(Format::Text).contains("tokio_"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { assert!(registry.encode(Format::Text).contains("tokio_workers 1")) });
    assert!(
        registry.encode(Format::Text).contains("tokio_workers 1"),
        "it stays"
    );
}

/// A chat as it runs: every ready family in use.
fn chat() -> Registry {
    let registry = Registry::new();
    let chat = registry.namespace("chat");
    HttpServer::register(&chat)
        .unwrap()
        .start("GET", "/users/{id}")
        .finish("200");
    let websockets = WebSockets::register(&chat).unwrap();
    drop(websockets.connect());
    websockets.message("text", stonechat_metrics::Direction::In);
    let messages = Messages::register(&chat).unwrap();
    messages
        .message_type("single")
        .start_send()
        .finish(Outcome::Ok);
    messages.delivered_after(std::time::Duration::from_millis(3));
    Queues::register(&chat)
        .unwrap()
        .queue("messages")
        .set_lag(4);
    Database::register(&chat)
        .unwrap()
        .start("select", "users")
        .finish();
    registry
        .counter("own_total", "With \"quotes\" and a \\.")
        .register()
        .unwrap()
        .inc();
    registry
}

/// Samples as a map from name and sorted labels to value; both formats can be read this way.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut labels: Vec<String> = labels
            .trim_end_matches('}')
            .split(',')
            .map(|label| label.replace(".0\"", "\""))
            .collect();
        labels.sort();
        (
            format!("{name} {}", labels.join(",")),
            value.parse().unwrap(),
        )
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(sample)
        .collect()
}

#[test]
fn both_formats_say_the_same() {
    let registry = chat();
    let text = samples(&registry.encode(Format::Text));
    let open = samples(&registry.encode(Format::OpenMetrics));
    assert!(text.len() > 100);
    let names = |samples: &BTreeMap<String, f64>| samples.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&text), names(&open));
    // What the process does meanwhile may differ.
    let stable =
        |(name, _): &(&String, &f64)| !name.starts_with("process_") && !name.starts_with("tokio_");
    assert!(text.iter().filter(stable).eq(open.iter().filter(stable)));
}

/// What `promtool check metrics` says, or nothing where it is not installed.
pub fn promtool(text: &str) -> Option<String> {
    let promtool = super::peer("promtool")?;
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = check.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = check.wait_with_output().unwrap();
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    let text = chat().encode(Format::Text);
    if let Some(told) = promtool(&text) {
        assert!(told.is_empty(), "promtool: {told}\n{text}");
    }
}

/// Reads a label value back, as a scraper does.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => panic!("{text:?} ends in the middle of an escape"),
            },
            (plain, false) => out.push(plain),
        }
    }
    out
}

proptest! {
    #[test]
    fn any_label_value_and_number_come_back(value in "(?s).{0,40}", bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        let registry = Registry::bare();
        registry.gauge("x", "X.").labels(["l"]).register().unwrap().with([&value]).set(number);
        for format in [Format::Text, Format::OpenMetrics] {
            let text = registry.encode(format);
            let line = text.split('\n').nth(2).unwrap();
            let (label, written) = line.strip_prefix("x{l=\"").unwrap().rsplit_once("\"} ").unwrap();
            prop_assert_eq!(unescape(label), value.clone());
            let back: f64 = written.parse().unwrap();
            prop_assert!(back.to_bits() == bits || (back.is_nan() && number.is_nan()), "{} {}", written, number);
        }
    }
}

#[test]
fn openmetrics_has_no_sum_that_could_go_down() {
    let registry = Registry::bare();
    let histogram = registry.histogram("drift", "Drift.").buckets([-1.0, 1.0]);
    let histogram = histogram.register().unwrap();
    histogram.observe(-2.0);
    let text = registry.encode(Format::OpenMetrics);
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        samples,
        [
            r#"drift_bucket{le="-1.0"} 1"#,
            r#"drift_bucket{le="1.0"} 1"#,
            r#"drift_bucket{le="+Inf"} 1"#,
        ]
    );
    let text = registry.encode(Format::Text);
    assert!(text.contains("drift_sum -2\ndrift_count 1\n"), "{text}");
}
