//! Files that changed behind the store's back.

use std::path::{Path, PathBuf};

use stonechat_model::{AppendError, Appender, Batch};
use stonechat_tsdb::{DamageKind, OpenError, Store, StoreOptions};

use crate::faulty_disk::{Faults, FaultyDisk};
use crate::support::{all, append_nth, ms, named, nth_answer, open, options, series, try_all};

/// Ten batches in one segment, and where each record begins.
fn ten_batches() -> (FaultyDisk, PathBuf, Vec<usize>) {
    batches(10)
}

fn batches(count: i64) -> (FaultyDisk, PathBuf, Vec<usize>) {
    let disk = FaultyDisk::default();
    let mut options = options(&disk);
    options.segment_bytes_max = 1 << 20;
    let store = Store::open(options).unwrap();
    let mut starts = Vec::new();
    for n in 0..count {
        // Before the first batch there is no file; the header comes with it.
        starts.push(disk.used().max(24));
        append_nth(&store, n).unwrap();
    }
    drop(store);
    let path = disk.files(".log").remove(0);
    (disk, path, starts)
}

#[test]
fn an_end_torn_at_any_byte_costs_only_the_torn_record() {
    let (disk, path, starts) = ten_batches();
    let whole = disk.read(&path);
    for length in starts[7]..whole.len() {
        let disk = disk.after_kill();
        disk.write(&path, whole[..length].to_vec());
        let store = open(&disk);
        let left = starts
            .iter()
            .chain([&whole.len()])
            .filter(|&&start| start <= length)
            .count() as i64
            - 1;
        assert_eq!(all(&store), nth_answer(0..left), "{length}");
        let torn = !starts.contains(&length);
        assert_eq!(store.recovery().damages, u64::from(torn), "{length}");
        if torn {
            let damage = &store.recovery().damage[0];
            assert_eq!(damage.kind, DamageKind::Torn);
            assert_eq!(
                (&damage.file, damage.offset as usize),
                (&path, starts[left as usize])
            );
            assert_eq!(
                (damage.after, damage.before),
                (Some(ms((left - 1) * 1000)), None)
            );
        }
        append_nth(&store, 20).unwrap();
        store.close().unwrap();
        // It is told once.
        let again = open(&disk);
        assert_eq!(again.recovery().damages, 0);
        assert_eq!(all(&again), nth_answer((0..left).chain([20])));
    }
}

#[test]
fn a_change_at_any_byte_of_a_middle_record_costs_what_builds_on_it() {
    let (disk, path, starts) = batches(40);
    let whole = disk.read(&path);
    for place in starts[5]..starts[6] {
        let disk = disk.after_kill();
        let mut changed = whole.clone();
        changed[place] ^= 0x41;
        disk.write(&path, changed);
        let store = open(&disk);
        // Batch 17 is the first behind it whose values stand for themselves.
        assert_eq!(all(&store), nth_answer((0..5).chain(17..40)), "{place}");
        let recovery = store.recovery();
        assert_eq!((recovery.damages, recovery.samples_without_base), (1, 22));
        let damage = &recovery.damage[0];
        assert_eq!(damage.kind, DamageKind::Record);
        assert_eq!((&damage.file, damage.offset as usize), (&path, starts[5]));
        assert_eq!(damage.bytes as usize, starts[6] - starts[5]);
        assert_eq!(
            (damage.after, damage.before),
            (Some(ms(4000)), Some(ms(6000)))
        );
    }
}

#[test]
fn a_damaged_segment_is_written_again_and_set_aside() {
    let (disk, path, starts) = ten_batches();
    for round in 1..8 {
        let path = disk.files(".log").pop().unwrap_or_else(|| path.clone());
        let mut bytes = disk.read(&path);
        let place = if round == 1 {
            starts[5] + 9
        } else {
            bytes.len() / 2
        };
        bytes[place] ^= 1;
        disk.write(&path, bytes);
        let store = open(&disk);
        let expected = all(&store);
        assert_eq!(store.recovery().damages, 1);
        store.maintain(ms(0));
        assert_eq!(disk.files(".damaged").len(), round.min(4));
        let again = open(&disk);
        assert_eq!(again.recovery().damages, 0);
        assert_eq!(all(&again), expected);
        for n in 0..3 {
            append_nth(&again, 100 * round as i64 + n).unwrap();
        }
    }
}

