//! Appending and querying at the same time.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use stonechat_model::{Appender, Batch, Columns, Labels, Matcher, Queryable, SeriesRef, TimeRange};
use stonechat_tsdb::{Store, StoreOptions};

use crate::support::ms;

const SERIES: usize = 20;
const BATCHES: i64 = 1500;

fn labels(writer: usize, series: usize) -> Labels {
    let pairs = [
        ("__name__", "load".to_owned()),
        ("writer", writer.to_string()),
        ("series", series.to_string()),
    ];
    Labels::from_pairs(pairs).unwrap()
}

fn look_up(store: &Store, writer: usize) -> Vec<SeriesRef> {
    let all = (0..SERIES).map(|series| Appender::series(store, &labels(writer, series)).unwrap());
    all.collect()
}

fn write(store: &Store, writer: usize, acknowledged: &AtomicI64) {
    let mut series = look_up(store, writer);
    for n in 1..=BATCHES {
        if n % 100 == 0 {
            // A series of its own, so that series come and go while others are read.
            let pairs = [("__name__", format!("other_{writer}_{n}"))];
            Appender::series(store, &Labels::from_pairs(pairs).unwrap()).unwrap();
        }
        // Maintenance without a pause removes series between the moment they are made and their first sample.
        let mut accepted = 0;
        while accepted < SERIES {
            let mut batch = Batch::at(ms(n * 10));
            batch
                .values
                .extend(series.iter().map(|&series| (series, n as f64)));
            let appended = store.append(&batch).unwrap();
            assert_eq!(appended.accepted + appended.unknown_series.len(), SERIES);
            accepted = appended.accepted;
            if accepted < SERIES {
                series = look_up(store, writer);
            }
        }
        acknowledged.store(n, Ordering::SeqCst);
    }
}

/// Reads until the writer is through.
fn read_on(store: &Store, writer: usize, acknowledged: &AtomicI64) {
    // Bounded, should the writer have failed.
    for _ in 0..1_000_000 {
        if !read(store, writer, acknowledged) {
            return;
        }
    }
}

/// Whatever was acknowledged before the select is in it, and nothing that was never written.
fn read(store: &Store, writer: usize, acknowledged: &AtomicI64) -> bool {
    let before = acknowledged.load(Ordering::SeqCst);
    let matchers = [
        Matcher::equal("__name__", "load"),
        Matcher::equal("writer", writer.to_string()),
    ];
    let selection = store.select(&matchers, TimeRange::ALL).unwrap();
    let mut columns = Columns::default();
    for index in 0..selection.len() {
        columns.clear();
        selection.read(index, &mut columns).unwrap();
        assert!(columns.len() as i64 >= before);
        for (place, (time, value)) in (1..).zip(columns.timestamps.iter().zip(&columns.values)) {
            assert_eq!((*time, *value), (place * 10, place as f64));
        }
    }
    assert!(before == 0 || selection.len() == SERIES);
    before < BATCHES
}

#[test]
fn readers_see_what_was_acknowledged_while_writers_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions {
        segment_bytes_max: 50_000,
        log_bytes_max: 100_000,
        ..StoreOptions::new(dir.path())
    })
    .unwrap();
    let acknowledged = [AtomicI64::new(0), AtomicI64::new(0)];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, done) = (&store, &done);
        scope.spawn(move || {
            while !done.load(Ordering::SeqCst) {
                store.maintain(ms(0));
                let stats = store.stats();
                assert!(stats.series <= 2 * (SERIES + 15));
            }
        });
        let mut workers = Vec::new();
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            workers.push(scope.spawn(move || write(store, writer, acknowledged)));
            workers.push(scope.spawn(move || read_on(store, writer, acknowledged)));
        }
        let outcomes: Vec<_> = workers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::SeqCst);
        assert!(outcomes.iter().all(Result::is_ok));
    });
    assert!(store.stats().flushes_total > 0);
    drop(store);
    let store = Store::open(StoreOptions::new(dir.path())).unwrap();
    for (writer, acknowledged) in acknowledged.iter().enumerate() {
        assert!(!read(&store, writer, acknowledged));
    }
    assert_eq!(store.recovery().damages, 0);
}
