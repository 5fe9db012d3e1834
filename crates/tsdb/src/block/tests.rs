use std::sync::Arc;

use stonechat_model::{Columns, Labels, MatchOp, Matcher, TimeRange, Timestamp};

use super::*;
use crate::disk::{Disk, FileSystem};

fn labels(name: &str, instance: usize, le: &str) -> Labels {
    Labels::from_pairs([
        ("__name__", name),
        ("instance", &format!("host-{instance:03}")),
        ("le", le),
    ])
    .unwrap()
}

#[test]
fn buckets_stand_side_by_side() {
    let mut sets = [
        labels("b", 2, "10"),
        labels("b", 1, "+Inf"),
        labels("b", 2, "2.5"),
        labels("b", 1, "10"),
        labels("a", 9, ""),
        labels("b", 1, "0.5"),
    ];
    sets.sort_by(block_order);
    let bounds: Vec<_> = sets.iter().map(|set| set.get("le").unwrap_or("")).collect();
    assert_eq!(bounds, ["", "0.5", "10", "+Inf", "2.5", "10"]);
}

/// Writes series and reads them back, through matchers, ranges and a cache that holds nothing.
#[test]
fn what_was_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(FileSystem);
    let mut sets: Vec<Labels> = (0..3000)
        .map(|n| {
            labels(
                ["requests", "errors"][n % 2],
                n / 20,
                ["1", "5", "+Inf", ""][n / 2 % 4],
            )
        })
        .collect();
    sets.sort_by(block_order);
    sets.dedup();
    let columns = |n: usize| {
        let mut columns = Columns::default();
        for sample in 0..37 {
            let time = 1_700_000_000_000 + sample * 15_000 + (n as i64 / 20) * 7;
            columns.push(
                Timestamp::from_millis(time),
                (sample * n as i64) as f64 / 2.0,
            );
        }
        columns
    };
    let mut writer = BlockWriter::create(&*disk, dir.path(), 3, 200_000).unwrap();
    for (n, set) in sets.iter().enumerate() {
        writer.push(set, &columns(n)).unwrap();
    }
    let written = writer.finish(17, &[], 1).unwrap().unwrap();
    assert_eq!(written.samples, 37 * sets.len() as u64);

    let files = BlockFiles::find(&*disk, dir.path()).unwrap();
    assert_eq!((files.numbers, files.unfinished.len()), (vec![3], 0));
    let block = Block::open(&disk, dir.path(), 3, &Arc::new(Cache::new(0, 0, 0))).unwrap();
    assert_eq!(
        (block.log_until(), block.level(), block.bytes()),
        (17, 1, written.bytes)
    );
    for (n, set) in sets.iter().enumerate().step_by(97) {
        assert_eq!(block.labels(n as u32).unwrap(), *set);
        let mut read = Columns::default();
        block.read(n as u32, TimeRange::ALL, &mut read).unwrap();
        assert_eq!(read, columns(n));
    }
    let range = TimeRange {
        start: Timestamp::from_millis(1_700_000_030_000),
        end: Timestamp::from_millis(1_700_000_045_000),
    };
    let mut read = Columns::default();
    block.read(5, range, &mut read).unwrap();
    assert_eq!(read.len(), 2);
    check_matchers(&block, &sets);
    assert!(block.verify().is_empty());
}

#[test]
fn an_empty_block_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let writer = BlockWriter::create(&FileSystem, dir.path(), 1, u64::MAX).unwrap();
    assert_eq!(writer.finish(0, &[], 0).unwrap(), None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Every kind of matcher finds what it should.
fn check_matchers(block: &Block, sets: &[Labels]) {
    for (name, op, value) in [
        ("__name__", MatchOp::Equal, "requests"),
        ("__name__", MatchOp::NotEqual, "requests"),
        ("le", MatchOp::Equal, ""),
        ("le", MatchOp::Regex, "1|5"),
        ("instance", MatchOp::Regex, "host-0.*"),
        ("instance", MatchOp::NotRegex, "host-0.*"),
        ("instance", MatchOp::Regex, ".*7"),
        ("none", MatchOp::Equal, "x"),
        ("none", MatchOp::NotEqual, "x"),
        ("le", MatchOp::Regex, ".*"),
        ("le", MatchOp::NotRegex, ".+"),
    ] {
        let matcher = Matcher::new(name, op, value).unwrap();
        let expected: Vec<u32> = (0..)
            .zip(sets)
            .filter(|(_, set)| matcher.matches(set.get(name).unwrap_or_default()))
            .map(|(n, _)| n)
            .collect();
        let found: Vec<u32> = block.resolve(&[matcher]).unwrap().iter().collect();
        assert_eq!(found, expected, "{name}{op}{value}");
    }
}
