use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Json, Path, State};
use axum::middleware::from_fn;
use axum::routing::{delete, post};
use http::StatusCode;

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
        .route("/sessions", post(open))
        .route("/sessions/{session_id}", delete(close))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(http)
        .layer(from_fn(trace::follow))
        .with_state(media)
}

async fn open(State(media): Service, Json(asked): Json<OpenCall>) -> Answer<CallOpened> {
    check_device(&asked.device_id)?;
    let (session_id, answer) = media.take(&asked.device_id, &asked.offer).await?;
    Ok(Json(CallOpened { session_id, answer }))
}

async fn close(State(media): Service, Path(session_id): Path<String>) -> Answer<CallClosed> {
    if media.hang_up(session_id).await? {
        return Ok(Json(CallClosed {}));
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
