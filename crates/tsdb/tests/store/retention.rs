//! What goes and what stays.

use std::time::Duration;

use stonechat_model::{AppendError, Appender, Batch, Queryable, TimeRange};
use stonechat_tsdb::{Store, StoreLimits, StoreOptions};

use crate::faulty_disk::FaultyDisk;
use crate::support::{all, append, ms, named, options, series};

/// Keeps a hundred seconds.
fn open(disk: &FaultyDisk) -> Store {
    let retention = Duration::from_secs(100);
    Store::open(StoreOptions {
        retention,
        log_bytes_max: 1 << 20,
        ..options(disk)
    })
    .unwrap()
}

fn second(second: i64) -> i64 {
    second * 1000
}

fn samples(store: &Store, name: &str) -> usize {
    all(store).get(&named(name).to_string()).map_or(0, Vec::len)
}

#[test]
fn old_chunks_go_and_old_samples_are_refused() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..480 {
        append(&store, second(n), &[("a", n as f64)]).unwrap();
    }
    store.maintain(ms(second(479)));
    // Chunks of 120: those that end at 119, 239 and 359 are older than 379.
    assert_eq!(samples(&store, "a"), 120);
    let stats = store.stats();
    assert_eq!((stats.chunks, stats.samples), (1, 120));
    assert_eq!(stats.horizon, Some(ms(second(379))));

    let refused = append(&store, second(378), &[("b", 1.0)]).unwrap();
    assert_eq!((refused.too_old, refused.accepted), (1, 0));
    assert_eq!(
        append(&store, second(379), &[("b", 1.0)]).unwrap().accepted,
        1
    );
    assert_eq!(store.stats().samples_too_old_total, 1);
}

#[test]
fn a_series_of_which_nothing_is_left_goes() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, second(1), &[("gone", 1.0), ("stays", 1.0)]).unwrap();
    let gone = series(&store, "gone");
    store.maintain(ms(second(1)));
    append(&store, second(200), &[("stays", 2.0)]).unwrap();
    store.maintain(ms(second(200)));
    assert_eq!(store.stats().series, 1);
    assert_eq!(store.stats().series_removed_total, 1);
    assert_eq!(
        store.label_values("__name__", &[], TimeRange::ALL).unwrap(),
        ["stays"]
    );

    let mut batch = Batch::at(ms(second(201)));
    batch.values.push((gone, 1.0));
    let appended = store.append(&batch).unwrap();
    assert_eq!(
        (appended.accepted, appended.unknown_series),
        (0, vec![gone])
    );

    // Its place goes to another series, whose reference is another.
    let other = series(&store, "other");
    assert_ne!(other, gone);
    assert_eq!(store.append(&batch).unwrap().unknown_series, [gone]);

    // Nothing of the old series hangs on to the new one, neither here nor in the log.
    append(&store, second(150), &[("other", 1.5)]).unwrap();
    let expected = all(&store);
    assert_eq!(
        expected[&named("other").to_string()],
        [(second(150), 1.5_f64.to_bits())]
    );
    assert_eq!(
        all(&open(&disk.after_kill()))[&named("other").to_string()],
        expected[&named("other").to_string()]
    );

    // It comes back under its old name, also in the next process, whose log knows it twice.
    append(&store, second(202), &[("gone", 3.0)]).unwrap();
    append(&store, second(203), &[("gone", 4.0)]).unwrap();
    assert_eq!(samples(&store, "gone"), 2);
    let again = open(&disk.after_kill());
    append(&again, second(204), &[("gone", 5.0)]).unwrap();
    again.maintain(ms(second(204)));
    assert!(samples(&again, "gone") >= 3);
    again.flush().unwrap();
    append(&again, second(205), &[("gone", 6.0)]).unwrap();
    let last = open(&disk.after_kill());
    assert_eq!(
        samples(&last, "gone"),
        samples(&open(&disk.after_kill()), "gone")
    );
}

#[test]
fn a_series_that_comes_back_is_the_same_in_every_process() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, second(1), &[("a", 1.0), ("b", 1.0)]).unwrap();
    store.maintain(ms(second(1)));
    append(&store, second(200), &[("b", 2.0)]).unwrap();
    store.maintain(ms(second(200)));
    append(&store, second(201), &[("a", 2.0)]).unwrap();
    let disk = disk.after_kill();
    let store = open(&disk);
    append(&store, second(202), &[("a", 3.0)]).unwrap();
    store.flush().unwrap();
    append(&store, second(203), &[("a", 4.0)]).unwrap();
    let expected = all(&store);
    assert_eq!(all(&open(&disk.after_kill())), expected);
}

#[test]
fn a_series_that_was_only_asked_for_has_a_round_to_be_used() {
    let store = open(&FaultyDisk::default());
    let fresh = series(&store, "fresh");
    store.maintain(ms(0));
    let mut batch = Batch::at(ms(1));
    batch.values.push((fresh, 1.0));
    assert_eq!(store.append(&batch).unwrap().accepted, 1);
    series(&store, "unused");
    store.maintain(ms(2));
    store.maintain(ms(3));
    assert_eq!(store.stats().series, 1);
}

