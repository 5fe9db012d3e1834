//! What a scrape allocates: the same for a thousand series and for a hundred thousand.

use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 100_000])]
fn scrape(bencher: Bencher<'_, '_>, series: usize) {
    let registry = stonechat_metrics::Registry::bare();
    let family = registry
        .counter("requests_total", "Requests.")
        .labels(["path", "status"]);
    let family = family.series_max(series).register().expect("it is valid");
    for number in 0..series {
        family.inc([&format!("/route/{number}"), "200"]);
    }
    let mut out = String::new();
    registry.encode_into(stonechat_metrics::Format::Text, &mut out);
    bencher.bench_local(|| {
        out.clear();
        registry.encode_into(stonechat_metrics::Format::Text, &mut out);
        black_box(&out);
    });
}
