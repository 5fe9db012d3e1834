//! One round of a query: all its parameters are asked, and the answers become samples.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use parking_lot::Mutex;
use stonechat_model::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::board::Outcome;
use crate::plan::Query;
use crate::rows::Rows;
use crate::series::{Collected, Collector};
use crate::source::{Ask, Question, SourceError};

/// An open source, and how many may ask it at a time.
#[derive(Clone)]
pub(crate) struct Opened {
    ask: Arc<dyn Ask>,
    places: Arc<Semaphore>,
    /// One place fewer: however many queries are slow, one place is left to those that are not.
    places_of_slow: Arc<Semaphore>,
}

/// A round that took so long was slow.
const SLOW: Duration = Duration::from_secs(1);

/// After so many slow rounds in a row a query is slow. One alone may be somebody else's fault, such as a server that stood still for a
/// moment, and would put the query behind those that really are slow.
const SLOW_ROUNDS: u8 = 2;

impl Opened {
    pub(crate) fn new(ask: Arc<dyn Ask>, connections_max: u32) -> Self {
        let places = connections_max.max(1) as usize;
        Self {
            ask,
            places: Arc::new(Semaphore::new(places)),
            places_of_slow: Arc::new(Semaphore::new(places.saturating_sub(1).max(1))),
        }
    }
}

/// A place among those who ask a source.
pub(crate) struct Turn<'a> {
    _among_slow: Option<SemaphorePermit<'a>>,
    _place: SemaphorePermit<'a>,
}

/// Asks one query.
pub(crate) struct Asker {
    pub(crate) query: Arc<Query>,
    source: Opened,
    collector: Mutex<Collector>,
    /// How many of its last rounds were slow, up to [`SLOW_ROUNDS`].
    slow_rounds: AtomicU8,
}

/// Why a round gave nothing.
struct Failed {
    reason: String,
    /// The source said nothing at all.
    is_silence: bool,
}

/// How many parameters a query has been asked for does not matter to those who ask once.
static NO_PARAMETERS: BTreeMap<String, String> = BTreeMap::new();

impl Asker {
    pub(crate) fn new(query: Arc<Query>, source: Opened) -> Self {
        Self {
            collector: Mutex::new(Collector::new(Arc::clone(&query))),
            query,
            source,
            slow_rounds: AtomicU8::new(0),
        }
    }

    /// Asks once. Waiting for one's turn does not count as time of the query.
    pub(crate) async fn round(&self) -> Outcome {
        let turn = self.turn().await;
        self.asked(turn).await
    }

    /// Waits for one's turn; no turn only when the source is closed, which is when nobody asks any more.
    pub(crate) async fn turn(&self) -> Option<Turn<'_>> {
        let among_slow = match self.slow_rounds.load(Ordering::Relaxed) >= SLOW_ROUNDS {
            true => Some(self.source.places_of_slow.acquire().await.ok()?),
            false => None,
        };
        Some(Turn {
            _among_slow: among_slow,
            _place: self.source.places.acquire().await.ok()?,
        })
    }

    /// Asks once, when it is one's turn.
    pub(crate) async fn asked(&self, _turn: Option<Turn<'_>>) -> Outcome {
        let (at, start) = (Timestamp::now(), Instant::now());
        // A mistake of ours, or of a driver, must not end the query for ever while its last value is shown.
        let answers = AssertUnwindSafe(self.collected(start)).catch_unwind().await;
        let result = answers.unwrap_or_else(|_| {
            let reason = "this query made Stonechat fail inside; please report it";
            Err(Failed {
                reason: reason.to_owned(),
                is_silence: false,
            })
        });
        let duration = start.elapsed();
        self.note(duration);
        Outcome {
            is_silence: result.as_ref().is_err_and(|failed| failed.is_silence),
            result: result.map_err(|failed| failed.reason),
            duration,
            at,
        }
    }

    /// One that took all of its time is slow at once: it would take it again.
    fn note(&self, duration: Duration) {
        let slow_rounds = self.slow_rounds.load(Ordering::Relaxed);
        let slow_rounds = match duration {
            duration if duration >= self.query.timeout => SLOW_ROUNDS,
            duration if duration >= SLOW => (slow_rounds + 1).min(SLOW_ROUNDS),
            _ => 0,
        };
        self.slow_rounds.store(slow_rounds, Ordering::Relaxed);
    }

    async fn collected(&self, start: Instant) -> Result<Collected, Failed> {
        let answers = self.answers(start).await.map_err(|error| Failed {
            is_silence: matches!(error, SourceError::Connect(_) | SourceError::Timeout(_)),
            reason: error.to_string(),
        })?;
        let collected = self.collector.lock().collect(&answers);
        collected.map_err(|error| Failed {
            is_silence: false,
            reason: error.to_string(),
        })
    }

    async fn answers(
        &self,
        start: Instant,
    ) -> Result<Vec<(&BTreeMap<String, String>, Rows)>, SourceError> {
        let query = &*self.query;
        let once = [&NO_PARAMETERS];
        let all: Vec<&BTreeMap<String, String>> = query.parameters.iter().collect();
        let parameters = if all.is_empty() { &once[..] } else { &all[..] };
        let (mut answers, mut rows) = (Vec::new(), 0);
        for parameters in parameters {
            let left = query.timeout.saturating_sub(start.elapsed());
            if left == Duration::ZERO {
                return Err(SourceError::Timeout(query.timeout));
            }
            let question = Question {
                request: &query.request,
                parameters,
                timeout: left,
                rows_max: query.rows_max.saturating_sub(rows),
            };
            // A source keeps the time itself, and cancels on the server; this is for one that does not come back from that.
            let limit = left + CANCEL_LIMIT;
            let answer = tokio::time::timeout(limit, self.source.ask.ask(question)).await;
            let answer = answer.unwrap_or(Err(SourceError::Timeout(query.timeout)));
            let answer = answer.map_err(|error| whole(error, query))?;
            rows += answer.rows.len();
            answers.push((*parameters, answer));
        }
        Ok(answers)
    }
}

/// How long cancelling may take.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// Limits are told as they are configured, not as what was left of them.
fn whole(error: SourceError, query: &Query) -> SourceError {
    match error {
        SourceError::Timeout(_) => SourceError::Timeout(query.timeout),
        SourceError::TooManyRows(_) => SourceError::TooManyRows(query.rows_max),
        other => other,
    }
}
