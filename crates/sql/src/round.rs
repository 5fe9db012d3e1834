//! One round of a query: all its parameters are asked, and the answers become samples.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stonechat_model::Timestamp;
use tokio::sync::Semaphore;

use crate::board::Outcome;
use crate::plan::Query;
use crate::rows::Rows;
use crate::series::Collector;
use crate::source::{Ask, Question, SourceError};

/// An open source, and how many may ask it at a time.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) ask: Arc<dyn Ask>,
    pub(crate) permits: Arc<Semaphore>,
}

/// Asks one query.
pub(crate) struct Asker {
    pub(crate) query: Arc<Query>,
    source: Opened,
    collector: Mutex<Collector>,
}

/// How many parameters a query has been asked for does not matter to those who ask once.
static NO_PARAMETERS: BTreeMap<String, String> = BTreeMap::new();

impl Asker {
    pub(crate) fn new(query: Arc<Query>, source: Opened) -> Self {
        Self {
            collector: Mutex::new(Collector::new(Arc::clone(&query))),
            query,
            source,
        }
    }

    /// Asks once. Waiting for one's turn does not count as time of the query.
    pub(crate) async fn round(&self) -> Outcome {
        // Closed only when the source is, which is when nobody asks any more.
        let _turn = self.source.permits.acquire().await;
        let (at, start) = (Timestamp::now(), Instant::now());
        let answers = self.answers(start).await;
        let result = answers
            .map_err(|error| error.to_string())
            .and_then(|answers| {
                let collected = self.collector.lock().collect(&answers);
                collected.map_err(|error| error.to_string())
            });
        Outcome {
            result,
            duration: start.elapsed(),
            at,
        }
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
