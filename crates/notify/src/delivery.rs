//! The delivery log: the newest messages, what became of each, and those still on their way.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use stonechat_model::{Labels, Timestamp};

use crate::dispatch::Order;
use crate::group_key::labels_text;
use crate::notification::Status;
use crate::time::rfc3339;

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// When it was made.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Timestamp,
    /// The receiver's name.
    pub receiver: String,
    /// The labels that its alerts share: `{alertname="X"}`.
    pub group: String,
    /// Firing as long as one of its alerts fires.
    pub status: Status,
    /// The first [`Delivery::ALERTS_MAX`] of its alerts.
    pub alerts: Vec<DeliveredAlert>,
    /// How many alerts it has.
    pub alerts_total: usize,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// How often it was tried.
    pub attempts: u32,
    /// What the receiver last answered, or why there was no answer. Holds no URL but its scheme and host.
    pub answer: String,
    /// How long the last attempt took.
    #[serde(rename = "duration_seconds", serialize_with = "as_seconds")]
    pub duration: Duration,
    #[serde(skip)]
    id: u64,
}

impl Delivery {
    /// The most alerts that are kept of one message.
    pub const ALERTS_MAX: usize = 100;
}

/// One alert of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeliveredAlert {
    /// The label `alertname`.
    pub name: String,
    /// All labels.
    pub labels: Labels,
    /// Whether it fired.
    pub status: Status,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryOutcome {
    /// It waits to be sent, or to be sent again.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// It was given up. What it told is told again in the group's next message.
    Failed,
}

fn as_rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// The newest messages, at most [`DeliveryLog::KEPT_MAX`].
#[derive(Debug, Default)]
pub(crate) struct DeliveryLog(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Oldest first.
    deliveries: VecDeque<Delivery>,
    next_id: u64,
}

/// Names a delivery in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeliveryId(u64);

impl DeliveryLog {
    pub(crate) const KEPT_MAX: usize = 100;

    /// Adds a message that is about to be sent.
    pub(crate) fn begin(&self, now: Timestamp, order: &Order) -> DeliveryId {
        let told = &order.notification.alerts;
        let alerts = told.iter().take(Delivery::ALERTS_MAX);
        let alerts = alerts.map(|told| DeliveredAlert {
            name: told.known.alert.name().to_owned(),
            labels: told.known.alert.labels.clone(),
            status: Status::of(told),
        });
        let mut delivery = Delivery {
            at: now,
            receiver: order.notification.receiver.to_string(),
            group: labels_text(&order.notification.group_labels),
            status: Status::of_all(told),
            alerts: alerts.collect(),
            alerts_total: told.len(),
            outcome: DeliveryOutcome::Pending,
            attempts: 0,
            answer: "not tried yet".to_owned(),
            duration: Duration::ZERO,
            id: 0,
        };
        let mut kept = self.0.lock();
        delivery.id = kept.next_id;
        kept.next_id += 1;
        if kept.deliveries.len() >= Self::KEPT_MAX {
            // What is over goes before what is still on its way.
            let over = |delivery: &Delivery| delivery.outcome != DeliveryOutcome::Pending;
            let oldest = kept.deliveries.iter().position(over).unwrap_or(0);
            kept.deliveries.remove(oldest);
        }
        let id = DeliveryId(delivery.id);
        kept.deliveries.push_back(delivery);
        id
    }

    /// Changes a message, if it is still kept.
    pub(crate) fn update(&self, id: DeliveryId, change: impl FnOnce(&mut Delivery)) {
        let mut kept = self.0.lock();
        if let Some(delivery) = kept.deliveries.iter_mut().find(|d| d.id == id.0) {
            change(delivery);
        }
    }

    /// Newest first.
    pub(crate) fn newest(&self) -> Vec<Delivery> {
        self.0.lock().deliveries.iter().rev().cloned().collect()
    }
}
