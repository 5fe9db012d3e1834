//! What a scrape allocates does not grow with the number of series, in any format.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stonechat_metrics::{Format, Registry, TraceId};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<i64> = const { Cell::new(0) };
}

/// Allocations of this thread so far.
pub fn count() -> u64 {
    ALLOCATIONS.get()
}

/// Bytes that this thread has allocated and that were not freed by it.
pub fn live_bytes() -> i64 {
    LIVE_BYTES.get()
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn note(allocations: u64, bytes: i64) {
    // A thread that is about to end has no counters left.
    let _ = ALLOCATIONS.try_with(|own| own.set(own.get() + allocations));
    let _ = LIVE_BYTES.try_with(|own| own.set(own.get() + bytes));
}

#[allow(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: everything is passed on to the allocator of the system as it came; the counters are thread-local
// constants, which allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: as for the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: as for the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Everything that a series can be: a number, buckets of both kinds, exemplars.
fn filled(series: usize) -> Registry {
    let builder = Registry::builder().process(false).runtime(false);
    let builder = builder.trace_ids(|| Some(TraceId(u128::MAX)));
    let registry = builder.constant_label("zone", "eu").build().unwrap();
    let requests = registry.counter("requests_total", "Requests.");
    let requests = requests.labels(["path"]).series_max(series);
    let requests = requests.register().unwrap();
    let loss = registry.gauge("loss_ratio", "Loss.").labels(["path"]);
    let loss = loss.series_max(series).register().unwrap();
    let wait = registry.histogram("wait_seconds", "Waiting.").native(160);
    let wait = wait.labels(["path"]).series_max(series);
    let wait = wait.register().unwrap();
    for number in 0..series {
        let path = format!("/route/{number:06}");
        requests.inc([&path]);
        loss.set([&path], 0.123);
        for value in [-1.0, 0.0, 0.001, 0.25, 0.3, 7.0, 1000.0] {
            wait.observe([&path], value);
        }
    }
    registry
}

/// Allocations of the second scrape, for which the first has made room.
fn allocations_of<B>(registry: &Registry, mut out: B, scrape: impl Fn(&Registry, &mut B)) -> u64 {
    scrape(registry, &mut out);
    let before = count();
    scrape(registry, &mut out);
    count() - before
}

#[test]
fn a_scrape_allocates_the_same_for_ten_times_the_series() {
    let [few, many] = [100, 1_000].map(filled);
    for format in [Format::Text, Format::OpenMetrics] {
        let scrape = |registry: &Registry, out: &mut String| {
            out.clear();
            registry.encode_into(format, out);
        };
        let [few, many] = [&few, &many].map(|one| allocations_of(one, String::new(), scrape));
        assert_eq!(few, many, "{format:?}");
    }
    let scrape = |registry: &Registry, out: &mut Vec<u8>| {
        out.clear();
        registry.encode_protobuf_into(out);
    };
    let [few, many] = [&few, &many].map(|one| allocations_of(one, Vec::new(), scrape));
    assert_eq!(few, many, "protobuf");
}
