//! Histograms, exemplars, metadata, samples out of order, deletion, snapshots and imports.

use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{
    Appender, Batch, BucketSpan, Buckets, Columns, Exemplar, Histogram, Labels, Matcher, Metadata,
    MetricType, Queryable, STALE_NAN, TimeRange,
};
use stonechat_tsdb::{Store, StoreOptions};

use crate::faulty_disk::FaultyDisk;
use crate::support::{all, append, append_nth, ms, named, nth_answer, open, options, series};

fn histogram(count: u32) -> Arc<Histogram> {
    Arc::new(Histogram {
        count: f64::from(count * 3),
        sum: f64::from(count) / 3.0,
        positive: Buckets {
            spans: vec![BucketSpan {
                offset: -2,
                length: 2,
            }],
            counts: vec![f64::from(count), f64::from(count * 2)],
        },
        ..Histogram::default()
    })
}

fn read(store: &Store, name: &str) -> Columns {
    let selection = store
        .select(&[Matcher::equal("__name__", name)], TimeRange::ALL)
        .unwrap();
    let mut columns = Columns::default();
    for index in 0..selection.len() {
        selection.read(index, &mut columns).unwrap();
    }
    columns
}

#[test]
fn histograms_are_kept_through_log_and_block() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let reference = series(&store, "h");
    let mut batch = Batch::at(ms(9000));
    for n in 1..9 {
        batch
            .histograms
            .push((reference, ms(i64::from(n) * 1000), histogram(n)));
    }
    batch.values.push((series(&store, "f"), 1.0));
    assert_eq!(store.append(&batch).unwrap().accepted, 9);
    // The same again is no mistake, another at that time is, an older one too.
    let again = Batch {
        histograms: vec![
            (reference, ms(8000), histogram(8)),
            (reference, ms(8000), histogram(9)),
            (reference, ms(100), histogram(1)),
        ],
        ..Batch::default()
    };
    let judged = store.append(&again).unwrap();
    assert_eq!(
        (judged.accepted, judged.duplicate, judged.out_of_order),
        (1, 1, 1)
    );
    append(&store, 9000, &[("h", STALE_NAN)]).unwrap();
    let check = |store: &Store| {
        let columns = read(store, "h");
        let expected: Vec<_> = (1..9)
            .map(|n| (i64::from(n) * 1000, histogram(n)))
            .collect();
        assert_eq!(columns.histograms, expected);
        assert_eq!(columns.timestamps, [9000]);
        assert_eq!(read(store, "f").values, [1.0]);
    };
    check(&store);
    let again = open(&disk.after_kill());
    check(&again);
    store.flush().unwrap();
    check(&store);
    check(&open(&disk.after_kill()));
    // A float behind a histogram builds on nothing.
    append(&store, 10_000, &[("h", 5.0)]).unwrap();
    let mut more = Batch::default();
    more.histograms.push((reference, ms(11_000), histogram(4)));
    store.append(&more).unwrap();
    append(&store, 12_000, &[("h", 6.0)]).unwrap();
    let last = read(&open(&disk.after_kill()), "h");
    assert_eq!(
        (last.timestamps, last.histograms.len()),
        (vec![9000, 10_000, 12_000], 9)
    );
}

#[test]
fn exemplars_and_metadata_survive_log_and_flush() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let mut batch = Batch::at(ms(1000));
    let exemplar = |time, trace: &str| Exemplar {
        labels: Labels::from_pairs([("trace_id", trace)]).unwrap(),
        value: 0.25,
        timestamp: ms(time),
    };
    let (a, b) = (series(&store, "a"), series(&store, "b"));
    batch.values.push((a, 1.0));
    batch.exemplars = vec![
        (a, exemplar(900, "x")),
        (b, exemplar(950, "y")),
        (a, exemplar(900, "x")),
    ];
    assert_eq!(store.append(&batch).unwrap().accepted, 1);
    let meaning = Metadata {
        kind: MetricType::Counter,
        help: "Counts.".to_owned(),
        unit: String::new(),
    };
    store.describe("a", &meaning).unwrap();
    store.describe("a", &meaning).unwrap();
    let check = |store: &Store, count: usize| {
        let found = store.exemplars(&[], TimeRange::ALL).unwrap();
        assert_eq!(found.len(), count, "{found:?}");
        assert_eq!(found[0], (named("a"), vec![exemplar(900, "x")]));
        let only_b = [vec![Matcher::equal("__name__", "b")]];
        assert_eq!(
            store.exemplars(&only_b, TimeRange::ALL).unwrap().len(),
            count - 1
        );
        let early = TimeRange {
            start: ms(0),
            end: ms(899),
        };
        assert!(store.exemplars(&[], early).unwrap().is_empty());
        let known = vec![("a".to_owned(), vec![meaning.clone()])];
        assert_eq!(store.metadata(None).unwrap(), known);
        assert_eq!(store.metadata(Some("a")).unwrap(), known);
        assert!(store.metadata(Some("b")).unwrap().is_empty());
    };
    check(&store, 2);
    check(&open(&disk.after_kill()), 2);
    store.flush().unwrap();
    check(&store, 2);
    let again = open(&disk.after_kill());
    check(&again, 2);
    assert_eq!(all(&again), all(&store));
}

