//! Alerts through time. Times are seconds; `+` is a result with the alert, `-` one without.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use stonechat_model::{Labels, Timestamp};

use super::send::Sending;
use super::{
    ActiveAlert, AlertState, Alerts, Away, Observed, Recorded, StepError, Timing, Tolerance,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn labels(instance: &str) -> Labels {
    Labels::from_pairs([("alertname", "Down"), ("instance", instance)])
        .expect("labels of a test are valid")
}

fn seen(instances: &[&str]) -> Vec<Observed> {
    let observed = |instance: &&str| Observed {
        labels: labels(instance),
        annotations: Arc::default(),
        value: 1.0,
    };
    instances.iter().map(observed).collect()
}

fn timing(hold: u64, keep_firing: u64) -> Timing {
    Timing {
        hold: Duration::from_secs(hold),
        keep_firing: Duration::from_secs(keep_firing),
        limit: 0,
    }
}

fn find<'a>(alerts: &'a Alerts, instance: &str) -> Option<&'a ActiveAlert> {
    alerts.active.get(&labels(instance))
}

/// How the alert stands: state, since when active, and `kept` while it fires only by `keep_firing_for`.
fn shown(alerts: &Alerts) -> String {
    find(alerts, "a").map_or_else(
        || "gone".to_owned(),
        |alert| {
            let kept = alert.keep_firing_since.map_or("", |_| " kept");
            format!(
                "{} {}{kept}",
                alert.state.as_str(),
                alert.active_at.millis() / 1000
            )
        },
    )
}

/// Steps an alert through results, and compares how it stands after each.
fn check(hold: u64, keep_firing: u64, steps: &[(i64, char, &str)]) {
    let mut alerts = Alerts::new(true);
    for (seconds, present, expected) in steps {
        let instances: &[&str] = if *present == '+' { &["a"] } else { &[] };
        alerts
            .step(seen(instances), timing(hold, keep_firing), at(*seconds))
            .unwrap();
        assert_eq!(shown(&alerts), *expected, "at {seconds}");
    }
}

#[test]
fn without_for_an_alert_fires_at_once() {
    check(
        0,
        0,
        &[
            (0, '-', "gone"),
            (10, '+', "firing 10"),
            (20, '+', "firing 10"),
            (30, '-', "inactive 10"),
        ],
    );
}

#[test]
fn an_alert_is_pending_for_as_long_as_for_says() {
    check(
        30,
        0,
        &[
            (0, '+', "pending 0"),
            (10, '+', "pending 0"),
            (29, '+', "pending 0"),
            (30, '+', "firing 0"),
            (40, '+', "firing 0"),
        ],
    );
}

#[test]
fn a_gap_lets_for_begin_again() {
    check(
        20,
        0,
        &[
            (0, '+', "pending 0"),
            (10, '-', "gone"),
            (20, '+', "pending 20"),
            (30, '+', "pending 20"),
            (40, '+', "firing 20"),
        ],
    );
}

#[test]
fn a_resolved_alert_is_kept_for_15_minutes() {
    check(
        0,
        0,
        &[
            (0, '+', "firing 0"),
            (10, '-', "inactive 0"),
            (20, '-', "inactive 0"),
            (910, '-', "inactive 0"),
            (911, '-', "gone"),
        ],
    );
}

#[test]
fn a_resolved_alert_that_comes_back_is_a_new_one() {
    check(
        10,
        0,
        &[
            (0, '+', "pending 0"),
            (10, '+', "firing 0"),
            (20, '-', "inactive 0"),
            (30, '+', "pending 30"),
            (40, '+', "firing 30"),
        ],
    );
}

#[test]
fn keep_firing_for_bridges_a_gap() {
    check(
        0,
        30,
        &[
            (0, '+', "firing 0"),
            (10, '-', "firing 0 kept"),
            (39, '-', "firing 0 kept"),
            (40, '-', "inactive 0 kept"),
        ],
    );
    check(
        0,
        30,
        &[
            (0, '+', "firing 0"),
            (10, '-', "firing 0 kept"),
            (20, '+', "firing 0"),
            (30, '-', "firing 0 kept"),
            (59, '-', "firing 0 kept"),
            (60, '-', "inactive 0 kept"),
        ],
    );
}

