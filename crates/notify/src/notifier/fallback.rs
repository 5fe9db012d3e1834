//! Who is told when a receiver cannot be.

use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Timestamp;
use tokio::time::Instant;

use super::shared::Shared;
use crate::delivery::DeliveryId;
use crate::dispatch::{Order, Outcome};
use crate::worker::Worker;

/// How long a receiver that has a fallback may fail before that takes over, and how long the fallback then has.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message on its way.
pub(super) struct Sent {
    pub worker: Arc<Worker>,
    pub order: Order,
    pub delivery: DeliveryId,
}

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

    /// Sends a message that has failed on all ways of the fallback. Gives those that have arrived.
    pub(super) async fn fall_back(&self, order: &Order) -> Vec<Sent> {
        let Some(receiver) = self.fallback_of(order) else {
            return Vec::new();
        };
        let ways: Vec<_> = {
            let dispatcher = self.dispatcher.lock();
            let ways = dispatcher.config().integrations(&receiver).iter();
            ways.map(|way| way.key.clone()).collect()
        };
        let mut arrived = Vec::new();
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
            let sent = Sent {
                worker,
                order,
                delivery,
            };
            let outcome = self.deliver(&sent, Instant::now() + PATIENCE).await;
            if outcome == Outcome::Delivered {
                arrived.push(sent);
            }
        }
        arrived
    }

    /// Delivers a message with one worker. The end is written down, unless it has arrived: that is told only when the
    /// notification log has it, so that what is shown as delivered is not sent again after a crash.
    pub(super) async fn deliver(&self, sent: &Sent, deadline: Instant) -> Outcome {
        let log = (&self.deliveries, sent.delivery);
        let outcome = sent.worker.deliver(&sent.order, deadline, log).await;
        if outcome != Outcome::Delivered {
            self.conclude(sent, outcome);
        }
        outcome
    }

    /// Writes down the end of a message.
    pub(super) fn conclude(&self, sent: &Sent, outcome: Outcome) {
        let log = (&self.deliveries, sent.delivery);
        sent.worker.conclude(&sent.order, outcome, log);
    }
}
