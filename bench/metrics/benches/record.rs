//! Recording one value: what each request of a service pays, several times.
//!
//! Handles are kept where a crate has them. "Labelled" is a counter with two labels whose values
//! are known beforehand: `kept` has looked the series up before, `by_strings` looks it up each time.

use std::sync::LazyLock;

use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const BOUNDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Durations as a service has them, so that no branch is always right.
static VALUES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut state = 7_u64;
    (0..1024)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
            0.001 * (unit * 9.0).exp()
        })
        .collect()
});

/// Calls `observe` with one value after the other.
fn with_values(bencher: Bencher<'_, '_>, observe: impl Fn(f64) + Sync) {
    let values = &*VALUES;
    bencher
        .counter(divan::counter::ItemsCount::new(values.len()))
        .bench(|| values.iter().for_each(|value| observe(*value)));
}

/// Calls `inc` as often, so that all rows are of the same size.
fn with_repeats(bencher: Bencher<'_, '_>, inc: impl Fn() + Sync) {
    bencher
        .counter(divan::counter::ItemsCount::new(1024_usize))
        .bench(|| (0..1024).for_each(|_| inc()));
}

fn registry() -> stonechat_metrics::Registry {
    stonechat_metrics::Registry::bare()
}

#[divan::bench_group(threads = [1, 2], sample_size = 200, sample_count = 100)]
mod counter {
    use super::*;

    #[divan::bench]
    fn stonechat(bencher: Bencher<'_, '_>) {
        let counter = registry()
            .counter("c_total", "C.")
            .register()
            .expect("it is valid");
        with_repeats(bencher, || black_box(&counter).inc());
    }

    #[divan::bench]
    fn prometheus_client(bencher: Bencher<'_, '_>) {
        let counter: prometheus_client::metrics::counter::Counter = Default::default();
        with_repeats(bencher, || {
            black_box(&counter).inc();
        });
    }

    #[divan::bench]
    fn prometheus(bencher: Bencher<'_, '_>) {
        let counter = prometheus::IntCounter::new("c", "C.").expect("it is valid");
        with_repeats(bencher, || black_box(&counter).inc());
    }

    #[divan::bench]
    fn metrics(bencher: Bencher<'_, '_>) {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let counter = metrics::with_local_recorder(&recorder, || metrics::counter!("c"));
        with_repeats(bencher, || black_box(&counter).increment(1));
    }

    #[divan::bench]
    fn measured(bencher: Bencher<'_, '_>) {
        let counter = measured::Counter::new();
        with_repeats(bencher, || black_box(&counter).inc());
    }
}

#[derive(
    Clone,
    Copy,
    PartialEq,
    Debug,
    Hash,
    Eq,
    measured_derive::FixedCardinalityLabel,
    prometheus_client::encoding::EncodeLabelValue,
)]
enum Method {
    Get,
    Post,
}

#[derive(
    Clone,
    Copy,
    PartialEq,
    Debug,
    Hash,
    Eq,
    measured_derive::FixedCardinalityLabel,
    prometheus_client::encoding::EncodeLabelValue,
)]
enum Status {
    Ok,
    Error,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, prometheus_client::encoding::EncodeLabelSet)]
struct Labels {
    method: Method,
    status: Status,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, prometheus_client::encoding::EncodeLabelSet)]
struct StringLabels {
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Copy, PartialEq, Debug, measured_derive::LabelGroup)]
#[label(set = MeasuredSet)]
struct MeasuredLabels {
    method: Method,
    status: Status,
}

#[divan::bench_group(threads = [1, 2], sample_size = 200, sample_count = 100)]
mod labelled {
    use super::*;

    #[divan::bench]
    fn stonechat_kept(bencher: Bencher<'_, '_>) {
        let registry = registry();
        let family = registry
            .counter("c_total", "C.")
            .labels(["method", "status"]);
        let family = family.register().expect("it is valid");
        let methods = [(Method::Get, "get"), (Method::Post, "post")];
        let kept = methods.map(|(_, method)| {
            [(Status::Ok, "ok"), (Status::Error, "error")]
                .map(|(_, status)| family.with([method, status]))
        });
        with_repeats(bencher, || {
            kept[black_box(Method::Post) as usize][black_box(Status::Ok) as usize].inc();
        });
    }