#[test]
fn keep_firing_for_does_not_keep_a_pending_alert() {
    check(20, 60, &[(0, '+', "pending 0"), (10, '-', "gone")]);
}

#[test]
fn a_result_with_the_same_alert_twice_is_refused_and_changes_nothing() {
    let mut alerts = Alerts::new(true);
    alerts.step(seen(&["a"]), timing(0, 0), at(0)).unwrap();
    let error = alerts
        .step(seen(&["b", "b"]), timing(0, 0), at(10))
        .unwrap_err();
    assert_eq!(error, StepError::SameLabels);
    assert_eq!(shown(&alerts), "firing 0");
    assert!(find(&alerts, "b").is_none());
}

#[test]
fn a_result_past_the_limit_is_refused_and_changes_nothing() {
    let limited = Timing {
        limit: 2,
        ..timing(0, 30)
    };
    let mut alerts = Alerts::new(true);
    alerts.step(seen(&["a", "b"]), limited, at(0)).unwrap();
    // Two are new, and the two that fire on count too.
    let error = alerts.step(seen(&["c", "d"]), limited, at(10)).unwrap_err();
    assert_eq!(error.to_string(), "exceeded limit of 2 with 4 alerts");
    assert_eq!(shown(&alerts), "firing 0");
    // Without them there is room.
    let limited = Timing {
        limit: 2,
        ..timing(0, 0)
    };
    alerts.step(seen(&["c", "d"]), limited, at(20)).unwrap();
    assert_eq!(shown(&alerts), "inactive 0");
}

#[test]
fn the_furthest_state_is_that_of_the_rule() {
    let mut alerts = Alerts::new(true);
    assert_eq!(alerts.state(), AlertState::Inactive);
    alerts.step(seen(&["a"]), timing(10, 0), at(0)).unwrap();
    alerts
        .step(seen(&["a", "b"]), timing(10, 0), at(10))
        .unwrap();
    assert_eq!(alerts.state(), AlertState::Firing);
    assert_eq!(alerts.pending_and_firing().count(), 2);
    alerts.step(seen(&["b"]), timing(20, 0), at(20)).unwrap();
    assert_eq!(alerts.state(), AlertState::Pending);
    assert_eq!(alerts.pending_and_firing().count(), 1);
}

/// What notification hears at each time, with `interval` 10 s and `resend_delay` 60 s: `from..until` or nothing.
fn check_sent(hold: u64, steps: &[(i64, char, &str)]) {
    let mut alerts = Alerts::new(true);
    let external_labels = Labels::from_pairs([("system", "chat"), ("instance", "x")]).unwrap();
    let sending = Sending {
        resend_delay: Duration::from_secs(60),
        interval: Duration::from_secs(10),
        external_labels: &external_labels,
        generator_url: "http://monitor/graph",
    };
    for (seconds, present, expected) in steps {
        let instances: &[&str] = if *present == '+' { &["a"] } else { &[] };
        alerts
            .step(seen(instances), timing(hold, 0), at(*seconds))
            .unwrap();
        let sent = alerts.take_due(&sending, at(*seconds));
        let shown: Vec<String> = sent
            .iter()
            .map(|alert| {
                assert_eq!(
                    alert.labels.to_string(),
                    r#"{alertname="Down", instance="a", system="chat"}"#
                );
                assert_eq!(alert.generator_url, "http://monitor/graph");
                format!(
                    "{}..{}",
                    alert.starts_at.millis() / 1000,
                    alert.ends_at.millis() / 1000
                )
            })
            .collect();
        assert_eq!(shown.join(" "), *expected, "at {seconds}");
    }
}

#[test]
fn an_alert_is_told_when_it_fires_and_again_after_the_delay() {
    check_sent(
        20,
        &[
            (0, '+', ""),
            (10, '+', ""),
            (20, '+', "20..260"),
            (30, '+', ""),
            (80, '+', ""),
            (90, '+', "20..330"),
        ],
    );
}

