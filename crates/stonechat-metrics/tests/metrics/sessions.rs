use std::time::{Duration, Instant};

use stonechat_metrics::{Counter, Family, Format, Gauge, Registry};

use super::{allocations, lines};

fn gauges(registry: &Registry, series_max: usize) -> Family<Gauge, 1> {
    let builder = registry.gauge("rtt_milliseconds", "Round trip.");
    let builder = builder.labels(["session_id"]).series_max(series_max);
    builder.register().unwrap()
}

fn shown(registry: &Registry) -> Vec<String> {
    let value = |line: String| line.split('"').nth(1).unwrap().to_owned();
    let lines = lines(registry, "rtt_milliseconds{");
    lines.into_iter().map(value).collect()
}

#[test]
fn the_end_of_a_session_is_seen_once_more() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]).set(20.0);
    second.own(&family, ["2"]).set(30.0);
    assert_eq!(shown(&registry), ["1", "2"]);
    let kept = first.own(&family, ["1"]);
    kept.set(25.0);
    drop(first);
    assert_eq!(
        lines(&registry, "rtt_milliseconds{"),
        [
            r#"rtt_milliseconds{session_id="1"} 25"#,
            r#"rtt_milliseconds{session_id="2"} 30"#
        ]
    );
    assert_eq!(shown(&registry), ["2"]);
    kept.set(1.0);
    assert_eq!(shown(&registry), ["2"], "a handle does not bring it back");
}

#[test]
fn a_session_that_comes_back_before_the_scrape_stays() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    for round in 0..1_000 {
        let session = registry.session();
        session.own(&family, ["1"]).set(f64::from(round));
    }
    let back = registry.session();
    back.own(&family, ["1"]).inc();
    for _ in 0..3 {
        assert_eq!(
            lines(&registry, "rtt_milliseconds{"),
            [r#"rtt_milliseconds{session_id="1"} 1000"#]
        );
    }
    drop(back);
    assert_eq!(shown(&registry), ["1"]);
    assert_eq!(family.series(), 0);
}

#[test]
fn a_series_with_two_sessions_ends_with_the_last() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]);
    second.own(&family, ["1"]);
    drop(first);
    for _ in 0..3 {
        assert_eq!(shown(&registry), ["1"]);
    }
    drop(second);
    assert_eq!(shown(&registry), ["1"]);
    assert!(shown(&registry).is_empty());
}

fn unseen(registry: &Registry) -> Vec<String> {
    let text = registry.peek(Format::Text);
    let lines = text.lines();
    let unseen = lines.filter(|line| line.starts_with("stonechat_session_series_unseen_total"));
    unseen.map(str::to_owned).collect()
}

fn wait_a_moment() {
    let start = Instant::now();
    while start.elapsed().is_zero() {}
}

#[test]
fn what_has_waited_too_long_goes_with_the_next_session_or_after_the_next_scrape() {
    let registry = Registry::bare();
    let builder = registry.gauge("rtt_milliseconds", "Round trip.");
    let builder = builder.labels(["session_id"]);
    let family = builder.ended_wait_max(Duration::ZERO).register().unwrap();
    drop(registry.session().own(&family, ["1"]));
    wait_a_moment();
    let session = registry.session();
    session.own(&family, ["2"]);
    assert_eq!(family.series(), 1, "a session that begins makes room");
    wait_a_moment();
    drop(session);
    wait_a_moment();
    let one = r#"stonechat_session_series_unseen_total{family="rtt_milliseconds"} 1"#;
    assert_eq!(unseen(&registry), [one]);
    assert_eq!(shown(&registry), ["2"], "late, and shown all the same");
    assert!(shown(&registry).is_empty());
    assert_eq!(unseen(&registry), [one]);
}

#[test]
fn a_session_that_ends_makes_room_too() {
    let registry = Registry::bare();
    let builder = registry.gauge("rtt_milliseconds", "Round trip.");
    let builder = builder.labels(["session_id"]);
    let family = builder.ended_wait_max(Duration::ZERO).register().unwrap();
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]);
    second.own(&family, ["2"]);
    drop(first);
    wait_a_moment();
    drop(second);
    assert_eq!(family.series(), 1);
}

