use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Json, State};
use axum::middleware::from_fn;
use axum::routing::post;
use http::StatusCode;

use super::Logic;
use crate::refusal::Refusal;
use crate::secret::NoRandom;
use crate::store::StoreError;
use crate::trace;
use crate::wire::{
    Authenticate, Credentials, HistoryLine, Identity, ListSessions, LoggedIn, OnBehalf,
    OpenSession, Opened, ReadHistory, Registered, SendMessage, Sent, SessionLine,
};

const BODY_BYTES_MAX: usize = 64 * 1024;

type Answer<T> = Result<Json<T>, Refusal>;
type Service = State<Arc<Logic>>;

/// The API that the gateway calls. Only the gateway: whoever reaches this listener is believed when
/// it says for which user it asks.
pub(crate) fn router(logic: Arc<Logic>) -> Router {
    let http = logic.metrics.http.layer();
    Router::new()
        .route("/register", post(register))
        .route("/login", post(log_in))
        .route("/authenticate", post(authenticate))
        .route("/sessions/open", post(open))
        .route("/sessions", post(sessions))
        .route("/messages", post(send))
        .route("/history", post(history))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(http)
        .layer(from_fn(trace::follow))
        .with_state(logic)
}

async fn register(logic: Service, Json(asked): Json<Credentials>) -> Answer<Registered> {
    Ok(Json(logic.register(asked).await?))
}

async fn log_in(logic: Service, Json(asked): Json<Credentials>) -> Answer<LoggedIn> {
    Ok(Json(logic.log_in(asked).await?))
}

async fn authenticate(logic: Service, Json(asked): Json<Authenticate>) -> Answer<Identity> {
    Ok(Json(logic.authenticate(asked).await?))
}

async fn open(logic: Service, Json(asked): Json<OnBehalf<OpenSession>>) -> Answer<Opened> {
    Ok(Json(logic.open(asked).await?))
}

async fn sessions(
    logic: Service,
    Json(asked): Json<OnBehalf<ListSessions>>,
) -> Answer<Vec<SessionLine>> {
    Ok(Json(logic.sessions(asked.user_id).await?))
}

async fn send(logic: Service, Json(asked): Json<OnBehalf<SendMessage>>) -> Answer<Sent> {
    Ok(Json(logic.send(asked).await?))
}

async fn history(
    logic: Service,
    Json(asked): Json<OnBehalf<ReadHistory>>,
) -> Answer<Vec<HistoryLine>> {
    Ok(Json(logic.history(asked).await?))
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        // What the database said goes to the log, never to a user.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the database failed"
        );
        match error {
            StoreError::Timeout => Self::unavailable("the database is too slow"),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the database failed"),
        }
    }
}

impl From<NoRandom> for Refusal {
    fn from(error: NoRandom) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}
