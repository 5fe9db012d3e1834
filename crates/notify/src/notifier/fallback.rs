//! Who is told when a receiver cannot be.

use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Timestamp;
use tokio::time::Instant;

use super::shared::Shared;
use crate::dispatch::{Order, Outcome};

/// How long a receiver that has a fallback may fail before that takes over, and how long the fallback then has.
const PATIENCE: Duration = Duration::from_secs(30);

impl Shared {
    /// Until when a message is tried with the receiver itself.
    pub(super) fn own_deadline(&self, order: &Order, deadline: Instant) -> Instant {
        match self.fallback_of(order) {
            Some(_) => deadline.min(Instant::now() + PATIENCE),
            None => deadline,
        }
    }

    fn fallback_of(&self, order: &Order) -> Option<Arc<str>> {
        let dispatcher = self.dispatcher.lock();
        dispatcher
            .config()
            .fallbacks
            .get(&order.integration.receiver)
            .cloned()
    }

    /// Sends a message that has failed on all ways of the fallback. What one of them takes has arrived.
    pub(super) async fn fall_back(&self, order: &Order) -> Outcome {
        let Some(receiver) = self.fallback_of(order) else {
            return Outcome::Failed;
        };
        let ways: Vec<_> = {
            let dispatcher = self.dispatcher.lock();
            let ways = dispatcher.config().integrations(&receiver).iter();
            ways.map(|way| way.key.clone()).collect()
        };
        let mut arrived = Outcome::Failed;
        for key in ways {
            let worker = self.workers.lock().get(&key).cloned();
            let Some((worker, _place)) =
                worker.and_then(|worker| worker.place().map(|place| (worker, place)))
            else {
                continue;
            };
            let mut order = order.clone();
            order.notification.receiver = Arc::clone(&key.receiver);
            order.integration = key;
            let delivery = self.deliveries.begin(Timestamp::now(), &order);
            tracing::warn!(receiver = %order.integration, "a fallback takes over");
            let until = Instant::now() + PATIENCE;
            if worker
                .deliver(&order, until, (&self.deliveries, delivery))
                .await
                == Outcome::Delivered
            {
                arrived = Outcome::Delivered;
            }
        }
        arrived
    }
}
