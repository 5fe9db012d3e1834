use std::time::{Duration, Instant};

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

/// How long a task that is ready waits for a worker: `tokio_scheduler_delay_seconds`, measured by a
/// task of no work that is sent through the runtime five times a second. It grows when handlers
/// block.
///
/// The probing ends when this is dropped.
#[derive(Debug)]
#[must_use = "probing ends when this is dropped"]
pub struct SchedulerDelay(tokio::task::JoinHandle<()>);

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
    /// There is no tokio runtime here, or it has no timer.
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
    /// There is no tokio runtime here, or it has no timer.
    #[track_caller]
    pub fn start_as(
        registry: &Registry,
        names: &[(SchedulerMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let part: Part<Histogram> = Chosen::here(registry, names).part(SchedulerMetric::Delay)?;
        let delay = part.with(&[]);
        Ok(Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(PAUSE).await;
                let ready = Instant::now();
                let probe = tokio::spawn(async move { ready.elapsed() });
                if let Ok(waited) = probe.await {
                    delay.observe_duration(waited);
                }
            }
        })))
    }
}

impl Drop for SchedulerDelay {
    fn drop(&mut self) {
        self.0.abort();
    }
}
