//! Blocks come back as they were written, and damage is found.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use stonechat_blocks::{Block, BlockError, BlockWriter, find_blocks};
use stonechat_model::{
    BucketSpan, Buckets, Columns, Histogram, Labels, ResetHint, STALE_NAN, Timestamp,
};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied()).unwrap()
}

fn write(folder: &Path, series: &[(Labels, Columns)]) -> Block {
    let mut writer = BlockWriter::create(folder, 1_700_000_000_000, 1).unwrap();
    for (labels, columns) in series {
        writer.add(labels, columns).unwrap();
    }
    let (path, meta) = writer.finish().unwrap().unwrap();
    let block = Block::open(&path).unwrap();
    assert_eq!(*block.meta(), meta);
    block
}

fn read(block: &Block) -> Vec<(Labels, Columns)> {
    let all = (0..block.len()).map(|index| {
        let series = block.series(index).unwrap();
        let mut columns = Columns::default();
        block.read(&series, &mut columns).unwrap();
        (series.labels, columns)
    });
    all.collect()
}

/// A counter that begins anew at 150 s, with a stale marker before that.
fn histograms() -> Columns {
    let mut columns = Columns::default();
    for step in 0..200_i32 {
        let count = f64::from(if step < 150 { step } else { step - 150 });
        let histogram = Histogram {
            reset_hint: ResetHint::Unknown,
            schema: 1,
            zero_threshold: 0.001,
            count,
            sum: count * 0.1,
            positive: Buckets {
                spans: vec![BucketSpan {
                    offset: 2,
                    length: 1,
                }],
                counts: vec![count],
            },
            ..Histogram::default()
        };
        let at = i64::from(step) * 1000;
        if step == 149 {
            columns.push(Timestamp::from_millis(at), STALE_NAN);
        } else {
            columns.histograms.push((at, Arc::new(histogram)));
        }
    }
    columns
}

#[test]
fn histograms_and_floats_of_a_series_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let series = [(labels(&[("__name__", "latency")]), histograms())];
    let block = write(folder.path(), &series);
    let mut found = read(&block);
    // Behind the first sample of a chunk it is known that the counter did not begin anew.
    let known = found[0].1.histograms.iter_mut().filter(|(_, histogram)| {
        let hint = histogram.reset_hint;
        assert!([ResetHint::Unknown, ResetHint::NotReset].contains(&hint));
        hint == ResetHint::NotReset
    });
    let known = known.map(|(at, histogram)| {
        Arc::make_mut(histogram).reset_hint = ResetHint::Unknown;
        *at
    });
    let known: Vec<i64> = known.collect();
    assert_eq!(known.len(), 199 - 3, "three chunks");
    assert!(!known.contains(&150_000));
    assert_eq!(found[0].1.histograms, series[0].1.histograms);
    assert_eq!(found[0].1.values[0].to_bits(), STALE_NAN.to_bits());
    let stats = &block.meta().stats;
    assert_eq!((stats.num_samples, stats.num_histogram_samples), (200, 199));
    assert_eq!((block.meta().min_time, block.meta().max_time), (0, 199_001));
}

#[test]
fn series_come_in_order_and_empty_ones_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = BlockWriter::create(folder.path(), 1, 1).unwrap();
    let mut one = Columns::default();
    one.push(Timestamp::from_millis(5), 1.0);
    writer.add(&labels(&[("__name__", "b")]), &one).unwrap();
    let empty = Columns::default();
    writer.add(&labels(&[("__name__", "c")]), &empty).unwrap();
    let late = writer.add(&labels(&[("__name__", "a")]), &one);
    assert!(matches!(late, Err(BlockError::Order(_))));
    let (path, _) = writer.finish().unwrap().unwrap();
    let empty = BlockWriter::create(folder.path(), 2, 2).unwrap();
    // One more is never finished.
    let _unfinished = BlockWriter::create(folder.path(), 3, 3).unwrap();
    assert!(empty.finish().unwrap().is_none());
    let found = find_blocks(folder.path()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, path);
    assert_eq!(Block::open(&path).unwrap().len(), 1);
}

/// Every bit of every file that is turned around is found, or changes nothing that is read.
#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut floats = Columns::default();
    for step in 0..10 {
        floats.push(Timestamp::from_millis(step * 10), 0.5);
    }
    let series = [(labels(&[("__name__", "a"), ("b", "c")]), floats)];
    let block = write(folder.path(), &series);
    let path = folder.path().join(&block.meta().ulid);
    let good = read(&block);
    for file in ["index", "chunks/000001"] {
        let file = path.join(file);
        let bytes = fs::read(&file).unwrap();
        let whole = || {
            let block = Block::open(&path)?;
            let mut columns = Columns::default();
            for (index, (labels, samples)) in good.iter().enumerate() {
                let series = block.series(index)?;
                block.read(&series, &mut columns)?;
                assert_eq!(&series.labels, labels);
                assert_eq!(&columns, samples);
            }
            Ok::<_, BlockError>(block.len())
        };
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            fs::write(&file, &damaged).unwrap();
            let _ = whole();
        }
        for end in 0..bytes.len() {
            fs::write(&file, &bytes[..end]).unwrap();
            assert!(whole().is_err(), "{} cut at {end}", file.display());
        }
        fs::write(&file, &bytes).unwrap();
        assert_eq!(whole().unwrap(), 1);
    }
}

type Bits = Vec<(Labels, Vec<i64>, Vec<u64>)>;

fn bits(all: &[(Labels, Columns)]) -> Bits {
    let bits = all.iter().map(|(labels, columns)| {
        let values = columns.values.iter().map(|value| value.to_bits());
        (labels.clone(), columns.timestamps.clone(), values.collect())
    });
    bits.collect()
}

proptest! {
    #[test]
    fn blocks_come_back(
        series in prop::collection::btree_map(
            ("[a-c]{1,2}", "[x-z]{0,2}"),
            prop::collection::vec((1_i64..100_000, any::<f64>()), 0..300),
            0..12,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut all: Vec<(Labels, Columns)> = series.into_iter().map(|((name, value), samples)| {
            let mut columns = Columns::default();
            let mut at = -50_000;
            for (step, value) in samples {
                at += step;
                columns.push(Timestamp::from_millis(at), value);
            }
            (labels(&[("__name__", &name), ("v", &value)]), columns)
        }).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let mut writer = BlockWriter::create(folder.path(), 9, 9).unwrap();
        for (labels, columns) in &all {
            writer.add(labels, columns).unwrap();
        }
        all.retain(|(_, columns)| !columns.is_empty());
        match writer.finish().unwrap() {
            None => prop_assert!(all.is_empty()),
            Some((path, _)) => prop_assert_eq!(bits(&read(&Block::open(&path).unwrap())), bits(&all)),
        }
    }
}