#[test]
fn late_samples_are_taken_within_the_window() {
    let disk = FaultyDisk::default();
    let opened = |disk: &FaultyDisk| {
        Store::open(StoreOptions {
            out_of_order_window: Duration::from_secs(10),
            log_bytes_max: 1 << 20,
            ..options(disk)
        })
        .unwrap()
    };
    let store = opened(&disk);
    append(&store, 20_000, &[("a", 20.0), ("b", 1.0)]).unwrap();
    append(&store, 12_000, &[("a", 12.0)]).unwrap();
    append(&store, 15_000, &[("a", 15.0)]).unwrap();
    let judged = append(&store, 15_000, &[("a", 15.0)]).unwrap();
    assert_eq!((judged.accepted, judged.duplicate), (1, 0));
    let judged = append(&store, 15_000, &[("a", 16.0)]).unwrap();
    assert_eq!((judged.accepted, judged.duplicate), (0, 1));
    let judged = append(&store, 9_999, &[("a", 9.0)]).unwrap();
    assert_eq!((judged.accepted, judged.out_of_order), (0, 1));
    append(&store, 25_000, &[("a", 25.0)]).unwrap();
    let check = |store: &Store| {
        let columns = read(store, "a");
        assert_eq!(columns.timestamps, [12_000, 15_000, 20_000, 25_000]);
        assert_eq!(columns.values, [12.0, 15.0, 20.0, 25.0]);
    };
    check(&store);
    check(&opened(&disk.after_kill()));
    store.flush().unwrap();
    check(&store);
    // Late samples that meet a block that is written already.
    append(&store, 17_000, &[("a", 17.0)]).unwrap();
    append(&store, 26_000, &[("a", 26.0)]).unwrap();
    for store in [&store, &opened(&disk.after_kill())] {
        assert_eq!(
            read(store, "a").timestamps,
            [12_000, 15_000, 17_000, 20_000, 25_000, 26_000]
        );
    }
    store.flush().unwrap();
    assert_eq!(
        read(&opened(&disk), "a").values,
        [12.0, 15.0, 17.0, 20.0, 25.0, 26.0]
    );
}

#[test]
fn deleted_samples_do_not_come_back() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..20 {
        append_nth(&store, n).unwrap();
        if n == 9 {
            store.flush().unwrap();
        }
    }
    let range = TimeRange {
        start: ms(5000),
        end: ms(14_999),
    };
    let only_a = [vec![Matcher::equal("__name__", "a")]];
    assert_eq!(store.delete(&only_a, range).unwrap(), 2);
    let mut expected = nth_answer(0..20);
    let a = expected.get_mut(&named("a").to_string()).unwrap();
    a.retain(|(time, _)| !(5000..15_000).contains(time));
    assert_eq!(all(&store), expected);
    assert_eq!(all(&open(&disk.after_kill())), expected);
    let before = store.stats().block_samples;
    store.clean_tombstones().unwrap();
    assert_eq!(store.stats().block_samples, before - 10);
    assert!(disk.files(".tombstones").is_empty());
    assert_eq!(all(&store), expected);
    append_nth(&store, 20).unwrap();
    assert_eq!(all(&open(&disk.after_kill())).len(), 2);
}

#[test]
fn a_snapshot_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::new(dir.path().join("one"))).unwrap();
    for n in 0..30 {
        append_nth(&store, n).unwrap();
    }
    let only_a = [vec![Matcher::equal("__name__", "a")]];
    store
        .delete(
            &only_a,
            TimeRange {
                start: ms(0),
                end: ms(9999),
            },
        )
        .unwrap();
    let copy = dir.path().join("copy");
    store.snapshot(&copy).unwrap();
    assert!(store.snapshot(&copy).is_err());
    let expected = all(&store);
    append_nth(&store, 30).unwrap();
    assert_eq!(
        all(&Store::open(StoreOptions::new(copy)).unwrap()),
        expected
    );
}

#[test]
fn imported_series_stand_beside_their_own() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append_nth(&store, 50).unwrap();
    let mut importer = store.importer();
    for n in (0..10).rev() {
        for (name, value) in [("b", n as f64 / 3.0), ("a", n as f64)] {
            let mut columns = Columns::default();
            columns.push(ms(n * 1000), value);
            importer.push(&named(name), columns).unwrap();
        }
    }
    let imported = importer.finish().unwrap();
    assert_eq!((imported.samples, imported.blocks), (20, 1));
    assert_eq!(all(&store), nth_answer((0..10).chain([50])));
    store.flush().unwrap();
    assert_eq!(all(&open(&disk)), nth_answer((0..10).chain([50])));
    assert!(store.verify().is_empty());
    let most = store.cardinality(1);
    assert_eq!((most.series, most.metrics.len()), (2, 1));
}

#[test]
fn what_comes_while_the_log_is_read_is_kept_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        recover_in_background: true,
        ..StoreOptions::new(dir.path())
    };
    let mut count = 0;
    for _ in 0..10 {
        let store = Store::open(options.clone()).unwrap();
        for _ in 0..50 {
            append_nth(&store, count).unwrap();
            count += 1;
        }
        assert_eq!(store.recovery().samples, 2 * (count as u64 - 50));
        assert!(store.progress().complete);
        assert_eq!(all(&store), nth_answer(0..count));
    }
}
