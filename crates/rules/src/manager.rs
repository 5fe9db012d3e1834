//! Keeps all groups running.

mod diff; // running and wanted groups compared
mod housekeeping; // the file with the state of alerts
mod task; // one group and its clock

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::{AlertSink, Appender, Labels, Queryable, Timestamp};
use stonechat_promql::{Cancel, Engine};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::alerts::Tolerance;
use crate::evaluate::Workshop;
use crate::live::LiveGroup;
use crate::metrics::RuleMetrics;
use crate::rule::Group;
use crate::source::EngineSource;
use crate::state::{Memory, StateError, StateFile};
use crate::status::{AlertStatus, GroupStatus};
use diff::{Plan, diff};
use task::Machinery;

/// How rules are evaluated, besides what their files say.
#[derive(Clone)]
pub struct RuleOptions {
    /// Under which address people reach the server; links in alerts begin with it.
    pub external_url: String,
    /// A firing alert is told again after this time.
    pub resend_delay: Duration,
    /// Alerts continue after a restart if the server was away no longer than this.
    pub outage_tolerance: Duration,
    /// An alert that was pending fires no earlier than this after a restart, if its `for` is at least as long.
    pub grace_period: Duration,
    /// The most groups that are evaluated at the same time; the others wait for their turn.
    pub concurrent_groups_max: usize,
    /// After a restart a result without an alert says nothing about it for so long, and one interval of the group: what rules
    /// look at has still to come in.
    pub settle: Duration,
    /// Where the state of alerts is kept; without it only stored series tell of it after a restart.
    pub data_dir: Option<PathBuf>,
    /// Where the rules count what they do.
    pub metrics: Option<RuleMetrics>,
}

impl Default for RuleOptions {
    /// As Prometheus: a minute, an hour, ten minutes. Sixteen groups at a time. A minute to settle.
    fn default() -> Self {
        Self {
            external_url: "http://127.0.0.1:9090".to_owned(),
            resend_delay: Duration::from_mins(1),
            outage_tolerance: Duration::from_hours(1),
            grace_period: Duration::from_mins(10),
            concurrent_groups_max: 16,
            settle: Duration::from_mins(1),
            data_dir: None,
            metrics: None,
        }
    }
}

/// Evaluates groups of rules, each at its moments, until [`shutdown`](Self::shutdown). Cloning gives the same one.
#[derive(Clone)]
pub struct RuleManager {
    machinery: Arc<Machinery>,
    cancel: Cancel,
    running: Arc<Mutex<Running>>,
}

struct Running {
    groups: Vec<RunningGroup>,
    /// Rules were applied before, so that new ones have no state from before a restart.
    begun: bool,
    closed: bool,
    /// Tasks that end the series of removed groups.
    farewells: Vec<JoinHandle<()>>,
    /// The state from before a restart, until the first groups are there.
    memory: Option<Memory>,
}

