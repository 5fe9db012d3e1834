use std::sync::Arc;

use super::*;
use crate::alerts::AlertState;
use crate::testing::{at, groups, labels};

fn id() -> RuleId {
    RuleId::of(
        &groups("  - {alert: A, expr: x, labels: {team: im}}\n")[0],
        0,
    )
}

fn alert(state: AlertState, active_at: i64) -> ActiveAlert {
    let mut alert = ActiveAlert::new(Arc::default(), 1.5, at(active_at));
    alert.state = state;
    alert.fired_at = (state != AlertState::Pending).then(|| at(active_at + 10));
    alert.resolved_at = (state == AlertState::Inactive).then(|| at(active_at + 20));
    alert.keep_firing_since = (state == AlertState::Firing).then(|| at(active_at + 15));
    alert
}

fn changes(whole: bool, alerts: &[(&str, ActiveAlert)], gone: &[&str]) -> Changes {
    Changes {
        whole,
        alerts: alerts
            .iter()
            .map(|(text, alert)| (labels(text), alert.clone()))
            .collect(),
        gone: gone.iter().map(|text| labels(text)).collect(),
    }
}

/// What a folder holds: `labels state active_at`, sorted, and when it was last seen.
fn shown(folder: &Path) -> Option<(Vec<String>, i64)> {
    let (_, memory) = StateFile::open(folder).unwrap();
    let memory = memory?;
    let Some(remembered) = memory.get(&id()) else {
        return Some((Vec::new(), 0));
    };
    let mut alerts: Vec<String> = remembered
        .alerts
        .iter()
        .map(|(labels, alert)| {
            assert_eq!(
                *alert,
                self::alert(alert.state, alert.active_at.millis() / 1000)
            );
            let since = alert.active_at.millis() / 1000;
            format!("{labels} {} {since}", alert.state.as_str())
        })
        .collect();
    alerts.sort();
    Some((alerts, remembered.seen_at.millis() / 1000))
}

/// A folder in which an alert of three is gone.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, memory) = StateFile::open(folder.path()).unwrap();
    assert!(memory.is_none(), "there was no file");
    let first = [
        ("{i=\"1\"}", alert(AlertState::Pending, 100)),
        ("{i=\"2\"}", alert(AlertState::Firing, 50)),
        ("{i=\"3\"}", alert(AlertState::Firing, 60)),
    ];
    file.append(&id(), &changes(true, &first, &[]), at(100))
        .unwrap();
    let second = [("{i=\"2\"}", alert(AlertState::Inactive, 50))];
    file.append(&id(), &changes(false, &second, &["{i=\"3\"}"]), at(110))
        .unwrap();
    file.seen("r.yml", "g", at(120)).unwrap();
    file.seen("r.yml", "other", at(130)).unwrap();
    folder
}

fn good() -> Option<(Vec<String>, i64)> {
    let alerts = ["{i=\"1\"} pending 100", "{i=\"2\"} inactive 50"];
    Some((alerts.map(str::to_owned).to_vec(), 120))
}

#[test]
fn what_was_written_comes_back() {
    let folder = written();
    assert_eq!(shown(folder.path()), good());
    // Opening has written it anew; that gives the same.
    assert_eq!(shown(folder.path()), good());
    let (mut file, memory) = StateFile::open(folder.path()).unwrap();
    file.outdate();
    assert!(file.wants_rewrite());
    file.rewrite(&memory.unwrap()).unwrap();
    assert!(!file.wants_rewrite());
    assert_eq!(shown(folder.path()), good());
}

#[test]
fn a_new_rule_forgets_what_its_predecessor_left() {
    let folder = written();
    let (mut file, _) = StateFile::open(folder.path()).unwrap();
    let only = [("{i=\"9\"}", alert(AlertState::Pending, 200))];
    file.append(&id(), &changes(true, &only, &[]), at(200))
        .unwrap();
    assert_eq!(
        shown(folder.path()),
        Some((vec!["{i=\"9\"} pending 200".to_owned()], 200))
    );
}

#[test]
fn rules_of_the_same_name_and_labels_are_told_apart() {
    let rules = "  - {alert: A, expr: x}\n  - {alert: A, expr: y, labels: {a: b}}\n  - {alert: A, expr: z}\n";
    let group = &groups(rules)[0];
    let nth: Vec<usize> = (0..3).map(|index| RuleId::of(group, index).nth).collect();
    assert_eq!(nth, [0, 0, 1]);
}

#[test]
fn half_a_line_at_the_end_is_dropped() {
    let folder = written();
    let path = folder.path().join("alerts");
    let whole = fs::read(&path).unwrap();
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, 5);
    for length in (0..whole.len()).step_by(3) {
        fs::write(&path, &whole[..length]).unwrap();
        let kept = shown(folder.path()).expect("a torn file is used up to its end");
        let whole_lines = whole[..length]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        match whole_lines {
            0 | 1 => assert_eq!(kept.0.len(), 0, "{length}"),
            2 => assert_eq!((kept.0.len(), kept.1), (3, 100), "{length}"),
            3 => assert_eq!((kept.0.len(), kept.1), (2, 110), "{length}"),
            _ => assert_eq!(Some(kept), good(), "{length}"),
        }
    }
}

#[test]
fn a_changed_byte_is_found_and_the_file_set_aside() {
    let folder = written();
    let path = folder.path().join("alerts");
    let whole = fs::read(&path).unwrap();
    let begin = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let places = (begin..whole.len() - 1).step_by(3);
    for at in places.filter(|at| whole[*at] != b'\n') {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        if changed[at] == b'\n' {
            continue;
        }
        fs::write(&path, &changed).unwrap();
        assert_eq!(shown(folder.path()), None, "byte {at}");
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), changed);
    }
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts");
    fs::write(&path, "stonechat alerts 2\n").unwrap();
    let error = StateFile::open(folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("newer than this program"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"stonechat alerts 2\n");
    fs::write(&path, "something else\n").unwrap();
    assert_eq!(shown(folder.path()), None);
}
