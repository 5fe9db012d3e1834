//! All targets: starting, changing and stopping their tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::{Appender, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::body::Budget;
use crate::diff::{Key, Wanted, diff};
use crate::fetch::Fetcher;
use crate::global_url::ExternalUrl;
use crate::job::Job;
use crate::metrics::ScrapeMetrics;
use crate::schedule::Schedule;
use crate::scraper::{Memory, Scraper};
use crate::status::{DroppedTarget, Health, LastScrape, TargetStatus};
use crate::target::targets_of;
use crate::task::{Predecessor, Task, until};

/// What holds for all scraping.
#[derive(Debug, Clone)]
pub struct ScrapeOptions {
    /// How others reach this machine; for the links on the page of targets.
    pub external: Option<ExternalUrl>,
    /// Moves the moments of all scrapes, so that two servers with the same targets do not ask them at the same time.
    pub offset_seed: u64,
    /// The most bytes that the answers of all targets together may take at any moment.
    pub answer_bytes_max: usize,
}

impl Default for ScrapeOptions {
    fn default() -> Self {
        Self {
            external: None,
            offset_seed: 0,
            answer_bytes_max: 512 << 20,
        }
    }
}

/// Scrapes the targets of all jobs.
///
/// Every target has a task of its own, so that a slow one delays nobody but itself. When the manager is dropped,
/// the tasks end after the scrapes that are under way.
pub struct ScrapeManager {
    appender: Arc<dyn Appender>,
    metrics: ScrapeMetrics,
    options: ScrapeOptions,
    budget: Budget,
    runtime: Handle,
    closing: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<Key, Running>,
    dropped: Vec<DroppedTarget>,
    /// The names of all jobs, sorted.
    pools: Vec<String>,
    is_closed: bool,
}

struct Running {
    wanted: Wanted,
    status: Arc<Mutex<LastScrape>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Option<Scraper>>,
}

