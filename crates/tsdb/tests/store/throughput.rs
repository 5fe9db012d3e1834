//! What a million samples cost. Run by hand, in a release build:
//! `cargo test --release -p stonechat-tsdb --test store -- --ignored --nocapture throughput`

use std::time::Instant;

use stonechat_model::{Appender, Batch, Labels, Queryable, SeriesRef, TimeRange};
use stonechat_tsdb::{Store, StoreOptions};

use crate::support::ms;

const SERIES: usize = 10_000;
const TARGET: usize = 500;
const SCRAPES: i64 = 100;

/// As a scrape of a chat service: most are counters, one in five is a float.
fn value(series: usize, scrape: i64) -> f64 {
    let steps = scrape * (1 + series as i64 % 7);
    match series % 5 {
        0 => (scrape as f64 * 0.37 + series as f64).sin() * 100.0,
        1 => (series % 50) as f64,
        _ => (series as i64 * 1000 + steps) as f64,
    }
}

/// Seconds on the processor, and resident bytes, of this process.
fn usage() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let pages: f64 = fields[21].parse().unwrap();
    (ticks / 100.0, pages * 4096.0)
}

fn scrape(store: &Store, targets: &[Vec<SeriesRef>], n: i64) {
    for (number, target) in targets.iter().enumerate() {
        // Each target has its own moment and a little jitter.
        let jitter = (n * 7 + number as i64 * 3) % 21 - 10;
        let mut batch = Batch::at(ms(1_700_000_000_000
            + n * 15_000
            + number as i64 * 37
            + jitter));
        let values = target.iter().enumerate();
        batch
            .values
            .extend(values.map(|(place, &series)| (series, value(number * TARGET + place, n))));
        assert_eq!(store.append(&batch).unwrap().accepted, TARGET);
    }
}

fn targets(store: &Store) -> Vec<Vec<SeriesRef>> {
    let series = (0..SERIES).map(|number| {
        let pairs = [
            ("__name__", format!("chat_requests_{}_total", number % 100)),
            ("instance", format!("10.0.0.{}:9100", number / TARGET)),
            ("job", "gateway".to_owned()),
            ("method", ["GET", "POST", "PUT"][number % 3].to_owned()),
            ("path", format!("/api/v1/{}", number % TARGET)),
        ];
        Appender::series(store, &Labels::from_pairs(pairs).unwrap()).unwrap()
    });
    let series: Vec<_> = series.collect();
    series.chunks(TARGET).map(<[SeriesRef]>::to_vec).collect()
}

/// Reads everything and says how long that took.
fn read_all(store: &Store, what: &str) {
    let begun = Instant::now();
    let selection = store.select(&[], TimeRange::ALL).unwrap();
    let found = begun.elapsed().as_secs_f64();
    let mut columns = stonechat_model::Columns::default();
    for index in 0..selection.len() {
        selection.read(index, &mut columns).unwrap();
    }
    println!(
        "reading all {what:10} {:.3} s for {} samples, {found:.3} s of it for labels",
        begun.elapsed().as_secs_f64(),
        columns.len()
    );
}

#[test]
#[ignore = "a measurement, not a test"]
fn a_million_samples() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions::new(dir.path());
    let store = Store::open(options.clone()).unwrap();
    let (_, empty) = usage();
    let targets = targets(&store);
    let (_, labelled) = usage();
    // The first scrape also gives the series their place in the log.
    scrape(&store, &targets, 0);
    let ((cpu, _), begun, log) = (usage(), Instant::now(), store.stats().log_bytes);
    for n in 1..=SCRAPES {
        scrape(&store, &targets, n);
    }
    let wall = begun.elapsed().as_secs_f64();
    let (cpu_end, full) = usage();
    let samples = (SERIES as i64 * SCRAPES) as f64;
    let per_million = |seconds: f64| seconds * 1e6 / samples;
    store.maintain(ms(1_700_000_000_000));
    let stats = store.stats();
    println!("samples/s              {:.0}", samples / wall);
    println!("CPU s per million      {:.3}", per_million(cpu_end - cpu));
    println!(
        "log bytes a sample     {:.2}",
        (stats.log_bytes - log) as f64 / samples
    );
    println!(
        "chunk bytes a sample   {:.2}",
        stats.chunk_bytes as f64 / stats.samples as f64
    );
    println!(
        "memory a series        {:.0} bytes, {:.0} of them before the first sample",
        (full - empty) / SERIES as f64,
        (labelled - empty) / SERIES as f64
    );
    read_all(&store, "in memory");
    store.close().unwrap();

    let store = Store::open(options.clone()).unwrap();
    println!(
        "opening the log        {:.3} s",
        store.recovery().duration.as_secs_f64()
    );
    let (cpu, _) = usage();
    store.flush().unwrap();
    let stats = store.stats();
    println!(
        "flush, CPU s a million {:.3}, {:.2} bytes a sample",
        per_million(usage().0 - cpu),
        stats.block_bytes as f64 / stats.block_samples as f64
    );
    assert_eq!(stats.block_samples, (SERIES as i64 * (SCRAPES + 1)) as u64);
    read_all(&store, "in a block");
}
