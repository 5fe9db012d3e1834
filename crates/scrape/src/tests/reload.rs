//! Targets that come, change and go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use stonechat_model::is_stale;
use tokio::io::AsyncWriteExt;

use super::bench::{Bench, jobs};
use super::store::Store;
use super::web::{good, head, serve, serve_page};
use crate::manager::ScrapeOptions;
use crate::status::Health;

/// A job with one target and more keys.
fn file(address: SocketAddr, keys: &str) -> String {
    format!(
        "scrape_configs: [{{job_name: j, scrape_interval: 100ms, {keys} static_configs: [{{targets: ['{address}'], labels: {{instance: i}}}}]}}]"
    )
}

fn bench() -> Bench {
    Bench::new(ScrapeOptions::default())
}

const UP: &str = "up{instance=\"i\", job=\"j\"}";
const A: &str = "a{instance=\"i\", job=\"j\"}";
const B: &str = "b{instance=\"i\", job=\"j\"}";

async fn more_scrapes(bench: &Bench, count: usize) {
    let goal = bench.store.samples(UP).len() + count;
    bench
        .store
        .until("there are more scrapes", |store| {
            store.samples(UP).len() >= goal
        })
        .await;
}

fn stale_count(store: &Store, series: &str) -> usize {
    let samples = store.samples(series);
    samples.iter().filter(|(_, value)| is_stale(*value)).count()
}

