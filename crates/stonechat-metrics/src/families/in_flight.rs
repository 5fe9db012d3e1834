use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::named::Part;
use crate::metric::{Counter, Create, Gauge, Shape};
use crate::registry::{Refresh, Registry};

/// A gauge of what has begun and has not ended, which is worked out before each scrape: all threads of a service
/// begin and end something all the time, and do not wait for each other where they count. What has changed is added,
/// so that the gauge can also be held by hand.
#[derive(Debug)]
pub struct InFlight {
    gauge: Gauge,
    begun: Counter,
    ended: Counter,
    /// What of the gauge is ours; somebody may hold it by hand as well.
    shown: AtomicU64,
}

impl InFlight {
    /// Nothing, if the gauge is absent; the same, if the gauge was registered before.
    pub fn register(part: &Part<Gauge>, registry: &Registry) -> Option<Arc<Self>> {
        let refreshed = part.refreshed()?;
        Some(registry.refresher(vec![refreshed], || Self {
            gauge: part.with(&[]),
            begun: Counter::create(&Shape::detached()),
            ended: Counter::create(&Shape::detached()),
            shown: AtomicU64::new(0.0_f64.to_bits()),
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
        let now = (self.begun.get() - ended).max(0.0);
        let before = self.shown.swap(now.to_bits(), Ordering::Relaxed);
        self.gauge.add(now - f64::from_bits(before));
        true
    }
}
