//! Writes that fail or are torn, disks that are full or lose power.

use std::time::Duration;

use stonechat_model::AppendError;

use crate::faulty_disk::{Faults, FaultyDisk};
use crate::support::{all, append, append_nth, ms, named, nth_answer, open};

#[test]
fn a_write_torn_at_any_byte_leaves_memory_and_log_as_they_were() {
    for truncate in [false, true] {
        for torn in 0..150 {
            let disk = FaultyDisk::default();
            let store = open(&disk);
            append_nth(&store, 1).unwrap();
            disk.set(Faults {
                tear_next: Some(torn),
                truncate,
                ..Faults::default()
            });
            let failed = append_nth(&store, 2);
            assert!(
                matches!(failed, Err(AppendError::Log(_))),
                "{torn}: {failed:?}"
            );
            assert_eq!(all(&store), nth_answer(1..2));
            disk.set(Faults::default());
            // The very batch again, with a series that is new, and then a later one.
            assert_eq!(append_nth(&store, 2).unwrap().accepted, 2);
            append(&store, 2500, &[("c", 1.0)]).unwrap();
            append_nth(&store, 3).unwrap();
            let expected = all(&store);

            let again = open(&disk.after_kill());
            assert_eq!(all(&again), expected, "{torn}");
            let damages = again.recovery().damages;
            assert!(
                damages == 0 || (truncate && damages == 1),
                "{torn}: {damages}"
            );
            assert_eq!(store.stats().append_failures_total, 1);
        }
    }
}

#[test]
fn a_first_write_torn_at_any_byte_costs_nothing() {
    for torn in 0..100 {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        disk.set(Faults {
            tear_next: Some(torn),
            ..Faults::default()
        });
        // The header of the segment is what fails.
        assert!(append_nth(&store, 1).is_err());
        let dead = open(&disk.after_kill());
        append_nth(&dead, 1).unwrap();
        assert_eq!(all(&dead), nth_answer(1..2));
        append_nth(&store, 2).unwrap();
        let again = open(&disk.after_kill());
        assert_eq!(all(&again), nth_answer(2..3));
        assert_eq!(again.recovery().damages, 0);
    }
}

#[test]
fn a_full_disk_stops_writing_and_nothing_else() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..5 {
        append_nth(&store, n).unwrap();
    }
    for spare in 0..60 {
        disk.set(Faults {
            capacity: Some(disk.used() + spare),
            ..Faults::default()
        });
        let before = all(&store);
        let written = append(&store, 5000 + spare as i64, &[("c", 1.0), ("d", 0.1)]);
        if written.is_err() {
            assert_eq!(all(&store), before);
        }
        assert!(store.flush().is_err());
        // A process that starts on a full disk reads, and takes what fits.
        let again = open(&disk.after_kill());
        assert_eq!(all(&again), all(&store));
    }
    assert!(store.stats().append_failures_total > 0);
    assert_eq!(store.stats().flush_failures_total, 60);
    assert_eq!(disk.files("unfinished").len(), 0);

    disk.set(Faults::default());
    append_nth(&store, 6).unwrap();
    store.flush().unwrap();
    let expected = all(&store);
    store.close().unwrap();
    assert_eq!(all(&open(&disk)), expected);
}

#[test]
fn a_power_cut_costs_only_what_was_not_synced() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..10 {
        append_nth(&store, n).unwrap();
    }
    store.sync().unwrap();
    for n in 10..30 {
        append_nth(&store, n).unwrap();
    }
    for (kept, names) in (0..400).map(|kept| (kept / 2, kept % 2 == 0)) {
        let again = open(&disk.after_power_cut(kept, names));
        let answer = all(&again);
        // Files may keep more or less of their ends, so of what was not synced any batches may be left.
        let left = answer[&named("a").to_string()]
            .iter()
            .map(|(time, _)| time / 1000);
        let left: Vec<i64> = left.collect();
        assert!(
            left.starts_with(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            "{kept}: {left:?}"
        );
        assert_eq!(answer, nth_answer(left.iter().copied()), "{kept}");
        append_nth(&again, 40).unwrap();
    }
}

#[test]
fn a_process_that_was_killed_leaves_nothing_to_a_later_power_cut() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..20 {
        append_nth(&store, n).unwrap();
    }
    let next = disk.after_kill();
    let again = open(&next);
    assert_eq!(
        all(&open(&next.after_power_cut(0, false))),
        nth_answer(0..20)
    );
    drop(again);
}

#[test]
fn after_a_failed_sync_everything_is_written_again() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append_nth(&store, 1).unwrap();
    disk.set(Faults {
        sync: true,
        ..Faults::default()
    });
    assert!(store.sync().is_err());
    store.maintain(ms(1000));
    assert_eq!(store.stats().flush_failures_total, 1);
    disk.set(Faults::default());
    store.maintain(ms(1000));
    assert_eq!(store.stats().flushes_total, 1);
    assert_eq!(store.stats().sync_failures_total, 1);
    assert_eq!(
        all(&open(&disk.after_power_cut(0, false))),
        nth_answer(1..2)
    );
}

#[test]
fn the_thread_syncs_by_itself() {
    let disk = FaultyDisk::default();
    let mut options = crate::support::options(&disk);
    options.sync_interval = Duration::from_millis(4);
    let store = stonechat_tsdb::Store::open(options).unwrap();
    append_nth(&store, 1).unwrap();
    while store.stats().syncs_total == 0 {
        std::thread::yield_now();
    }
    store.sync().unwrap();
    assert_eq!(
        all(&open(&disk.after_power_cut(0, false))),
        nth_answer(1..2)
    );
}

/// A process that dies at any operation of a flush, by a kill or by the power.
#[test]
fn a_flush_may_end_at_any_point() {
    let prepared = FaultyDisk::default();
    let store = open(&prepared);
    for n in 0..30 {
        append_nth(&store, n).unwrap();
    }
    store.flush().unwrap();
    for n in 30..60 {
        append_nth(&store, n).unwrap();
    }
    store.sync().unwrap();
    let expected = nth_answer(0..60);

    let measured = prepared.after_kill();
    let again = open(&measured);
    let before = measured.operations();
    again.flush().unwrap();
    let operations = measured.operations() - before;
    assert!(operations > 8, "{operations}");
    for done in 0..=operations {
        let disk = prepared.after_kill();
        let store = open(&disk);
        disk.set(Faults {
            operations_left: Some(done),
            ..Faults::default()
        });
        let _ = store.flush();
        for next in [
            disk.after_kill(),
            disk.after_power_cut(0, false),
            disk.after_power_cut(0, true),
            disk.after_power_cut(50, true),
        ] {
            let again = open(&next);
            assert_eq!(all(&again), expected, "{done}");
            append_nth(&again, 60).unwrap();
            again.flush().unwrap();
            assert_eq!(next.files("unfinished").len() + next.files(".log").len(), 0);
            assert_eq!(all(&open(&next)), nth_answer(0..61), "{done}");
        }
    }
}

#[test]
fn the_log_does_not_grow_for_ever() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let mut most = 0;
    for n in 0..5000 {
        append_nth(&store, n).unwrap();
        if n % 10 == 0 {
            store.maintain(ms(n * 1000));
        }
        most = most.max(disk.used());
    }
    let blocks = store.stats().block_bytes as usize;
    assert!(most < 2 * blocks + 10_000, "{most} bytes for {blocks}");
    assert!(store.stats().compactions_total > 5);
    assert!(store.stats().blocks < 30);
    assert_eq!(all(&open(&disk)), nth_answer(0..5000));
}
