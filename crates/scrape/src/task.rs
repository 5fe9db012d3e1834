//! The life of one target: wait for the next point of the schedule, scrape, and so on until told to stop.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use stonechat_model::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fetch::Fetcher;
use crate::schedule::Schedule;
use crate::scraper::Scraper;
use crate::status::LastScrape;

/// Pages up to this size are read where they arrive; reading a larger one would hold up other targets and goes to a thread of its own.
const INLINE_BYTES_MAX: usize = 256 << 10;

/// A target that is about to be scraped.
pub(crate) struct Task {
    pub(crate) scraper: Scraper,
    pub(crate) fetcher: Fetcher,
    pub(crate) schedule: Schedule,
    pub(crate) status: Arc<Mutex<LastScrape>>,
    pub(crate) stop: watch::Receiver<bool>,
    /// The task that scraped the same series before, under other settings.
    pub(crate) predecessor: Option<Predecessor>,
}

/// Who scraped before.
pub(crate) struct Predecessor {
    pub(crate) task: JoinHandle<Option<Scraper>>,
    /// Its texts mean the same series.
    pub(crate) same_texts: bool,
}

impl Task {
    /// Scrapes until told to stop, and gives back what it knows. A scrape that has begun is brought to its end.
    pub(crate) async fn run(mut self) -> Option<Scraper> {
        if let Some(predecessor) = self.predecessor.take()
            && let Ok(Some(before)) = predecessor.task.await
        {
            self.scraper.memory = if predecessor.same_texts {
                before.memory
            } else {
                before.memory.without_texts()
            };
        }
        let mut point = self.schedule.first(Timestamp::now());
        loop {
            tokio::select! {
                biased;
                // An error means that nobody is left who could stop us.
                _ = self.stop.wait_for(|stop| *stop) => return Some(self.scraper),
                () = tokio::time::sleep(until(point)) => {}
            }
            self = self.scrape(point).await?;
            let now = Timestamp::now();
            let next = self.schedule.next(point, now);
            self.scraper
                .metrics
                .missed(self.schedule.missed(point, next));
            point = next;
        }
    }

    async fn scrape(mut self, point: Timestamp) -> Option<Self> {
        let (now, started) = (Timestamp::now(), Instant::now());
        let at = self.schedule.align(point, now);
        self.scraper.metrics.began(now.since(point));
        let expected_bytes = self.status.lock().body_bytes;
        let Scraper {
            target, settings, ..
        } = &self.scraper;
        let page = self.fetcher.fetch(target, settings, expected_bytes).await;
        let is_large = page
            .as_ref()
            .is_ok_and(|page| page.body.len() > INLINE_BYTES_MAX);
        let last = if is_large {
            let mut scraper = self.scraper;
            let digested = tokio::task::spawn_blocking(move || {
                let last = scraper.digest(page, at, started);
                (scraper, last)
            });
            let last;
            // It ends early only when the runtime does.
            (self.scraper, last) = digested.await.ok()?;
            last
        } else {
            self.scraper.digest(page, at, started)
        };
        *self.status.lock() = last;
        Some(self)
    }
}

/// How long it is until a point in time.
pub(crate) fn until(point: Timestamp) -> Duration {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let point = Duration::from_millis(u64::try_from(point.millis()).unwrap_or_default());
    point.saturating_sub(since_epoch.unwrap_or_default())
}
