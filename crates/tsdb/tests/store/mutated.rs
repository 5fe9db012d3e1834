//! Changed bytes under a right checksum: what a bug would write, or who means harm. Nothing may panic or take memory
//! without bound; what is read may be wrong.

use std::ops::Range;

use stonechat_model::{
    Appender, Batch, Columns, Exemplar, Histogram, Labels, Queryable, TimeRange,
};
use stonechat_tsdb::{Store, StoreOptions};

use crate::faulty_disk::FaultyDisk;
use crate::support::{append, append_nth, long, ms, options, series};

/// Bytes of a file header, and of a record's frame before and behind the payload.
const HEADER: usize = 24;
const FRONT: usize = 7;
const BACK: usize = 4;

/// Where the records of a file are.
fn records(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), HEADER);
    while bytes.get(from..from + 2) == Some(&[0xF5, b'R']) {
        let length: [u8; 4] = bytes[from + 3..from + FRONT].try_into().unwrap();
        let to = from + FRONT + u32::from_le_bytes(length) as usize + BACK;
        found.push(from..to);
        from = to;
    }
    found
}

/// A store with everything in it.
fn everything(disk: &FaultyDisk) -> Store {
    let store = Store::open(StoreOptions {
        segment_bytes_max: 1 << 20,
        log_bytes_max: 1 << 20,
        ..options(disk)
    })
    .unwrap();
    for n in 0..25 {
        append_nth(&store, n).unwrap();
        append(
            &store,
            n * 1000 + 7,
            &[("c", (n * n) as f64 / 100.0), ("d", (n % 2) as f64)],
        )
        .unwrap();
    }
    let mut batch = Batch::at(ms(1));
    let h = series(&store, "h");
    for n in 0..5 {
        let histogram = Histogram {
            count: n as f64,
            ..Histogram::default()
        };
        batch.histograms.push((h, ms(n), histogram.into()));
    }
    let exemplar = Exemplar {
        labels: Labels::from_pairs([("trace", "1")]).unwrap(),
        value: 1.0,
        timestamp: ms(5),
    };
    batch.exemplars.push((h, exemplar));
    store.append(&batch).unwrap();
    store
        .describe("h", &stonechat_model::Metadata::default())
        .unwrap();
    store
}

/// Reads what can be read.
fn read(store: &Store) {
    let Ok(selection) = store.select(&[], TimeRange::ALL) else {
        return;
    };
    for index in 0..selection.len() {
        let _ = selection.read(index, &mut Columns::default());
    }
    let _ = store.label_values("job", &[], TimeRange::ALL);
    let _ = store.verify();
}

fn check(ending: &str) {
    let disk = FaultyDisk::default();
    let store = everything(&disk);
    if ending == ".block" {
        store.flush().unwrap();
    }
    drop(store);
    let path = disk.files(ending).remove(0);
    let whole = disk.read(&path);
    let records = records(&whole);
    assert!(records.len() > 3);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 8) as usize % below
    };
    for _ in 0..if long() { 300_000 } else { 3000 } {
        let mut bytes = whole.clone();
        for _ in 0..1 + next(3) {
            let record = records[next(records.len())].clone();
            let payload = record.start + FRONT..record.end - BACK;
            let place = payload.start + next(payload.len());
            bytes[place] = match next(3) {
                0 => 0xff,
                1 => bytes[place] ^ 1 << next(8),
                _ => next(256) as u8,
            };
            let checksum = crc32fast::hash(&bytes[record.start..payload.end]);
            bytes[payload.end..record.end].copy_from_slice(&checksum.to_le_bytes());
        }
        let disk = disk.after_kill();
        disk.write(&path, bytes);
        let store = Store::open(options(&disk)).unwrap();
        read(&store);
        append_nth(&store, 900).unwrap();
    }
}

#[test]
fn a_log_of_nonsense_is_read() {
    check(".log");
}

#[test]
fn a_block_of_nonsense_is_read() {
    check(".block");
}
