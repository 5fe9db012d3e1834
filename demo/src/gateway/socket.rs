use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

use super::hub::{Frame, FrameKind, Seat, Waiting};
use super::{Frames, Gateway, GatewayMetrics};
use crate::trace;
use crate::wire::{FromClient, ToClient, UnixMillis, UserId};

/// Longest frame that a user may send.
pub(super) const FRAME_BYTES_MAX: usize = 64 * 1024;
/// A client that takes longer to accept one frame is gone or too slow.
const WRITE_MAX: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(25);
/// Without a frame for so long, not even an answer to a ping, the client is gone.
const SILENCE_MAX: Duration = Duration::from_secs(75);
/// How long the client's answer to the close frame is waited for.
const CLOSE_ANSWER_MAX: Duration = Duration::from_secs(1);

type Seated = (Seat, mpsc::Receiver<Waiting>);

/// Why the conversation with a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client closed the connection, or it broke.
    Gone,
    Silent,
    TooSlow,
    GoingAway,
}

impl End {
    fn close_frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone | Self::TooSlow => return None,
            Self::Silent => (close_code::POLICY, "no sign of life"),
            Self::GoingAway => (close_code::AWAY, "the gateway is going away"),
        };
        Some(CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        })
    }
}

impl Gateway {
    /// Talks with one client until either side ends it.
    pub(super) async fn converse(&self, socket: WebSocket, user: UserId, seated: Seated) {
        let _connected = self.metrics.sockets.connect();
        let (seat, outgoing) = seated;
        let (sink, mut stream) = socket.split();
        let too_slow = seat.too_slow.clone();
        let metrics = self.metrics.clone();
        // A task of its own: a client waits for pushes also while its last message is handled.
        let writer = tokio::spawn(async move {
            too_slow
                .run_until_cancelled_owned(write(sink, outgoing, metrics))
                .await
                .flatten()
        });
        let end = self.read(&mut stream, user, &seat).await;
        // With the seat go all senders, so the writer ends once everything is written.
        drop(seat);
        let sink = writer.await.ok().flatten();
        if let (Some(mut sink), Some(frame)) = (sink, end.close_frame()) {
            let closing = async {
                if sink.send(Message::Close(Some(frame))).await.is_ok() {
                    while let Some(Ok(_)) = stream.next().await {}
                }
            };
            // A client that does not answer is cut off.
            drop(timeout(CLOSE_ANSWER_MAX, closing).await);
        }
        tracing::debug!(user = user.0, ?end, "disconnected");
    }

    async fn read(&self, stream: &mut SplitStream<WebSocket>, user: UserId, seat: &Seat) -> End {
        loop {
            let message = tokio::select! {
                () = seat.too_slow.cancelled() => return End::TooSlow,
                () = self.intake_end.cancelled() => break,
                message = timeout(SILENCE_MAX, stream.next()) => message,
            };
            let answer = match message {
                Err(_) => return End::Silent,
                Ok(None | Some(Err(_)) | Some(Ok(Message::Close(_)))) => return End::Gone,
                Ok(Some(Ok(Message::Text(text)))) => trace::begun(self.answer(user, &text)).await,
                Ok(Some(Ok(Message::Binary(bytes)))) => {
                    self.invalid(bytes.len(), "a frame is text with JSON")
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            };
            if seat.frames.send(answer.into()).await.is_err() {
                return End::Gone;
            }
        }
        tokio::select! {
            () = seat.too_slow.cancelled() => End::TooSlow,
            () = self.end.cancelled() => End::GoingAway,
        }
    }

    /// One message at a time and user: the next is not read before this one is answered.
    async fn answer(&self, user: UserId, text: &str) -> Frame {
        let FromClient::Send { reference, message } = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(error) => return self.invalid(text.len(), &error.to_string()),
        };
        self.metrics.sends_in.count(text.len());
        match self.send(user, message).await {
            Ok(sent) => frame(FrameKind::Ack, &ToClient::Ack { reference, sent }),
            Err(refusal) => {
                let status = refusal.status.as_u16();
                let reference = Some(reference);
                let error = ToClient::Error {
                    reference,
                    status,
                    message: refusal.message,
                };
                frame(FrameKind::Error, &error)
            }
        }
    }

    fn invalid(&self, bytes: usize, message: &str) -> Frame {
        self.metrics.invalid_in.count(bytes);
        let status = StatusCode::BAD_REQUEST.as_u16();
        let error = ToClient::Error {
            reference: None,
            status,
            message: message.to_owned(),
        };
        frame(FrameKind::Error, &error)
    }
}

fn frame(kind: FrameKind, content: &ToClient) -> Frame {
    Frame {
        kind,
        text: text_of(content),
        accepted_at: None,
    }
}

/// The JSON of a frame.
pub(super) fn text_of(content: &ToClient) -> Utf8Bytes {
    let text = serde_json::to_string(content);
    text.expect("a frame has only string keys and values that JSON knows")
        .into()
}

/// Writes frames until there will be no more; then gives the sink back for the close frame. `None`
/// if the client is gone.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut outgoing: mpsc::Receiver<Waiting>,
    metrics: GatewayMetrics,
) -> Option<SplitSink<WebSocket, Message>> {
    let mut pings = interval(PING_EVERY);
    pings.reset();
    loop {
        let waiting = tokio::select! {
            waiting = outgoing.recv() => waiting,
            _ = pings.tick() => {
                timeout(WRITE_MAX, sink.send(Message::Ping(Bytes::new()))).await.ok()?.ok()?;
                continue;
            }
        };
        // Dropped, and with it no longer unread, once it is written.
        let Some(Waiting { frame, .. }) = &waiting else {
            return Some(sink);
        };
        let bytes = frame.text.len();
        match timeout(WRITE_MAX, sink.send(Message::Text(frame.text.clone()))).await {
            Ok(written) => written.ok()?,
            Err(_) => {
                metrics.slow_clients.inc();
                return None;
            }
        }
        frames(&metrics, frame.kind).count(bytes);
        if let Some(accepted_at) = frame.accepted_at {
            let seconds = UnixMillis::now().seconds_since(accepted_at);
            let way = Duration::from_secs_f64(seconds);
            metrics.messages.delivered_after(way);
        }
    }
}

fn frames(metrics: &GatewayMetrics, kind: FrameKind) -> &Frames {
    match kind {
        FrameKind::Ack => &metrics.acks_out,
        FrameKind::Error => &metrics.errors_out,
        FrameKind::Message => &metrics.messages_out,
    }
}
