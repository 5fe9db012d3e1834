//! A reload never lies: what is shown is always one whole set, and every value in it was given by a query of that set.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod bench; // a manager, a source that is told what to answer, a store

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench::{Bench, Script, gauge, plan};
use stonechat_model::is_stale;
use stonechat_sql::plan::OnError;
use stonechat_sql::source::SourceError;

/// The defect of the system that inspired this room: the collection that was under way during a reload wrote 3509 into gauges that nobody
/// showed any more, the log said 3509, and the page showed the new gauges, which were 0.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_reload_the_page_shows_3509_and_not_0() {
    let bench = Bench::new();
    bench.answer("lct_online_count_redis", Script::value(3509.0));
    bench
        .manager
        .apply(&plan([gauge("lct_online_count_redis")]))
        .await
        .unwrap();
    bench.until("lct_online_count_redis", Some(3509.0)).await;
    for round in 0..20 {
        // Slow, so that a collection is under way when the reload comes.
        let script = Script::value(3509.0).taking(Duration::from_millis(round));
        bench.answer("lct_online_count_redis", script);
        let mut changed = gauge("lct_online_count_redis");
        changed.timeout += Duration::from_millis(round);
        bench.manager.apply(&plan([changed])).await.unwrap();
        assert_eq!(bench.shown("lct_online_count_redis"), Some(3509.0));
    }
    assert!(
        bench
            .stored("lct_online_count_redis")
            .iter()
            .all(|value| *value == 3509.0)
    );
}

