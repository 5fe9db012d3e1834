//! The delivery log: the newest messages, what became of each, and those still on their way.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize, Serializer};
use stonechat_model::{Labels, Timestamp};

use crate::dispatch::Order;
use crate::group_key::labels_text;
use crate::journal::{Event, Journal, Told};
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
    /// Its name in the log on disk.
    #[serde(skip)]
    message: String,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// The newest messages, at most [`DeliveryLog::KEPT_MAX`], and the log on disk of all.
#[derive(Debug)]
pub(crate) struct DeliveryLog {
    kept: Mutex<Kept>,
    journal: Journal,
}

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

    pub(crate) fn new(journal: Journal) -> Self {
        Self {
            kept: Mutex::default(),
            journal,
        }
    }

    /// The log on disk.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

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
            message: self.journal.message_id(),
        };
        let all = told.iter().map(|told| Told {
            alert: told.fingerprint().to_string(),
            status: Status::of(told),
        });
        let made = Event::Message {
            id: delivery.message.clone(),
            way: order.integration.to_string(),
            group: order.notification.group_key.to_string(),
            reason: order.notification.reason.text().to_owned(),
            alerts: all.collect(),
        };
        self.journal.write(now, made);
        let mut kept = self.kept.lock();
        delivery.id = kept.next_id;
        kept.next_id += 1;
        // What is still on its way stays, and of that there is no more than queues hold.
        let over = |delivery: &Delivery| delivery.outcome != DeliveryOutcome::Pending;
        while kept.deliveries.len() >= Self::KEPT_MAX
            && let Some(oldest) = kept.deliveries.iter().position(over)
        {
            kept.deliveries.remove(oldest);
        }
        let id = DeliveryId(delivery.id);
        kept.deliveries.push_back(delivery);
        id
    }

    /// Changes a message, if it is still kept.
    pub(crate) fn update(&self, id: DeliveryId, change: impl FnOnce(&mut Delivery)) {
        let mut kept = self.kept.lock();
        // They stand in the order of their numbers.
        let index = kept.deliveries.partition_point(|d| d.id < id.0);
        let Some(delivery) = kept.deliveries.get_mut(index).filter(|d| d.id == id.0) else {
            return;
        };
        let (attempts, outcome) = (delivery.attempts, delivery.outcome);
        change(delivery);
        if delivery.attempts != attempts {
            let tried = Event::Attempt {
                id: delivery.message.clone(),
                number: delivery.attempts,
                answer: delivery.answer.clone(),
                seconds: delivery.duration.as_secs_f64(),
            };
            self.journal.write(Timestamp::now(), tried);
        }
        if delivery.outcome != outcome {
            let ended = Event::Outcome {
                id: delivery.message.clone(),
                outcome: delivery.outcome,
                answer: delivery.answer.clone(),
            };
            self.journal.write(Timestamp::now(), ended);
        }
    }

    /// Newest first.
    pub(crate) fn newest(&self) -> Vec<Delivery> {
        let kept = self.kept.lock();
        let newest = kept.deliveries.iter().rev().take(Self::KEPT_MAX);
        newest.cloned().collect()
    }
}
