use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::Timestamp;

use crate::board::{Key, Shown, key};
use crate::plan::{Place, Query};

/// How a query is.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryStatus {
    /// Its name.
    pub name: String,
    /// The source that it asks.
    pub source: String,
    /// Where it is written.
    pub place: Place,
    /// When its last round began; `None` before the first.
    pub last_round: Option<Timestamp>,
    /// When its last good round began.
    pub last_success: Option<Timestamp>,
    /// How long the last round took.
    pub duration: Duration,
    /// Rows of the last round.
    pub rows: usize,
    /// Series that it gives now.
    pub series: usize,
    /// What is wrong with it.
    pub error: Option<String>,
}

pub(super) fn of<'a>(
    queries: impl Iterator<Item = &'a Query>,
    shown: &[Arc<Shown>],
) -> Vec<QueryStatus> {
    let shown: HashMap<&Key, _> = shown.iter().map(|shown| (&shown.slot.key, shown)).collect();
    queries
        .map(|query| {
            let shown = shown.get(&key(query));
            QueryStatus {
                name: query.name.clone(),
                source: query.source.name.clone(),
                place: query.place.clone(),
                last_round: shown.map(|shown| shown.at),
                last_success: shown.and_then(|shown| shown.last_success),
                duration: shown.map_or(Duration::ZERO, |shown| shown.duration),
                rows: shown.map_or(0, |shown| shown.rows),
                series: shown.map_or(0, |shown| shown.samples.len()),
                error: shown.and_then(|shown| shown.error.clone()),
            }
        })
        .collect()
}
