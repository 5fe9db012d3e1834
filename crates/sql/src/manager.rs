//! Asks all queries of a plan on their schedules, and exchanges one plan for another.

mod diff; // what a new plan changes
mod first; // before a set is in force
mod status; // for people
mod task; // one query, again and again

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::{Appender, Timestamp};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::board::{Board, Key, Outcome, Slot, key};
use crate::metrics::SqlMetrics;
use crate::page;
use crate::plan::{Plan, Source};
use crate::round::{Asker, Opened};
use crate::schedule::{ScheduleError, Timetable};
use crate::source::Ask;
pub use status::QueryStatus;

/// Opens a source. It connects only when it is asked.
pub type Open = Box<dyn Fn(&Source) -> Arc<dyn Ask> + Send + Sync>;

/// Asks queries, stores what they become, and shows it.
pub struct SqlManager {
    board: Arc<Board>,
    open: Open,
    metrics: SqlMetrics,
    running: Mutex<Running>,
    /// One plan is applied after the other.
    applying: tokio::sync::Mutex<()>,
    /// Where questions are asked, if not where a plan is applied.
    runtime: Option<Handle>,
}

/// What is in force.
#[derive(Default)]
struct Running {
    /// Whether there has been a plan.
    is_set: bool,
    sources: BTreeMap<String, (Arc<Source>, Opened)>,
    queries: BTreeMap<Key, Asked>,
}

/// A query that is asked.
#[derive(Clone)]
struct Asked {
    slot: Arc<Slot>,
    task: Arc<Task>,
}

struct Task {
    stop: CancellationToken,
    handle: Mutex<Option<JoinHandle<()>>>,
}

/// A query that is new, before its set is in force.
struct Fresh {
    slot: Arc<Slot>,
    asker: Arc<Asker>,
    timetable: Timetable,
    outcome: Option<Outcome>,
}

impl SqlManager {
    /// Nothing is asked until the first plan.
    #[must_use]
    pub fn new(appender: Arc<dyn Appender>, open: Open, metrics: SqlMetrics) -> Self {
        Self {
            board: Arc::new(Board::new(appender, metrics.clone())),
            open,
            metrics,
            running: Mutex::default(),
            applying: tokio::sync::Mutex::default(),
            runtime: None,
        }
    }

