use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use super::LabelValues;
use crate::desc::Desc;
use crate::metric::Reading;

/// How families are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub now: Instant,
    /// How many scrapes are to see the end of a session; none, if this is not one of them.
    pub scrapers: Option<u64>,
    /// Whether native histograms are shown.
    pub native: bool,
}

/// One series at one moment, for the encoders.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub values: &'a LabelValues,
    pub reading: Reading<'a>,
}

/// Is shown one series after the other.
pub type Visitor<'a> = dyn FnMut(View<'_>) + 'a;

/// A family whose kind of metric is not known, as the registry and the encoders see it.
pub trait AnyFamily: Send + Sync {
    fn desc(&self) -> &Arc<Desc>;

    /// Shows all series, sorted by their label values.
    fn visit(&self, look: Look, visitor: &mut Visitor<'_>);

    /// Values that a limit sent to the `other` series.
    fn limited(&self) -> u64;

    /// Series of ended sessions that no scrape has seen to their end.
    fn unseen(&self) -> u64;

    /// Values that could not be recorded.
    fn ignored(&self) -> u64;

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}
