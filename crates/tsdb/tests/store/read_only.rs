//! Stores that only look.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use stonechat_model::AppendError;
use stonechat_tsdb::{DamageKind, OpenError, Store, StoreOptions};

use crate::support::{all, append_nth, ms, nth_answer};

/// Names and bytes of all files under a directory.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for part in ["", "wal", "blocks"] {
        let Ok(entries) = fs::read_dir(dir.join(part)) else {
            continue;
        };
        for entry in entries.map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                files.insert(entry.path().display().to_string(), bytes);
            }
        }
    }
    files
}

/// A store with batches 0 to 9 in a block and 10 to 19 in the log.
fn twenty_batches(dir: &Path) {
    let store = Store::open(StoreOptions::new(dir)).unwrap();
    (0..10).for_each(|n| drop(append_nth(&store, n).unwrap()));
    store.flush().unwrap();
    (10..20).for_each(|n| drop(append_nth(&store, n).unwrap()));
}

#[test]
fn who_looks_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    twenty_batches(dir.path());
    let before = files(dir.path());
    let stores = [(); 2].map(|()| Store::open(StoreOptions::read_only(dir.path())).unwrap());
    for store in &stores {
        assert_eq!(all(store), nth_answer(0..20));
        let range = store.range().unwrap();
        assert_eq!((range.start, range.end), (ms(0), ms(19_000)));
        assert!(store.verify().is_empty());
        match append_nth(store, 20) {
            Err(AppendError::Log(error)) => assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem),
            other => panic!("{other:?}"),
        }
        assert!(store.flush().is_err());
        assert!(store.delete(&[], stonechat_model::TimeRange::ALL).is_err());
        assert_eq!(all(store), nth_answer(0..20), "still");
    }
    let owner = Store::open(StoreOptions::new(dir.path()));
    assert!(matches!(owner, Err(OpenError::Locked(_))), "{owner:?}");
    drop(stores);
    assert_eq!(files(dir.path()), before);
    let owner = Store::open(StoreOptions::new(dir.path())).unwrap();
    assert_eq!(all(&owner), nth_answer(0..20));
    let other = Store::open(StoreOptions::read_only(dir.path()));
    assert!(matches!(other, Err(OpenError::Locked(_))), "{other:?}");
}

#[test]
fn damage_is_told_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    twenty_batches(dir.path());
    let segment = files(dir.path().join("wal").as_path())
        .into_keys()
        .next_back()
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes.truncate(bytes.len() - 3);
    fs::write(&segment, bytes).unwrap();
    let unknown = dir.path().join("blocks").join("0000000077.block");
    fs::write(&unknown, b"no block").unwrap();
    fs::write(dir.path().join("blocks").join("0000000078.unfinished"), b"").unwrap();
    let before = files(dir.path());
    for _ in 0..2 {
        let store = Store::open(StoreOptions::read_only(dir.path())).unwrap();
        let mut kinds: Vec<_> = store
            .recovery()
            .damage
            .iter()
            .map(|damage| (damage.kind, damage.file.clone()))
            .collect();
        kinds.sort_by_key(|(kind, _)| format!("{kind:?}"));
        let expected = [
            (DamageKind::Block, unknown.clone()),
            (DamageKind::Torn, segment.clone().into()),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(store.recovery().torn(), 1);
        assert_eq!(all(&store), nth_answer(0..19));
    }
    assert_eq!(files(dir.path()), before);
}

#[test]
fn a_snapshot_has_no_log_and_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let (store, snapshot) = (dir.path().join("store"), dir.path().join("snapshot"));
    twenty_batches(&store);
    let store = Store::open(StoreOptions::new(&store)).unwrap();
    store.snapshot(&snapshot).unwrap();
    let before = files(&snapshot);
    let looking = Store::open(StoreOptions::read_only(&snapshot)).unwrap();
    assert_eq!(all(&looking), nth_answer(0..20));
    drop(looking);
    assert_eq!(files(&snapshot), before);
}
