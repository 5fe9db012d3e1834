//! Sessions: series that live as long as a call, a connection or a user's stay.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::family::{Family, FamilyCore, Series};
use crate::metric::Metric;

/// Owns the series of one session, made by [`Registry::session`](crate::Registry::session).
///
/// When it is dropped they are removed, but not before one more scrape has seen their last values,
/// or five minutes have passed without one
/// ([`ended_wait_max`](crate::FamilyBuilder::ended_wait_max)). So the end of a call is not lost,
/// and finished calls do not stay for ever. While nobody scrapes, a family that reaches its limit
/// lets go of the series that ended first; `stonechat_session_series_unseen_total` counts them.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// use stonechat_metrics::{Format, Registry};
///
/// let registry = Registry::bare();
/// let rtt = registry
///     .gauge("rtt_milliseconds", "Round trip.")
///     .labels(["session_id"])
///     .register()?;
///
/// let call = registry.session();
/// call.own(&rtt, ["s-1"]).set(20.0);
/// drop(call);
/// assert!(registry.encode(Format::Text).contains(r#"{session_id="s-1"} 20"#), "seen once more");
/// assert_eq!(registry.encode(Format::Text), "", "and gone");
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "the series of a session end when it is dropped"]
pub struct Session {
    owned: Mutex<Vec<Box<dyn End>>>,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The series with these label values, which from now on ends with the session. Several
    /// sessions may own one series; it ends with the last of them.
    ///
    /// Past a limit of the family this is its `other` series, which no session owns.
    pub fn own<M: Metric, const N: usize>(&self, family: &Family<M, N>, values: [&str; N]) -> M {
        self.own_in(family.core(), &values)
    }

    pub(crate) fn own_in<M: Metric>(&self, family: &Arc<FamilyCore<M>>, values: &[&str]) -> M {
        let Some(series) = family.begin(values) else {
            return family.other(values.len());
        };
        let metric = series.metric().clone();
        self.owned.lock().push(Box::new(Owned {
            family: Arc::clone(family),
            series,
        }));
        metric
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let now = Instant::now();
        for owned in self.owned.get_mut().drain(..) {
            owned.end(now);
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("series", &self.owned.lock().len())
            .finish_non_exhaustive()
    }
}

/// Something that ends with the session.
trait End: Send {
    fn end(&self, now: Instant);
}

struct Owned<M> {
    family: Arc<FamilyCore<M>>,
    series: Arc<Series<M>>,
}

impl<M: Metric> End for Owned<M> {
    fn end(&self, now: Instant) {
        self.family.end(&self.series, now);
    }
}