/// Each reload changes what half of the queries have to say; while it is under way somebody reads the page without pause.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_reloads_under_continuous_scraping() {
    const RELOADS: u32 = 500;
    const QUERIES: u32 = 8;
    let bench = Arc::new(Bench::new());
    // The value says which generation it belongs to; only the name of the request tells the source which one is asked.
    let generation = |reload: u32| {
        let queries = (0..QUERIES).map(|number| {
            // Half of the queries change with each reload, the other half never.
            let changes = number % 2 == 0;
            let version = if changes { reload } else { 0 };
            let mut query = gauge(&format!("q{number}"));
            bench.ask_for(&mut query, f64::from(1000 * number + version + 1));
            query.schedule = bench::every(Duration::from_millis(5));
            query
        });
        plan(queries)
    };
    bench.random_times(Duration::from_millis(4));
    bench.manager.apply(&generation(0)).await.unwrap();
    for number in 0..QUERIES {
        bench
            .until(&format!("q{number}"), Some(f64::from(1000 * number + 1)))
            .await;
    }

    let done = Arc::new(AtomicBool::new(false));
    let scraper = {
        let (bench, done) = (Arc::clone(&bench), Arc::clone(&done));
        tokio::task::spawn_blocking(move || {
            let (mut scrapes, mut last) = (0_u64, 0);
            while !done.load(Ordering::Acquire) {
                let page = bench.page();
                let mut versions = Vec::new();
                for number in 0..QUERIES {
                    let value = page.get(&format!("q{number}"));
                    let value = *value.unwrap_or_else(|| panic!("q{number} is missing: {page:?}"));
                    let version = value as i64 - i64::from(1000 * number) - 1;
                    assert!(
                        (0..=i64::from(RELOADS)).contains(&version),
                        "q{number} is {value}"
                    );
                    if number % 2 == 0 {
                        versions.push(version);
                    } else {
                        assert_eq!(version, 0, "q{number} did not change");
                    }
                }
                // One whole set, and never an older one than before.
                assert!(
                    versions.windows(2).all(|two| two[0] == two[1]),
                    "half a set: {versions:?}"
                );
                assert!(versions[0] >= last, "back from {last} to {versions:?}");
                last = versions[0];
                scrapes += 1;
            }
            scrapes
        })
    };
    for reload in 1..=RELOADS {
        bench.manager.apply(&generation(reload)).await.unwrap();
        let shown = bench.shown("q0");
        assert_eq!(
            shown,
            Some(f64::from(reload + 1)),
            "after the reload {reload}"
        );
    }
    done.store(true, Ordering::Release);
    let scrapes = scraper.await.unwrap();
    assert!(scrapes > u64::from(RELOADS), "only {scrapes} scrapes");
    println!("{scrapes} scrapes during {RELOADS} reloads");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_did_not_change_is_not_asked_again() {
    let bench = Bench::new();
    bench.answer("kept", Script::value(1.0));
    bench.answer("new", Script::value(2.0));
    bench.manager.apply(&plan([gauge("kept")])).await.unwrap();
    bench.until("kept", Some(1.0)).await;
    // From now on it would not answer.
    bench.answer("kept", Script::error("gone"));
    for line in 1..10 {
        let mut kept = gauge("kept");
        kept.place.line = line;
        bench
            .manager
            .apply(&plan([kept, gauge("new")]))
            .await
            .unwrap();
        assert_eq!(
            (bench.shown("kept"), bench.shown("new")),
            (Some(1.0), Some(2.0))
        );
    }
    assert_eq!(bench.asked("kept"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_from_the_plan_ends_in_the_store() {
    let bench = Bench::new();
    bench.answer("a", Script::value(1.0));
    bench.answer("b", Script::value(2.0));
    bench
        .manager
        .apply(&plan([gauge("a"), gauge("b")]))
        .await
        .unwrap();
    bench.until("a", Some(1.0)).await;
    bench.until("b", Some(2.0)).await;
    bench.manager.apply(&plan([gauge("b")])).await.unwrap();
    assert_eq!((bench.shown("a"), bench.shown("b")), (None, Some(2.0)));
    assert!(is_stale(*bench.stored("a").last().unwrap()));
    assert!(is_stale(
        *bench.stored("sql_query_up{query=\"a\"").last().unwrap()
    ));
    assert!(!is_stale(*bench.stored("b").last().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_values_end_stay_or_become_nan() {
    for (on_error, shown) in [
        (OnError::Stale, None),
        (OnError::Keep, Some(7.0)),
        (OnError::Nan, Some(f64::NAN)),
    ] {
        let bench = Bench::new();
        bench.answer("q", Script::value(7.0));
        let mut query = gauge("q");
        query.on_error = on_error;
        query.schedule = bench::every(Duration::from_millis(20));
        bench.manager.apply(&plan([query])).await.unwrap();
        bench.until("q", Some(7.0)).await;
        bench.answer("q", Script::error("the table is gone"));
        bench.until("sql_query_up", Some(0.0)).await;
        let found = bench.shown("q");
        assert_eq!(
            found.map(f64::to_bits),
            shown.map(f64::to_bits),
            "{on_error:?}"
        );
        assert_eq!(
            is_stale(*bench.stored("q").last().unwrap()),
            on_error == OnError::Stale
        );
        let status = bench.manager.status();
        assert_eq!(status[0].error.as_deref(), Some("the table is gone"));
        // And back again.
        bench.answer("q", Script::value(8.0));
        bench.until("q", Some(8.0)).await;
        assert_eq!(bench.shown("sql_query_up"), Some(1.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_query_delays_no_other() {
    let bench = Bench::new();
    bench.answer("slow", Script::value(1.0).taking(Duration::from_secs(60)));
    bench.answer("fast", Script::value(2.0));
    let mut fast = gauge("fast");
    fast.schedule = bench::every(Duration::from_millis(20));
    let mut slow = gauge("slow");
    slow.timeout = Duration::from_millis(300);
    slow.schedule = bench::every(Duration::from_millis(50));
    bench.manager.apply(&plan([slow, fast])).await.unwrap();
    let start = Instant::now();
    bench.until("fast", Some(2.0)).await;
    assert!(
        start.elapsed() < Duration::from_millis(250),
        "{:?}",
        start.elapsed()
    );
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(bench.asked("fast") > 15, "{}", bench.asked("fast"));
    assert!(bench.asked("slow") <= 3, "{}", bench.asked("slow"));
    let status = bench.manager.status();
    let slow = status.iter().find(|query| query.name == "slow").unwrap();
    assert_eq!(slow.error.as_deref(), Some("no answer within 300ms"));
}

/// The source has two connections; those that were slow share one of them.
#[tokio::test(flavor = "multi_thread")]
async fn many_slow_queries_leave_a_place_to_the_others() {
    let bench = Bench::new();
    bench.answer("fast", Script::value(2.0));
    let mut fast = gauge("fast");
    fast.schedule = bench::every(Duration::from_millis(20));
    let slow = (0..5).map(|number| {
        let name = format!("slow{number}");
        bench.answer(&name, Script::value(1.0).taking(Duration::from_secs(60)));
        let mut slow = gauge(&name);
        slow.timeout = Duration::from_millis(200);
        slow.schedule = bench::every(Duration::from_millis(20));
        slow
    });
    let plan = plan(slow.chain([fast]).collect::<Vec<_>>());
    bench.manager.apply(&plan).await.unwrap();
    // Nobody knows that they are slow before their first round.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = bench.asked("fast");
    tokio::time::sleep(Duration::from_millis(700)).await;
    let asked = bench.asked("fast") - before;
    assert!(asked > 15, "{asked}");
}

/// One slow round is the server's, and does not put a query behind one that is slow by itself.
#[tokio::test(flavor = "multi_thread")]
async fn one_slow_round_does_not_put_a_query_behind_a_slow_one() {
    let bench = Bench::new();
    bench.answer("fast", Script::value(2.0));
    bench.answer("slow", Script::value(1.0).taking(Duration::from_secs(60)));
    let mut fast = gauge("fast");
    fast.timeout = Duration::from_secs(10);
    fast.schedule = bench::every(Duration::from_millis(20));
    let mut slow = gauge("slow");
    slow.timeout = Duration::from_secs(4);
    slow.schedule = bench::every(Duration::from_millis(20));
    bench.manager.apply(&plan([slow, fast])).await.unwrap();
    // From its second round on the slow one has the only place that those who are slow have.
    bench.until_asked("slow", 2).await;
    let hiccup = Script::value(3.0).taking_once(Duration::from_millis(1_100));
    bench.answer("fast", hiccup);
    bench.until("fast", Some(3.0)).await;
    bench.answer("fast", Script::value(4.0));
    bench.until("fast", Some(4.0)).await;
    assert_eq!(bench.asked("slow"), 2, "it was waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_as_many_are_asked_at_a_time_as_the_source_has_connections() {
    let bench = Bench::new();
    let queries = (0..10).map(|number| {
        let name = format!("q{number}");
        bench.answer(&name, Script::value(1.0).taking(Duration::from_millis(20)));
        gauge(&name)
    });
    let plan = plan(queries.collect::<Vec<_>>());
    bench.manager.apply(&plan).await.unwrap();
    for number in 0..10 {
        bench.until(&format!("q{number}"), Some(1.0)).await;
    }
    assert_eq!(bench.most_at_a_time(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_queries_cannot_give_the_same_series() {
    let bench = Bench::new();
    bench.answer("a", Script::value(1.0));
    bench.answer("b", Script::value(2.0));
    bench.manager.apply(&plan([gauge("a")])).await.unwrap();
    bench.until("a", Some(1.0)).await;
    let mut thief = gauge("b");
    thief.metrics[0].name = "a".to_owned();
    bench
        .manager
        .apply(&plan([gauge("a"), thief]))
        .await
        .unwrap();
    assert_eq!(bench.shown("a"), Some(1.0));
    let status = bench.manager.status();
    let thief = status.iter().find(|query| query.name == "b").unwrap();
    let error = thief.error.as_deref().unwrap();
    assert_eq!(
        error,
        "the series a is given by the query `a` on `db` already; it is left out here"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_source_is_told_with_its_own_words() {
    let bench = Bench::new();
    bench.answer(
        "q",
        Script::fails(|| SourceError::Refused("Table 'chat.users' doesn't exist".to_owned())),
    );
    bench.manager.apply(&plan([gauge("q")])).await.unwrap();
    bench.until("sql_query_up", Some(0.0)).await;
    let status = bench.manager.status();
    assert_eq!(
        status[0].error.as_deref(),
        Some("Table 'chat.users' doesn't exist")
    );
    assert_eq!(bench.shown("q"), None);
    let nothing: BTreeMap<String, f64> = BTreeMap::new();
    assert_ne!(bench.page(), nothing);
}

/// A reload does not wait for a thousand questions to a server that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_silent_is_given_up_soon() {
    let bench = Bench::new();
    bench.answer("old", Script::value(1.0));
    bench.manager.apply(&plan([gauge("old")])).await.unwrap();
    bench.until("old", Some(1.0)).await;
    let queries = (0..1000).map(|number| {
        let name = format!("q{number}");
        let gone = || SourceError::Connect("nobody is there".to_owned());
        bench.answer(&name, Script::fails(gone).taking(Duration::from_millis(50)));
        gauge(&name)
    });
    let wanted = plan(queries.collect::<Vec<_>>());
    let start = Instant::now();
    bench.manager.apply(&wanted).await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let status = bench.manager.status();
    assert_eq!(status.len(), 1000);
    let said = |part: &str| {
        let errors = status.iter().filter_map(|query| query.error.as_deref());
        errors.filter(|error| error.contains(part)).count()
    };
    assert_eq!(said("nobody is there"), 1000);
    assert!(said("not asked yet") >= 990, "{}", said("not asked yet"));
}

/// A mistake of ours in one round is an error of that round, and the next is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_panics_is_an_error_and_not_the_end() {
    let bench = Bench::new();
    bench.answer("q", Script::value(7.0));
    let mut query = gauge("q");
    query.schedule = bench::every(Duration::from_millis(20));
    bench.manager.apply(&plan([query])).await.unwrap();
    bench.until("q", Some(7.0)).await;
    bench.answer(
        "q",
        Script::fails(|| panic!("a mistake, made for this test")),
    );
    bench.until("sql_query_up", Some(0.0)).await;
    assert_eq!(bench.shown("q"), None);
    bench.answer("q", Script::value(8.0));
    bench.until("q", Some(8.0)).await;
}
