use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::board::{Board, Outcome, Slot};
use crate::metrics::SqlMetrics;
use crate::round::Asker;
use crate::schedule::Timetable;

/// Sleeps are cut into pieces of this length, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// One query, asked again and again, never twice at a time.
pub(super) struct Loop {
    pub(super) slot: Arc<Slot>,
    pub(super) asker: Arc<Asker>,
    pub(super) timetable: Timetable,
    pub(super) board: Arc<Board>,
    pub(super) metrics: SqlMetrics,
    pub(super) stop: CancellationToken,
}

impl Loop {
    /// Asks at once where nothing is shown yet, and then at the times of the schedule.
    pub(super) async fn run(self, at_once: bool) {
        let mut last = Timestamp::now();
        if at_once && !self.round().await {
            return;
        }
        while let Some(next) = self.timetable.next(last) {
            if !self.wait(next).await || !self.round().await {
                return;
            }
            last = self.missed(next);
        }
        // A cron expression that never comes again: the last value goes on.
        self.wait(Timestamp::MAX).await;
    }

    /// The last time of the schedule that has passed; those that were slept through are counted.
    fn missed(&self, asked: Timestamp) -> Timestamp {
        let now = Timestamp::now();
        let mut last = asked;
        let mut missed = 0;
        while let Some(next) = self.timetable.next(last)
            && next <= now
            && missed < MISSED_MAX
        {
            (last, missed) = (next, missed + 1);
        }
        self.metrics.missed(missed);
        if missed == MISSED_MAX { now } else { last }
    }

    /// Sleeps until a time, and stores the last values again meanwhile. False when it is time to stop.
    async fn wait(&self, until: Timestamp) -> bool {
        let mut stored = Timestamp::now();
        loop {
            let now = Timestamp::now();
            if now >= until {
                return true;
            }
            let repeat = self.timetable.repeat(stored);
            if repeat.is_some_and(|repeat| repeat <= now) {
                self.board.repeat(&self.slot, now);
                stored = now;
                continue;
            }
            let wake = repeat.map_or(until, |repeat| repeat.min(until));
            let pause = wake.since(now).min(SLEEP_MAX);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return false,
            }
        }
    }

    /// Asks once and shows the outcome. False when it is time to stop. A round whose query is no longer in force is given up, so that
    /// the server is not kept busy for nobody.
    async fn round(&self) -> bool {
        let outcome: Outcome = tokio::select! {
            outcome = self.asker.round() => outcome,
            () = self.stop.cancelled() => return false,
        };
        if let Err(error) = &outcome.result {
            let query = &self.slot.query;
            tracing::warn!(
                query = query.name,
                source = query.source.name,
                "{}:{}: {error}",
                query.place.file.display(),
                query.place.line,
            );
        }
        self.board.publish(&self.slot, outcome)
    }
}

/// Times that are counted one by one after a long sleep, such as that of a laptop.
const MISSED_MAX: u64 = 10_000;