#[test]
fn a_resolved_alert_is_told_at_once_and_again_for_15_minutes() {
    check_sent(
        0,
        &[
            (0, '+', "0..240"),
            (10, '-', "0..10"),
            (20, '-', ""),
            (70, '-', ""),
            (80, '-', "0..10"),
            (910, '-', "0..10"),
            (1000, '-', ""),
        ],
    );
}

#[test]
fn an_alert_that_never_fired_is_never_told() {
    check_sent(30, &[(0, '+', ""), (10, '-', ""), (20, '-', "")]);
}

/// An alert that was active since `active_at` and last seen at `down`, seen again at `up`: when it fires.
fn check_restored(hold: u64, grace: u64, (active_at, down, up): (i64, i64, i64), fires: i64) {
    let timing = timing(hold, 0);
    let mut alerts = Alerts::new(false);
    alerts.step(seen(&["a", "new"]), timing, at(up)).unwrap();
    let recorded = Recorded {
        at: at(down),
        active_at: at(active_at),
    };
    let tolerance = Tolerance {
        grace: Duration::from_secs(grace),
    };
    alerts.restore(
        &HashMap::from([(labels("a"), recorded)]),
        timing.hold,
        tolerance,
        at(up),
    );
    assert!(alerts.restored);
    assert_eq!(find(&alerts, "new").unwrap().active_at, at(up));
    let first = (up + 1..up + 10_000).find(|&seconds| {
        alerts.step(seen(&["a"]), timing, at(seconds)).unwrap();
        find(&alerts, "a").unwrap().state == AlertState::Firing
    });
    assert_eq!(first, Some(fires));
}

#[test]
fn an_alert_that_was_firing_fires_on_after_a_restart() {
    check_restored(900, 600, (0, 1000, 1100), 1101);
    check_restored(60, 600, (0, 100, 400), 401);
    // It also keeps the time since which it has been firing.
    let mut alerts = Alerts::new(false);
    alerts.step(seen(&["a"]), timing(60, 0), at(200)).unwrap();
    let recorded = HashMap::from([(
        labels("a"),
        Recorded {
            at: at(100),
            active_at: at(0),
        },
    )]);
    alerts.restore(
        &recorded,
        Duration::from_secs(60),
        Tolerance {
            grace: Duration::ZERO,
        },
        at(200),
    );
    alerts.step(seen(&["a"]), timing(60, 0), at(210)).unwrap();
    assert_eq!(find(&alerts, "a").unwrap().fired_at, Some(at(60)));
}

#[test]
fn the_time_without_a_server_does_not_count_as_pending() {
    // 100 s of 3600 had passed; 3500 are left.
    check_restored(3600, 600, (0, 100, 1000), 4500);
    // Prometheus would start a `for` below the grace period again.
    check_restored(300, 600, (0, 100, 1000), 1200);
}

#[test]
fn shortly_before_firing_the_grace_period_is_waited_for() {
    // 50 s were left, but 600 have to pass after the restart.
    check_restored(1000, 600, (0, 950, 1000), 1600);
}

#[test]
fn an_alert_that_is_over_is_not_restored() {
    let mut alerts = Alerts::new(false);
    alerts.step(seen(&["a"]), timing(0, 0), at(0)).unwrap();
    alerts.step(seen(&[]), timing(0, 0), at(10)).unwrap();
    let before = find(&alerts, "a").cloned();
    let recorded = HashMap::from([(
        labels("a"),
        Recorded {
            at: at(-10),
            active_at: at(-100),
        },
    )]);
    alerts.restore(
        &recorded,
        Duration::ZERO,
        Tolerance {
            grace: Duration::ZERO,
        },
        at(10),
    );
    assert_eq!(find(&alerts, "a").cloned(), before);
}