#[test]
fn who_only_looks_takes_nothing_away() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    drop(registry.session().own(&family, ["1"]));
    for _ in 0..3 {
        assert!(registry.peek(Format::Text).contains(r#"session_id="1""#));
        assert!(!registry.peek_protobuf().is_empty());
    }
    assert_eq!(shown(&registry), ["1"]);
    assert!(registry.peek_protobuf().is_empty());
}

#[test]
fn each_of_several_scrapers_sees_the_end() {
    let builder = Registry::builder().process(false).runtime(false);
    let registry = builder.scrapers(3).build().unwrap();
    let family = gauges(&registry, 10);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]);
    second.own(&family, ["2"]);
    drop(first);
    assert_eq!(shown(&registry), ["1", "2"]);
    drop(second);
    assert_eq!(shown(&registry), ["1", "2"]);
    registry.peek(Format::Text);
    assert_eq!(shown(&registry), ["1", "2"]);
    assert_eq!(shown(&registry), ["2"]);
    assert!(shown(&registry).is_empty());
}

#[test]
fn a_scraper_that_is_missing_is_not_waited_for_longer_than_the_limit() {
    let builder = Registry::builder().process(false).runtime(false);
    let registry = builder.scrapers(2).build().unwrap();
    let builder = registry.gauge("rtt_milliseconds", "Round trip.");
    let builder = builder.labels(["session_id"]);
    let family = builder.ended_wait_max(Duration::ZERO).register().unwrap();
    drop(registry.session().own(&family, ["1"]));
    wait_a_moment();
    assert_eq!(shown(&registry), ["1"]);
    assert!(shown(&registry).is_empty());
    assert!(unseen(&registry).is_empty());
}

#[test]
fn a_scrape_of_the_outer_registry_is_one_of_the_inner() {
    let builder = Registry::builder().process(false).runtime(false);
    let outer = builder.scrapers(2).build().unwrap();
    let (middle, inner) = (Registry::bare(), Registry::bare());
    // Two ways lead to the inner one.
    outer.include(&middle).unwrap();
    outer.include(&inner).unwrap();
    middle.include(&inner).unwrap();
    let family = gauges(&inner, 10);
    drop(inner.session().own(&family, ["1"]));
    assert_eq!(shown(&outer), ["1"]);
    assert_eq!(shown(&outer), ["1"]);
    assert!(shown(&outer).is_empty());
}

#[test]
fn a_series_that_was_there_before_the_session_stays() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    family.set(["1"], 7.0);
    for _ in 0..3 {
        drop(registry.session().own(&family, ["1"]));
        assert_eq!(
            lines(&registry, "rtt_milliseconds{"),
            [r#"rtt_milliseconds{session_id="1"} 7"#]
        );
    }
}

#[test]
fn to_own_a_series_again_and_again_takes_no_memory() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    let states = registry.counter("states_total", "States.");
    let states = states.labels(["state"]).register().unwrap();
    let session = registry.session();
    let own = |rounds: usize| {
        for round in 0..rounds {
            session.own(&family, ["1"]).inc();
            session.own(&states, [["a", "b", "c"][round % 3]]).inc();
        }
    };
    own(10);
    let before = allocations::live_bytes();
    own(10_000);
    assert_eq!(allocations::live_bytes(), before);
    drop(session);
    assert_eq!(shown(&registry), ["1"]);
    assert!(shown(&registry).is_empty());
    assert_eq!(states.series(), 0);
}

#[test]
fn series_that_are_removed_by_hand_leave_no_end_behind() {
    let registry = Registry::bare();
    let family = gauges(&registry, 10);
    let kept = registry.session();
    let run = |rounds: usize| {
        for _ in 0..rounds {
            drop(registry.session().own(&family, ["1"]));
            assert!(family.remove(["1"]));
            kept.own(&family, ["2"]);
            assert!(family.remove(["2"]));
        }
    };
    run(100);
    let before = allocations::live_bytes();
    run(10_000);
    assert!(allocations::live_bytes() <= before + 1_024);
    assert!(shown(&registry).is_empty());
}

#[test]
fn a_session_that_is_called_other_owns_nothing() {
    let registry = Registry::bare();
    let family = gauges(&registry, 1);
    drop(registry.session().own(&family, ["other"]));
    registry.session().own(&family, ["1"]);
    for expected in [&["1", "other"][..], &["other"], &["other"]] {
        assert_eq!(shown(&registry), expected);
    }
}

