use std::fs;

use stonechat_metrics::Registry;
use stonechat_model::Labels;

use super::*;
use crate::delivery::DeliveryOutcome;
use crate::notification::Status;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn open(folder: &Path) -> Journal {
    let registry = Registry::bare();
    let dropped = registry.counter("dropped_total", "Dropped.").register();
    Journal::open(folder, dropped.unwrap(), at(1)).unwrap()
}

fn fires(alert: &str, seconds: i64) -> Happened {
    let event = Event::Fires {
        alert: alert.to_owned(),
        labels: Labels::from_pairs([("alertname", "Slow")]).unwrap(),
        since: at(seconds),
        receivers: vec!["r".to_owned()],
    };
    Happened {
        at: at(seconds),
        event,
    }
}

/// A message about alerts, two attempts, and its end.
fn told(id: &str, alerts: &[&str]) -> Vec<Happened> {
    let alerts = alerts.iter().map(|alert| Told {
        alert: (*alert).to_owned(),
        status: Status::Firing,
    });
    let attempt = |number, answer: &str| Event::Attempt {
        id: id.to_owned(),
        number,
        answer: answer.to_owned(),
        seconds: 0.25,
    };
    let events = [
        Event::Message {
            id: id.to_owned(),
            way: "r/webhook[0]".to_owned(),
            group: "{}:{}".to_owned(),
            reason: "first notification".to_owned(),
            alerts: alerts.collect(),
        },
        attempt(1, "503"),
        attempt(2, "200 OK"),
        Event::Outcome {
            id: id.to_owned(),
            outcome: DeliveryOutcome::Delivered,
            answer: "200 OK".to_owned(),
        },
    ];
    let events = events.into_iter();
    events.map(|event| Happened { at: at(5), event }).collect()
}

fn write(journal: &Journal, happened: &[Happened]) {
    for Happened { at, event } in happened {
        journal.write(*at, event.clone());
    }
}

#[test]
fn an_alert_gets_what_concerns_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (a, b) = ("00000000000000aa", "00000000000000bb");
    let quiet = Happened {
        at: at(3),
        event: Event::Quiet {
            alert: b.to_owned(),
            group: "{}:{}".to_owned(),
            by: vec![
                QuietBy::Silence("some".to_owned()),
                QuietBy::Inhibition(a.to_owned()),
            ],
        },
    };
    let (both, one) = (told("1-0", &[a, b]), told("1-1", &[a]));
    write(&journal, &[fires(a, 1), fires(b, 2), quiet.clone()]);
    write(&journal, &both);
    write(&journal, &one);
    let expected: Vec<Happened> = [fires(a, 1)]
        .into_iter()
        .chain(both.clone())
        .chain(one)
        .collect();
    assert_eq!(journal.of_alert(a).unwrap(), expected);
    let expected: Vec<Happened> = [fires(b, 2), quiet].into_iter().chain(both).collect();
    assert_eq!(journal.of_alert(b).unwrap(), expected);
    assert_eq!(journal.of_alert("00000000000000cc").unwrap(), []);
}

#[test]
fn half_a_line_is_no_event_and_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let a = "00000000000000aa";
    let path = folder.path().join("deliveries");
    fs::write(
        &path,
        format!("{{\"at\":\"2026-01-01T00:00:00Z\",\"what\":\"fires\",\"alert\":\"{a}"),
    )
    .unwrap();
    let journal = open(folder.path());
    write(&journal, &[fires(a, 1)]);
    assert_eq!(journal.of_alert(a).unwrap(), [fires(a, 1)]);
}

#[test]
fn a_full_file_makes_place_and_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deliveries");
    let a = "00000000000000aa";
    let journal = open(folder.path());
    write(&journal, &[fires(a, 1)]);
    journal.flush();
    // As if it had been written for long.
    let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut long = fs::read(&path).unwrap();
    long.resize(16 << 20, b'\n');
    drop(file);
    fs::write(&path, long).unwrap();
    drop(journal);
    let journal = open(folder.path());
    write(&journal, &[fires(a, 2)]);
    assert_eq!(journal.of_alert(a).unwrap(), [fires(a, 1), fires(a, 2)]);
    assert!(fs::metadata(&path).unwrap().len() < 1000);
    let older = fs::metadata(folder.path().join("deliveries.1")).unwrap();
    assert!(older.len() >= 16 << 20);
}