#[test]
fn time_is_counted_from_the_newest_sample_but_not_from_the_future() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    // Near the epoch, as in test scripts and when history is filled in.
    append(&store, 0, &[("a", 1.0)]).unwrap();
    store.maintain(ms(second(1_800_000_000)));
    assert_eq!(samples(&store, "a"), 1);
    // One clock that is a year ahead must not cost the others their history.
    append(&store, second(10), &[("b", 1.0)]).unwrap();
    append(&store, second(31_536_000), &[("ahead", 1.0)]).unwrap();
    store.maintain(ms(second(20)));
    assert_eq!((samples(&store, "a"), samples(&store, "ahead")), (1, 1));
}

#[test]
fn a_block_holds_only_what_is_left() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..100 {
        append(&store, second(n), &[(format!("series_{n}").as_str(), 0.1)]).unwrap();
    }
    let full = disk.used();
    for _ in 0..2 {
        append(&store, second(1000), &[("last", 1.0)]).unwrap();
        store.maintain(ms(second(1000)));
    }
    store.flush().unwrap();
    assert!(disk.used() < full / 20, "{} of {full}", disk.used());
    let again = open(&disk);
    assert_eq!(
        (again.stats().block_samples, samples(&again, "last")),
        (1, 1)
    );
}

/// A tenth of the series is replaced every minute for an hour; what is in memory at the end are those that live.
#[test]
fn replaced_series_leave_the_memory() {
    let disk = FaultyDisk::default();
    let store = Store::open(StoreOptions {
        log_bytes_max: 20_000,
        ..options(&disk)
    })
    .unwrap();
    let mut born: usize = 100;
    for minute in 0..60 {
        let names: Vec<String> = (born - 100..born)
            .map(|number| format!("s{number}"))
            .collect();
        for quarter in 0..4 {
            let values: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.5)).collect();
            append(&store, second(minute * 60 + quarter * 15), &values).unwrap();
        }
        store.maintain(ms(second(minute * 60 + 59)));
        born += 10;
    }
    // Who got its last sample ten minutes ago at most is still there, and what the last flushes left.
    let series = store.stats().series;
    assert!((100..=240).contains(&series), "{series}");
    assert_eq!(all(&store).len(), born - 10);
}

#[test]
fn the_limit_of_series_refuses_new_ones_only() {
    let disk = FaultyDisk::default();
    let limited = |series_max| {
        Store::open(StoreOptions {
            series_max,
            ..options(&disk)
        })
        .unwrap()
    };
    let store = limited(2);
    append(&store, 1, &[("a", 1.0), ("b", 1.0)]).unwrap();
    let refused = Appender::series(&store, &named("c"));
    assert!(matches!(
        refused,
        Err(AppendError::SeriesLimit { limit: 2 })
    ));
    append(&store, 2, &[("a", 1.0)]).unwrap();
    assert_eq!(store.stats().series_refused_total, 1);
    store.close().unwrap();
    // A smaller limit costs nothing of what is there.
    let store = limited(1);
    assert_eq!(store.stats().series, 2);
    assert!(Appender::series(&store, &named("c")).is_err());
}

#[test]
fn the_oldest_blocks_go_when_there_is_no_room() {
    let disk = FaultyDisk::default();
    let store = Store::open(StoreOptions {
        segment_bytes_max: 1 << 20,
        ..options(&disk)
    })
    .unwrap();
    // Blocks of a day each are not merged.
    let day = 86_400;
    for n in 0..6 {
        for sample in 0..100 {
            let value = f64::from(n * 100 + sample).sqrt();
            append(&store, second(i64::from(n * day + sample)), &[("a", value)]).unwrap();
        }
        store.flush().unwrap();
    }
    let bytes: Vec<u64> = store.blocks().iter().map(|block| block.bytes).collect();
    assert!(bytes.len() > 2, "{bytes:?}");
    let total: u64 = bytes.iter().sum();
    store.set_limits(StoreLimits {
        retention_bytes: Some(total - bytes[0] + store.stats().log_bytes),
        ..store.limits()
    });
    let before = samples(&store, "a");
    store.maintain(ms(second(i64::from(6 * day))));
    let left: Vec<u64> = store.blocks().iter().map(|block| block.bytes).collect();
    assert_eq!(left, bytes[1..]);
    assert!(samples(&store, "a") < before);
}

#[test]
fn a_head_that_has_grown_to_its_limit_is_written_out() {
    let disk = FaultyDisk::default();
    let store = Store::open(StoreOptions {
        head_bytes_max: Some(30_000),
        log_bytes_max: 1 << 30,
        segment_bytes_max: 1 << 20,
        ..options(&disk)
    })
    .unwrap();
    let names: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let mut head_max = 0;
    for n in 0..500 {
        let values: Vec<(&str, f64)> = names
            .iter()
            .map(|name| (name.as_str(), f64::from(n)))
            .collect();
        append(&store, second(n.into()), &values).unwrap();
        let stats = store.stats();
        head_max = head_max.max(stats.samples_accepted_total - stats.block_samples);
    }
    let stats = store.stats();
    assert!(stats.flushes_total >= 2, "{stats:?}");
    // Twice the limit of 10,000 samples of three bytes, and the batch that reaches it.
    assert!(head_max <= 20_200, "{head_max}");
    assert_eq!(samples(&store, "s7"), 500);
}
