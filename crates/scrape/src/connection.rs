//! One HTTP/1.1 connection to a target.
//!
//! Own code around hyper's connection instead of its pooling client: a target needs one connection and has one task, so nothing has to be
//! shared, woken or timed. The connection is driven by whoever uses it; between scrapes nobody looks at it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::header::CONNECTION;
use http::uri::Authority;
use http::{Request, Response, Version};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::body::header;
use crate::error::FetchError;

const HTTP_PORT: u16 = 80;

type Driver = http1::Connection<TokioIo<TcpStream>, Empty<Bytes>>;

pub(crate) struct Connection {
    authority: Authority,
    sender: http1::SendRequest<Empty<Bytes>>,
    /// What moves the bytes; `None` once the connection has ended.
    driver: Option<Pin<Box<Driver>>>,
}

impl Connection {
    /// Dials a target.
    pub(crate) async fn open(authority: Authority) -> Result<Self, FetchError> {
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(HTTP_PORT);
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|error| FetchError::of_connect(&error))?;
        // Requests are small and answered at once; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| FetchError::of_hyper(&error))?;
        Ok(Self {
            authority,
            sender,
            driver: Some(Box::pin(driver)),
        })
    }

    /// True when the connection leads there and the other side has not closed it.
    pub(crate) async fn is_ready_for(&mut self, authority: &Authority) -> bool {
        if self.authority != *authority {
            return false;
        }
        let Self { sender, driver, .. } = self;
        drive(driver, sender.ready()).await.is_ok()
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, FetchError> {
        let Self { sender, driver, .. } = self;
        drive(driver, sender.send_request(request))
            .await
            .map_err(|error| FetchError::of_hyper(&error))
    }

    /// Does work that waits for bytes of this connection.
    pub(crate) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        drive(&mut self.driver, work).await
    }
}

async fn drive<F: Future>(driver: &mut Option<Pin<Box<Driver>>>, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        let Some(moving) = driver else {
            return Poll::Pending;
        };
        // How the connection ended is told to the work too.
        if moving.as_mut().poll(context).is_ready() {
            *driver = None;
        }
        work.as_mut().poll(context)
    })
    .await
}

/// True when the other side will take another request after this answer.
pub(crate) fn is_persistent(response: &Response<Incoming>) -> bool {
    let connection = header(response.headers(), &CONNECTION).unwrap_or_default();
    response.version() == Version::HTTP_11 && !connection.to_ascii_lowercase().contains("close")
}
