//! The published format: the dumps in `docs/storage.md` are what the store writes, and what it reads.

use std::fmt::Write;
use std::path::Path;

use stonechat_model::{Appender, Batch, Labels};
use stonechat_tsdb::{Store, StoreOptions};

use crate::faulty_disk::FaultyDisk;
use crate::support::{all, ms, open, options};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/storage.md");

/// Two scrapes of two series, the second with a sample that has a time of its own.
fn example(disk: &FaultyDisk) -> Store {
    let store = Store::open(StoreOptions {
        segment_bytes_max: 1 << 20,
        ..options(disk)
    })
    .unwrap();
    let series = |name: &str| {
        let labels = Labels::from_pairs([("__name__", name), ("job", "gateway")]).unwrap();
        Appender::series(&store, &labels).unwrap()
    };
    let (up, load) = (series("up"), series("load"));
    let mut scrape = Batch::at(ms(1_700_000_000_000));
    scrape.values = vec![(up, 1.0), (load, 0.5)];
    store.append(&scrape).unwrap();
    let mut scrape = Batch::at(ms(1_700_000_015_000));
    scrape.values = vec![(up, 1.0)];
    scrape.stamped = vec![(load, ms(1_700_000_014_990), 300.0)];
    store.append(&scrape).unwrap();
    store
}

/// As `hexdump -C` writes.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, row) in bytes.chunks(16).enumerate() {
        write!(text, "{:08x} ", line * 16).unwrap();
        for place in 0..16 {
            let gap = if place == 8 { "  " } else { " " };
            match row.get(place) {
                Some(byte) => write!(text, "{gap}{byte:02x}").unwrap(),
                None => write!(text, "{gap}  ").unwrap(),
            }
        }
        let shown = |byte: &u8| {
            if (0x20..0x7f).contains(byte) {
                char::from(*byte)
            } else {
                '.'
            }
        };
        writeln!(text, "  |{}|", row.iter().map(shown).collect::<String>()).unwrap();
    }
    text
}

/// The bytes of a dump.
fn undump(text: &str) -> Vec<u8> {
    let columns = text.lines().filter_map(|line| line.get(9..59));
    let pairs = columns.flat_map(str::split_whitespace);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// The dump below a line of the page that names the file.
fn on_the_page(file: &str) -> String {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (_, below) = page.split_once(&format!("hexdump -C {file}\n")).unwrap();
    let (dump, _) = below.split_once("```").unwrap();
    dump.to_owned()
}

fn check(written: &Path, disk: &FaultyDisk) {
    let file = written.strip_prefix("/data").unwrap().to_str().unwrap();
    assert_eq!(
        on_the_page(file),
        dump(&disk.read(written)),
        "{}",
        dump(&disk.read(written))
    );
}

#[test]
fn the_page_shows_what_is_written() {
    let disk = FaultyDisk::default();
    let store = example(&disk);
    check(&disk.files(".log")[0], &disk);
    store.flush().unwrap();
    check(&disk.files(".block")[0], &disk);
}

#[test]
fn what_the_page_shows_is_read() {
    let disk = FaultyDisk::default();
    let store = example(&disk);
    let expected = all(&store);
    let log = disk.files(".log").remove(0);
    // The first version of the log.
    disk.write(&log, undump(&on_the_page("old/0000000001.log")));
    assert_eq!(all(&open(&disk)), expected);
    // A checkpoint of an older program stands for the log before it, and becomes a block.
    let old = log.with_file_name("0000000002.checkpoint");
    stonechat_tsdb::disk::Disk::rename(&disk, &log, &old).unwrap();
    disk.write(&old, undump(&on_the_page("old/0000000002.checkpoint")));
    let again = open(&disk);
    assert_eq!(all(&again), expected);
    assert_eq!(again.recovery().damages, 0);
    again.maintain(ms(0));
    assert_eq!(disk.files(".checkpoint").len(), 0);
    let again = open(&disk);
    assert_eq!((all(&again), again.blocks().len()), (expected, 1));
}
