//! Any bytes as a segment of the log.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stonechat_model::{Columns, Queryable, TimeRange};
use stonechat_tsdb::{Store, StoreOptions};

fuzz_target!(|input: &[u8]| {
    open("wal", "0000000001.log", input);
    open("wal", "0000000001.log", &file(b'L', input));
});

/// A file of records with right checksums: the input is cut into kind, length and payload, so that the fuzzer gets past the frames.
fn file(kind: u8, mut input: &[u8]) -> Vec<u8> {
    let mut bytes = b"STONELOG".to_vec();
    bytes.extend([2, kind, 0, 0]);
    bytes.extend(1_u64.to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    while let [record, low, high, rest @ ..] = input {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (payload, behind) = rest.split_at(length);
        let from = bytes.len();
        bytes.extend([0xF5, b'R', *record]);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(payload);
        let checksum = crc32fast::hash(&bytes[from..]);
        bytes.extend(checksum.to_le_bytes());
        input = behind;
    }
    bytes
}

/// Opens a store over the file and reads what can be read.
fn open(folder: &str, name: &str, bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("there is room for a directory");
    let place = dir.path().join(folder);
    std::fs::create_dir_all(&place).expect("there is room for a directory");
    std::fs::write(place.join(name), bytes).expect("there is room for a file");
    let Ok(store) = Store::open(StoreOptions::new(dir.path())) else {
        return;
    };
    if let Ok(selection) = store.select(&[], TimeRange::ALL) {
        for index in 0..selection.len() {
            let _ = selection.read(index, &mut Columns::default());
        }
    }
    let _ = store.verify();
}
