use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Labels, Timestamp};

use super::owners::Taken;
use super::{Outcome, Slot};
use crate::series::Sample;

/// What one query shows.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) slot: Arc<Slot>,
    /// When the last round began.
    pub(crate) at: Timestamp,
    /// Of the last round that gave samples, or what is made of them after an error.
    pub(crate) samples: Vec<Sample>,
    /// What is wrong with the last round.
    pub(crate) error: Option<String>,
    /// How long the last round took.
    pub(crate) duration: Duration,
    /// Rows of the last round; zero after an error.
    pub(crate) rows: usize,
    /// When the last good round began.
    pub(crate) last_success: Option<Timestamp>,
    /// Rounds that failed, since the query is in force.
    pub(crate) errors: u64,
}

impl Shown {
    /// Everything but the samples.
    pub(super) fn new(slot: &Arc<Slot>, before: Option<&Self>, outcome: &Outcome) -> Self {
        let is_error = outcome.result.is_err();
        Self {
            slot: Arc::clone(slot),
            at: outcome.at,
            samples: Vec::new(),
            error: outcome.result.as_ref().err().cloned(),
            duration: outcome.duration,
            rows: outcome
                .result
                .as_ref()
                .map_or(0, |collected| collected.rows),
            last_success: if is_error {
                before.and_then(|before| before.last_success)
            } else {
                Some(outcome.at)
            },
            errors: before.map_or(0, |before| before.errors) + u64::from(is_error),
        }
    }

    /// Says that some of its series are another query's.
    pub(super) fn conflict(&mut self, taken: &Taken) {
        let (query, source) = &taken.owner;
        self.error = Some(format!(
            "the series {} is given by the query `{query}` on `{source}` already; it is left out here",
            taken.labels
        ));
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.samples.iter().map(|sample| &sample.labels)
    }
}
