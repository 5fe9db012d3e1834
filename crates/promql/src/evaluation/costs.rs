//! What the parts of a query cost, for whoever wants to see it.

use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::ast::Span;

/// What a part of a query cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Series that it gave, or that it read when it is a selector.
    pub series: usize,
    /// Samples that it gave, or that it read when it is a selector.
    pub samples: usize,
    /// Time that it took, with all parts below it; of all threads, one after the other.
    pub time: Duration,
}

/// Costs by place, collected from any thread.
#[derive(Debug, Default)]
pub(crate) struct Costs(Mutex<HashMap<(u32, u32), Cost>>);

impl Costs {
    /// Adds to what a part cost; it may be evaluated several times.
    pub fn add(&self, span: Span, cost: Cost) {
        let mut costs = self.0.lock();
        let sum = costs.entry((span.start, span.end)).or_default();
        sum.series = sum.series.max(cost.series);
        sum.samples += cost.samples;
        sum.time += cost.time;
    }

    pub fn of(&self, span: Span) -> Option<Cost> {
        self.0.lock().get(&(span.start, span.end)).copied()
    }
}