impl ScrapeManager {
    /// A manager without targets.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(
        appender: Arc<dyn Appender>,
        metrics: ScrapeMetrics,
        options: ScrapeOptions,
    ) -> Self {
        Self {
            appender,
            metrics,
            budget: Budget::new(options.answer_bytes_max),
            options,
            runtime: Handle::current(),
            closing: watch::Sender::new(false),
            state: Mutex::default(),
        }
    }

    /// Makes these jobs the ones that run. Targets that stay as they are keep their schedule and what is known of their series;
    /// those whose settings change go on under the new ones; those that are gone get their ends marked. Does nothing after
    /// [`shutdown`](Self::shutdown).
    pub fn apply(&self, jobs: Vec<Job>) {
        let mut pools: Vec<String> = jobs.iter().map(|job| job.name.clone()).collect();
        pools.sort_unstable();
        let (wanted, dropped) = wanted(jobs);
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        let running = state.running.iter();
        let change = diff(
            running.map(|(key, running)| (key, &running.wanted)),
            &wanted,
        );
        for key in change.kept {
            // Only what discovery said may differ.
            if let (Some(running), Some(wanted)) = (state.running.get_mut(&key), wanted.get(&key)) {
                running.wanted = wanted.clone();
            }
        }
        for (old, new) in change.replaced {
            if let (Some(before), Some(wanted)) = (state.running.remove(&old), wanted.get(&new)) {
                let running = self.replace(&old, before, &new, wanted);
                state.running.insert(new, running);
            }
        }
        for key in change.removed {
            if let Some(running) = state.running.remove(&key) {
                self.end(&key, running);
            }
        }
        for key in change.added {
            if let Some(wanted) = wanted.get(&key) {
                let running = self.start(&key, wanted, None, LastScrape::default());
                state.running.insert(key, running);
            }
        }
        state.dropped = dropped;
        state.pools = pools;
        self.metrics.targets(state.running.len());
    }

    fn schedule(&self, key: &Key, wanted: &Wanted) -> Schedule {
        let identity = format!("{}{}", key.labels, key.url);
        Schedule::new(wanted.target.interval, &identity, self.options.offset_seed)
    }

    fn start(
        &self,
        key: &Key,
        wanted: &Wanted,
        predecessor: Option<Predecessor>,
        last: LastScrape,
    ) -> Running {
        let (stop, stopped) = watch::channel(false);
        let status = Arc::new(Mutex::new(last));
        let task = Task {
            scraper: Scraper {
                target: wanted.target.clone(),
                settings: wanted.settings.clone(),
                appender: self.appender.clone(),
                metrics: self.metrics.clone(),
                memory: Memory::default(),
            },
            fetcher: Fetcher::new(self.budget.clone()),
            schedule: self.schedule(key, wanted),
            status: status.clone(),
            stop: stopped,
            predecessor,
        };
        Running {
            wanted: wanted.clone(),
            status,
            stop,
            task: self.runtime.spawn(task.run()),
        }
    }

    /// The old task ends after its scrape, and the new one begins with what the old one knows.
    fn replace(&self, old: &Key, before: Running, new: &Key, wanted: &Wanted) -> Running {
        before.stop.send_replace(true);
        let last = if old.url == new.url {
            before.status.lock().clone()
        } else {
            LastScrape::default()
        };
        let predecessor = Predecessor {
            task: before.task,
            same_texts: wanted.reads_as(&before.wanted),
        };
        self.start(new, wanted, Some(predecessor), last)
    }

    /// Stops a target for good and later marks the ends of its series.
    fn end(&self, key: &Key, running: Running) {
        running.stop.send_replace(true);
        let schedule = self.schedule(key, &running.wanted);
        let interval = running.wanted.target.interval;
        let closing = self.closing.subscribe();
        let url = key.url.clone();
        self.runtime.spawn(async move {
            let Ok(Some(mut scraper)) = running.task.await else {
                return;
            };
            if let Some(at) = farewell_time(schedule, interval, closing).await
                && let Err(error) = scraper.end_all(at)
            {
                tracing::warn!(%url, %error, "the ends of a target's series cannot be stored");
            }
        });
    }

    /// Every target and how its last scrape went, by job and URL.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetStatus> {
        let state = self.state.lock();
        let running = state.running.iter();
        running
            .map(|(key, running)| self.status(key, running))
            .collect()
    }

    fn status(&self, key: &Key, running: &Running) -> TargetStatus {
        let target = &running.wanted.target;
        let mut last = running.status.lock().clone();
        // Only a mistake of ours can end a task that nobody stopped; then it must show.
        if running.task.is_finished() {
            last.health = Health::Down;
            "scraping has stopped because of an error in Stonechat".clone_into(&mut last.error);
        }
        let global_url = match &self.options.external {
            Some(external) => external.global_url(&key.url),
            None => key.url.clone(),
        };
        TargetStatus {
            discovered_labels: target.discovered.clone(),
            labels: target.labels.clone(),
            scrape_pool: key.pool.clone(),
            scrape_url: key.url.clone(),
            global_url,
            last_error: last.error,
            last_scrape: last.at,
            last_scrape_duration: last.duration,
            health: last.health,
            scrape_interval: target.interval,
            scrape_timeout: target.timeout,
            samples_scraped: last.samples,
            dropped: last.dropped,
            body_bytes: last.body_bytes,
        }
    }

    /// The names of all jobs, sorted; also of those without targets.
    #[must_use]
    pub fn pools(&self) -> Vec<String> {
        self.state.lock().pools.clone()
    }

    /// Targets that relabelling dropped, by job.
    #[must_use]
    pub fn dropped_targets(&self) -> Vec<DroppedTarget> {
        self.state.lock().dropped.clone()
    }

    /// Begins no scrape any more and waits for those that are under way, at most `patience` long; then they are cut off.
    /// Series are not marked as ended, because a server that comes back goes on with them.
    pub async fn shutdown(&self, patience: Duration) {
        let running = {
            let mut state = self.state.lock();
            state.is_closed = true;
            std::mem::take(&mut state.running)
        };
        self.closing.send_replace(true);
        for running in running.values() {
            running.stop.send_replace(true);
        }
        let deadline = tokio::time::Instant::now() + patience;
        for mut running in running.into_values() {
            if tokio::time::timeout_at(deadline, &mut running.task)
                .await
                .is_err()
            {
                running.task.abort();
            }
        }
        self.metrics.targets(0);
    }
}

impl std::fmt::Debug for ScrapeManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScrapeManager").finish_non_exhaustive()
    }
}

/// The targets of all jobs.
fn wanted(jobs: Vec<Job>) -> (BTreeMap<Key, Wanted>, Vec<DroppedTarget>) {
    let (mut wanted, mut dropped) = (BTreeMap::new(), Vec::new());
    for job in jobs {
        let targets = targets_of(&job);
        for (address, error) in targets.failed {
            tracing::warn!(job = %job.name, %address, %error, "a target cannot be scraped");
        }
        dropped.extend(targets.dropped.into_iter().map(|labels| DroppedTarget {
            discovered_labels: labels,
            scrape_pool: job.name.clone(),
        }));
        for target in targets.active {
            let key = Key {
                pool: job.name.clone(),
                url: target.url.clone(),
                labels: target.labels.clone(),
            };
            let settings = job.settings.clone();
            let target = Arc::new(target);
            wanted.insert(key, Wanted { target, settings });
        }
    }
    (wanted, dropped)
}

/// The time that is written to the ends of a removed target's series, as in Prometheus: that of the scrape that would have come
/// next. It is known only after one more interval and a little, so that a target which comes back meanwhile
/// has newer samples, and its series do not end. `None` when the server stops first.
async fn farewell_time(
    schedule: Schedule,
    interval: Duration,
    mut closing: watch::Receiver<bool>,
) -> Option<Timestamp> {
    let at = schedule.first(Timestamp::now());
    let wait = until(at) + interval + interval / 10;
    tokio::select! {
        _ = closing.wait_for(|closing| *closing) => None,
        () = tokio::time::sleep(wait) => Some(at),
    }
}
