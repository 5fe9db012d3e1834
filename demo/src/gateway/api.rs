use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{
    DefaultBodyLimit, FromRequest, FromRequestParts, Json, Path, Query, Request, State,
};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{any, get, post};
use http::request::Parts;
use http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Gateway;
use super::socket::FRAME_BYTES_MAX;
use crate::refusal::Refusal;
use crate::trace;
use crate::wire::{
    Authenticate, Credentials, HistoryLine, Identity, ListSessions, LoggedIn, MessageId, OnBehalf,
    OpenSession, Opened, ReadHistory, Registered, SendMessage, Sent, SessionLine, UserId,
};

const BODY_BYTES_MAX: usize = 64 * 1024;

type Answer<T> = Result<Json<T>, Refusal>;
type Service = State<Arc<Gateway>>;

/// What users call.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let http = gateway.metrics.http.layer();
    Router::new()
        .route("/api/register", post(register))
        .route("/api/login", post(log_in))
        .route("/api/sessions", get(sessions).post(open))
        .route("/api/messages", post(send))
        .route("/api/history/{session_id}", get(history))
        .route("/ws", any(connect))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(http)
        .layer(from_fn(trace::follow))
        .with_state(gateway)
}

async fn register(State(gateway): Service, Body(asked): Body<Credentials>) -> Answer<Registered> {
    Ok(Json(gateway.logic.post("/register", &asked).await?))
}

async fn log_in(State(gateway): Service, Body(asked): Body<Credentials>) -> Answer<LoggedIn> {
    Ok(Json(gateway.logic.post("/login", &asked).await?))
}

async fn open(
    State(gateway): Service,
    Caller(user_id): Caller,
    Body(question): Body<OpenSession>,
) -> Answer<Opened> {
    let asked = OnBehalf { user_id, question };
    Ok(Json(gateway.logic.post("/sessions/open", &asked).await?))
}

async fn sessions(State(gateway): Service, Caller(user_id): Caller) -> Answer<Vec<SessionLine>> {
    let asked = OnBehalf {
        user_id,
        question: ListSessions {},
    };
    Ok(Json(gateway.logic.post("/sessions", &asked).await?))
}

async fn send(
    State(gateway): Service,
    Caller(user_id): Caller,
    Body(question): Body<SendMessage>,
) -> Answer<Sent> {
    Ok(Json(gateway.send(user_id, question).await?))
}

#[derive(Debug, Deserialize)]
struct HistoryPage {
    before: Option<MessageId>,
    limit: Option<u32>,
}

async fn history(
    State(gateway): Service,
    Caller(user_id): Caller,
    Path(session): Path<String>,
    page: Result<Query<HistoryPage>, axum::extract::rejection::QueryRejection>,
) -> Answer<Vec<HistoryLine>> {
    let session_id = session.parse().map_err(Refusal::bad_request)?;
    let Query(page) = page.map_err(|error| Refusal::bad_request(error.body_text()))?;
    let question = ReadHistory {
        session_id,
        before: page.before,
        limit: page.limit,
    };
    Ok(Json(
        gateway
            .logic
            .post("/history", &OnBehalf { user_id, question })
            .await?,
    ))
}

#[derive(Debug, Deserialize)]
struct SocketQuery {
    token: Option<String>,
}

async fn connect(
    State(gateway): Service,
    Query(query): Query<SocketQuery>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let user = gateway.identify(query.token).await?.user_id;
    if gateway.intake_end.is_cancelled() {
        return Err(Refusal::unavailable("the gateway is going away"));
    }
    let session = gateway.metrics.registry.session();
    let unread = &gateway.metrics.messages;
    let unread = unread.unread(&session, &user.0.to_string());
    let seat = gateway.hub.join(user, unread);
    let seat = seat.map_err(Refusal::unavailable)?;
    // Counted from here on, so that closing waits also for a handshake under way.
    let tracked = gateway.sockets.token();
    let upgrade = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        gateway.converse(socket, user, seat).await;
        drop((session, tracked));
    }))
}

impl Gateway {
    /// Whose token this is; logic is asked if that is not known here.
    async fn identify(&self, token: Option<String>) -> Result<Identity, Refusal> {
        let missing = || Refusal::new(StatusCode::UNAUTHORIZED, "a token is needed: log in first");
        let token = token.ok_or_else(missing)?;
        if let Some(identity) = self.tokens.find(&token, Instant::now()) {
            return Ok(identity);
        }
        let asked = Authenticate { token };
        let identity: Identity = self.logic.post("/authenticate", &asked).await?;
        self.tokens
            .remember(asked.token, identity.clone(), Instant::now());
        Ok(identity)
    }

    /// Hands a message of a user to logic.
    pub(super) async fn send(
        &self,
        user_id: UserId,
        question: SendMessage,
    ) -> Result<Sent, Refusal> {
        if self.intake_end.is_cancelled() {
            return Err(Refusal::unavailable("the gateway is going away"));
        }
        Ok(self
            .logic
            .post("/messages", &OnBehalf { user_id, question })
            .await?)
    }
}

/// The user whose token is in the header `Authorization: Bearer`.
struct Caller(UserId);

impl FromRequestParts<Arc<Gateway>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Refusal> {
        let header = parts.headers.get(header::AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::to_owned);
        Ok(Self(gateway.identify(token).await?.user_id))
    }
}

/// A JSON body whose refusal is JSON as well.
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let parsed: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        match parsed {
            Ok(Json(value)) => Ok(Self(value)),
            Err(error) => Err(Refusal::new(error.status(), error.body_text())),
        }
    }
}
