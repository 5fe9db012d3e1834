use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::error::RegisterError;
use crate::metric::Histogram;
use crate::registry::Registry;

/// How often a probe is sent through the runtime.
const PAUSE: Duration = Duration::from_millis(200);

/// Buckets for the delay of a task: 10 microseconds to 2.5 seconds.
const DELAYS: &[f64] = &[
    0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5,
];

/// How long a task that is ready waits for a worker: `tokio_scheduler_delay_seconds`. It grows when
/// handlers block.
///
/// A thread of its own sends a task of no work into the runtime, five times a second and never a
/// second one before the first has run. A task that a worker spawned itself would prove nothing: it
/// is that worker's next one, however long the queue is.
///
/// The probing ends when this is dropped, or with the runtime. Where the system has no thread left
/// for it, nothing is observed.
#[derive(Debug)]
#[must_use = "probing ends when this is dropped"]
pub struct SchedulerDelay {
    /// Its being dropped is what ends the thread.
    _stop: mpsc::Sender<()>,
}

/// The metric of [`SchedulerDelay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SchedulerMetric {
    /// Histogram of the time from being ready to running, without parts.
    Delay,
}

impl Key for SchedulerMetric {
    fn template(self) -> Template {
        Template::new(
            "tokio_scheduler_delay_seconds",
            "Time that a task which is ready waits for a worker.",
        )
        .seconds(DELAYS)
    }
}

impl SchedulerDelay {
    /// Registers the metric and starts probing the current runtime.
    ///
    /// # Errors
    ///
    /// A different metric has the name.
    ///
    /// # Panics
    ///
    /// There is no tokio runtime here.
    #[track_caller]
    pub fn start(registry: &Registry) -> Result<Self, RegisterError> {
        Self::start_as(registry, &standard([SchedulerMetric::Delay]))
    }

    /// The same under another name.
    ///
    /// # Errors
    ///
    /// A different metric has the name, or it breaks a rule of the data model.
    ///
    /// # Panics
    ///
    /// There is no tokio runtime here.
    #[track_caller]
    pub fn start_as(
        registry: &Registry,
        names: &[(SchedulerMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let part: Part<Histogram> = Chosen::here(registry, names).part(SchedulerMetric::Delay)?;
        let delay = part.with(&[]);
        let runtime = Handle::current();
        let (stop, stopped) = mpsc::channel();
        // Without a thread there are no observations, and a service that runs all the same.
        let _ = thread::Builder::new()
            .name("scheduler-delay".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout)
                    && probe(&runtime, &delay)
                {}
            });
        Ok(Self { _stop: stop })
    }
}

/// Sends a task through the queue of the whole runtime, and waits until it has run. Returns whether
/// there is still a runtime.
fn probe(runtime: &Handle, delay: &Histogram) -> bool {
    let (ran, answer) = mpsc::channel();
    let delay = delay.clone();
    let ready = Instant::now();
    runtime.spawn(async move {
        delay.observe_duration(ready.elapsed());
        // The other side waits for it.
        let _ = ran.send(());
    });
    // A runtime that ends drops the task.
    answer.recv().is_ok()
}