#[test]
fn past_the_limit_a_session_uses_the_other_series_and_does_not_own_it() {
    let registry = Registry::bare();
    let family = gauges(&registry, 1);
    let (first, second) = (registry.session(), registry.session());
    first.own(&family, ["1"]).set(1.0);
    second.own(&family, ["2"]).set(2.0);
    drop(second);
    for _ in 0..2 {
        assert_eq!(shown(&registry), ["1", "other"]);
    }
    drop(first);
    assert_eq!(shown(&registry), ["1", "other"]);
    assert_eq!(shown(&registry), ["other"]);
}

#[test]
fn a_hundred_thousand_sessions_leave_the_open_ones_and_no_memory() {
    const SESSIONS: usize = 100_000;
    const LIMIT: usize = 2_000;
    let registry = Registry::bare();
    let family = gauges(&registry, LIMIT);
    let labels = ["session_id", "state"];
    let states: Family<Counter, 2> = registry
        .counter("ice_changes_total", "Changes of state.")
        .labels(labels)
        .register()
        .unwrap();
    let mut open = Vec::new();
    let mut run = |from: usize| {
        for number in from..from + SESSIONS / 2 {
            let id = format!("session-{number}");
            let session = registry.session();
            session.own(&family, [&id]).set(number as f64);
            session.own(&states, [&id, "connected"]).inc();
            assert!(
                family.series() <= LIMIT,
                "nobody scrapes, and it is bounded"
            );
            if number % 1_000 == 7 {
                open.push((id, session));
            }
        }
    };
    run(0);
    let before = allocations::live_bytes();
    run(SESSIONS / 2);
    let after = allocations::live_bytes();
    // But for the names of the open ones, and the queue's own room.
    assert!(after < before + 256 * 1_024, "{before}, then {after} bytes");
    shown(&registry);
    let mut expected: Vec<String> = open.iter().map(|(id, _)| id.clone()).collect();
    expected.sort();
    assert_eq!(shown(&registry), expected);
    assert_eq!(states.series(), expected.len());
    // All were counted: those that were seen, and those that made room unseen.
    let unseen = SESSIONS - LIMIT;
    assert_eq!(
        lines(&registry, "stonechat_session_series_unseen_total"),
        [
            format!(
                r#"stonechat_session_series_unseen_total{{family="ice_changes_total"}} {unseen}"#
            ),
            format!(
                r#"stonechat_session_series_unseen_total{{family="rtt_milliseconds"}} {unseen}"#
            ),
        ]
    );
    assert!(lines(&registry, "stonechat_series_limited_total").is_empty());
}

/// As in a service that is scraped: what is over is gone after each scrape, and all ends were seen.
#[test]
fn a_hundred_thousand_sessions_under_scrapes_are_all_seen() {
    const SESSIONS: usize = 100_000;
    const BETWEEN_SCRAPES: usize = 1_000;
    let registry = Registry::bare();
    let family = gauges(&registry, 2_000);
    let (mut open, mut text, mut peak) = (Vec::new(), String::with_capacity(1 << 20), 0);
    let mut before = 0;
    for number in 0..SESSIONS {
        let id = format!("session-{number}");
        let session = registry.session();
        session.own(&family, [&id]).set(number as f64);
        if number % 10_000 == 7 {
            open.push((id, session));
        } else {
            drop(session);
        }
        if number % BETWEEN_SCRAPES == BETWEEN_SCRAPES - 1 {
            text.clear();
            registry.encode_into(Format::Text, &mut text);
            assert!(
                text.contains(&format!("session-{number}\"")),
                "the end is seen"
            );
            assert_eq!(family.series(), open.len(), "the rest is gone");
            peak = allocations::live_bytes();
        }
        if number == SESSIONS / 2 {
            before = peak;
        }
    }
    assert!(peak < before + 64 * 1_024, "{before}, then {peak} bytes");
    assert!(unseen(&registry).is_empty());
}

#[test]
fn sessions_and_scrapes_at_once_lose_no_open_series() {
    let registry = Registry::bare();
    let family = gauges(&registry, 100_000);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (registry, family) = (&registry, &family);
            scope.spawn(move || {
                for number in 0..2_000 {
                    let session = registry.session();
                    session.own(family, [&format!("{thread}-{number}")]);
                }
            });
        }
        for _ in 0..50 {
            let session = registry.session();
            session.own(&family, ["open"]);
            assert!(shown(&registry).iter().any(|id| id == "open"));
        }
    });
    shown(&registry);
    assert_eq!(family.series(), 0);
}
