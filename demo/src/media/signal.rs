use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use stonechat_metrics::{Direction, WebSockets};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{interval, timeout};

use super::Media;
use super::api::{close, open};
use crate::refusal::Refusal;
use crate::wire::{FromPhone, ToPhone};

/// Longest frame of a phone.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// A phone that takes longer to accept one frame is gone.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// Between two orders a phone may be busy with its call and not answer pings, but its system does: a
/// connection that is dead breaks.
const PING_EVERY: Duration = Duration::from_secs(25);

/// The same API over a WebSocket, which a phone keeps for as long as its call lasts.
pub(super) async fn connect(
    State(media): State<Arc<Media>>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let line = Arc::clone(&media.lines).try_acquire_owned();
    let line = line.map_err(|_| Refusal::unavailable("media has as many phones as it takes"))?;
    let upgrade = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| converse(media, socket, line)))
}

/// Answers one order after the other, until the phone or media goes away.
async fn converse(media: Arc<Media>, mut socket: WebSocket, _line: OwnedSemaphorePermit) {
    let _connected = media.metrics.sockets.connect();
    let mut pings = interval(PING_EVERY);
    pings.reset();
    loop {
        let received = tokio::select! {
            () = media.orders.closed() => break,
            _ = pings.tick() => None,
            received = socket.recv() => Some(received),
        };
        let frame = match received {
            None => Message::Ping(Bytes::new()),
            Some(Some(Ok(Message::Text(text)))) => Message::text(media.answer_frame(&text).await),
            Some(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Some(_) => break,
        };
        if !matches!(timeout(WRITE_MAX, socket.send(frame)).await, Ok(Ok(()))) {
            break;
        }
    }
}

impl Media {
    async fn answer_frame(self: &Arc<Self>, text: &str) -> String {
        let asked = serde_json::from_str(text).map_err(Refusal::bad_request);
        let asked_type = match &asked {
            Ok(FromPhone::Open(_)) => "open",
            Ok(FromPhone::Close { .. }) => "close",
            Err(_) => "invalid",
        };
        let sockets = &self.metrics.sockets;
        count(sockets, asked_type, Direction::In, text.len());
        let answer = match asked {
            Ok(FromPhone::Open(asked)) => open(self, asked).await.map(ToPhone::Opened),
            Ok(FromPhone::Close { session_id }) => {
                close(self, session_id).await.map(ToPhone::Closed)
            }
            Err(refusal) => Err(refusal),
        };
        let answer = answer.unwrap_or_else(|refusal| ToPhone::Error {
            status: refusal.status.as_u16(),
            message: refusal.message,
        });
        let answer_type = match &answer {
            ToPhone::Opened(_) => "opened",
            ToPhone::Closed(_) => "closed",
            ToPhone::Error { .. } => "error",
        };
        let answer = serde_json::to_string(&answer);
        let answer = answer.expect("a frame has only string keys and values that JSON knows");
        count(sockets, answer_type, Direction::Out, answer.len());
        answer
    }
}

/// A call has two frames, so nothing is gained by keeping the handles.
fn count(sockets: &WebSockets, message_type: &'static str, direction: Direction, bytes: usize) {
    sockets.message(message_type, direction);
    sockets
        .message_size(message_type, direction)
        .observe(bytes as f64);
}
