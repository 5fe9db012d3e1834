//! Sessions: series that live as long as a call, a connection or a user's stay.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::family::{Family, FamilyCore, Series, is_other};
use crate::metric::Metric;

/// Owns the series of one session, made by [`Registry::session`](crate::Registry::session).
///
/// When it is dropped they are removed, but not before one more scrape has seen their last values, or as
/// many as there are [`scrapers`](crate::RegistryBuilder::scrapers). So the end of a call is not lost, and
/// finished calls do not stay for ever. While nobody scrapes, the next session of the family that begins or ends
/// removes those that have waited for five minutes
/// ([`ended_wait_max`](crate::FamilyBuilder::ended_wait_max)), and a family that reaches its limit lets go of the
/// series that ended first; `stonechat_session_series_unseen_total` counts both. What a person reads does not count
/// as a scrape, see [`Registry::peek`](crate::Registry::peek).
///
/// A series that is there already without a session, because [`Family::with`] made it, is not removed with one.
/// The other way round, `with` after the end makes a series that stays: keep the handle that [`own`](Self::own) gave,
/// or let the task own it again, which costs little. A handle that outlives its series counts for nobody.
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
    /// By the address of the series, which each of them keeps alive.
    owned: Mutex<HashMap<usize, Box<dyn End>>>,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The series with these label values, which from now on ends with the session. Several
    /// sessions may own one series; it ends with the last of them.
    ///
    /// Past a limit of the family this is its `other` series, which no session owns. To own a series again changes
    /// nothing.
    pub fn own<M: Metric, const N: usize>(&self, family: &Family<M, N>, values: [&str; N]) -> M {
        self.own_in(family.core(), &values)
    }

    pub(crate) fn own_in<M: Metric>(&self, family: &Arc<FamilyCore<M>>, values: &[&str]) -> M {
        if is_other(values) {
            return family.with(values);
        }
        let mut owned = self.owned.lock();
        if let Some(series) = family.find(values)
            && owned.contains_key(&address(&series))
        {
            return series.metric().clone();
        }
        let Some(series) = family.begin(values, Instant::now()) else {
            return family.other(values.len());
        };
        let metric = series.metric().clone();
        // Series that somebody removed need no end; looked for only where the map would grow.
        if owned.len() == owned.capacity() {
            owned.retain(|_, owned| !owned.is_gone());
        }
        let family = Arc::clone(family);
        owned.insert(address(&series), Box::new(Owned { family, series }));
        metric
    }
}

fn address<M>(series: &Arc<Series<M>>) -> usize {
    Arc::as_ptr(series) as usize
}

impl Drop for Session {
    fn drop(&mut self) {
        let now = Instant::now();
        for (_, owned) in self.owned.get_mut().drain() {
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

    /// Whether there is nothing left that could end.
    fn is_gone(&self) -> bool;
}

struct Owned<M> {
    family: Arc<FamilyCore<M>>,
    series: Arc<Series<M>>,
}

impl<M: Metric> End for Owned<M> {
    fn end(&self, now: Instant) {
        self.family.end(&self.series, now);
    }

    fn is_gone(&self) -> bool {
        self.series.is_removed()
    }
}
