use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use stonechat_metrics::{Format, Registry, TraceId};
use tracing_subscriber::fmt::MakeWriter;

use super::lines;

#[test]
fn an_unregistered_family_is_gone_and_its_name_is_free() {
    let registry = Registry::bare();
    let chat = registry.namespace("chat");
    let kept = chat.gauge("online", "Users online.").register().unwrap();
    kept.set(3.0);
    assert!(!registry.unregister("online"), "the full name counts");
    assert!(chat.unregister("online"));
    assert!(!chat.unregister("online"));
    assert_eq!(registry.encode(Format::Text), "");
    kept.set(4.0);
    let histogram = chat.histogram("online", "Something else.").register();
    histogram.unwrap();
    assert_eq!(
        lines(&registry, "chat_online_count"),
        ["chat_online_count 0"]
    );
}

#[test]
fn a_registry_shows_the_families_of_another_one() {
    let builder = Registry::builder().constant_label("zone", "eu");
    let outer = builder.build().unwrap();
    let inner = Registry::new();
    inner.counter("b_total", "B.").register().unwrap().inc();
    outer.include(&inner).unwrap();
    outer.include(&inner).unwrap();
    outer.gauge("a", "A.").register().unwrap().set(1.0);
    inner.gauge("c", "C.").register().unwrap().set(2.0);
    let text = outer.encode(Format::Text);
    let samples: Vec<&str> = text.lines().filter(|line| line.len() < 16).collect();
    assert_eq!(
        samples,
        [
            "# HELP a A.",
            "# TYPE a gauge",
            "a{zone=\"eu\"} 1",
            "b_total 1",
            "# HELP c C.",
            "# TYPE c gauge",
            "c 2"
        ]
    );
    assert_eq!(text.matches("# TYPE process_threads").count(), 1);
    assert!(!text.contains("stonechat_families_hidden"));
}

#[test]
fn names_that_meet_by_inclusion_are_refused_or_counted() {
    let (outer, inner) = (Registry::bare(), Registry::bare());
    outer.gauge("x", "Outer.").register().unwrap();
    inner.histogram("x", "Inner.").register().unwrap();
    let error = outer.include(&inner).unwrap_err().to_string();
    assert!(error.contains("both would expose `x`"), "{error}");

    let inner = Registry::bare();
    outer.include(&inner).unwrap();
    inner.counter("x_total", "Inner.").register().unwrap();
    let text = outer.encode(Format::Text);
    assert!(
        text.contains("# HELP x Outer.") && !text.contains("Inner."),
        "{text}"
    );
    assert_eq!(
        lines(&outer, "stonechat_families_hidden"),
        ["stonechat_families_hidden 1"]
    );
}

#[test]
fn registries_that_would_show_themselves_are_refused() {
    let (first, second, third) = (Registry::bare(), Registry::bare(), Registry::bare());
    first.include(&second).unwrap();
    second.include(&third).unwrap();
    for (outer, inner) in [(&first, &first), (&third, &first), (&second, &first)] {
        let error = outer.include(inner).unwrap_err().to_string();
        assert!(error.contains("it would show itself"), "{error}");
    }
    third.gauge("x", "X.").register().unwrap();
    assert_eq!(lines(&first, "x "), ["x 0"]);
}

#[test]
fn gauges_can_be_asked_for_at_a_scrape() {
    let registry = Registry::bare();
    let waiting = registry.gauge("waiting", "Waiting.").register().unwrap();
    let source = Arc::new(AtomicU64::new(0));
    let asked = Arc::clone(&source);
    registry.on_scrape(move || waiting.set(asked.load(Ordering::Relaxed) as f64));
    for value in [3, 0, 7] {
        source.store(value, Ordering::Relaxed);
        assert_eq!(lines(&registry, "waiting "), [format!("waiting {value}")]);
    }
}

#[test]
fn an_observation_under_a_trace_is_the_example_of_its_bucket() {
    let trace = Arc::new(AtomicU64::new(0));
    let current = Arc::clone(&trace);
    let builder = Registry::builder().process(false).runtime(false);
    let builder = builder.trace_ids(move || match current.load(Ordering::Relaxed) {
        0 => None,
        trace => Some(TraceId(trace.into())),
    });
    let registry = builder.build().unwrap();
    let histogram = registry.histogram("h", "H.").buckets([1.0, 2.0]);
    let histogram = histogram.register().unwrap();
    histogram.observe(0.5);
    trace.store(0xbeef, Ordering::Relaxed);
    histogram.observe(1.5);
    histogram.observe_traced(9.0, TraceId(0xcafe));
    let text = registry.encode(Format::OpenMetrics);
    let buckets: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("bucket"))
        .collect();
    let zeros = "0".repeat(28);
    assert_eq!(buckets[0], r#"h_bucket{le="1.0"} 1"#);
    let second = format!(r#"h_bucket{{le="2.0"}} 2 # {{trace_id="{zeros}beef"}} 1.5 1"#);
    assert!(buckets[1].starts_with(&second), "{text}");
    let third = format!(r#"h_bucket{{le="+Inf"}} 3 # {{trace_id="{zeros}cafe"}} 9 1"#);
    assert!(buckets[2].starts_with(&third), "{text}");
    assert!(!registry.encode(Format::Text).contains("trace_id"));
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn labels_that_look_unbounded_are_reported_once_with_their_place() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false);
    tracing::subscriber::with_default(subscriber.finish(), || {
        let registry = Registry::bare();
        let family = registry.counter("x_total", "X.").labels(["kind", "user"]);
        let line = line!() - 1;
        let family = family.register().unwrap();
        family.inc(["a", "7"]);
        family.inc(["a", "0f8fad5b-d9cb-469f-a165-70867728950e"]);
        family.inc(["a", "123456789"]);
        registry.session().own(&family, ["a", "987654321"]);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in [
            "WARN".to_owned(),
            "family=x_total".to_owned(),
            "label=\"user\"".to_owned(),
            "looks like a UUID".to_owned(),
            format!("registered_at={}:{line}:", file!()),
        ] {
            assert!(text.contains(&part), "{part} in {text}");
        }
        assert!(
            !text.contains("0f8fad5b-"),
            "somebody's id is in the log: {text}"
        );
    });
}
