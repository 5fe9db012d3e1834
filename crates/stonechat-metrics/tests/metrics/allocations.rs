//! Counts what a thread allocates, so that a test can say how much a scrape takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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
