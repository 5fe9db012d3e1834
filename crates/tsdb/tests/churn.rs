//! Where pods come and go, the memory in the end is that of the series that live.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use stonechat_model::{Appender, Batch, Labels, SeriesRef, Timestamp};
use stonechat_tsdb::{Store, StoreOptions};

static BYTES: AtomicI64 = AtomicI64::new(0);

/// Counts what is allocated and not freed.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[allow(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: everything is passed on to the allocator of the system as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as for the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.fetch_add(size as i64 - layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as for the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

const MINUTES: usize = 60;
/// A series without samples is forgotten after ten minutes, and in the next round of the maintenance.
const MINUTES_BEHIND: usize = 15;

/// Scrapes so many series four times a minute for an hour, a tenth of which is replaced each minute, or none, and then for a
/// quarter of an hour as they are. Gives how many series are in memory in the end, and in how many bytes.
fn hour(series: usize, replaced: usize) -> (usize, i64) {
    let folder = tempfile::tempdir().unwrap();
    let before = BYTES.load(Ordering::Relaxed);
    let store = Store::open(StoreOptions::new(folder.path())).unwrap();
    let mut made = 0;
    let mut make = || {
        made += 1;
        let pod = format!("chat-{}-{made:06}", made % 7);
        let pairs = [("__name__", "chat_messages_total"), ("job", "chat")];
        let pairs = pairs.into_iter().chain([("pod", pod.as_str())]);
        Appender::series(&store, &Labels::from_pairs(pairs).unwrap()).unwrap()
    };
    let mut live: Vec<SeriesRef> = (0..series).map(|_| make()).collect();
    let mut now = Timestamp::from_millis(1_700_000_000_000);
    for minute in 0..MINUTES + MINUTES_BEHIND {
        if minute < MINUTES {
            let from = minute * replaced % series;
            live[from..from + replaced].fill_with(&mut make);
        }
        for _ in 0..4 {
            now = Timestamp::from_millis(now.millis() + 15_000);
            let mut batch = Batch::at(now);
            let values = live.iter().map(|&series| (series, minute as f64));
            batch.values.extend(values);
            assert_eq!(store.append(&batch).unwrap().accepted, live.len());
        }
        store.maintain(now);
    }
    // What ended last is too little to write a block for.
    store.flush().unwrap();
    store.maintain(now);
    let bytes = BYTES.load(Ordering::Relaxed) - before;
    (store.stats().series, bytes)
}

#[test]
fn an_hour_of_churn_ends_with_the_memory_of_the_live_series() {
    let long = std::env::var_os("STONECHAT_TEST_LONG").is_some();
    let series = if long { 100_000 } else { 5_000 };
    let (all, calm) = hour(series, 0);
    assert_eq!(all, series);
    let (all, churned) = hour(series, series / 10);
    assert_eq!(all, series, "only the live ones are in memory");
    println!("{series} series: {calm} bytes without churn, {churned} with it");
    assert!(churned < calm * 5 / 4, "{churned} bytes instead of {calm}");
}
