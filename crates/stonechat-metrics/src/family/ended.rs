use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::core::Series;

/// The series of sessions that are over, oldest first.
///
/// Scrapes of a family come one after the other and are numbered. A series that ended when `n` had begun is seen by
/// those from `n + 1` on.
pub struct Ends<M> {
    queue: VecDeque<Ended<M>>,
    /// Number of series that have ended so far.
    ends: u64,
    scrapes_begun: u64,
    scrapes_done: u64,
}

pub struct Ended<M> {
    pub series: Arc<Series<M>>,
    /// The end this is about: the session may have come back, and ended again.
    end: u64,
    at: Instant,
    /// Scrapes that had begun by then.
    scrapes_before: u64,
}

impl<M> Ended<M> {
    /// Whether the series is still to be removed for this end.
    pub fn is_due(&self) -> bool {
        self.series.sessions.load(Ordering::Relaxed) == 0
            && self.series.last_end.load(Ordering::Relaxed) == self.end
            && !self.series.removed.load(Ordering::Relaxed)
    }

    fn is_older(&self, now: Instant, wait_max: Duration) -> bool {
        now.saturating_duration_since(self.at) > wait_max
    }
}

impl<M> Ends<M> {
    pub fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            ends: 0,
            scrapes_begun: 0,
            scrapes_done: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Adds the end of a series of a family that has `known` series.
    pub fn push(&mut self, series: Arc<Series<M>>, now: Instant, known: usize) {
        self.ends += 1;
        series.last_end.store(self.ends, Ordering::Relaxed);
        // A session that comes back and ends, again and again, leaves entries that are void. The others are of
        // different series, so that this halves the queue at least.
        if self.queue.len() > 2 * known {
            self.queue.retain(Ended::is_due);
        }
        self.queue.push_back(Ended {
            series,
            end: self.ends,
            at: now,
            scrapes_before: self.scrapes_begun,
        });
    }

    /// Takes the oldest end out.
    pub fn pop(&mut self) -> Option<Ended<M>> {
        self.queue.pop_front()
    }

    /// Takes the oldest end out, if it has waited too long.
    pub fn pop_older(&mut self, now: Instant, wait_max: Duration) -> Option<Ended<M>> {
        self.queue
            .pop_front_if(|ended| ended.is_older(now, wait_max))
    }

    /// Takes the oldest end out, if this scrape has seen it, and is the last to wait for: the last of `scrapers`, or the
    /// others have been missing for too long.
    pub fn pop_seen(
        &mut self,
        scrape: u64,
        scrapers: u64,
        now: Instant,
        wait_max: Duration,
    ) -> Option<Ended<M>> {
        self.queue.pop_front_if(|ended| {
            let seen_by = scrape.saturating_sub(ended.scrapes_before);
            seen_by >= scrapers || (seen_by > 0 && ended.is_older(now, wait_max))
        })
    }

    /// Whether a scrape has shown the series after its end.
    pub fn is_seen(&self, ended: &Ended<M>) -> bool {
        self.scrapes_done > ended.scrapes_before
    }

    /// The number of the scrape that begins.
    pub fn begin_scrape(&mut self) -> u64 {
        self.scrapes_begun += 1;
        self.scrapes_begun
    }

    pub fn finish_scrape(&mut self, scrape: u64) {
        self.scrapes_done = scrape;
    }
}