/// Steps an alert, restarts in between, and compares how it stands after each. `/` at a time is the moment of the start.
fn check_remembered(hold: u64, keep_firing: u64, steps: &[(i64, char, &str)]) {
    let away = Away {
        tolerance: Duration::from_secs(3600),
        settle: Duration::from_secs(20),
        interval: Duration::from_secs(10),
    };
    let mut alerts = Alerts::new(true);
    for (seconds, what, expected) in steps {
        let now = at(*seconds);
        match what {
            '/' => alerts = Alerts::remembering(alerts.remembered(), away, now),
            _ => {
                let instances: &[&str] = if *what == '+' { &["a"] } else { &[] };
                alerts
                    .step(seen(instances), timing(hold, keep_firing), now)
                    .unwrap();
                alerts.seen_at = now;
            }
        }
        assert_eq!(shown(&alerts), *expected, "at {seconds}");
    }
}

#[test]
fn a_restart_does_not_begin_for_anew() {
    check_remembered(
        60,
        0,
        &[
            (0, '+', "pending 0"),
            (30, '+', "pending 0"),
            (35, '/', "pending 0"),
            (40, '+', "pending 0"),
            (60, '+', "firing 0"),
            (65, '/', "firing 0"),
            (70, '+', "firing 0"),
            (80, '-', "inactive 0"),
            (85, '/', "inactive 0"),
            (90, '+', "pending 90"),
        ],
    );
}

#[test]
fn what_nobody_can_know_of_does_not_count_as_pending() {
    // 300 s a sample counts, 10 s are one interval: 90 of the 400 s are unknown.
    check_remembered(
        600,
        0,
        &[
            (0, '+', "pending 0"),
            (400, '/', "pending 90"),
            (410, '+', "pending 90"),
            (689, '+', "pending 90"),
            (690, '+', "firing 90"),
        ],
    );
    check_remembered(600, 0, &[(0, '+', "pending 0"), (3601, '/', "gone")]);
    check_remembered(
        0,
        0,
        &[
            (0, '+', "firing 0"),
            (9000, '/', "firing 0"),
            (9010, '+', "firing 0"),
        ],
    );
}

#[test]
fn before_what_it_looks_at_has_come_in_again_an_alert_stays_as_it_is() {
    for (hold, state) in [(60, "pending 0"), (0, "firing 0")] {
        let over = if hold == 0 { "inactive 0" } else { "gone" };
        check_remembered(
            hold,
            0,
            &[
                (0, '+', state),
                (10, '/', state),
                (15, '-', state),
                (29, '-', state),
                (30, '-', over),
            ],
        );
        check_remembered(
            hold,
            0,
            &[
                (0, '+', state),
                (10, '/', state),
                (15, '-', state),
                (20, '+', state),
                // Seen once, it is as ever.
                (25, '-', over),
            ],
        );
    }
}

#[test]
fn keep_firing_for_runs_on_over_a_restart() {
    check_remembered(
        0,
        60,
        &[
            (0, '+', "firing 0"),
            (10, '-', "firing 0 kept"),
            (20, '/', "firing 0 kept"),
            (30, '-', "firing 0 kept"),
            (69, '-', "firing 0 kept"),
            (70, '-', "inactive 0 kept"),
        ],
    );
}

#[test]
fn only_what_has_changed_is_kept_anew() {
    let mut alerts = Alerts::new(true);
    let mut step = |instances: &[&str], seconds: i64| {
        alerts
            .step(seen(instances), timing(20, 0), at(seconds))
            .unwrap();
        let changes = alerts.take_changes();
        (changes.whole, changes.alerts.len(), changes.gone.len())
    };
    assert_eq!(step(&[], 0), (true, 0, 0));
    assert_eq!(step(&["a", "b"], 10), (true, 2, 0));
    assert_eq!(step(&["a", "b"], 20), (false, 0, 0));
    assert_eq!(step(&["a"], 30), (false, 1, 1), "one fires, one is gone");
    assert_eq!(step(&["a"], 40), (false, 0, 0));
    assert_eq!(step(&[], 50), (false, 1, 0));
    assert_eq!(step(&[], 950), (false, 0, 0));
    assert_eq!(step(&[], 951), (false, 0, 1));
}
