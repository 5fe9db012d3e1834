//! A program whose allocator is jemalloc shows what it has allocated.

use stonechat_metrics::{Format, Registry, ResourceMetric, Resources};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const MEMORY: usize = 64 * 1024 * 1024;

fn shown(registry: &Registry, name: &str) -> f64 {
    let text = registry.encode(Format::Text);
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let value = value.expect("it is shown").trim();
    value.parse().expect("a value is a number")
}

#[test]
fn what_is_allocated_is_shown_and_what_is_freed_is_not() {
    let registry = Registry::bare();
    let names = [ResourceMetric::Allocated, ResourceMetric::Heap];
    let names = names.map(|metric| (metric, stonechat_metrics::Named::standard()));
    Resources::register_as(&registry, &names).unwrap();

    let before = shown(&registry, "process_memory_allocated_bytes");
    let memory = std::hint::black_box(vec![1_u8; MEMORY]);
    // Between two readings at least a second passes.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let during = shown(&registry, "process_memory_allocated_bytes");
    assert!(during >= before + MEMORY as f64, "{before} then {during}");
    assert!(shown(&registry, "process_memory_heap_bytes") >= during);

    drop(memory);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let after = shown(&registry, "process_memory_allocated_bytes");
    assert!(
        after < during - (MEMORY / 2) as f64,
        "{during} then {after}"
    );
}
