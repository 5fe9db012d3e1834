//! Sends the messages of one way out of one receiver. Each way has its own worker, so that a receiver that is slow or
//! gone delays no other.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::answer::{Answer, Verdict};
use crate::backoff::{Backoff, chance};
use crate::channel::{Channel, Sender};
use crate::delivery::{Delivery, DeliveryId, DeliveryLog, DeliveryOutcome};
use crate::dispatch::{Order, Outcome};
use crate::metrics::WorkerMetrics;
use crate::template::{Renderer, SharedTemplates};

/// The most requests to one receiver at the same time. A message that waits for its next attempt is none of them.
const ATTEMPTS_MAX: usize = 16;

/// How far a worker may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// As usual.
    Run,
    /// Requests under way are finished, none is begun.
    Drain,
    /// Nothing is waited for.
    Abort,
}

/// One way out at work.
pub(crate) struct Worker {
    /// What it was made from: as long as that is the same, so is the worker.
    pub(crate) channel: Channel,
    pub(crate) templates: SharedTemplates,
    external_url: String,
    sender: Sender,
    metrics: WorkerMetrics,
    requests: Semaphore,
    /// Messages that may be here at once.
    places: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
    /// The receiver has asked not to be sent anything before.
    paused_until: Mutex<Option<Instant>>,
    retry_wait: Duration,
}

/// A message's place in the queue; given back when it is dropped.
pub(crate) struct Place {
    _permit: tokio::sync::OwnedSemaphorePermit,
    _queued: stonechat_metrics::GaugeGuard,
}

/// What a wait ended with.
enum Waited {
    Over,
    Deadline,
    Stopped,
}

/// How messages of all ways out are written and sent.
pub(crate) struct Manner {
    pub(crate) templates: SharedTemplates,
    pub(crate) external_url: String,
    pub(crate) queue_max: usize,
    pub(crate) retry_wait: Duration,
}

impl Worker {
    pub(crate) fn new(
        (channel, sender): (Channel, Sender),
        metrics: WorkerMetrics,
        manner: &Manner,
    ) -> Self {
        let Manner {
            queue_max,
            retry_wait,
            ..
        } = *manner;
        Self {
            channel,
            templates: Arc::clone(&manner.templates),
            external_url: manner.external_url.clone(),
            sender,
            metrics,
            requests: Semaphore::new(ATTEMPTS_MAX),
            places: Arc::new(Semaphore::new(queue_max)),
            phase: watch::Sender::new(Phase::Run),
            paused_until: Mutex::new(None),
            retry_wait,
        }
    }

    /// A place for one more message, if there is one.
    pub(crate) fn place(&self) -> Option<Place> {
        let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else {
            self.metrics.queue_full.inc();
            return None;
        };
        Some(Place {
            _permit: permit,
            _queued: self.metrics.queue_length.hold(),
        })
    }

    /// Ends the work.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Tries to deliver a message until it arrives, is refused, or its time is over. The caller writes its end down.
    pub(crate) async fn deliver(
        &self,
        order: &Order,
        deadline: Instant,
        (log, id): (&DeliveryLog, DeliveryId),
    ) -> Outcome {
        let mut backoff = Backoff::new(self.retry_wait);
        let mut attempts = 0;
        loop {
            let answer = match self.attempt(order, deadline, &mut attempts).await {
                Ok(answer) => answer,
                Err(outcome) => return outcome,
            };
            log.update(id, |delivery| answer.note(delivery, attempts));
            match answer.answer.verdict {
                Verdict::Delivered => return Outcome::Delivered,
                Verdict::Refused => {
                    tracing::warn!(
                        receiver = %order.integration, answer = answer.answer.text,
                        "a receiver refuses a message"
                    );
                    return Outcome::Failed;
                }
                Verdict::Retry(wait) => {
                    if attempts == 1 {
                        tracing::warn!(
                            receiver = %order.integration, answer = answer.answer.text,
                            "a message could not be delivered; it will be tried again"
                        );
                    }
                    self.pause(wait);
                    let until = Instant::now() + backoff.wait(chance());
                    match self.wait(sleep_until(until), deadline).await {
                        Waited::Over => self.metrics.retries.inc(),
                        Waited::Deadline => return Outcome::Failed,
                        Waited::Stopped => return Outcome::Interrupted,
                    }
                }
            }
        }
    }

