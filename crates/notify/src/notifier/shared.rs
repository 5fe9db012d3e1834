//! What the tasks of a notifier work on together.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::fallback::Sent;
use super::{NotifierOptions, NotifyError};
use crate::channel::IntegrationKey;
use crate::config::Config;
use crate::delivery::{DeliveryLog, DeliveryOutcome};
use crate::dispatch::{Dispatcher, Input, Order, Outcome, Output};
use crate::journal::Journal;
use crate::log::LogEntry;
use crate::nflog::Nflog;
use crate::silence::SilenceFile;
use crate::worker::{Phase, Worker};

pub(super) type Workers = HashMap<IntegrationKey, Arc<Worker>>;

/// State, workers and files of one notifier.
pub(super) struct Shared {
    pub(super) options: NotifierOptions,
    pub(super) dispatcher: Arc<Mutex<Dispatcher>>,
    pub(super) workers: Mutex<Workers>,
    pub(super) deliveries: DeliveryLog,
    nflog: Arc<Mutex<Nflog>>,
    /// Locked before the dispatcher, so that silences are written in the order in which they hold.
    pub(super) silence_file: Mutex<SilenceFile>,
    /// The notification log is soon made to survive a power cut.
    syncing: AtomicBool,
    /// A group is due earlier than was known.
    pub(super) wake: Notify,
    phase: watch::Sender<Phase>,
    /// How many messages are on their way.
    pub(super) tasks: watch::Sender<usize>,
    pub(super) reload: Mutex<()>,
    runtime: Handle,
}

