//! Connections: how many there may be, and how long one may take to say what it wants.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use stonechat_metrics::{Counter, Gauge, RegisterError, Registry};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Site;

/// What connections may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// The most that are open at a time; further ones are told so and closed. Prometheus: `--web.max-connections`.
    pub connections_max: usize,
    /// How long the head of a request may take to arrive, and how long a connection may wait for one.
    /// Prometheus: `--web.read-timeout`.
    pub head_timeout: Duration,
}

impl Default for ServerLimits {
    /// As many as in Prometheus. Two minutes for a head, where Prometheus has five: a slow or a silent client holds a place.
    /// Not less than the 90 seconds after which clients in Go close idle connections: one that the server closes just
    /// when it is used again fails.
    fn default() -> Self {
        Self {
            connections_max: 512,
            head_timeout: Duration::from_mins(2),
        }
    }
}

/// What the server counts of its connections.
#[derive(Debug, Clone)]
pub struct ServerMetrics {
    open: Gauge,
    refused: Counter,
}

impl ServerMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When the registry already holds other families of the same names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let http = registry.namespace("stonechat_http");
        Ok(Self {
            open: http
                .gauge("connections", "Connections to the server that are open.")
                .register()?,
            refused: http
                .counter(
                    "connections_refused_total",
                    "Connections that were closed at once because too many were open.",
                )
                .register()?,
        })
    }
}

/// How long to wait when no connection can be taken, for example because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What a connection gets that is one too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 26\r\n\r\ntoo many open connections\n";

/// Serves a site until `stop`. Then no connection is taken any more, and those that are open finish what they do.
pub async fn serve(
    listener: TcpListener,
    site: Arc<Site>,
    limits: ServerLimits,
    metrics: ServerMetrics,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout);
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!("no connection can be taken: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            metrics.refused.inc();
            // Best effort: the buffer of a fresh connection has room.
            let _ = stream.try_write(FULL);
            continue;
        };
        let place = Place::take(place, metrics.open.clone());
        let connection = open.watch(http.serve_connection(wired(stream), {
            let site = Arc::clone(&site);
            service_fn(move |request: hyper::Request<Incoming>| {
                let site = Arc::clone(&site);
                async move { Ok::<_, Infallible>(site.answer(request.map(Body::new)).await) }
            })
        }));
        tokio::spawn(async move {
            let _place = place;
            // A client that breaks off is no failure of ours.
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

fn wired(stream: TcpStream) -> TokioIo<TcpStream> {
    // Answers are written whole; waiting for more to send would only delay them. A failure costs no more than that.
    let _ = stream.set_nodelay(true);
    TokioIo::new(stream)
}

/// True for failures of the connection that would have been next, after which the others can be taken.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// A place among the connections, given back when it is dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    open: Gauge,
}

impl Place {
    fn take(permit: OwnedSemaphorePermit, open: Gauge) -> Self {
        open.inc();
        Self {
            _permit: permit,
            open,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}
