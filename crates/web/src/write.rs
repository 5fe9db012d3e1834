//! Samples that other systems send: `/api/v1/write`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stonechat_model::Timestamp;
use stonechat_remote::{Message, Receiver, Refusal, Written};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Rooms;

/// Takes what other systems send. Cloning copies pointers.
#[derive(Clone)]
pub struct Intake {
    receiver: Arc<Receiver>,
    /// Memory for bodies that arrive or are worked on, in units of [`UNIT_BYTES`].
    memory: Arc<Semaphore>,
}

/// How many bodies of the longest kind may be there at a time. Further ones wait before they are read.
const BODIES_MAX: usize = 8;

/// What memory for bodies is counted in.
const UNIT_BYTES: usize = 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);

impl Intake {
    /// An intake in front of a receiver.
    #[must_use]
    pub fn new(receiver: Arc<Receiver>) -> Self {
        let units = receiver.limits().body_bytes_max.div_ceil(UNIT_BYTES);
        Self {
            receiver,
            memory: Arc::new(Semaphore::new(BODIES_MAX * units)),
        }
    }

    /// Waits until there is memory for the body that headers announce.
    async fn memory_for(&self, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, StatusCode> {
        let most = self.receiver.limits().body_bytes_max;
        let announced = headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        // A body without a length may become as long as is allowed.
        let bytes: usize = announced.unwrap_or(most);
        if bytes > most {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.memory).acquire_many_owned(units).await;
        memory.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    }

    async fn write(&self, headers: &HeaderMap, body: Body) -> Response {
        let message = match self.receiver.message(headers) {
            Ok(message) => message,
            Err(refusal) => return refused(&refusal),
        };
        let memory = match self.memory_for(headers).await {
            Ok(memory) => memory,
            Err(status) => return too_long(status, self.receiver.limits().body_bytes_max),
        };
        let most = self.receiver.limits().body_bytes_max;
        let body = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, most)).await;
        let body = match body {
            Ok(Ok(body)) => body,
            Ok(Err(error)) if is_limit(&error) => {
                return too_long(StatusCode::PAYLOAD_TOO_LARGE, most);
            }
            Ok(Err(error)) => {
                let reason = format!("the body could not be read: {error}\n");
                return (StatusCode::BAD_REQUEST, reason).into_response();
            }
            Err(_) => {
                let reason = "the body took too long to arrive\n";
                return (StatusCode::REQUEST_TIMEOUT, reason).into_response();
            }
        };
        let receiver = Arc::clone(&self.receiver);
        let work = tokio::task::spawn_blocking(move || {
            let _memory = memory;
            receiver.write(message, &body, Timestamp::now())
        });
        match work.await {
            Ok(Ok(written)) => {
                let counts = counts_for(message, written);
                (StatusCode::NO_CONTENT, counts).into_response()
            }
            Ok(Err(refusal)) => {
                let counts = counts_for(message, refusal.written);
                (counts, refused(&refusal)).into_response()
            }
            Err(error) => {
                let reason = format!("{error}\n");
                (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response()
            }
        }
    }
}

/// Remote write.
pub(crate) async fn write(State(rooms): State<Rooms>, request: Request) -> Response {
    let Some(intake) = rooms.intake else {
        let reason =
            "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n";
        return (StatusCode::NOT_FOUND, reason).into_response();
    };
    let (head, body) = request.into_parts();
    intake.write(&head.headers, body).await
}

/// What senders of version 2 want to know, and by which they know that they are understood.
fn counts_for(message: Message, written: Written) -> HeaderMap {
    let counts = [
        ("x-prometheus-remote-write-samples-written", written.samples),
        (
            "x-prometheus-remote-write-histograms-written",
            written.histograms,
        ),
        (
            "x-prometheus-remote-write-exemplars-written",
            written.exemplars,
        ),
    ];
    let wanted = counts.into_iter().filter(|_| message == Message::Version2);
    let headers = wanted.map(|(name, count)| (HeaderName::from_static(name), count.into()));
    headers.collect()
}

fn refused(refusal: &Refusal) -> Response {
    tracing::debug!(status = %refusal.status, "remote write refused: {refusal}");
    (refusal.status, format!("{refusal}\n")).into_response()
}

fn too_long(status: StatusCode, most: usize) -> Response {
    let reason = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            format!("the body is too long; at most {most} bytes are allowed\n")
        }
        _ => "the server stops\n".to_owned(),
    };
    (status, reason).into_response()
}

fn is_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
