use std::time::Duration;

use super::{Histogram, Stopwatch};

/// A running clock; when it is dropped, also by an early return or a panic, the time since its
/// start is observed in the unit of the histogram.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// # let logins = registry.histogram("login_duration_seconds", "Time to log in.").register()?;
/// let timer = logins.start_timer();
/// // The work.
/// drop(timer);
/// assert_eq!(logins.count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the time is observed when the timer is dropped"]
pub struct Timer {
    histogram: Histogram,
    start: Stopwatch,
    ended: bool,
}

impl Timer {
    pub(super) fn start(histogram: Histogram) -> Self {
        Self {
            histogram,
            start: Stopwatch::start(),
            ended: false,
        }
    }

    /// Ends the timer now and returns what it recorded.
    pub fn finish(mut self) -> Duration {
        self.ended = true;
        let elapsed = self.start.elapsed();
        self.histogram.observe_duration(elapsed);
        elapsed
    }

    /// Ends the timer without recording anything.
    pub fn discard(mut self) {
        self.ended = true;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.ended {
            self.histogram.observe_seconds(self.start.seconds());
        }
    }
}
