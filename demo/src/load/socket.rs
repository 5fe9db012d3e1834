use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::wire::{FromClient, ToClient};

const HANDSHAKE_MAX: Duration = Duration::from_secs(8);
const WRITE_MAX: Duration = Duration::from_secs(5);
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A user's WebSocket.
#[derive(Debug)]
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// There is no WebSocket, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    #[error("the token is not accepted")]
    Token,
    #[error("the websocket failed")]
    Failed(#[from] Error),
    #[error("the websocket was closed by the chat")]
    Closed,
    #[error("the chat does not answer")]
    Timeout,
}

impl Socket {
    pub async fn connect(gateway: SocketAddr, token: &str) -> Result<Self, SocketError> {
        let url = format!("ws://{gateway}/ws?token={token}");
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

    pub async fn send(&mut self, frame: &FromClient) -> Result<(), SocketError> {
        let text = serde_json::to_string(frame)
            .expect("a frame has only string keys and values that JSON knows");
        match timeout(WRITE_MAX, self.0.send(Message::text(text))).await {
            Err(_) => Err(SocketError::Timeout),
            Ok(sent) => Ok(sent?),
        }
    }

    /// The next frame; what is none of ours is passed over.
    pub async fn receive(&mut self) -> Result<ToClient, SocketError> {
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
