//! Silences.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use stonechat_model::{Matcher, Timestamp};
use stonechat_notify::{Silence, SilenceError, SilenceState};

use super::alerts::filter;
use super::wire::{PostedSilence, ShownSilence, time};
use super::{Answer, Refusal, body, ok};
use crate::Rooms;
use crate::params::Params;

/// Those that hold, then those to come, then those that are over.
pub(super) async fn list(State(rooms): State<Rooms>, params: Params) -> Answer {
    let wanted = filter(&params)?;
    let now = Timestamp::now();
    let mut silences = rooms.notifier.silences();
    silences.retain(|silence| wanted.iter().all(|matcher| is_about(silence, matcher)));
    silences.sort_by_key(|silence| match silence.state(now) {
        SilenceState::Active => (0, silence.ends_at.millis()),
        SilenceState::Pending => (1, silence.starts_at.millis()),
        SilenceState::Expired => (2, silence.ends_at.millis().saturating_neg()),
    });
    let shown = silences
        .into_iter()
        .map(|silence| ShownSilence::of(silence, now));
    ok(&shown.collect::<Vec<_>>())
}

/// Whether a silence has a condition on this label that fits.
fn is_about(silence: &Silence, wanted: &Matcher) -> bool {
    let value = silence
        .matchers
        .iter()
        .find(|matcher| matcher.name() == wanted.name());
    wanted.matches(value.map_or("", Matcher::value))
}

pub(super) async fn one(State(rooms): State<Rooms>, Path(id): Path<String>) -> Answer {
    match rooms.notifier.silence(&id) {
        Some(silence) => ok(&ShownSilence::of(silence, Timestamp::now())),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

pub(super) async fn set(State(rooms): State<Rooms>, request: Request) -> Answer {
    let body = body(request).await?;
    let posted: PostedSilence =
        serde_json::from_slice(&body).map_err(|error| Refusal::bad(error.to_string()))?;
    let now = Timestamp::now();
    let at = |key: &str, text: &str| {
        time(text)
            .map_err(Refusal::bad)?
            .ok_or_else(|| Refusal::bad(format!("{key} is not given")))
    };
    let (starts_at, ends_at) = (
        at("startsAt", &posted.starts_at)?,
        at("endsAt", &posted.ends_at)?,
    );
    if ends_at < starts_at {
        return Err(Refusal::bad(
            "Failed to create silence: start time must be before end time",
        ));
    }
    if ends_at < now {
        return Err(Refusal::bad(
            "Failed to create silence: end time can't be in the past",
        ));
    }
    let matchers: Result<Vec<Matcher>, String> = posted
        .matchers
        .into_iter()
        .map(super::wire::WireMatcher::read)
        .collect();
    let silence = Silence {
        id: posted.id,
        matchers: matchers.map_err(Refusal::bad)?,
        starts_at,
        ends_at,
        updated_at: now,
        created_by: posted.created_by,
        comment: posted.comment,
    };
    let notifier = rooms.notifier.clone();
    let made = tokio::task::spawn_blocking(move || notifier.set_silence(silence)).await;
    match made {
        Ok(Ok(id)) => ok(&json!({ "silenceID": id })),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server stops".to_owned(),
        )),
    }
}

pub(super) async fn expire(State(rooms): State<Rooms>, Path(id): Path<String>) -> Answer {
    let notifier = rooms.notifier.clone();
    let ended = tokio::task::spawn_blocking(move || notifier.expire_silence(&id)).await;
    match ended {
        Ok(Ok(())) => Ok(StatusCode::OK.into_response()),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server stops".to_owned(),
        )),
    }
}

fn refusal(error: &SilenceError) -> Refusal {
    let status = match error {
        SilenceError::Unknown(_) => StatusCode::NOT_FOUND,
        SilenceError::NotKept(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let reason = match error {
        SilenceError::NotKept(source) => format!("{error}: {source}"),
        error => error.to_string(),
    };
    Refusal(status, reason)
}
