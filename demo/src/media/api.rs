use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Json, Path, State};
use axum::middleware::from_fn;
use axum::routing::{any, delete, post};
use http::StatusCode;

use super::signal::connect;
use super::{Media, NoCall};
use crate::refusal::Refusal;
use crate::trace;
use crate::wire::{CallClosed, CallOpened, OpenCall};

const BODY_BYTES_MAX: usize = 64 * 1024;
const DEVICE_BYTES_MAX: usize = 32;

type Answer<T> = Result<Json<T>, Refusal>;
type Service = State<Arc<Media>>;

/// What callers call. There is no logging in: media believes whoever reaches this listener.
pub(crate) fn router(media: Arc<Media>) -> Router {
    let http = media.metrics.http.layer();
    Router::new()
        .route("/sessions", post(open_session))
        .route("/sessions/{session_id}", delete(close_session))
        .route("/ws", any(connect))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(http)
        .layer(from_fn(trace::follow))
        .with_state(media)
}

async fn open_session(State(media): Service, Json(asked): Json<OpenCall>) -> Answer<CallOpened> {
    open(&media, asked).await.map(Json)
}

async fn close_session(
    State(media): Service,
    Path(session_id): Path<String>,
) -> Answer<CallClosed> {
    close(&media, session_id).await.map(Json)
}

/// Takes a call.
pub(super) async fn open(media: &Media, asked: OpenCall) -> Result<CallOpened, Refusal> {
    check_device(&asked.device_id)?;
    let (session_id, answer) = media.take(&asked.device_id, &asked.offer).await?;
    Ok(CallOpened { session_id, answer })
}

/// Ends a call.
pub(super) async fn close(media: &Media, session_id: String) -> Result<CallClosed, Refusal> {
    if media.hang_up(session_id).await? {
        return Ok(CallClosed {});
    }
    Err(Refusal::not_found("there is no such call"))
}

/// The device is a label of metrics, so it is short and plain.
fn check_device(device_id: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=DEVICE_BYTES_MAX).contains(&device_id.len()) && device_id.bytes().all(allowed) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "a device has 1 to {DEVICE_BYTES_MAX} of the characters a-z, 0-9, `-`"
    )))
}

impl From<NoCall> for Refusal {
    fn from(error: NoCall) -> Self {
        match error {
            NoCall::Full | NoCall::GoingAway => Self::unavailable(error),
            NoCall::Offer(_) => Self::bad_request(error),
            NoCall::Random(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error),
        }
    }
}
