use std::thread;

use stonechat_metrics::{
    Format, HttpMetric, HttpServer, MetricBuilder, Named, RegisterError, Registry,
};

use super::lines;

/// Registers what a text describes: the type, the name with label names in braces, and `help=`,
/// `unit=`, `buckets=` and `max=` where they are not `H`, none, `1,2` and the default.
#[track_caller]
fn register(registry: &Registry, text: &str) -> Result<(), RegisterError> {
    let option = |key: &str| text.split(' ').find_map(|word| word.strip_prefix(key));
    let (kind, rest) = text.split_once(' ').unwrap();
    let full = rest.split(' ').next().unwrap();
    let (name, labels) = full
        .trim_end_matches('}')
        .split_once('{')
        .unwrap_or((full, "-"));
    let labels: Vec<&str> = labels.split(',').filter(|label| *label != "-").collect();
    let help = option("help=").unwrap_or("H");
    let unit = option("unit=").unwrap_or("");
    let max = option("max=").map(|max| max.parse().unwrap());
    let bounds = option("buckets=")
        .unwrap_or("1,2")
        .split(',')
        .filter(|bound| !bound.is_empty());
    let bounds = bounds.map(|bound| bound.parse::<f64>().unwrap());
    match kind {
        "counter" => finish(registry.counter(name, help).unit(unit), &labels, max),
        "gauge" => finish(registry.gauge(name, help).unit(unit), &labels, max),
        _ => finish(
            registry.histogram(name, help).unit(unit).buckets(bounds),
            &labels,
            max,
        ),
    }
}

fn finish<M: stonechat_metrics::Metric>(
    builder: MetricBuilder<'_, M>,
    labels: &[&str],
    max: Option<usize>,
) -> Result<(), RegisterError> {
    let max = max.unwrap_or(stonechat_metrics::SERIES_MAX);
    match *labels {
        [] => builder.register().map(drop),
        [a] => builder.labels([a]).series_max(max).register().map(drop),
        [a, b] => builder.labels([a, b]).series_max(max).register().map(drop),
        [a, b, c] => builder
            .labels([a, b, c])
            .series_max(max)
            .register()
            .map(drop),
        _ => panic!("no case needs so many labels"),
    }
}

#[test]
fn the_same_metric_is_the_same_handle() {
    let registry = Registry::bare();
    let chat = registry.namespace("chat");
    let counter = |registry: &Registry| {
        let builder = registry.counter("a_total", "A.").labels(["x", "y"]);
        builder.series_max(9).register().unwrap().with(["1", "2"])
    };
    counter(&chat).inc();
    counter(&chat.clone()).inc();
    counter(&registry.namespace("chat")).inc();
    assert_eq!(counter(&chat).get(), 3.0);

    let gauge = |registry: &Registry| registry.gauge("b", "B.").register().unwrap();
    gauge(&registry).inc();
    assert_eq!(gauge(&registry.clone()).get(), 1.0);

    let histogram = |registry: &Registry| {
        let builder = registry.histogram("c_seconds", "C.").unit("seconds");
        builder.buckets([0.5, 1.0]).register().unwrap()
    };
    histogram(&registry).observe(0.7);
    assert_eq!(histogram(&registry).count(), 1);
    assert_eq!(registry.encode(Format::Text).matches("# TYPE").count(), 3);
}

#[test]
fn namespaces_add_up() {
    let registry = Registry::bare();
    let cases = [
        (registry.namespace("a").namespace("b"), "a_b_x"),
        (registry.namespace("a").namespace(""), "a_x"),
        (registry.namespace(""), "x"),
    ];
    for (namespaced, name) in cases {
        register(&namespaced, "gauge x").unwrap();
        assert_eq!(lines(&registry, &format!("{name} ")), [format!("{name} 0")]);
    }
}

#[test]
fn a_conflict_names_both_places_the_difference_and_the_way_out() {
    let registry = Registry::bare().namespace("chat");
    let first = registry.counter("messages_total", "a");
    let again = registry.counter("messages_total", "b");
    let line = line!();
    first.labels(["type"]).register().unwrap();
    let error = again.labels(["type", "status"]).register().unwrap_err();
    let file = file!();
    let expected = format!(
        "metric `chat_messages_total` is already registered, and differently\n  \
         first: {file}:{}:26\n  \
         again: {file}:{}:26\n  \
         why:   help text differs: \"a\" vs \"b\"; label names differ: {{type}} vs {{type,status}}\n  \
         to do: make the two descriptions the same, or register it in one place and clone the handle",
        line - 2,
        line - 1,
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        format!("{error:?}"),
        expected,
        "what a failing `main` prints"
    );
}