    #[divan::bench]
    fn stonechat_by_strings(bencher: Bencher<'_, '_>) {
        let registry = registry();
        let family = registry
            .counter("c_total", "C.")
            .labels(["method", "status"]);
        let family = family.register().expect("it is valid");
        with_repeats(bencher, || family.inc([black_box("post"), black_box("ok")]));
    }

    #[divan::bench]
    fn prometheus_client(bencher: Bencher<'_, '_>) {
        use prometheus_client::metrics::{counter::Counter, family::Family};
        let family: Family<Labels, Counter> = Family::default();
        with_repeats(bencher, || {
            let labels = Labels {
                method: black_box(Method::Post),
                status: black_box(Status::Ok),
            };
            family.get_or_create(&labels).inc();
        });
    }

    #[divan::bench]
    fn prometheus_client_by_strings(bencher: Bencher<'_, '_>) {
        use prometheus_client::metrics::{counter::Counter, family::Family};
        let family: Family<StringLabels, Counter> = Family::default();
        with_repeats(bencher, || {
            let labels = StringLabels {
                method: black_box("post"),
                status: black_box("ok"),
            };
            family.get_or_create(&labels).inc();
        });
    }

    #[divan::bench]
    fn prometheus_by_strings(bencher: Bencher<'_, '_>) {
        let options = prometheus::Opts::new("c", "C.");
        let family = prometheus::IntCounterVec::new(options, &["method", "status"]);
        let family = family.expect("it is valid");
        with_repeats(bencher, || {
            family
                .with_label_values(&[black_box("post"), black_box("ok")])
                .inc();
        });
    }

    #[divan::bench]
    fn metrics_by_strings(bencher: Bencher<'_, '_>) {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        with_repeats(bencher, || {
            metrics::with_local_recorder(&recorder, || {
                metrics::counter!("c", "method" => "post", "status" => "ok").increment(1);
            });
        });
    }

    #[divan::bench]
    fn measured(bencher: Bencher<'_, '_>) {
        let family = measured::CounterVec::<MeasuredSet>::new();
        with_repeats(bencher, || {
            family.inc(MeasuredLabels {
                method: black_box(Method::Post),
                status: black_box(Status::Ok),
            });
        });
    }
}

#[divan::bench_group(threads = [1, 2], sample_size = 200, sample_count = 100)]
mod histogram {
    use super::*;

    #[divan::bench]
    fn stonechat(bencher: Bencher<'_, '_>) {
        let registry = registry();
        let histogram = registry.histogram("h", "H.").buckets(BOUNDS);
        let histogram = histogram.register().expect("it is valid");
        with_values(bencher, |value| histogram.observe(value));
    }

    #[divan::bench]
    fn prometheus_client(bencher: Bencher<'_, '_>) {
        let histogram = prometheus_client::metrics::histogram::Histogram::new(BOUNDS);
        with_values(bencher, |value| histogram.observe(value));
    }

    #[divan::bench]
    fn prometheus(bencher: Bencher<'_, '_>) {
        let options = prometheus::HistogramOpts::new("h", "H.").buckets(BOUNDS.to_vec());
        let histogram = prometheus::Histogram::with_opts(options).expect("it is valid");
        with_values(bencher, |value| histogram.observe(value));
    }

    #[divan::bench]
    fn metrics(bencher: Bencher<'_, '_>) {
        let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
        let recorder = builder
            .set_buckets(&BOUNDS)
            .expect("it is valid")
            .build_recorder();
        let histogram = metrics::with_local_recorder(&recorder, || metrics::histogram!("h"));
        let handle = recorder.handle();
        // It keeps every observation until its upkeep, which a service does in the background.
        bencher
            .counter(divan::counter::ItemsCount::new(VALUES.len()))
            .bench(|| {
                VALUES.iter().for_each(|value| histogram.record(*value));
                handle.run_upkeep();
            });
    }

    #[divan::bench]
    fn measured(bencher: Bencher<'_, '_>) {
        use measured::metric::histogram::Thresholds;
        let thresholds = Thresholds::with_buckets(BOUNDS);
        let histogram = measured::Histogram::with_metadata(thresholds);
        with_values(bencher, |value| histogram.observe(value));
    }
}
