use metrics::Unit;
use stonechat_metrics::{Format, MetricsRecorder, Registry};

use super::lines;

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
        for _ in 0..2 {
            metrics::counter!("lib.bad", "__name__" => "x").increment(7);
        }
        metrics::counter!("lib.down").absolute(5);
        metrics::counter!("lib.down").absolute(3);
    });
    let text = registry.encode(Format::Text);
    for line in [
        "# HELP lib_calls_total Calls of the library.",
        r#"lib_calls_total{a="1",to_what="x"} 6"#,
        "_9lives 2.5",
        r#"lib_wait_bucket{le="2"} 1"#,
        r#"stonechat_values_ignored_total{family="lib_wait"} 1"#,
        "lib_down_total 5",
        r#"stonechat_values_ignored_total{family="lib_down_total"} 1"#,
        "stonechat_recorder_refused_total 4",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in\n{text}");
    }
}

#[test]
fn histograms_of_libraries_have_the_buckets_of_their_unit() {
    let registry = Registry::bare();
    let recorder = MetricsRecorder::new(&registry).unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::describe_histogram!("lib.told", Unit::Milliseconds, "Told.");
        metrics::describe_histogram!("lib.body_bytes", Unit::Bytes, "Bodies.");
        for name in [
            "lib.wait_ms",
            "lib.told",
            "lib.wait_milliseconds",
            "lib.body_bytes",
        ] {
            metrics::histogram!(name).record(40.0);
        }
    });
    for (name, bound) in [
        ("lib_wait_ms", 50),
        ("lib_told", 50),
        ("lib_wait_milliseconds", 50),
        ("lib_body_bytes", 64),
    ] {
        let bucket = format!(r#"{name}_bucket{{le="{bound}"}}"#);
        assert_eq!(lines(&registry, &bucket), [format!("{bucket} 1")]);
    }
    let text = registry.encode(Format::OpenMetrics);
    assert!(text.contains("# UNIT lib_body_bytes bytes\n"), "{text}");
    let refused = "stonechat_recorder_refused_total";
    assert_eq!(lines(&registry, refused), [format!("{refused} 0")]);
}

#[test]
fn a_family_of_a_library_that_was_unregistered_comes_back() {
    let registry = Registry::bare();
    let recorder = MetricsRecorder::new(&registry).unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::gauge!("lib.open").set(1.0);
        registry.gauge("lib_ours", "Ours.").register().unwrap();
        metrics::gauge!("lib.ours").set(1.0);
        assert!(registry.unregister("lib_open") && registry.unregister("lib_ours"));
        metrics::gauge!("lib.open").set(2.0);
        metrics::gauge!("lib.ours").set(3.0);
    });
    assert_eq!(lines(&registry, "lib_open"), ["lib_open 2"]);
    assert_eq!(lines(&registry, "lib_ours"), ["lib_ours 3"]);
}

#[test]
fn a_library_cannot_fill_the_registry_with_names() {
    let registry = Registry::bare();
    let recorder = MetricsRecorder::new(&registry).unwrap();
    metrics::with_local_recorder(&recorder, || {
        for number in 0..1_100 {
            metrics::describe_gauge!(format!("lib.{number}"), "One of many.");
            metrics::gauge!(format!("lib.{number}")).set(1.0);
        }
    });
    assert_eq!(lines(&registry, "lib_").len(), 1_000);
    let refused = "stonechat_recorder_refused_total";
    assert_eq!(lines(&registry, refused), [format!("{refused} 100")]);
}

/// Counts what is logged.
#[derive(Clone, Default)]
struct Warnings(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Warnings {
    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn each_refusal_is_logged_once_and_not_for_ever() {
    use tracing_subscriber::prelude::*;
    let registry = Registry::bare();
    let recorder = MetricsRecorder::new(&registry).unwrap();
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let refuse = |names: usize| {
        for number in 0..names {
            metrics::counter!(format!("lib.{number}"), "__name__" => "x").increment(1);
        }
    };
    tracing::subscriber::with_default(subscriber, || {
        metrics::with_local_recorder(&recorder, || {
            for (names, logged) in [(2, 2), (2, 2), (5, 5), (200, 100)] {
                refuse(names);
                let seen = warnings.0.load(std::sync::atomic::Ordering::Relaxed);
                assert_eq!(seen, logged);
            }
        });
    });
}
