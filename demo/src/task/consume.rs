use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use stonechat_metrics::{ConsumeGuard, Outcome, PushStatus};
use tokio::time::sleep;

use super::TaskMetrics;
use super::push::PushClient;
use crate::fault::{Fault, Faults};
use crate::queue::{Consumer, Entry, EntryId};
use crate::wire::{Delivery, Push, PushOutcome, Pushed, UserId};

/// Messages taken from the queue, and pushed in one call, together.
const BATCH_MAX: usize = 64;
/// While [`Fault::Backlog`] is on: one message each time, then a pause.
const BACKLOG_PAUSE: Duration = Duration::from_millis(300);
/// Attempts at pushing a batch to one gateway. After the last one its users find the messages in
/// the history, as they do when they were offline.
const ATTEMPTS: u32 = 4;
/// The pause after the first failed attempt; it doubles with each further one.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// The pause when the queue itself fails.
const QUEUE_PAUSE: Duration = Duration::from_secs(1);

/// A message that is worked on. Dropped before it is done, it counts as failed, and comes again.
struct Work {
    delivery: Arc<Delivery>,
    guard: ConsumeGuard,
}

/// Takes messages and pushes them.
#[derive(Debug)]
pub(super) struct Pusher {
    pub gateways: Vec<PushClient>,
    pub faults: Arc<Faults>,
    pub metrics: TaskMetrics,
}

impl Pusher {
    /// Works until it is dropped.
    pub async fn consume(&self, consumer: &mut Consumer) {
        loop {
            let backlog = self.faults.is_on(Fault::Backlog);
            let count = if backlog { 1 } else { BATCH_MAX };
            let entries = match consumer.receive(count).await {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::warn!(%error, "cannot take messages");
                    sleep(QUEUE_PAUSE).await;
                    continue;
                }
            };
            self.handle(consumer, entries).await;
            if backlog {
                tokio::select! {
                    () = sleep(BACKLOG_PAUSE) => {}
                    () = self.faults.until(Fault::Backlog, false) => {}
                }
            }
        }
    }

    async fn handle(&self, consumer: &mut Consumer, entries: Vec<Entry>) {
        let (ids, works) = self.readable(entries);
        if !works.is_empty() {
            self.push_everywhere(works).await;
        }
        if let Err(error) = consumer.acknowledge(&ids).await {
            // They come again, and their recipients see them twice, with the same identifier.
            tracing::warn!(%error, "cannot acknowledge");
        }
    }

    /// What is no delivery is counted and acknowledged, otherwise it would come again for ever.
    fn readable(&self, entries: Vec<Entry>) -> (Vec<EntryId>, Vec<Work>) {
        let mut ids = Vec::with_capacity(entries.len());
        let mut works = Vec::with_capacity(entries.len());
        for entry in entries {
            let guard = self.metrics.queue.start_consume();
            match entry.delivery {
                Some(delivery) => works.push(Work { delivery, guard }),
                None => guard.finish(Outcome::Error),
            }
            ids.push(entry.id);
        }
        (ids, works)
    }

    /// Pushes to all gateways: each knows who is connected to it.
    async fn push_everywhere(&self, works: Vec<Work>) {
        let push = Push {
            deliveries: works.iter().map(|it| (&*it.delivery).into()).collect(),
        };
        let calls = self
            .gateways
            .iter()
            .map(|gateway| push_with_retries(gateway, &push));
        let answers: Vec<Option<Pushed>> = futures_util::future::join_all(calls).await;
        for (index, Work { delivery, guard }) in works.into_iter().enumerate() {
            let mut merged = Merged::default();
            for answer in &answers {
                merged.add(
                    answer
                        .as_ref()
                        .and_then(|pushed| pushed.outcomes.get(index)),
                );
            }
            for user in &delivery.recipients {
                let status = merged.status(*user);
                self.metrics.messages.pushed(status);
                if status == PushStatus::Error {
                    let kind = delivery.session_id.kind().as_str();
                    self.metrics.messages.failed(kind, merged.reason(*user));
                }
            }
            // Those of a batch are worked on together, so each takes as long as all.
            guard.finish(if merged.unknown {
                Outcome::Error
            } else {
                Outcome::Ok
            });
        }
    }
}

/// What the gateways together say of one message.
#[derive(Debug, Default)]
struct Merged {
    delivered: HashSet<UserId>,
    failed: HashSet<UserId>,
    /// A gateway gave no answer, so whoever is not known to have the message may lack it.
    unknown: bool,
}

impl Merged {
    fn add(&mut self, outcome: Option<&PushOutcome>) {
        match outcome {
            Some(outcome) => {
                self.delivered.extend(users(&outcome.delivered));
                self.failed.extend(users(&outcome.failed));
            }
            None => self.unknown = true,
        }
    }

    /// Why a user lacks the message.
    fn reason(&self, user: UserId) -> &'static str {
        if self.failed.contains(&user) {
            "slow_client"
        } else {
            "no_answer"
        }
    }

    fn status(&self, user: UserId) -> PushStatus {
        if self.delivered.contains(&user) {
            PushStatus::Ok
        } else if self.unknown || self.failed.contains(&user) {
            PushStatus::Error
        } else {
            PushStatus::Offline
        }
    }
}

fn users(numbers: &[i64]) -> impl Iterator<Item = UserId> {
    numbers.iter().copied().map(UserId)
}

async fn push_with_retries(gateway: &PushClient, push: &Push) -> Option<Pushed> {
    let mut pause = RETRY_PAUSE;
    for attempt in 1..=ATTEMPTS {
        match gateway.push(push).await {
            Ok(pushed) => return Some(pushed),
            Err(error) => tracing::warn!(%error, attempt, "cannot push"),
        }
        if attempt < ATTEMPTS {
            sleep(pause).await;
            pause *= 2;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(delivered: &[i64], failed: &[i64]) -> PushOutcome {
        PushOutcome {
            delivered: delivered.to_vec(),
            failed: failed.to_vec(),
        }
    }

    fn check(answers: &[Option<PushOutcome>], user: i64, expected: PushStatus) {
        let mut merged = Merged::default();
        answers
            .iter()
            .for_each(|answer| merged.add(answer.as_ref()));
        assert_eq!(merged.status(UserId(user)), expected, "{answers:?}");
    }

    #[test]
    fn one_gateway_that_has_the_user_is_enough() {
        check(
            &[Some(outcome(&[], &[])), Some(outcome(&[1], &[]))],
            1,
            PushStatus::Ok,
        );
        check(
            &[Some(outcome(&[], &[1])), Some(outcome(&[1], &[]))],
            1,
            PushStatus::Ok,
        );
        check(&[None, Some(outcome(&[1], &[]))], 1, PushStatus::Ok);
    }

    #[test]
    fn offline_is_only_who_is_known_to_be_nowhere() {
        check(&[Some(outcome(&[2], &[]))], 1, PushStatus::Offline);
        check(&[Some(outcome(&[], &[1]))], 1, PushStatus::Error);
        check(&[None, Some(outcome(&[], &[]))], 1, PushStatus::Error);
        check(&[], 1, PushStatus::Offline);
    }

    #[test]
    fn who_lacks_a_message_was_too_slow_or_nobody_knows() {
        let mut merged = Merged::default();
        merged.add(Some(&outcome(&[], &[1])));
        merged.add(None);
        assert_eq!(merged.reason(UserId(1)), "slow_client");
        assert_eq!(merged.reason(UserId(2)), "no_answer");
    }
}
