//! Answering a scrape: 100,000 counters of one family, with two labels, as text.

use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const SERIES: usize = 100_000;

/// The label values of each series.
fn values() -> impl Iterator<Item = (String, &'static str)> {
    (0..SERIES).map(|number| {
        let status = if number % 2 == 0 { "200" } else { "500" };
        (format!("/route/{number}"), status)
    })
}

fn stonechat(format: stonechat_metrics::Format, bencher: Bencher<'_, '_>) {
    let registry = stonechat_metrics::Registry::bare();
    let family = registry
        .counter("requests_total", "Requests.")
        .labels(["path", "status"]);
    let family = family.series_max(SERIES).register().expect("it is valid");
    for (path, status) in values() {
        family.inc_by([&path, status], 12_345);
    }
    let mut out = String::new();
    bencher.bench_local(|| {
        out.clear();
        registry.encode_into(format, &mut out);
        black_box(&out);
    });
}

#[divan::bench]
fn stonechat_text(bencher: Bencher<'_, '_>) {
    stonechat(stonechat_metrics::Format::Text, bencher);
}

#[divan::bench]
fn stonechat_openmetrics(bencher: Bencher<'_, '_>) {
    stonechat(stonechat_metrics::Format::OpenMetrics, bencher);
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, prometheus_client::encoding::EncodeLabelSet)]
struct Labels {
    path: String,
    status: &'static str,
}

#[divan::bench]
fn prometheus_client(bencher: Bencher<'_, '_>) {
    use prometheus_client::metrics::{counter::Counter, family::Family};
    let mut registry = prometheus_client::registry::Registry::default();
    let family: Family<Labels, Counter> = Family::default();
    registry.register("requests", "Requests", family.clone());
    for (path, status) in values() {
        family
            .get_or_create(&Labels { path, status })
            .inc_by(12_345);
    }
    let mut out = String::new();
    bencher.bench_local(|| {
        out.clear();
        prometheus_client::encoding::text::encode(&mut out, &registry).expect("a string takes all");
        black_box(&out);
    });
}

#[divan::bench]
fn prometheus(bencher: Bencher<'_, '_>) {
    let registry = prometheus::Registry::new();
    let options = prometheus::Opts::new("requests_total", "Requests.");
    let family = prometheus::IntCounterVec::new(options, &["path", "status"]).expect("it is valid");
    registry
        .register(Box::new(family.clone()))
        .expect("it is new");
    for (path, status) in values() {
        family.with_label_values(&[&*path, status]).inc_by(12_345);
    }
    let mut out = String::new();
    bencher.bench_local(|| {
        out.clear();
        let encoder = prometheus::TextEncoder::new();
        encoder
            .encode_utf8(&registry.gather(), &mut out)
            .expect("a string takes all");
        black_box(&out);
    });
}

#[divan::bench]
fn metrics(bencher: Bencher<'_, '_>) {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for (path, status) in values() {
            metrics::counter!("requests_total", "path" => path, "status" => status)
                .increment(12_345);
        }
    });
    let handle = recorder.handle();
    bencher.bench_local(|| handle.render());
}

#[derive(Clone, Copy, PartialEq, Debug, measured_derive::LabelGroup)]
#[label(set = MeasuredSet)]
struct MeasuredLabels<'a> {
    #[label(dynamic_with = paracord::ParaCord)]
    path: &'a str,
    #[label(dynamic_with = paracord::ParaCord)]
    status: &'a str,
}

#[derive(measured_derive::MetricGroup)]
struct Measured {
    /// Requests.
    requests_total: measured::CounterVec<MeasuredSet>,
}

#[divan::bench]
fn measured(bencher: Bencher<'_, '_>) {
    use measured::MetricGroup;
    let group = Measured {
        requests_total: measured::CounterVec::with_label_set(MeasuredSet {
            path: paracord::ParaCord::default(),
            status: paracord::ParaCord::default(),
        }),
    };
    for (path, status) in values() {
        group.requests_total.inc_by(
            MeasuredLabels {
                path: &path,
                status,
            },
            12_345,
        );
    }
    let mut encoder = measured::text::BufferedTextEncoder::new();
    bencher.bench_local(|| {
        let Ok(()) = group.collect_group_into(&mut encoder);
        black_box(encoder.finish())
    });
}
