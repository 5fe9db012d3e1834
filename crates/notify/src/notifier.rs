//! The shell around the state machine: clock, workers, files.

mod ask; // what people ask of it
mod error; // why it cannot begin
mod fallback; // who is told when a receiver cannot be
mod options; // what it is told at the start
mod shared; // what its tasks work on

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Alert, AlertSink, Timestamp};
use tokio::time::{Instant, timeout};

use self::shared::Shared;
use crate::channel::{IntegrationKey, Sender};
use crate::config::Config;
use crate::delivery::Delivery;
use crate::dispatch::Input;
use crate::http::Clients;
use crate::worker::{Manner, Phase, Worker};

pub use self::ask::LateAlert;
pub use self::error::NotifyError;
pub use self::options::NotifierOptions;

/// Takes alerts and tells receivers about them. Clones are the same notifier.
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
}

/// How long aborted requests get to notice.
const ABORT_TIME: Duration = Duration::from_millis(500);

impl Notifier {
    /// Begins to notify. What was told before a restart is read from the data directory. Has to be called within a
    /// tokio runtime, and the process needs a default TLS provider.
    ///
    /// # Errors
    /// When the data directory cannot be used, or a receiver's certificates cannot.
    ///
    /// # Panics
    /// Without a tokio runtime, or without a default TLS provider.
    pub fn new(config: Config, options: NotifierOptions) -> Result<Self, NotifyError> {
        let workers = build_workers(&config, &options, &HashMap::new())?;
        let shared = Arc::new(Shared::open(Arc::new(config), options, workers)?);
        tokio::spawn(run(Arc::clone(&shared)));
        Ok(Self { shared })
    }

    /// Goes on with another configuration. Groups that it leaves alone keep their times, nobody is told anything
    /// again, and requests under way are finished.
    ///
    /// # Errors
    /// When a receiver's certificates cannot be used; then all goes on as before.
    pub fn apply(&self, config: Config) -> Result<(), NotifyError> {
        let shared = &self.shared;
        // One reload after the other.
        let _reload = shared.reload.lock();
        let running = shared.workers.lock().clone();
        let workers = build_workers(&config, &shared.options, &running)?;
        shared.replace_workers(workers);
        shared.step_now(Input::Apply(Arc::new(config)));
        Ok(())
    }

    /// The newest messages with what became of them, newest first; at most 100.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.newest()
    }

    /// Stops. Requests under way may finish for as long as the options allow; what has not arrived is told after the
    /// next start. The notification log is complete when this returns.
    pub async fn shutdown(&self) {
        let shared = &self.shared;
        shared.set_phase(Phase::Drain);
        let mut tasks = shared.tasks.subscribe();
        let limit = shared.options.shutdown_timeout;
        if timeout(limit, tasks.wait_for(|tasks| *tasks == 0))
            .await
            .is_err()
        {
            tracing::warn!(
                "messages on their way are given up; they are sent after the next start"
            );
            shared.set_phase(Phase::Abort);
            // Whoever does not notice even now is left behind.
            let _ = timeout(ABORT_TIME, tasks.wait_for(|tasks| *tasks == 0)).await;
        }
        shared.write_log_anew().await;
        let journal = shared.deliveries.journal().clone();
        // It fails only when the runtime ends.
        let _ = tokio::task::spawn_blocking(move || journal.flush()).await;
    }
}

impl AlertSink for Notifier {
    fn put(&self, alerts: Vec<Alert>) {
        self.shared.step_now(Input::Alerts(alerts));
    }
}

/// The workers that a configuration needs; those that it leaves alone are the running ones.
fn build_workers(
    config: &Config,
    options: &NotifierOptions,
    running: &HashMap<IntegrationKey, Arc<Worker>>,
) -> Result<HashMap<IntegrationKey, Arc<Worker>>, NotifyError> {
    let (mut workers, mut clients) = (HashMap::new(), Clients::default());
    let manner = Manner {
        templates: Arc::clone(&config.templates),
        external_url: options.external_url.clone(),
        queue_max: options.queue_max,
        retry_wait: options.retry_wait,
    };
    for integration in config.receivers.values().flatten() {
        let key = &integration.key;
        let same = running.get(key).filter(|worker| {
            worker.channel == integration.channel && worker.templates == config.templates
        });
        let worker = match same {
            Some(worker) => Arc::clone(worker),
            None => {
                let sender = Sender::new(&integration.channel, &mut clients)
                    .map_err(|error| NotifyError::client(key, error))?;
                let metrics = options.metrics.of_worker(key.kind, &key.receiver);
                Arc::new(Worker::new(
                    (integration.channel.clone(), sender),
                    metrics,
                    &manner,
                ))
            }
        };
        workers.insert(key.clone(), worker);
    }
    Ok(workers)
}

/// How often the gauges are set at least, and at most.
const GAUGES_INTERVAL_MAX: Duration = Duration::from_secs(15);
const GAUGES_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Wakes the state machine whenever a group is due.
async fn run(shared: Arc<Shared>) {
    let (mut gauges_at, mut gauges_stale) = (Instant::now(), true);
    loop {
        let due = shared.wake_at().map(|at| at.since(Timestamp::now()));
        let gauges_wait = match gauges_stale {
            true => GAUGES_INTERVAL_MIN.saturating_sub(gauges_at.elapsed()),
            false => GAUGES_INTERVAL_MAX,
        };
        // A clock that is set back or forward is noticed when the gauges are set, at the latest.
        let wait = due.map_or(gauges_wait, |due| due.min(gauges_wait));
        tokio::select! {
            biased;
            () = shared.closing() => return,
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        shared.step(Input::Tick).await;
        gauges_stale = gauges_at.elapsed() < GAUGES_INTERVAL_MIN;
        if !gauges_stale {
            gauges_at = Instant::now();
            shared.set_gauges();
        }
    }
}