/// A power cut costs at most what was written within this time.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) fn open(
        config: Arc<Config>,
        options: NotifierOptions,
        workers: Workers,
    ) -> Result<Self, NotifyError> {
        let now = Timestamp::now();
        let (nflog, restored) = Nflog::open(&options.data_dir, now)?;
        let (silence_file, silences) = SilenceFile::open(&options.data_dir)?;
        let mut dispatcher = Dispatcher::new(config, options.limits);
        dispatcher.silences = silences;
        for output in dispatcher.restore(now, restored) {
            if let Output::Note(note) = output {
                options.metrics.count(note);
            }
        }
        let dropped = options.metrics.journal_dropped();
        let journal = Journal::open(&options.data_dir, dropped, now);
        let journal = journal.map_err(|source| NotifyError::Log {
            path: options.data_dir.join("deliveries"),
            source,
        })?;
        Ok(Self {
            options,
            dispatcher: Arc::new(Mutex::new(dispatcher)),
            workers: Mutex::new(workers),
            deliveries: DeliveryLog::new(journal),
            nflog: Arc::new(Mutex::new(nflog)),
            silence_file: Mutex::new(silence_file),
            syncing: AtomicBool::new(false),
            wake: Notify::new(),
            phase: watch::Sender::new(Phase::Run),
            tasks: watch::Sender::new(0),
            reload: Mutex::new(()),
            runtime: Handle::current(),
        })
    }

    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.dispatcher.lock().wake_at()
    }

    /// Takes a step and does what follows from it.
    pub(super) async fn step(self: &Arc<Self>, input: Input) {
        let entries = self.take_step(input);
        self.keep(entries).await;
    }

    /// The same for callers that cannot wait.
    pub(super) fn step_now(self: &Arc<Self>, input: Input) {
        let entries = self.take_step(input);
        if !entries.is_empty() {
            let shared = Arc::clone(self);
            self.runtime
                .spawn(async move { shared.keep(entries).await });
        }
    }

    /// Steps until nothing follows any more; gives what is to be kept on disk.
    fn take_step(self: &Arc<Self>, input: Input) -> Vec<LogEntry> {
        let mut entries = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let now = Timestamp::now();
            for output in self.step_once(now, input) {
                match output {
                    Output::Send(order) => inputs.extend(self.send(now, order)),
                    Output::Record(entry) => entries.push(entry),
                    Output::Note(note) => self.options.metrics.count(note),
                    Output::Tell(event) => self.deliveries.journal().write(now, event),
                }
            }
        }
        entries
    }

    fn step_once(&self, now: Timestamp, input: Input) -> Vec<Output> {
        let mut dispatcher = self.dispatcher.lock();
        let before = dispatcher.wake_at();
        let outputs = dispatcher.step(now, input);
        let earlier = match (dispatcher.wake_at(), before) {
            (Some(after), Some(before)) => after < before,
            (after, None) => after.is_some(),
            (None, Some(_)) => false,
        };
        if earlier {
            self.wake.notify_one();
        }
        outputs
    }

    /// Hands a message to its worker. If that is not possible, gives what the state machine has to know.
    fn send(self: &Arc<Self>, now: Timestamp, order: Order) -> Option<Input> {
        if *self.phase.borrow() != Phase::Run {
            return None;
        }
        let worker = self.workers.lock().get(&order.integration).cloned();
        let delivery = self.deliveries.begin(now, &order);
        let place = worker.as_ref().and_then(|worker| worker.place());
        let (Some(worker), Some(place)) = (worker, place) else {
            self.deliveries.update(delivery, |delivery| {
                delivery.outcome = DeliveryOutcome::Failed;
                "too many messages wait for this receiver".clone_into(&mut delivery.answer);
            });
            return Some(Input::Sent {
                ticket: order.ticket,
                outcome: Outcome::Failed,
            });
        };
        let task = Task::begin(self);
        let deadline = Instant::now() + order.deadline.since(now);
        self.runtime.spawn(async move {
            let shared = &task.0;
            let deadline = shared.own_deadline(&order, deadline);
            let ticket = order.ticket;
            let sent = Sent {
                worker,
                order,
                delivery,
            };
            let outcome = shared.deliver(&sent, deadline).await;
            drop(place);
            let (outcome, arrived) = match outcome {
                Outcome::Delivered => (outcome, vec![sent]),
                Outcome::Interrupted => (outcome, Vec::new()),
                Outcome::Failed => match shared.fall_back(&sent.order).await {
                    none if none.is_empty() => (outcome, none),
                    arrived => (Outcome::Delivered, arrived),
                },
            };
            shared.step(Input::Sent { ticket, outcome }).await;
            for sent in &arrived {
                shared.conclude(sent, Outcome::Delivered);
            }
        });
        None
    }

    /// Writes entries to the notification log.
    async fn keep(self: &Arc<Self>, entries: Vec<LogEntry>) {
        if entries.is_empty() {
            return;
        }
        let nflog = Arc::clone(&self.nflog);
        let append = move || {
            let mut nflog = nflog.lock();
            let appended = nflog.append(&entries, Timestamp::now());
            (appended, nflog.wants_rewrite())
        };
        // It fails only when the runtime ends, and then nothing can be written any more.
        let Ok((appended, rewrite)) = self.runtime.spawn_blocking(append).await else {
            return;
        };
        self.note_write(appended);
        if rewrite {
            self.write_log_anew().await;
        } else {
            self.sync_soon();
        }
    }

    /// Writes the whole notification log anew.
    pub(super) async fn write_log_anew(&self) {
        let (nflog, dispatcher) = (Arc::clone(&self.nflog), Arc::clone(&self.dispatcher));
        let rewrite = move || {
            // The file is locked first: what is appended behind is then never older than what is written here.
            let mut nflog = nflog.lock();
            let entries = dispatcher.lock().log_entries();
            nflog.rewrite(&entries, Timestamp::now())
        };
        if let Ok(written) = self.runtime.spawn_blocking(rewrite).await {
            self.note_write(written);
        }
    }

    /// Makes what was written survive a power cut, within a second.
    fn sync_soon(self: &Arc<Self>) {
        if self.syncing.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(SYNC_INTERVAL).await;
            shared.syncing.store(false, Ordering::Release);
            let nflog = Arc::clone(&shared.nflog);
            let sync = shared.runtime.spawn_blocking(move || nflog.lock().sync());
            if let Ok(synced) = sync.await {
                shared.note_write(synced);
            }
        });
    }

    fn note_write(&self, written: io::Result<()>) {
        if let Err(error) = written {
            self.options.metrics.log_errors.inc();
            tracing::error!(%error, "the notification log cannot be written; after a restart receivers may be told again what they know");
        }
    }

    /// Puts workers in the place of the running ones. Those that are not kept finish their requests.
    pub(super) fn replace_workers(&self, workers: Workers) {
        let old = std::mem::replace(&mut *self.workers.lock(), workers);
        let workers = self.workers.lock();
        for (key, worker) in old {
            let kept = workers.get(&key);
            if kept.is_none_or(|kept| !Arc::ptr_eq(kept, &worker)) {
                worker.set_phase(Phase::Drain);
            }
            let receiver = &key.receiver;
            if !workers.keys().any(|key| key.receiver == *receiver) {
                self.options.metrics.forget_receiver(receiver);
            }
        }
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.send_replace(phase);
        for worker in self.workers.lock().values() {
            worker.set_phase(phase);
        }
    }

    /// Returns as soon as the notifier is to stop.
    pub(super) async fn closing(&self) {
        let mut changes = self.phase.subscribe();
        // The sender lives as long as this, so that waiting does not fail.
        let _ = changes.wait_for(|phase| *phase != Phase::Run).await;
    }

    pub(super) fn set_gauges(&self) {
        let dispatcher = self.dispatcher.lock();
        let (firing, groups) = (dispatcher.firing(Timestamp::now()), dispatcher.groups());
        drop(dispatcher);
        self.options.metrics.alerts_firing.set(as_number(firing));
        self.options.metrics.groups.set(as_number(groups));
    }
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A message on its way, counted until it has landed.
struct Task(Arc<Shared>);

impl Task {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.tasks.send_modify(|tasks| *tasks += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.tasks.send_modify(|tasks| *tasks -= 1);
    }
}
