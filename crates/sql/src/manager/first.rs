use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stonechat_model::Timestamp;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::Fresh;
use crate::board::Outcome;

/// After so many rounds in a row without an answer a source is not asked for the rest of its new queries: a server that is down
/// would hold up a reload of a thousand queries for hours.
const SILENT_ROUNDS_MAX: u32 = 3;

/// The sources that are silent: how many rounds in a row, and what the last one said.
type Silence = Mutex<HashMap<String, (u32, String)>>;

/// Asks all new queries, as many at a time as their sources allow.
pub(super) async fn ask(fresh: &mut [Fresh], runtime: &Handle) {
    let silence = Arc::new(Silence::default());
    let mut rounds = JoinSet::new();
    for (position, fresh) in fresh.iter().enumerate() {
        let (asker, silence) = (Arc::clone(&fresh.asker), Arc::clone(&silence));
        let round = async move {
            let source = &asker.query.source.name;
            let turn = asker.turn().await;
            if let Some(outcome) = given_up(&silence, source) {
                return (position, outcome);
            }
            let outcome = asker.asked(turn).await;
            note(&silence, source, &outcome);
            (position, outcome)
        };
        rounds.spawn_on(round, runtime);
    }
    while let Some(ended) = rounds.join_next().await {
        // One without an outcome is asked again on its schedule.
        if let Ok((position, outcome)) = ended {
            fresh[position].outcome = Some(outcome);
        }
    }
}

fn given_up(silence: &Silence, source: &str) -> Option<Outcome> {
    let silence = silence.lock();
    let (_, reason) = silence
        .get(source)
        .filter(|(rounds, _)| *rounds >= SILENT_ROUNDS_MAX)?;
    Some(Outcome {
        result: Err(format!(
            "not asked yet, since the source did not answer other queries: {reason}"
        )),
        is_silence: true,
        duration: Duration::ZERO,
        at: Timestamp::now(),
    })
}

fn note(silence: &Silence, source: &str, outcome: &Outcome) {
    let mut silence = silence.lock();
    match &outcome.result {
        Err(reason) if outcome.is_silence => {
            let entry = silence.entry(source.to_owned()).or_default();
            *entry = (entry.0 + 1, reason.clone());
        }
        _ => drop(silence.remove(source)),
    }
}
