use http::Method;

use crate::call::{Call, CallError, Caller};
use crate::load::socket::{Socket, SocketError};
use crate::wire::{CallClosed, CallOpened, FromPhone, OpenCall, ToPhone};

/// How a phone talks with media about its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A request for each order.
    Http,
    /// A WebSocket, for as long as the call lasts.
    WebSocket,
}

impl Way {
    /// Every second phone is of the one kind.
    pub fn of_phone(number: u32) -> Self {
        if number.is_multiple_of(2) {
            Self::Http
        } else {
            Self::WebSocket
        }
    }
}

/// Media did not take an order.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignalError {
    #[error(transparent)]
    Http(#[from] CallError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("{message} (status {status})")]
    Refused { status: u16, message: String },
    #[error("media answers something else than it was asked")]
    Answer,
}

/// The way to media of one call.
pub(super) enum Signal<'a> {
    Http(&'a Caller),
    WebSocket(Box<Socket>),
}

impl<'a> Signal<'a> {
    pub async fn connect(way: Way, media: &'a Caller) -> Result<Self, SignalError> {
        Ok(match way {
            Way::Http => Self::Http(media),
            Way::WebSocket => {
                let url = format!("ws://{}/ws", media.address());
                Self::WebSocket(Box::new(Socket::connect(&url).await?))
            }
        })
    }

    /// Places a call.
    pub async fn open(&mut self, asked: OpenCall) -> Result<CallOpened, SignalError> {
        match self {
            Self::Http(media) => Ok(media.post("/sessions", &asked).await?),
            Self::WebSocket(socket) => match ask(socket, FromPhone::Open(asked)).await? {
                ToPhone::Opened(opened) => Ok(opened),
                _ => Err(SignalError::Answer),
            },
        }
    }

    /// Ends a call.
    pub async fn hang_up(self, session_id: String) -> Result<(), SignalError> {
        match self {
            Self::Http(media) => {
                let call = Call {
                    method: Method::DELETE,
                    path: &format!("/sessions/{session_id}"),
                    token: None,
                };
                let _closed: CallClosed = media.call(&call, None::<&()>).await?;
            }
            Self::WebSocket(mut socket) => {
                let closed = ask(&mut socket, FromPhone::Close { session_id }).await?;
                socket.close().await;
                if !matches!(closed, ToPhone::Closed(_)) {
                    return Err(SignalError::Answer);
                }
            }
        }
        Ok(())
    }
}

async fn ask(socket: &mut Socket, order: FromPhone) -> Result<ToPhone, SignalError> {
    socket.send(&order).await?;
    match socket.answer().await? {
        ToPhone::Error { status, message } => Err(SignalError::Refused { status, message }),
        answer => Ok(answer),
    }
}