    /// Asks on a runtime of its own. Queries are many and small, and on one thread nobody has to be woken up to hand them on.
    #[must_use]
    pub fn on(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    fn runtime(&self) -> Handle {
        self.runtime.clone().unwrap_or_else(Handle::current)
    }

    /// Whether a plan can be put in force.
    ///
    /// # Errors
    /// When a schedule is none.
    pub fn check(plan: &Plan) -> Result<(), ScheduleError> {
        plan.queries
            .iter()
            .try_for_each(|query| Timetable::new(query).map(drop))
    }

    /// Puts a plan in force. Queries that did not change go on, with their values and their schedules. New and changed ones are
    /// asked first, while the old set is still shown; then the whole set is exchanged at once. A query whose first round
    /// fails is in the new set without series, and says why.
    ///
    /// Takes as long as the new queries take, as many at a time as their sources allow; a source that is silent is given up soon.
    ///
    /// # Errors
    /// When a schedule is none; then nothing has changed.
    pub async fn apply(&self, plan: &Plan) -> Result<(), ScheduleError> {
        let _one_at_a_time = self.applying.lock().await;
        let (kept, mut fresh, sources) = self.prepare(plan)?;
        let asked_first = self.is_running();
        if asked_first {
            first::ask(&mut fresh, &self.runtime()).await;
        }
        let kept_slots = kept.values().map(|asked| (Arc::clone(&asked.slot), None));
        let set = fresh
            .iter_mut()
            .map(|fresh| (Arc::clone(&fresh.slot), fresh.outcome.take()));
        self.board
            .exchange(kept_slots.chain(set).collect(), Timestamp::now());

        let mut queries = kept;
        for fresh in fresh {
            let asked = self.start(fresh, asked_first);
            queries.insert(asked.slot.key.clone(), asked);
        }
        let old = std::mem::replace(
            &mut *self.running.lock(),
            Running {
                is_set: true,
                sources,
                queries,
            },
        );
        let running = self.running.lock();
        for (key, asked) in old.queries {
            let goes_on = running
                .queries
                .get(&key)
                .is_some_and(|now| Arc::ptr_eq(&now.slot, &asked.slot));
            if !goes_on {
                asked.task.stop.cancel();
            }
        }
        Ok(())
    }

    /// False until the first plan: there is nothing that could be shown meanwhile, so each query is shown as soon as it is answered.
    fn is_running(&self) -> bool {
        self.running.lock().is_set
    }

    /// What goes on, what is new, and the sources of both. Touches nothing.
    #[expect(clippy::type_complexity, reason = "three parts of one decision")]
    fn prepare(
        &self,
        plan: &Plan,
    ) -> Result<
        (
            BTreeMap<Key, Asked>,
            Vec<Fresh>,
            BTreeMap<String, (Arc<Source>, Opened)>,
        ),
        ScheduleError,
    > {
        let running = self.running.lock();
        let sources: BTreeMap<_, _> = plan
            .sources
            .iter()
            .map(|(name, source)| {
                let same = running.sources.get(name);
                let same = same.filter(|(running, _)| diff::same_source(running, source));
                let opened = same.map(|(_, opened)| opened.clone());
                (
                    name.clone(),
                    (
                        Arc::clone(source),
                        opened.unwrap_or_else(|| self.open(source)),
                    ),
                )
            })
            .collect();
        let (mut kept, mut fresh) = (BTreeMap::new(), Vec::new());
        for query in &plan.queries {
            let same = running.queries.get(&key(query));
            if let Some(same) = same.filter(|same| diff::same_query(&same.slot.query, query)) {
                kept.insert(key(query), same.clone());
                continue;
            }
            let opened = sources
                .get(&query.source.name)
                .map(|(_, opened)| opened.clone());
            let opened = opened.unwrap_or_else(|| self.open(&query.source));
            fresh.push(Fresh {
                slot: Slot::new(Arc::clone(query)),
                asker: Arc::new(Asker::new(Arc::clone(query), opened)),
                timetable: Timetable::new(query)?,
                outcome: None,
            });
        }
        Ok((kept, fresh, sources))
    }

    fn open(&self, source: &Source) -> Opened {
        Opened::new((self.open)(source), source.pool.connections_max)
    }

    fn start(&self, fresh: Fresh, asked_first: bool) -> Asked {
        let stop = CancellationToken::new();
        let loop_ = task::Loop {
            slot: Arc::clone(&fresh.slot),
            asker: fresh.asker,
            timetable: fresh.timetable,
            board: Arc::clone(&self.board),
            metrics: self.metrics.clone(),
            stop: stop.clone(),
        };
        let handle = self.runtime().spawn(loop_.run(!asked_first));
        Asked {
            slot: fresh.slot,
            task: Arc::new(Task {
                stop,
                handle: Mutex::new(Some(handle)),
            }),
        }
    }

    /// The page with the series of all queries, in the text format 0.0.4.
    #[must_use]
    pub fn page(&self) -> String {
        page::write(&self.board.page())
    }

    /// How each query is, for people.
    #[must_use]
    pub fn status(&self) -> Vec<QueryStatus> {
        let shown = self.board.page();
        let running = self.running.lock();
        let slots = running.queries.values().map(|asked| &*asked.slot.query);
        status::of(slots, &shown)
    }

    /// Stops asking. Rounds that are under way get the time to end.
    pub async fn stop(&self, limit: Duration) {
        let queries = std::mem::take(&mut self.running.lock().queries);
        for asked in queries.values() {
            asked.task.stop.cancel();
        }
        let handles = queries
            .values()
            .filter_map(|asked| asked.task.handle.lock().take());
        let handles: Vec<_> = handles.collect();
        let all = async {
            for handle in handles {
                // It has ended, whatever the way.
                let _ = handle.await;
            }
        };
        let _ = tokio::time::timeout(limit, all).await;
    }
}

impl std::fmt::Debug for SqlManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlManager").finish_non_exhaustive()
    }
}
