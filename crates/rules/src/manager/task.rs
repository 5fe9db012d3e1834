//! One group and its clock.

use std::sync::Arc;

use stonechat_model::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::evaluate::Workshop;
use crate::live::LiveGroup;
use crate::metrics::RuleMetrics;
use crate::schedule::Schedule;
use crate::series;

/// What all groups share.
pub(super) struct Machinery {
    pub workshop: Workshop,
    /// One for each group that may be evaluated at the same time.
    pub permits: Semaphore,
    pub metrics: Option<RuleMetrics>,
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A group that was told to stop, and its task.
pub(super) type Stopping = (Arc<LiveGroup>, JoinHandle<()>);

/// Evaluates a group at its moments until it is stopped.
pub(super) async fn run(
    machinery: Arc<Machinery>,
    live: Arc<LiveGroup>,
    predecessor: Option<Stopping>,
    mut stopped: watch::Receiver<bool>,
) {
    if let Some((old, task)) = predecessor {
        // Two evaluations of the same rule must not run at the same time.
        let _ = task.await;
        live.adopt_orphans(&old);
    } else {
        live.tell_remembered(&machinery.workshop, (machinery.clock)());
    }
    let group = &live.definition;
    let schedule = Schedule::new(&group.file, &group.name, group.interval);
    let mut moment = schedule.before((machinery.clock)());
    // As in Prometheus the old state is looked for after the second evaluation, when data has come in again.
    let mut before_restore = 2_u32;
    loop {
        let wait = schedule.wait(moment, (machinery.clock)());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let (next, missed) = schedule.next(moment, (machinery.clock)());
        moment = next;
        live.miss(missed);
        if let Some(metrics) = &machinery.metrics {
            metrics.scheduled(group, missed);
        }
        before_restore = before_restore.saturating_sub(1);
        iterate(&machinery, &live, moment, before_restore == 0, &stopped).await;
    }
}

/// One evaluation, on a thread that may block.
async fn iterate(
    machinery: &Arc<Machinery>,
    live: &Arc<LiveGroup>,
    moment: Timestamp,
    restore: bool,
    stopped: &watch::Receiver<bool>,
) {
    // The semaphore is never closed.
    let Ok(_permit) = machinery.permits.acquire().await else {
        return;
    };
    let work = {
        let (machinery, live, stopped) = (Arc::clone(machinery), Arc::clone(live), stopped.clone());
        move || {
            live.evaluate(
                &machinery.workshop,
                machinery.metrics.as_ref(),
                moment,
                &|| *stopped.borrow(),
            );
            if restore && live.wants_restore() {
                live.restore(&machinery.workshop, (machinery.clock)());
            }
        }
    };
    if let Err(error) = tokio::task::spawn_blocking(work).await {
        tracing::error!(group = live.definition.name, %error, "the evaluation of a group broke off");
    }
}

/// Ends the series of a removed group, after a while in which the same series may appear in another group.
pub(super) async fn farewell(machinery: Arc<Machinery>, (live, task): Stopping) {
    let removed_at = (machinery.clock)();
    let _ = task.await;
    let series = live.take_series();
    if series.is_empty() {
        return;
    }
    tokio::time::sleep(2 * live.definition.interval).await;
    let at = removed_at.minus(live.definition.query_offset);
    let end = move || {
        if let Err(error) = series::end(&*machinery.workshop.appender, &series, at) {
            tracing::warn!(%error, "series of a removed group cannot be ended");
        }
    };
    // It fails only when the runtime ends, and then nobody ends series any more.
    let _ = tokio::task::spawn_blocking(end).await;
}