struct RunningGroup {
    live: Arc<LiveGroup>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl RuleManager {
    /// A manager without groups. Has to be called inside a tokio runtime, as has [`apply`](Self::apply).
    ///
    /// # Errors
    /// When the state of alerts cannot be read or written.
    pub fn new(
        queryable: Arc<dyn Queryable>,
        appender: Arc<dyn Appender>,
        engine: Engine,
        sink: Arc<dyn AlertSink>,
        options: RuleOptions,
    ) -> Result<Self, StateError> {
        let cancel = Cancel::new();
        let (state, memory) = match &options.data_dir {
            Some(folder) => {
                let (state, memory) = StateFile::open(folder)?;
                (Some(Mutex::new(state)), memory)
            }
            None => (None, None),
        };
        let source = EngineSource {
            engine,
            queryable: Arc::clone(&queryable),
            cancel: cancel.clone(),
        };
        let workshop = Workshop {
            source: Box::new(source),
            queryable,
            appender,
            sink,
            external_url: options.external_url.trim_end_matches('/').to_owned(),
            external_labels: Mutex::default(),
            resend_delay: options.resend_delay,
            outage_tolerance: options.outage_tolerance,
            tolerance: Tolerance {
                grace: options.grace_period,
            },
            settle: options.settle,
            state,
        };
        let machinery = Machinery {
            workshop,
            permits: Semaphore::new(options.concurrent_groups_max.max(1)),
            metrics: options.metrics,
            clock: Box::new(Timestamp::now),
        };
        Ok(Self::with_machinery(machinery, memory, cancel))
    }

    fn with_machinery(machinery: Machinery, memory: Option<Memory>, cancel: Cancel) -> Self {
        let running = Running {
            groups: Vec::new(),
            begun: false,
            closed: false,
            farewells: Vec::new(),
            memory,
        };
        let (machinery, running) = (Arc::new(machinery), Arc::new(Mutex::new(running)));
        if machinery.workshop.state.is_some() {
            tokio::spawn(housekeeping::run(
                Arc::clone(&machinery),
                Arc::downgrade(&running),
            ));
        }
        Self {
            machinery,
            cancel,
            running,
        }
    }

    /// Makes these the groups that run. Unchanged ones go on undisturbed; in changed ones, rules with the same name
    /// and labels keep their alerts. After a shutdown nothing happens.
    pub fn apply(&self, groups: Vec<Group>, external_labels: Labels) {
        let mut running = self.running.lock();
        if running.closed {
            return;
        }
        *self.machinery.workshop.external_labels.lock() = external_labels;
        let plans = diff(
            running.groups.iter().map(|group| &group.live.definition),
            groups,
        );
        let mut old: Vec<Option<RunningGroup>> = running.groups.drain(..).map(Some).collect();
        let restored = running.begun;
        let mut memory = running.memory.take();
        let changed =
            !plans.iter().all(|plan| matches!(plan, Plan::Keep(_))) || plans.len() != old.len();
        let next = plans.into_iter().filter_map(|plan| match plan {
            Plan::Keep(index) => old[index].take(),
            Plan::Replace(index, group) => old[index].take().map(|old| self.replace(old, group)),
            Plan::Start(group) => {
                Some(self.start(self.fresh(group, memory.as_mut(), restored), None))
            }
        });
        running.groups = next.collect();
        running.begun = true;
        running.farewells.retain(|farewell| !farewell.is_finished());
        let farewells: Vec<_> = old
            .into_iter()
            .flatten()
            .map(|removed| self.remove(removed))
            .collect();
        running.farewells.extend(farewells);
        // The file is locked before the groups, never behind them.
        drop(running);
        if let Some(state) = self.machinery.workshop.state.as_ref().filter(|_| changed) {
            state.lock().outdate();
        }
    }

    fn fresh(&self, group: Group, memory: Option<&mut Memory>, restored: bool) -> LiveGroup {
        let Machinery {
            workshop, clock, ..
        } = &*self.machinery;
        match memory {
            Some(memory) => LiveGroup::remembering(group, memory, workshop, clock()),
            None => LiveGroup::new(group, restored),
        }
    }

    fn start(&self, live: LiveGroup, before: Option<RunningGroup>) -> RunningGroup {
        if let Some(metrics) = &self.machinery.metrics {
            metrics.started(&live.definition);
        }
        let live = Arc::new(live);
        let (stop, stopped) = watch::channel(false);
        let predecessor = before.map(RunningGroup::stop);
        let task = tokio::spawn(task::run(
            Arc::clone(&self.machinery),
            Arc::clone(&live),
            predecessor,
            stopped,
        ));
        RunningGroup { live, stop, task }
    }

    fn replace(&self, old: RunningGroup, group: Group) -> RunningGroup {
        let live = LiveGroup::continuing(group, &old.live);
        self.start(live, Some(old))
    }

    fn remove(&self, removed: RunningGroup) -> JoinHandle<()> {
        if let Some(metrics) = &self.machinery.metrics {
            metrics.removed(&removed.live.definition);
        }
        tokio::spawn(task::farewell(Arc::clone(&self.machinery), removed.stop()))
    }

    /// All groups in the order in which they were given, with their rules and alerts.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupStatus> {
        let live: Vec<_> = self
            .running
            .lock()
            .groups
            .iter()
            .map(|group| Arc::clone(&group.live))
            .collect();
        live.iter().map(|group| group.status()).collect()
    }

    /// All alerts that are pending or firing.
    #[must_use]
    pub fn alerts(&self) -> Vec<AlertStatus> {
        let rules = self.groups().into_iter().flat_map(|group| group.rules);
        rules
            .filter_map(|rule| rule.alerting)
            .flat_map(|alerting| alerting.alerts)
            .collect()
    }

    /// Stops all groups: queries that are under way are cancelled, and what is being stored is finished. The series
    /// of the rules are not ended, so that alerts continue after a restart.
    pub async fn shutdown(&self) {
        let (groups, farewells) = {
            let mut running = self.running.lock();
            if std::mem::replace(&mut running.closed, true) {
                return;
            }
            (
                std::mem::take(&mut running.groups),
                std::mem::take(&mut running.farewells),
            )
        };
        self.cancel.cancel();
        for farewell in farewells {
            farewell.abort();
        }
        let stopping = groups.into_iter().map(RunningGroup::stop);
        let mut stopped = Vec::with_capacity(stopping.len());
        for (live, task) in stopping.collect::<Vec<_>>() {
            // A task that panicked is at rest too.
            let _ = task.await;
            stopped.push(live);
        }
        housekeeping::conclude(Arc::clone(&self.machinery), stopped).await;
    }
}

impl RunningGroup {
    /// Tells the task to end after the rule at hand; it is at rest when the handle is done.
    fn stop(self) -> (Arc<LiveGroup>, JoinHandle<()>) {
        // The task may have ended by itself, and then nobody listens.
        let _ = self.stop.send(true);
        (self.live, self.task)
    }
}

#[cfg(test)]
mod tests;
