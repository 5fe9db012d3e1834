//! Listeners: bound before anything runs, bounded in connections, closed within a set time.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Most connections of one listener that are open at once; more wait in the backlog of the system.
/// A WebSocket counts until its handshake is done, then it belongs to the gateway's own limit.
const CONNECTIONS_MAX: usize = 1_024;
/// A connection that brings no request for so long is closed.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(75);
/// What is left open so long after the stop is cut off.
const DRAIN_MAX: Duration = Duration::from_secs(3);
/// Accepting fails when file descriptors run out; trying again at once would only burn time.
const ACCEPT_RETRY_AFTER: Duration = Duration::from_millis(100);
/// Callers over gRPC keep their connection; one that is dead is noticed by pings.
const PING_EVERY: Duration = Duration::from_secs(20);

/// A listener could not be opened: stop what holds the address, or choose another one.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {name}")]
pub struct ListenError {
    /// What the listener is for.
    pub name: &'static str,
    /// The address that was asked for.
    pub address: SocketAddr,
    /// Why the system refused.
    pub source: std::io::Error,
}

/// A bound listener that does not serve yet.
#[derive(Debug)]
pub(crate) struct Listener {
    name: &'static str,
    address: SocketAddr,
    tcp: TcpListener,
    protocol: Protocol,
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
}

impl Listener {
    pub async fn bind(name: &'static str, address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError {
            name,
            address,
            source,
        };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Self {
            name,
            address,
            tcp,
            protocol: Protocol::Http1,
        })
    }

    /// Speaks HTTP/2, without TLS, as gRPC needs it.
    pub fn for_grpc(self) -> Self {
        Self {
            protocol: Protocol::Http2,
            ..self
        }
    }

    /// The address really bound, also when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets requests under way end. When this returns, or is dropped,
    /// the listener and every plain HTTP connection are closed.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let (stream, permit) = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.accept(&permits) => accepted,
            };
            let (name, router, stop) = (self.name, router.clone(), stop.clone());
            let conversation = converse(stream, router, self.protocol, stop);
            connections.spawn(async move {
                if let Err(error) = conversation.await {
                    tracing::debug!(name, %error, "connection ended early");
                }
                drop(permit);
            });
        }
        drop(self.tcp);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN_MAX, drained).await.is_err() {
            tracing::warn!(name = self.name, "connections cut off after {DRAIN_MAX:?}");
            connections.shutdown().await;
        }
    }

    async fn accept(&self, permits: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
        // The semaphore is never closed, so there is always a permit in the end.
        let permit = Arc::clone(permits).acquire_owned().await.ok();
        loop {
            match self.tcp.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(name = self.name, %error, "no TCP_NODELAY");
                    }
                    return (stream, permit);
                }
                Err(error) => {
                    tracing::warn!(name = self.name, %error, "cannot accept");
                    tokio::time::sleep(ACCEPT_RETRY_AFTER).await;
                }
            }
        }
    }
}

/// A bound socket for datagrams.
#[derive(Debug)]
pub(crate) struct UdpListener {
    /// The address really bound, also when port 0 was asked for.
    pub address: SocketAddr,
    pub socket: UdpSocket,
}

impl UdpListener {
    pub async fn bind(name: &'static str, address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError {
            name,
            address,
            source,
        };
        let socket = UdpSocket::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { address, socket })
    }
}

/// Serves one connection; after `stop` only the requests under way, if any.
async fn converse(
    stream: TcpStream,
    router: Router,
    protocol: Protocol,
    stop: CancellationToken,
) -> Result<(), hyper::Error> {
    let (stream, service) = (TokioIo::new(stream), TowerToHyperService::new(router));
    match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_WAIT_MAX)
                .serve_connection(stream, service)
                .with_upgrades();
            until(
                &stop,
                pin!(connection),
                http1::UpgradeableConnection::graceful_shutdown,
            )
            .await
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_EVERY)
                .serve_connection(stream, service);
            until(
                &stop,
                pin!(connection),
                http2::Connection::graceful_shutdown,
            )
            .await
        }
    }
}

/// Works on a connection, which is told to end at `stop`.
async fn until<C: Future<Output = Result<(), hyper::Error>>>(
    stop: &CancellationToken,
    mut connection: Pin<&mut C>,
    end: impl FnOnce(Pin<&mut C>),
) -> Result<(), hyper::Error> {
    tokio::select! {
        result = connection.as_mut() => return result,
        () = stop.cancelled() => {}
    }
    end(connection.as_mut());
    connection.await
}
