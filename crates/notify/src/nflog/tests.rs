use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Alert, Labels};

use super::*;
use crate::alert::{KnownAlert, ToldAlert};
use crate::channel::{ChannelKind, IntegrationKey};
use crate::log::LogKey;

fn at(seconds: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_secs(seconds))
}

fn alert(name: &str) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name)]).unwrap(),
        annotations: BTreeMap::from([("summary".to_owned(), "line\nbreak".to_owned())]),
        starts_at: at(1),
        ends_at: at(1000),
        generator_url: "http://g/".to_owned(),
    }
}

fn entry(group: &str, told_at: u64, alerts: &[(&str, bool)]) -> LogEntry {
    let key = LogKey {
        group: Arc::from(group),
        integration: IntegrationKey {
            receiver: Arc::from("größe \"x\""),
            kind: ChannelKind::Webhook,
            index: 1,
        },
    };
    let alerts: Vec<ToldAlert> = alerts
        .iter()
        .map(|(name, resolved)| ToldAlert {
            known: Arc::new(KnownAlert::new(alert(name), false)),
            resolved: *resolved,
        })
        .collect();
    LogEntry::new(key, &alerts, Duration::from_secs(3600), at(told_at))
}

fn open(directory: &Path, now: u64) -> (Nflog, Vec<LogEntry>) {
    let (log, restored) = Nflog::open(directory, at(now)).unwrap();
    (log, restored.into_iter().map(|r| r.entry).collect())
}

#[test]
fn what_was_appended_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("made/when/missing");
    let (mut log, entries) = open(&inner, 0);
    assert!(entries.is_empty());
    let first = entry("a", 10, &[("x", false), ("y", true)]);
    let second = entry("b", 11, &[("z", false)]);
    log.append(&[first.clone(), second.clone()], at(11))
        .unwrap();
    log.sync().unwrap();
    drop(log);
    for _ in 0..2 {
        assert_eq!(open(&inner, 12).1, [first.clone(), second.clone()]);
    }
}

#[test]
fn only_the_newest_of_each_group_counts_whatever_the_order() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), 0);
    let newer = entry("a", 20, &[("x", true)]);
    let older = entry("a", 10, &[("x", false)]);
    log.append(&[newer.clone(), older], at(20)).unwrap();
    assert_eq!(open(directory.path(), 21).1, [newer]);
}

#[test]
fn old_entries_are_forgotten_unless_an_end_is_still_to_be_told() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), 0);
    let fires = entry("a", 10, &[("x", false)]);
    let over = entry("b", 10, &[("x", true)]);
    log.append(&[fires.clone(), over.clone()], at(10)).unwrap();
    assert_eq!(open(directory.path(), 7209).1, [fires.clone(), over]);
    assert_eq!(open(directory.path(), 7210).1, [fires]);
}

#[test]
fn a_file_that_ends_anywhere_gives_the_whole_records_before() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nflog");
    let (mut log, _) = open(directory.path(), 0);
    let first = entry("a", 10, &[("x", false)]);
    log.append(std::slice::from_ref(&first), at(10)).unwrap();
    let whole = fs::read(&path).unwrap().len();
    log.append(&[entry("b", 11, &[("y", false)])], at(11))
        .unwrap();
    let bytes = fs::read(&path).unwrap();
    let around = [
        0,
        1,
        4,
        5,
        6,
        12,
        13,
        14,
        whole - 1,
        whole,
        whole + 1,
        whole + 8,
    ];
    let between = (0..bytes.len()).step_by(37);
    for length in around.into_iter().chain(between) {
        fs::write(&path, &bytes[..length]).unwrap();
        let (mut log, entries) = open(directory.path(), 12);
        let expected = usize::from(length >= whole);
        assert_eq!(entries.len(), expected, "cut at {length}");
        // The file is whole again, and takes more.
        log.append(&[entry("c", 12, &[])], at(12)).unwrap();
        assert_eq!(open(directory.path(), 12).1.len(), expected + 1);
    }
}

#[test]
fn a_changed_byte_costs_what_follows_and_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nflog");
    let (mut log, _) = open(directory.path(), 0);
    let first = entry("a", 10, &[("x", false)]);
    log.append(std::slice::from_ref(&first), at(10)).unwrap();
    let whole = fs::read(&path).unwrap().len();
    log.append(&[entry("b", 11, &[])], at(11)).unwrap();
    let good = fs::read(&path).unwrap();
    for position in [0, 3, whole, whole + 4, whole + 20, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[position] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        let (_, entries) = open(directory.path(), 12);
        let expected = usize::from(position >= whole);
        assert_eq!(entries.len(), expected, "byte {position}");
        if position != whole {
            let aside = fs::read(directory.path().join("nflog.damaged")).unwrap();
            assert_eq!(aside, bytes, "byte {position}");
        }
    }
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("nflog");
    fs::write(&path, b"SNFL\x02whatever").unwrap();
    let error = Nflog::open(directory.path(), at(0)).unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.ends_with("nflog has version 2, which is newer than this program"),
        "{shown}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"SNFL\x02whatever");
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Nflog::open(&file, at(0)).unwrap_err();
    assert!(matches!(error, NflogError::Io { .. }), "{error}");
}

#[test]
fn a_file_that_is_mostly_outdated_is_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), 0);
    let mut told = 0;
    while !log.wants_rewrite() {
        told += 1;
        log.append(&[entry("a", told, &[("x", false)])], at(told))
            .unwrap();
        assert!(told < 100_000, "it has to be enough some time");
    }
    let newest = entry("a", told, &[("x", false)]);
    log.rewrite(std::slice::from_ref(&newest), at(told))
        .unwrap();
    assert!(!log.wants_rewrite());
    let length = fs::metadata(directory.path().join("nflog")).unwrap().len();
    assert!(length < 1000, "{length}");
    assert_eq!(open(directory.path(), told).1, [newest]);
}

/// Files of every version that was released must open.
#[test]
fn a_file_of_version_1_opens() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = include_bytes!("../../tests/data/nflog-v1");
    fs::write(directory.path().join("nflog"), bytes).unwrap();
    let expected = [
        entry("a", 10, &[("x", false), ("y", true)]),
        entry("b", 11, &[("z", false)]),
    ];
    assert_eq!(open(directory.path(), 12).1, expected);
}
