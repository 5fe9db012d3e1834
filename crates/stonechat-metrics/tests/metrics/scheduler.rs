use std::time::{Duration, Instant};

use stonechat_metrics::{Registry, SchedulerDelay};

use super::lines;

/// Blocks every worker of a runtime, and waits until that shows.
fn delays_are_seen(runtime: &tokio::runtime::Runtime, workers: usize) {
    let registry = Registry::bare();
    let delay = {
        let _inside = runtime.enter();
        SchedulerDelay::start(&registry).unwrap()
    };
    let blocked = Duration::from_millis(700);
    let block = || runtime.spawn(async move { std::thread::sleep(blocked) });
    let blocking: Vec<_> = (0..workers).map(|_| block()).collect();
    runtime.block_on(async {
        for task in blocking {
            task.await.unwrap();
        }
    });
    // At most 200 ms after the block began a probe was sent, and has waited since then.
    let sum = "tokio_scheduler_delay_seconds_sum ";
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let shown = lines(&registry, sum);
        let seconds: f64 = shown[0].strip_prefix(sum).unwrap().parse().unwrap();
        if seconds > 0.3 {
            break;
        }
        assert!(Instant::now() < end, "{shown:?}");
        runtime.block_on(tokio::time::sleep(Duration::from_millis(20)));
    }
    drop(delay);
}

#[test]
fn handlers_that_block_all_workers_show_as_delay() {
    let mut several = tokio::runtime::Builder::new_multi_thread();
    delays_are_seen(&several.worker_threads(2).enable_time().build().unwrap(), 2);
    let mut one = tokio::runtime::Builder::new_current_thread();
    delays_are_seen(&one.enable_time().build().unwrap(), 1);
}

#[test]
fn a_probe_does_not_hold_up_the_end_of_its_runtime() {
    let registry = Registry::bare();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let delay = runtime.block_on(async { SchedulerDelay::start(&registry).unwrap() });
    let start = Instant::now();
    drop(runtime);
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(delay);
}
