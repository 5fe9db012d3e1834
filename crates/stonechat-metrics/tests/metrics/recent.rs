//! A thread finds the series that it used last without asking the family: it must never find one that is gone, or
//! that is another family's.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use stonechat_metrics::{
    Family, Gauge, Histogram, HttpMetric, HttpServer, Named, Registry, TraceId,
};

use super::lines;

fn gauges(registry: &Registry) -> Family<Gauge, 2> {
    let gauges = registry.gauge("x", "X.").labels(["a", "b"]);
    gauges.register().unwrap()
}

#[test]
fn a_series_that_was_removed_is_created_again() {
    let registry = Registry::bare();
    let family = gauges(&registry);
    for value in 1..=3 {
        family.set(["1", "2"], f64::from(value));
        family.set(["1", "2"], f64::from(value));
        assert_eq!(
            lines(&registry, "x{"),
            [format!(r#"x{{a="1",b="2"}} {value}"#)]
        );
        assert!(family.remove(["1", "2"]));
        assert!(lines(&registry, "x{").is_empty());
    }
}

#[test]
fn a_series_that_another_thread_removed_is_created_again() {
    let registry = Registry::bare();
    let family = gauges(&registry);
    family.set(["1", "2"], 1.0);
    family.set(["1", "2"], 1.0);
    let remover = family.clone();
    let removed = thread::spawn(move || remover.remove(["1", "2"]));
    assert!(removed.join().unwrap());
    family.set(["1", "2"], 2.0);
    assert_eq!(lines(&registry, "x{"), [r#"x{a="1",b="2"} 2"#]);
}

/// What one thread counts while another removes the series goes to the old series or to the new one, and what it counts
/// after a removal that it knows of goes to the new one.
#[test]
fn counting_goes_on_while_series_are_removed() {
    const REMOVALS: usize = 2_000;
    let registry = Registry::bare();
    let family = registry.counter("x_total", "X.").labels(["a"]);
    let family = family.register().unwrap();
    let removed = AtomicUsize::new(0);
    let goes_on = || removed.load(Ordering::Relaxed) < REMOVALS;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while goes_on() {
                    family.inc(["1"]);
                }
            });
        }
        while goes_on() {
            removed.fetch_add(usize::from(family.remove(["1"])), Ordering::Relaxed);
            assert!(family.series() <= 1);
            thread::yield_now();
        }
    });
    family.remove(["1"]);
    for value in 1..=3 {
        family.inc(["1"]);
        assert_eq!(
            lines(&registry, "x_total{"),
            [format!(r#"x_total{{a="1"}} {value}"#)]
        );
    }
    assert!(lines(&registry, "stonechat_series_limited_total").is_empty());
}

/// Two threads pass a turn to each other: what the second removed, the first no longer finds.
#[test]
fn a_removal_is_seen_by_the_thread_that_is_told_of_it() {
    let registry = Registry::bare();
    let family = registry.counter("x_total", "X.").labels(["a"]);
    let family = family.register().unwrap();
    let (tell, told) = mpsc::sync_channel::<()>(0);
    let (ask, asked) = mpsc::sync_channel::<()>(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for () in asked {
                assert!(family.remove(["1"]));
                tell.send(()).unwrap();
            }
        });
        for _ in 0..2_000 {
            family.inc(["1"]);
            family.inc(["1"]);
            assert_eq!(family.with(["1"]).get(), 2.0);
            ask.send(()).unwrap();
            told.recv().unwrap();
        }
        drop(ask);
    });
}