    /// Waits for its turn and makes one attempt.
    async fn attempt(
        &self,
        order: &Order,
        deadline: Instant,
        attempts: &mut u32,
    ) -> Result<Attempt, Outcome> {
        let turn = async {
            loop {
                if let Some(until) = self.paused() {
                    sleep_until(until).await;
                    continue;
                }
                let permit = self.requests.acquire().await;
                // The receiver may have asked to wait meanwhile.
                if self.paused().is_none() {
                    return permit;
                }
            }
        };
        let _turn = tokio::select! {
            biased;
            () = self.reached(Phase::Drain) => return Err(Outcome::Interrupted),
            turn = turn => turn.map_err(|_| Outcome::Interrupted)?,
            () = sleep_until(deadline) => return Err(Outcome::Failed),
        };
        *attempts += 1;
        let begun = Instant::now();
        let limit = self.sender.timeout();
        let until = limit.map_or(deadline, |limit| deadline.min(begun + limit));
        let renderer = Renderer::new(
            &order.notification,
            &self.external_url,
            &self.templates,
            Timestamp::now(),
        );
        let request = timeout_at(until, self.sender.send(&renderer));
        let answer = tokio::select! {
            answer = request => answer.unwrap_or_else(|_| {
                let waited = (until - begun).as_secs_f64();
                Answer::new(Verdict::Retry(None), format!("no answer within {waited} s"))
            }),
            () = self.reached(Phase::Abort) => return Err(Outcome::Interrupted),
        };
        let duration = begun.elapsed();
        self.metrics.attempt_duration.observe_duration(duration);
        Ok(Attempt { answer, duration })
    }

    fn pause(&self, wait: Option<Duration>) {
        if let Some(wait) = wait {
            let until = Instant::now() + wait;
            let mut paused = self.paused_until.lock();
            *paused = paused.max(Some(until));
        }
    }

    /// Until when nothing is to be sent, if that lies ahead.
    fn paused(&self) -> Option<Instant> {
        let until = *self.paused_until.lock();
        until.filter(|until| *until > Instant::now())
    }

    async fn wait(&self, what: impl Future<Output = ()>, deadline: Instant) -> Waited {
        tokio::select! {
            biased;
            () = self.reached(Phase::Drain) => Waited::Stopped,
            () = sleep_until(deadline) => Waited::Deadline,
            () = what => Waited::Over,
        }
    }

    /// Returns as soon as the worker is to go no further than `phase`.
    async fn reached(&self, phase: Phase) {
        let mut changes = self.phase.subscribe();
        let reached = changes.wait_for(|now| *now == phase || *now == Phase::Abort);
        // The sender lives as long as the worker, so that waiting does not fail.
        let _ = reached.await;
    }

    /// Writes down the end of a message.
    pub(crate) fn conclude(
        &self,
        order: &Order,
        outcome: Outcome,
        (log, id): (&DeliveryLog, DeliveryId),
    ) {
        let (counter, end) = match outcome {
            Outcome::Delivered => (&self.metrics.delivered, DeliveryOutcome::Delivered),
            Outcome::Failed => (&self.metrics.failed, DeliveryOutcome::Failed),
            Outcome::Interrupted => (&self.metrics.interrupted, DeliveryOutcome::Failed),
        };
        counter.inc();
        log.update(id, |delivery| {
            delivery.outcome = end;
            match outcome {
                Outcome::Interrupted => delivery.answer.push_str(" (interrupted)"),
                Outcome::Delivered | Outcome::Failed => {}
            }
        });
        if outcome == Outcome::Delivered {
            tracing::debug!(receiver = %order.integration, "a message was delivered");
        }
    }
}

/// One attempt and how long it took.
struct Attempt {
    answer: Answer,
    duration: Duration,
}

impl Attempt {
    fn note(&self, delivery: &mut Delivery, attempts: u32) {
        delivery.attempts = attempts;
        delivery.answer.clone_from(&self.answer.text);
        delivery.duration = self.duration;
    }
}
