//! SIGKILL at random moments: a child appends and says what was acknowledged, the parent kills it and looks.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use stonechat_model::{Appender, Batch, Columns, Labels, Matcher, Queryable, TimeRange};
use stonechat_tsdb::{Store, StoreOptions};

use crate::support::{long, ms};

/// Tells the child its directory and its first batch.
const DIR: &str = "STONECHAT_TEST_KILL_DIR";
const FIRST: &str = "STONECHAT_TEST_KILL_FIRST";

/// How often to kill.
const ROUNDS: u32 = 20;
const ROUNDS_LONG: u32 = 250;

const SERIES: usize = 30;

/// Before the number of an acknowledged batch.
const ACKNOWLEDGED: &str = "acknowledged ";

fn open(dir: &Path) -> Store {
    Store::open(StoreOptions {
        segment_bytes_max: 20_000,
        log_bytes_max: 30_000,
        ..StoreOptions::new(dir)
    })
    .unwrap()
}

/// Series come as time goes, so that a kill also hits the batches that bring one.
fn series_at(batch: i64) -> usize {
    SERIES + usize::try_from(batch / 50).unwrap()
}

fn labels(series: usize) -> Labels {
    Labels::from_pairs([("__name__", "k"), ("series", &series.to_string())]).unwrap()
}

fn value(batch: i64, series: usize) -> f64 {
    if series.is_multiple_of(2) {
        (batch * 100 + series as i64) as f64
    } else {
        (batch as f64).sqrt() + series as f64
    }
}

/// Run by the parent only.
#[test]
#[ignore = "the part of the child, started by `acknowledged_samples_survive_kills`"]
fn child() {
    let (Ok(dir), Ok(first)) = (std::env::var(DIR), std::env::var(FIRST)) else {
        return;
    };
    let store = open(Path::new(&dir));
    let mut out = std::io::stdout();
    let mut references = Vec::new();
    // Bounded, should the parent be gone.
    let first: i64 = first.parse().unwrap();
    for n in first..first + 100_000 {
        while references.len() < series_at(n) {
            references.push(Appender::series(&store, &labels(references.len())).unwrap());
        }
        let mut batch = Batch::at(ms(n));
        let values = references.iter().enumerate();
        batch
            .values
            .extend(values.map(|(series, &reference)| (reference, value(n, series))));
        assert_eq!(store.append(&batch).unwrap().accepted, references.len());
        // The test runner may have begun the line.
        let told = write!(out, "\n{ACKNOWLEDGED}{n}\n").and_then(|()| out.flush());
        if told.is_err() {
            return;
        }
        if n % 40 == 0 {
            store.maintain(ms(n));
        }
    }
}

/// Starts a child, kills it after some batches, and returns the last batch that it told of.
fn run_child(dir: &Path, first: i64, batches: usize) -> Option<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut last = None;
    let mut seen = 0;
    // What it wrote before it died is read to the end; a line that was cut is not whole.
    for line in lines {
        let line = String::from_utf8(line.unwrap()).unwrap();
        if let Some(number) = line.strip_prefix(ACKNOWLEDGED) {
            last = Some(number.parse().unwrap());
            seen += 1;
        }
        if seen == batches {
            child.kill().unwrap();
        }
    }
    assert!(seen >= batches, "the child failed after {seen} batches");
    child.wait().unwrap();
    last
}

/// Checks that every sample up to batch `last` is there, and returns the newest batch of all.
fn check(store: &Store, last: i64) -> i64 {
    let selection = store
        .select(&[Matcher::equal("__name__", "k")], TimeRange::ALL)
        .unwrap();
    let mut newest = 0;
    let mut found = 0;
    let mut columns = Columns::default();
    for index in 0..selection.len() {
        let series: usize = selection
            .labels(index)
            .get("series")
            .unwrap()
            .parse()
            .unwrap();
        columns.clear();
        selection.read(index, &mut columns).unwrap();
        let begun = (0..).find(|&n| series < series_at(n)).unwrap();
        for (n, (time, read)) in (begun..).zip(columns.timestamps.iter().zip(&columns.values)) {
            assert_eq!(
                (*time, read.to_bits()),
                (n, value(n, series).to_bits()),
                "series {series}"
            );
        }
        let end = begun + columns.len() as i64 - 1;
        assert!(end >= last, "series {series} ends at {end} before {last}");
        newest = newest.max(end);
        found += 1;
    }
    assert_eq!(found, series_at(newest));
    newest
}

#[test]
fn acknowledged_samples_survive_kills() {
    let rounds = if long() { ROUNDS_LONG } else { ROUNDS };
    let dir = tempfile::tempdir().unwrap();
    let mut first = 0;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..rounds {
        // xorshift: any numbers will do, the same ones each time make a failure easier to find again.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let batches = 1 + (random % 300) as usize;
        let last = run_child(dir.path(), first, batches).unwrap();
        let store = open(dir.path());
        assert!(
            store.recovery().damages <= 1,
            "round {round}: {:?}",
            store.recovery().damage
        );
        first = check(&store, last) + 1;
    }
}
