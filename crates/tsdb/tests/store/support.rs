//! Stores, batches and answers in one line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{
    AppendError, Appended, Appender, Batch, Columns, Labels, Matcher, Queryable, QueryableError,
    SeriesRef, TimeRange, Timestamp,
};
use stonechat_tsdb::{Store, StoreOptions};

use crate::faulty_disk::FaultyDisk;

/// Samples by series: time and bits.
pub type Answer = BTreeMap<String, Vec<(i64, u64)>>;

/// Small segments, and no sync but the one that is asked for.
pub fn options(disk: &FaultyDisk) -> StoreOptions {
    StoreOptions {
        disk: Arc::new(disk.clone()),
        sync_interval: Duration::from_hours(1),
        segment_bytes_max: 300,
        log_bytes_max: 1000,
        ..StoreOptions::new("/data")
    }
}

pub fn open(disk: &FaultyDisk) -> Store {
    Store::open(options(disk)).unwrap()
}

pub fn ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn named(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("job", "test")]).unwrap()
}

pub fn series(store: &Store, name: &str) -> SeriesRef {
    Appender::series(store, &named(name)).unwrap()
}

/// Appends one value at one time to series given by name.
pub fn append(store: &Store, millis: i64, values: &[(&str, f64)]) -> Result<Appended, AppendError> {
    let mut batch = Batch::at(ms(millis));
    for (name, value) in values {
        batch.values.push((series(store, name), *value));
    }
    store.append(&batch)
}

/// Batch `n` of a series of batches that is the same everywhere.
pub fn append_nth(store: &Store, n: i64) -> Result<Appended, AppendError> {
    append(store, n * 1000, &[("a", n as f64), ("b", n as f64 / 3.0)])
}

/// What the store answers after the batches `which`.
pub fn nth_answer(which: impl IntoIterator<Item = i64>) -> Answer {
    let which: Vec<i64> = which.into_iter().collect();
    let samples = |scale: f64| -> Vec<_> {
        which
            .iter()
            .map(|&n| (n * 1000, (n as f64 / scale).to_bits()))
            .collect()
    };
    let all = [("a", samples(1.0)), ("b", samples(3.0))];
    all.into_iter()
        .filter(|(_, samples)| !samples.is_empty())
        .map(|(name, samples)| (named(name).to_string(), samples))
        .collect()
}

/// All samples of the series that match, without the series that have none.
pub fn select(store: &Store, matchers: &[Matcher], range: TimeRange) -> Answer {
    let selection = store.select(matchers, range).unwrap();
    let mut answer = Answer::new();
    let mut columns = Columns::default();
    for index in 0..selection.len() {
        columns.clear();
        selection.read(index, &mut columns).unwrap();
        let bits = columns.values.iter().map(|value| value.to_bits());
        let samples: Vec<_> = columns.timestamps.iter().copied().zip(bits).collect();
        if index > 0 {
            assert!(
                selection.labels(index - 1) < selection.labels(index),
                "not sorted"
            );
        }
        if !samples.is_empty() {
            answer.insert(selection.labels(index).to_string(), samples);
        }
    }
    answer
}

/// The same, as far as it can be read.
pub fn try_all(store: &Store) -> Result<Answer, QueryableError> {
    let selection = store.select(&[], TimeRange::ALL)?;
    let mut answer = Answer::new();
    for index in 0..selection.len() {
        let mut columns = Columns::default();
        selection.read(index, &mut columns)?;
        let bits = columns.values.iter().map(|value| value.to_bits());
        let samples = columns.timestamps.iter().copied().zip(bits).collect();
        answer.insert(selection.labels(index).to_string(), samples);
    }
    Ok(answer)
}

/// True when tests should take the time they want: `cargo xtask test --long`.
pub fn long() -> bool {
    std::env::var_os("STONECHAT_TEST_LONG").is_some()
}

/// All that is in the store.
pub fn all(store: &Store) -> Answer {
    select(store, &[], TimeRange::ALL)
}
