use std::sync::Arc;

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use stonechat_metrics::{CacheMetric, Caches, Database, DatabaseMetric, Named, Registry};

use super::lines;

#[test]
fn a_cache_that_is_asked_for_twice_has_one_rate() {
    // Whether or not anybody sees the look-ups.
    let shown = [
        vec![CacheMetric::Rate],
        vec![CacheMetric::Hits, CacheMetric::Misses, CacheMetric::Rate],
    ];
    for metrics in shown {
        let registry = Registry::bare();
        let standard = |metric: CacheMetric| (metric, Named::standard());
        let names: Vec<_> = metrics.into_iter().map(standard).collect();
        let caches = || Caches::register_as(&registry, &names).unwrap();
        for number in 0..4 {
            let cache = caches().cache("users");
            match number {
                0 => cache.miss(),
                _ => cache.hit(),
            }
        }
        let expected = [r#"cache_hit_ratio{cache="users"} 0.75"#];
        assert_eq!(lines(&registry, "cache_hit_ratio"), expected);
    }
}

#[test]
fn caches_of_two_services_in_one_family_have_rates_of_their_own() {
    let registry = Registry::bare();
    for (service, hits) in [("a", 1), ("b", 3)] {
        let rate = Named::new("rate").fixed("service", service);
        let caches = Caches::register_as(&registry, &[(CacheMetric::Rate, rate)]).unwrap();
        let cache = caches.cache("users");
        cache.miss();
        (0..hits).for_each(|_| cache.hit());
    }
    assert_eq!(
        lines(&registry, "rate"),
        [r#"rate{service="a"} 0.5"#, r#"rate{service="b"} 0.75"#]
    );
}

#[test]
fn what_is_done_before_a_scrape_may_come_to_an_end() {
    let registry = Registry::bare();
    let held = Arc::new(());
    let seen = Arc::downgrade(&held);
    let calls = registry
        .counter("calls_total", "Calls.")
        .register()
        .unwrap();
    registry.on_scrape_while(move || {
        let _held = &held;
        calls.inc();
        calls.get() < 2.0
    });
    for expected in ["calls_total 1", "calls_total 2", "calls_total 2"] {
        assert_eq!(lines(&registry, "calls_total"), [expected]);
    }
    assert_eq!(seen.strong_count(), 0);
}

/// A pool that holds something for as long as it lives.
async fn pool_holding(held: Arc<()>) -> SqlitePool {
    let options = SqlitePoolOptions::new().max_connections(1);
    let options = options.after_connect(move |_, _| {
        let _held = &held;
        Box::pin(async { Ok(()) })
    });
    options.connect("sqlite::memory:").await.unwrap()
}

fn database(registry: &Registry) -> Database {
    let names = [(DatabaseMetric::Pool, Named::standard())];
    Database::register_as(registry, &names).unwrap()
}

#[tokio::test]
async fn several_pools_are_shown_together_until_they_are_closed() {
    let registry = Registry::bare();
    let held = Arc::new(());
    let first = pool_holding(Arc::clone(&held)).await;
    let second = pool_holding(Arc::clone(&held)).await;
    database(&registry).watch_pool(&registry, &first);
    database(&registry).watch_pool(&registry, &second);
    let used = first.acquire().await.unwrap();
    let shown = || lines(&registry, "db_pool_connections").join(" ");
    let state = |active: u8, idle: u8| {
        let line =
            |state: &str, count| format!(r#"db_pool_connections{{state="{state}"}} {count}"#);
        [line("active", active), line("idle", idle)].join(" ")
    };
    assert_eq!(shown(), state(1, 1));
    second.close().await;
    assert_eq!(shown(), state(1, 0));
    drop(second);
    drop(used);
    first.close().await;
    drop(first);
    assert_eq!(shown(), state(0, 0));
    assert_eq!(Arc::strong_count(&held), 1, "a closed pool is kept");
}

#[tokio::test]
async fn a_pool_whose_gauges_are_unregistered_is_let_go() {
    let registry = Registry::bare();
    let held = Arc::new(());
    let pool = pool_holding(Arc::clone(&held)).await;
    database(&registry).watch_pool(&registry, &pool);
    drop(pool);
    assert_eq!(Arc::strong_count(&held), 2);
    assert!(registry.unregister("db_pool_connections"));
    for _ in 0..500 {
        // Its connections are closed by a task.
        if Arc::strong_count(&held) == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the registry keeps the pool");
}
