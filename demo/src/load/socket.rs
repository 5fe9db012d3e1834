use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

const HANDSHAKE_MAX: Duration = Duration::from_secs(8);
const WRITE_MAX: Duration = Duration::from_secs(5);
/// How long an answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(8);
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// The WebSocket of a user or of a phone.
#[derive(Debug)]
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// There is no WebSocket, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    #[error("the token is not accepted")]
    Token,
    #[error("the websocket failed")]
    Failed(#[from] Error),
    #[error("the websocket was closed by the other side")]
    Closed,
    #[error("the other side does not answer")]
    Timeout,
}

impl Socket {
    pub async fn connect(url: &str) -> Result<Self, SocketError> {
        let handshake = connect_async_with_config(url, None, true);
        match timeout(HANDSHAKE_MAX, handshake).await {
            Err(_) => Err(SocketError::Timeout),
            Ok(Ok((stream, _))) => Ok(Self(stream)),
            Ok(Err(Error::Http(answer))) if answer.status().as_u16() == 401 => {
                Err(SocketError::Token)
            }
            Ok(Err(error)) => Err(error.into()),
        }
    }

    pub async fn send(&mut self, frame: &impl Serialize) -> Result<(), SocketError> {
        let text = serde_json::to_string(frame)
            .expect("a frame has only string keys and values that JSON knows");
        match timeout(WRITE_MAX, self.0.send(Message::text(text))).await {
            Err(_) => Err(SocketError::Timeout),
            Ok(sent) => Ok(sent?),
        }
    }

    /// The next frame, which does not take long to come.
    pub async fn answer<F: DeserializeOwned>(&mut self) -> Result<F, SocketError> {
        let answer = timeout(ANSWER_MAX, self.receive()).await;
        answer.map_err(|_| SocketError::Timeout)?
    }

    /// The next frame; what is none of ours is passed over.
    pub async fn receive<F: DeserializeOwned>(&mut self) -> Result<F, SocketError> {
        loop {
            match self.0.next().await {
                None | Some(Ok(Message::Close(_))) => return Err(SocketError::Closed),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(frame) => return Ok(frame),
                    Err(error) => tracing::debug!(%error, "frame cannot be read"),
                },
                Some(Ok(_)) => {}
            }
        }
    }

    /// Sends a close frame and waits for the answer, not for long.
    pub async fn close(mut self) {
        let closing = async {
            if self.0.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.0.next().await {}
            }
        };
        // Whoever does not answer is left.
        drop(timeout(CLOSE_MAX, closing).await);
    }
}