#[test]
fn a_lost_series_record_costs_its_samples_and_no_others() {
    let (disk, path, starts) = ten_batches();
    let mut bytes = disk.read(&path);
    bytes[starts[0] + 10] ^= 1;
    disk.write(&path, bytes);
    let store = open(&disk);
    assert_eq!(all(&store), nth_answer(0..0));
    let recovery = store.recovery();
    let lost = recovery.samples_without_series + recovery.samples_without_base;
    assert_eq!(lost, 20);
    append_nth(&store, 30).unwrap();
    drop(store);
    assert_eq!(all(&open(&disk)), nth_answer(30..31));
}

#[test]
fn a_change_at_any_byte_of_a_block_is_told_and_never_shown() {
    let (disk, _, _) = ten_batches();
    open(&disk).flush().unwrap();
    let path = disk.files(".block").remove(0);
    let whole = disk.read(&path);
    let expected = nth_answer(0..10);
    for place in 0..whole.len() {
        let disk = disk.after_kill();
        let mut changed = whole.clone();
        changed[place] ^= 0x41;
        disk.write(&path, changed);
        let store = open(&disk);
        let told = store.recovery().damages > 0 || !store.verify().is_empty();
        match try_all(&store) {
            Ok(answer) if answer.is_empty() => assert!(told, "{place}"),
            Ok(answer) => assert_eq!(answer, expected, "{place}"),
            Err(_) => assert!(told, "{place}"),
        }
        // Whatever it is, new samples are taken and found.
        append_nth(&store, 20).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_is_kept() {
    let (disk, path, starts) = ten_batches();
    let whole = disk.read(&path);
    for behind in starts[3]..whole.len() {
        let disk = disk.after_kill();
        disk.set(Faults {
            read_behind: Some(behind),
            ..Faults::default()
        });
        let store = open(&disk);
        disk.set(Faults::default());
        let left = starts.iter().filter(|&&start| start <= behind).count() as i64 - 1;
        assert_eq!(all(&store), nth_answer(0..left), "{behind}");
        assert_eq!(store.recovery().damages, 1);
        assert_eq!(store.recovery().damage[0].kind, DamageKind::Unreadable);
        store.maintain(ms(0));
        // Nothing was cut off, for it may be readable another time.
        assert_eq!(disk.read(&disk.files(".damaged")[0]), whole);
        assert_eq!(all(&open(&disk)), nth_answer(0..left));
    }
}

#[test]
fn a_missing_segment_is_told() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..60 {
        append_nth(&store, n).unwrap();
    }
    drop(store);
    let files = disk.files(".log");
    assert!(files.len() > 3);
    let left = disk.after_kill();
    stonechat_tsdb::disk::Disk::remove(&left, &files[1]).unwrap();
    let store = open(&left);
    assert_eq!(store.recovery().damage[0].kind, DamageKind::Missing);
    assert!(all(&store).values().all(|samples| samples.len() < 60));
}

#[test]
fn a_file_of_a_newer_version_is_neither_read_nor_removed() {
    let (disk, path, _) = ten_batches();
    let mut bytes = disk.read(&path);
    bytes[8] = 3;
    let checksum = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    disk.write(&path, bytes.clone());
    let refused = Store::open(options(&disk)).unwrap_err();
    assert!(
        matches!(refused, OpenError::Version { version: 3, .. }),
        "{refused}"
    );
    assert_eq!(disk.read(&path), bytes);
}

#[test]
fn other_files_in_the_directory_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/deep");
    let store = Store::open(StoreOptions::new(&path)).unwrap();
    append_nth(&store, 1).unwrap();
    drop(store);
    for name in ["notes.txt", "x.log", "-1.log", "lost+found"] {
        std::fs::write(path.join("wal").join(name), b"x").unwrap();
    }
    let store = Store::open(StoreOptions::new(&path)).unwrap();
    assert_eq!(store.recovery().damages, 0);
    store.flush().unwrap();
    assert_eq!(all(&store), nth_answer(1..2));
    assert!(path.join("wal/notes.txt").exists() && path.join("wal/x.log").exists());
}

#[test]
fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::new(dir.path())).unwrap();
    let second = Store::open(StoreOptions::new(dir.path())).unwrap_err();
    assert!(matches!(second, OpenError::Locked(_)), "{second}");
    let series = series(&store, "a");
    store.close().unwrap();
    let mut batch = Batch::at(ms(1));
    batch.values.push((series, 1.0));
    assert!(matches!(store.append(&batch), Err(AppendError::Closed)));
    assert!(matches!(
        Appender::series(&store, &named("b")),
        Err(AppendError::Closed)
    ));
    Store::open(StoreOptions::new(dir.path())).unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(StoreOptions::new(file.path().join("below"))).unwrap_err();
    assert!(matches!(error, OpenError::Create { .. }), "{error}");
    assert!(Path::new(&file.path()).exists());
}
