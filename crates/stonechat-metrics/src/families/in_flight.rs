use std::sync::Arc;

use super::named::Part;
use crate::metric::{Counter, Create, Gauge, Shape};
use crate::registry::{Refresh, Registry};

/// A gauge of what has begun and has not ended, which is worked out before each scrape: all threads of a service
/// begin and end something all the time, and do not wait for each other where they count.
#[derive(Debug)]
pub struct InFlight {
    gauge: Gauge,
    begun: Counter,
    ended: Counter,
}

impl InFlight {
    /// Nothing, if the gauge is absent; the same, if the gauge was registered before.
    pub fn register(part: &Part<Gauge>, registry: &Registry) -> Option<Arc<Self>> {
        let refreshed = part.refreshed()?;
        Some(registry.refresher(vec![refreshed], || Self {
            gauge: part.with(&[]),
            begun: Counter::create(&Shape::detached()),
            ended: Counter::create(&Shape::detached()),
        }))
    }

    pub fn begin(&self) {
        self.begun.inc();
    }

    pub fn end(&self) {
        self.ended.inc();
    }
}

impl Refresh for InFlight {
    fn refresh(&self) -> bool {
        // In this order: what has ended by now has begun by then.
        let ended = self.ended.get();
        self.gauge.set((self.begun.get() - ended).max(0.0));
        true
    }
}