#[test]
fn a_ready_family_is_placed_where_it_was_asked_for() {
    let registry = Registry::bare();
    let first = registry.gauge("http_requests_in_flight", "Something else.");
    first.register().unwrap();
    let again = HttpServer::register(&registry);
    let line = line!() - 1;
    let error = again.unwrap_err().to_string();
    assert!(
        error.contains(&format!("first: {}:{}:26\n", file!(), line - 2)),
        "{error}"
    );
    assert!(
        error.contains(&format!("again: {}:{line}:17\n", file!())),
        "{error}"
    );
    assert!(
        error.contains(r#"differs: "Something else." vs "Requests that"#),
        "{error}"
    );
}

#[test]
fn what_a_ready_family_cannot_use_is_an_error() {
    let new = Named::new;
    let cases: [(HttpMetric, Named, &str); 6] = [
        (
            HttpMetric::Requests,
            new("a_total").buckets([1.0]),
            "`buckets` is for histograms, which this counter is not: leave it out",
        ),
        (
            HttpMetric::InFlight,
            new("a").native(10),
            "`native` is for histograms, which this gauge is not: leave it out",
        ),
        (
            HttpMetric::InFlight,
            new("a_ms").milliseconds(),
            "`milliseconds` is for histograms of time, which this gauge is not: leave it out",
        ),
        (
            HttpMetric::Requests,
            new("a_total").milliseconds(),
            "`milliseconds` is for histograms of time, which this counter is not: leave it out",
        ),
        (
            HttpMetric::ResponseSize,
            new("a_bytes").milliseconds(),
            "`milliseconds` is for histograms of time, which this histogram is not: leave it out",
        ),
        (
            HttpMetric::Duration,
            new("a_ms").milliseconds().buckets([5.0]).native(10),
            "",
        ),
    ];
    for (metric, named, expected) in cases {
        let registered = HttpServer::register_as(&Registry::bare(), &[(metric, named)]);
        match registered {
            Ok(_) => assert_eq!(expected, ""),
            Err(error) => assert!(
                !expected.is_empty() && error.to_string().contains(expected),
                "{error}"
            ),
        }
    }
}

#[test]
fn a_metric_of_a_ready_family_has_one_name() {
    let registry = Registry::bare();
    let chat = registry.namespace("chat");
    let (first, again) = (Named::new("first_total"), Named::new("again_total"));
    let names = [(HttpMetric::Requests, first), (HttpMetric::Requests, again)];
    let error = HttpServer::register_as(&chat, &names).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("metric `chat_again_total` cannot be"),
        "{error}"
    );
    assert!(
        error.contains("under the name `chat_first_total` already"),
        "{error}"
    );
    assert!(error.contains(&format!("at:    {}:", file!())), "{error}");
}

#[test]
fn every_difference_is_told() {
    let cases = [
        (
            "histogram x",
            "histogram x buckets=1",
            "buckets differ: [1.0, 2.0] vs [1.0]",
        ),
        (
            "histogram x",
            "histogram x help=I",
            r#"help text differs: "H" vs "I""#,
        ),
        (
            "histogram x",
            "histogram x{a}",
            "label names differ: {} vs {a}",
        ),
        (
            "gauge x{a,b}",
            "gauge x{b,a}",
            "label names differ: {a,b} vs {b,a}",
        ),
        (
            "gauge x{a}",
            "gauge x{a} max=7",
            "most series differs: 2000 vs 7",
        ),
        (
            "gauge x_s unit=s",
            "gauge x_s",
            r#"unit differs: "s" vs """#,
        ),
        ("histogram x", "gauge x", "type differs: histogram vs gauge"),
        (
            "counter x_total{a}",
            "gauge x_total help=I",
            r#"type differs: counter vs gauge; help text differs: "H" vs "I"; label names differ: {a} vs {}"#,
        ),
    ];
    for (first, again, difference) in cases {
        let registry = Registry::bare();
        register(&registry, first).unwrap();
        let before = registry.encode(Format::Text);
        let error = register(&registry, again).unwrap_err().to_string();
        assert!(
            error.contains(&format!("why:   {difference}\n")),
            "{error}\n is to say: {difference}"
        );
        assert_eq!(
            registry.encode(Format::Text),
            before,
            "a refusal changes nothing"
        );
        register(&registry, first).unwrap();
    }
}

#[test]
fn names_that_become_one_in_an_exposition_clash() {
    let cases = [
        (
            "gauge x",
            "counter x_total",
            "`x`: gauge `x` vs counter `x_total`",
        ),
        (
            "counter x_total",
            "gauge x",
            "`x`: counter `x_total` vs gauge `x`",
        ),
        (
            "counter x_total",
            "histogram x",
            "`x`: counter `x_total` vs histogram `x`",
        ),
        (
            "histogram x",
            "gauge x_sum",
            "`x_sum`: histogram `x` vs gauge `x_sum`",
        ),
        (
            "gauge x_count",
            "histogram x",
            "`x_count`: gauge `x_count` vs histogram `x`",
        ),
    ];
    for (first, again, clash) in cases {
        let registry = Registry::bare();
        register(&registry, first).unwrap();
        let error = register(&registry, again).unwrap_err().to_string();
        assert!(
            error.contains(&format!("why:   both would expose {clash}\n")),
            "{error}"
        );
        assert!(error.contains("to do: rename one of the two"), "{error}");
    }
}

