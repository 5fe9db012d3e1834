//! Listeners: bound before anything runs, bounded in connections, closed within a set time.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
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
        Ok(Self { name, address, tcp })
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
            connections.spawn(async move {
                if let Err(error) = converse(stream, router, stop).await {
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

/// Serves one connection; after `stop` only the request under way, if any.
async fn converse(
    stream: TcpStream,
    router: Router,
    stop: CancellationToken,
) -> Result<(), hyper::Error> {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WAIT_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result,
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