#[test]
fn registries_do_not_meet() {
    let registries = [Registry::bare(), Registry::bare()];
    for round in 1..=2 {
        for registry in &registries {
            gauges(registry).with(["1", "2"]).inc();
            gauges(registry).with(["1", "2"]).inc();
            assert_eq!(
                lines(registry, "x{"),
                [format!(r#"x{{a="1",b="2"}} {}"#, 2 * round)]
            );
        }
    }
}

/// More series than a thread has places, of all lengths, so that they push each other out.
#[test]
fn each_of_many_series_gets_its_own_values() {
    let registry = Registry::bare();
    let family = registry
        .counter("x_total", "X.")
        .labels(["a", "b"])
        .series_max(10_000);
    let family = family.register().unwrap();
    let long = "z".repeat(40);
    let values: Vec<(&str, &str)> = (0..long.len())
        .flat_map(|a| (0..long.len()).map(move |b| (a, b)))
        .map(|(a, b)| (&long[..a], &long[..b]))
        .collect();
    for _ in 0..3 {
        for (a, b) in &values {
            family.inc([a, b]);
        }
    }
    assert_eq!(family.series(), values.len());
    for (a, b) in values {
        assert_eq!(family.with([a, b]).get(), 3.0, "{a} {b}");
    }
}

/// The source of traces is asked in the middle of an observation, and may itself count.
#[test]
fn an_action_may_look_up_series_itself() {
    static FAMILY: OnceLock<Family<Histogram, 1>> = OnceLock::new();
    let inside = Arc::new(AtomicBool::new(false));
    let registry = Registry::builder().process(false).runtime(false);
    let registry = registry.trace_ids(move || {
        if !inside.swap(true, Ordering::Relaxed) {
            for value in ["inner", "inner", "outer"] {
                FAMILY.get()?.observe([value], 2.0);
            }
            inside.store(false, Ordering::Relaxed);
        }
        Some(TraceId(7))
    });
    let registry = registry.build().unwrap();
    let family = registry
        .histogram("h", "H.")
        .labels(["x"])
        .register()
        .unwrap();
    let family = FAMILY.get_or_init(|| family);
    for _ in 0..3 {
        family.observe(["outer"], 1.0);
    }
    assert_eq!(family.with(["inner"]).count(), 6);
    assert_eq!(family.with(["outer"]).count(), 6);
}

/// A server whose requests are `x_total`, and the same family, to remove series of it.
fn requests(registry: &Registry) -> (HttpServer, Family<stonechat_metrics::Counter, 3>) {
    let named = Named::new("x_total").help("X.");
    let server = HttpServer::register_as(registry, &[(HttpMetric::Requests, named)]).unwrap();
    let family = registry.counter("x_total", "X.");
    let family = family.labels(["method", "path", "status"]);
    (server, family.register().unwrap())
}

#[test]
fn a_route_whose_series_was_removed_counts_in_a_new_one() {
    let registry = Registry::bare();
    let (server, family) = requests(&registry);
    for round in 1..=3 {
        let under_way = server.start("GET", "/a");
        server.start("GET", "/a").finish("200");
        under_way.finish("200");
        let under_way = server.start("GET", "/a");
        let expected = r#"x_total{method="GET",path="/a",status="200"} 2"#;
        assert_eq!(lines(&registry, "x_total{"), [expected], "{round}");
        assert!(family.remove(["GET", "/a", "200"]));
        assert!(lines(&registry, "x_total{").is_empty());
        under_way.finish("200");
        let expected = expected.replace("} 2", "} 1");
        assert_eq!(lines(&registry, "x_total{"), [expected], "{round}");
        assert!(family.remove(["GET", "/a", "200"]));
    }
}

#[test]
fn a_route_may_answer_with_any_number_of_statuses() {
    let registry = Registry::bare();
    let (server, family) = requests(&registry);
    for _ in 0..3 {
        for status in 200..220 {
            server.start("GET", "/a").finish_with(status);
        }
    }
    assert_eq!(family.series(), 20);
    let lines = lines(&registry, "x_total{");
    assert!(lines.iter().all(|line| line.ends_with("} 3")), "{lines:?}");
}

#[test]
fn servers_with_the_same_routes_are_told_apart() {
    let registries = [(); 50].map(|()| Registry::bare());
    for round in 1..=2 {
        for (number, registry) in registries.iter().enumerate() {
            let (server, _) = requests(registry);
            // One after the other, where the last one may have been.
            for _ in 0..=number {
                server.start("GET", "/a").finish("200");
            }
            let counted = round * (number + 1);
            let expected = format!(r#"x_total{{method="GET",path="/a",status="200"}} {counted}"#);
            assert_eq!(lines(registry, "x_total{"), [expected]);
        }
    }
}