#[test]
fn names_of_the_default_families_are_taken() {
    let registry = Registry::new();
    for metric in [
        "gauge process_threads",
        "gauge tokio_workers",
        "gauge process_cpu_seconds",
    ] {
        let error = register(&registry, metric).unwrap_err().to_string();
        assert!(error.contains("both would expose"), "{error}");
    }
    let bare = Registry::bare();
    register(&bare, "counter stonechat_series_limited_total").unwrap_err();
    register(&bare, "gauge process_threads").unwrap();
}

#[test]
fn what_breaks_the_data_model_is_an_error_with_its_place() {
    let cases = [
        ("gauge ", "metric `` cannot be registered"),
        ("gauge 9lives", "may not begin with a digit"),
        ("gauge with-dash", "only letters, digits and `_`"),
        ("gauge job:rate", "`:` is for recording rules"),
        ("gauge größe", "only letters, digits and `_`"),
        ("counter requests", "call it `requests_total`"),
        ("gauge x{a-b}", r#"label "a-b" may hold only"#),
        ("gauge x{,a}", r#"label "" may hold only"#),
        ("gauge x{__name__}", "label `__name__` is reserved"),
        ("gauge x{a,b,a}", "label `a` is listed twice"),
        ("histogram x{le}", "label `le` is reserved"),
        ("gauge x unit=seconds", "must end in `_seconds`"),
        (
            "counter x_total unit=bytes",
            "in `_bytes_total` for a counter",
        ),
        ("histogram x buckets=", "the histogram has no buckets"),
        ("histogram x buckets=1,NaN", "bucket 1 is NaN"),
        (
            "histogram x buckets=1,inf",
            "bucket 1 is inf: bounds are finite",
        ),
        ("histogram x buckets=-inf,1", "bucket 0 is -inf"),
        (
            "histogram x buckets=1,1",
            "bucket 1 does not rise: 1 comes after 1",
        ),
        (
            "histogram x buckets=1,3,2",
            "bucket 2 does not rise: 2 comes after 3",
        ),
        (
            "histogram x buckets=-0,0",
            "bucket 1 does not rise: 0 comes after -0",
        ),
    ];
    for (metric, reason) in cases {
        let registry = Registry::bare();
        let refused = register(&registry, metric);
        let line = line!() - 1;
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}\n is to say: {reason}");
        assert!(
            error.contains(&format!("at:    {}:{line}:", file!())),
            "{error}"
        );
        assert_eq!(registry.encode(Format::Text), "", "{metric}");
    }
    let error = register(&Registry::bare().namespace("a b"), "gauge x")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("metric `a b_x` cannot be registered"),
        "{error}"
    );
}

#[test]
fn constant_labels_are_checked_too() {
    let build = |names: [&str; 2]| {
        let builder = Registry::builder().constant_label(names[0], "1");
        builder.constant_label(names[1], "2").build()
    };
    for (names, reason) in [
        (["a", "a"], "label `a` is listed twice"),
        (["a", "le"], "label `le` is reserved"),
        (["family", "b"], "label `family` is reserved"),
        (["a", "__b"], "label `__b` is reserved"),
        (["a", "b c"], "label \"b c\" may hold only"),
    ] {
        let error = build(names).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(error.contains(&format!("at:    {}:", file!())), "{error}");
    }
    let registry = build(["zone", "rack"]).unwrap();
    let error = register(&registry, "gauge x{zone}")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`zone` is a constant label of the registry"),
        "{error}"
    );
}

#[test]
fn threads_that_register_at_once_share_one_family() {
    const THREADS: usize = 16;
    let registry = Registry::bare();
    let start = std::sync::Barrier::new(THREADS);
    let work = |thread: usize| {
        start.wait();
        for round in 0..100 {
            let family = registry
                .counter(&format!("family_{round}_total"), "F.")
                .labels(["n"]);
            family.register().unwrap().with(["1"]).inc();
            let (one, other) = (
                register(&registry, "gauge x{a}"),
                register(&registry, "gauge x{b}"),
            );
            assert!(
                one.is_ok() != other.is_ok(),
                "one of the two shapes wins for all"
            );
            if thread == 0 {
                registry.encode(Format::Text);
            }
        }
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || work(thread));
        }
    });
    for round in 0..100 {
        let line = format!("family_{round}_total{{n=\"1\"}} {THREADS}");
        assert_eq!(lines(&registry, &format!("family_{round}_total")), [line]);
    }
}
