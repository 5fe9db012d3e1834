use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::api;

pub const PASSWORD: &str = "correct horse";
const PATIENCE: Duration = Duration::from_secs(20);

/// A registered user who is logged in.
#[derive(Debug, Clone)]
pub struct User {
    pub gateway: SocketAddr,
    pub token: String,
}

impl User {
    pub async fn new(gateway: SocketAddr, name: &str) -> Self {
        let credentials = json!({"name": name, "password": PASSWORD});
        let (status, answer) = api::post(gateway, "/api/register", None, credentials.clone()).await;
        assert_eq!(status, 200, "{answer}");
        let (status, answer) = api::post(gateway, "/api/login", None, credentials).await;
        assert_eq!(status, 200, "{answer}");
        let token = answer["token"].as_str().unwrap().to_owned();
        Self { gateway, token }
    }

    pub async fn get(&self, path: &str) -> api::Answer {
        api::get(self.gateway, path, Some(&self.token)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> api::Answer {
        api::post(self.gateway, path, Some(&self.token), body).await
    }

    pub async fn connect(&self) -> Socket {
        Socket::connect(self.gateway, &self.token).await.unwrap()
    }
}

/// A user's WebSocket.
#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn connect(gateway: SocketAddr, token: &str) -> Result<Self, Error> {
        let (socket, _) = connect_async(format!("ws://{gateway}/ws?token={token}")).await?;
        Ok(Self(socket))
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next text frame.
    pub async fn receive(&mut self) -> Value {
        match self.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text frame but {other:?}"),
        }
    }

    /// Sends a message and gives the answer, passing over messages of others.
    pub async fn say(&mut self, message: Value) -> Value {
        let mut frame = json!({"type": "send", "reference": 1});
        frame
            .as_object_mut()
            .unwrap()
            .extend(message.as_object().unwrap().clone());
        self.send(frame).await;
        loop {
            let answer = self.receive().await;
            if answer["type"] != "message" {
                return answer;
            }
        }
    }

    /// The close frame with which the connection ends; `None` if it just ends.
    pub async fn close_frame(&mut self) -> Option<CloseFrame> {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Message, Error>> {
        timeout(PATIENCE, self.0.next())
            .await
            .expect("something within the time")
    }
}
