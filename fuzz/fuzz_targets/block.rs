//! Any bytes as a block. The last record of the input is the directory.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stonechat_model::{Columns, Queryable, TimeRange};
use stonechat_tsdb::{Store, StoreOptions};

fuzz_target!(|input: &[u8]| {
    open("blocks", "0000000001.block", input);
    let mut bytes = file(b'B', input);
    let last = bytes.windows(2).rposition(|pair| pair == [0xF5, b'R']).unwrap_or(24);
    let length = bytes.len().saturating_sub(last) as u32;
    let mut trailer = (last as u64).to_le_bytes().to_vec();
    trailer.extend(length.to_le_bytes());
    let checksum = crc32fast::hash(&trailer);
    trailer.extend(checksum.to_le_bytes());
    trailer.extend(b"ENDB");
    bytes.extend(trailer);
    open("blocks", "0000000001.block", &bytes);
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