/// A server that counts its connections and answers with `first`, or, once switched, with `second`.
async fn switching(
    first: &'static str,
    second: &'static str,
) -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (connections, switch) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, switched) = (connections.clone(), switch.clone());
    let address = serve(move |_, mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        let switched = switched.clone();
        async move {
            loop {
                let is_second = switched.load(Ordering::Relaxed) > 0;
                let page = if is_second { second } else { first };
                if stream.write_all(&good(page)).await.is_err() || head(&mut stream).await.is_none()
                {
                    return;
                }
            }
        }
    })
    .await;
    (address, connections, switch)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_target_is_left_alone() {
    let (address, connections, _) = switching("a 1\n", "").await;
    let bench = bench();
    bench.manager.apply(jobs(&file(address, "")));
    more_scrapes(&bench, 2).await;
    let lookups = bench.store.lookups();
    for _ in 0..3 {
        bench.manager.apply(jobs(&file(address, "")));
        more_scrapes(&bench, 1).await;
    }
    assert_eq!(
        connections.load(Ordering::Relaxed),
        1,
        "the connection is kept"
    );
    assert_eq!(bench.store.lookups(), lookups, "known series stay known");
    let samples = bench.store.samples(UP);
    let span = samples[samples.len() - 1].0.since(samples[0].0).as_millis();
    let possible = span / 100 + 2;
    assert!(
        samples.len() as u128 <= possible,
        "{} scrapes within {span} ms",
        samples.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_target_goes_on_without_a_gap() {
    let (address, _, switch) = switching("a 1\nb 1\n", "a 1\n").await;
    for keys in [
        "scrape_timeout: 50ms,",
        "honor_labels: true,",
        "metrics_path: /other,",
    ] {
        switch.store(0, Ordering::Relaxed);
        let bench = bench();
        bench.manager.apply(jobs(&file(address, "")));
        more_scrapes(&bench, 2).await;
        bench.manager.apply(jobs(&file(address, keys)));
        switch.store(1, Ordering::Relaxed);
        more_scrapes(&bench, 3).await;
        assert_eq!(bench.manager.targets().len(), 1);
        assert_eq!(stale_count(&bench.store, A), 0, "{keys}");
        assert_eq!(stale_count(&bench.store, UP), 0, "{keys}");
        assert_eq!(
            stale_count(&bench.store, B),
            1,
            "what the first scrape under {keys} lacks has ended"
        );
        bench.manager.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_target_ends() {
    let address = serve_page("a 1\nb 1 500\n").await;
    let bench = bench();
    bench.manager.apply(jobs(&file(address, "")));
    more_scrapes(&bench, 2).await;
    let removed = stonechat_model::Timestamp::now();
    bench.manager.apply(Vec::new());
    assert!(bench.manager.targets().is_empty());
    bench
        .store
        .until("the series have ended", |store| {
            stale_count(store, A) == 1 && stale_count(store, UP) == 1
        })
        .await;
    assert_eq!(stale_count(&bench.store, B), 0, "it brought its own times");
    let (end, _) = bench.store.samples(UP).pop().unwrap();
    assert!(end >= removed, "{end:?} {removed:?}");
    assert!(
        end.since(removed) <= Duration::from_secs(2),
        "{end:?} {removed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_comes_back_at_once_does_not_end() {
    let address = serve_page("a 1\n").await;
    let bench = bench();
    bench
        .manager
        .apply(jobs(&file(address, "").replace("100ms", "300ms")));
    more_scrapes(&bench, 2).await;
    bench.manager.apply(Vec::new());
    bench
        .manager
        .apply(jobs(&file(address, "").replace("100ms", "300ms")));
    // The marker would be written two and a bit intervals later, at a time that has passed by then.
    more_scrapes(&bench, 6).await;
    let samples = bench.store.samples(A);
    assert!(!samples.last().is_some_and(|(_, value)| is_stale(*value)));
    assert_eq!(stale_count(&bench.store, A), 0, "{samples:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_what_has_begun_and_begins_nothing() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let slow = serve(move |_, mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let _ = stream.write_all(&good("a 1\n")).await;
        }
    })
    .await;
    let bench = bench();
    bench
        .manager
        .apply(jobs(&file(slow, "").replace("100ms", "2s")));
    while requests.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.manager.shutdown(Duration::from_secs(10)).await;
    assert_eq!(
        bench.store.samples(A).len(),
        1,
        "the scrape under way is stored"
    );
    assert_eq!(stale_count(&bench.store, A), 0);
    assert!(bench.manager.targets().is_empty());
    bench.manager.apply(jobs(&file(slow, "")));
    assert!(
        bench.manager.targets().is_empty(),
        "nothing begins any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_does_not_wait_for_ever() {
    let (began, mut begun) = tokio::sync::mpsc::channel(1);
    let hanging = serve(move |_, stream| {
        let began = began.clone();
        async move {
            let _open = stream;
            let _ = began.try_send(());
            std::future::pending::<()>().await;
        }
    })
    .await;
    let bench = bench();
    let text = file(hanging, "").replace("100ms", "3s");
    bench.manager.apply(jobs(&text));
    // The first scrape lies anywhere within three seconds.
    let begun = tokio::time::timeout(Duration::from_secs(20), begun.recv()).await;
    assert!(begun.is_ok());
    let start = Instant::now();
    bench.manager.shutdown(Duration::from_millis(100)).await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_what_the_api_shows() {
    let address = serve_page("a 1\nb 2\n").await;
    let external = crate::ExternalUrl {
        scheme: "https".to_owned(),
        host: "example".to_owned(),
        port: None,
        listen_port: 1,
    };
    let bench = Bench::new(ScrapeOptions {
        external: Some(external),
        ..ScrapeOptions::default()
    });
    let keys = "params: {x: [y]}, relabel_configs: [{source_labels: [__address__], regex: 'drop:1', action: drop}],";
    let text = file(address, keys).replace("targets: [", "targets: ['drop:1', ");
    bench.manager.apply(jobs(&text));
    let before = bench.manager.targets().remove(0);
    assert_eq!(
        (before.health.as_str(), before.last_scrape),
        ("unknown", None)
    );
    more_scrapes(&bench, 2).await;
    let status = bench.manager.targets().remove(0);
    assert_eq!(
        status.discovered_labels.to_string(),
        format!(
            "{{__address__=\"{address}\", __metrics_path__=\"/metrics\", __param_x=\"y\", __scheme__=\"http\", \
             __scrape_interval__=\"100ms\", __scrape_timeout__=\"100ms\", instance=\"i\", job=\"j\"}}"
        )
    );
    assert_eq!(status.labels.to_string(), "{instance=\"i\", job=\"j\"}");
    assert_eq!(status.scrape_pool, "j");
    assert_eq!(status.scrape_url, format!("http://{address}/metrics?x=y"));
    assert_eq!(
        status.global_url,
        format!("http://example:{}/metrics?x=y", address.port())
    );
    assert_eq!(
        (status.health, status.last_error.as_str()),
        (Health::Up, "")
    );
    assert!(status.last_scrape.is_some() && status.last_scrape_duration > Duration::ZERO);
    assert_eq!((status.samples_scraped, status.body_bytes), (2, 8));
    assert_eq!(status.scrape_interval, Duration::from_millis(100));
    let dropped = bench.manager.dropped_targets();
    assert_eq!(
        dropped[0].discovered_labels.get("__address__"),
        Some("drop:1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_page_is_read_like_a_small_one() {
    let page: &'static str = (0..20_000)
        .map(|n| format!("series_{n}{{some=\"label\"}} {n}\n"))
        .collect::<String>()
        .leak();
    let bench = bench();
    bench.manager.apply(jobs(&file(serve_page(page).await, "")));
    more_scrapes(&bench, 2).await;
    let status = bench.manager.targets().remove(0);
    assert_eq!(
        (status.last_error.as_str(), status.samples_scraped),
        ("", 20_000)
    );
}
