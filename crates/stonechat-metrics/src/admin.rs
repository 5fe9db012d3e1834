//! `/metrics` and `/healthz`: as routes for a router of one's own, or on a listener of their own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::encode::{Format, negotiate};
use crate::registry::Registry;

/// How long [`AdminServer::shutdown`] waits for answers that are under way.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// `GET /metrics`, in the format that the scraper asks for.
///
/// Merge it into a router of the service only if the whole world may read the metrics; otherwise
/// [`serve_admin`] has a listener of its own for them.
pub fn metrics_router(registry: Registry) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(registry)
}

async fn metrics(State(registry): State<Registry>, headers: HeaderMap) -> impl IntoResponse {
    let format = accepted(&headers);
    (
        [(header::CONTENT_TYPE, format.content_type())],
        registry.encode(format),
    )
}

/// A header that is given several times counts as one list.
fn accepted(headers: &HeaderMap) -> Format {
    let ranges: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    negotiate(&ranges.join(","))
}

/// Serves `/metrics` and `/healthz` on a listener of their own, in a task of the current runtime.
///
/// `/healthz` answers `ok` as long as the runtime runs tasks. The address is best a loopback or
/// internal one; port 0 takes a free port, see [`AdminServer::local_addr`].
///
/// # Errors
///
/// The address cannot be listened on.
pub async fn serve_admin(addr: impl ToSocketAddrs, registry: Registry) -> io::Result<AdminServer> {
    let listener = TcpListener::bind(addr).await?;
    let local_addr = listener.local_addr()?;
    let router = metrics_router(registry).route("/healthz", get(async || "ok\n"));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        // A handle that was dropped without `shutdown` leaves the server running.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    let task = tokio::spawn(async {
        // It ends only by being stopped: `axum::serve` retries what `accept` refuses.
        let _ = server.await;
    });
    Ok(AdminServer {
        local_addr,
        stop,
        task,
    })
}

/// A running admin server. It goes on when this is dropped: metrics do not vanish by accident.
#[derive(Debug)]
pub struct AdminServer {
    local_addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl AdminServer {
    /// The address that it listens on, with the port that it really has.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes the listener and the idle connections, and waits up to a second for answers that are
    /// under way.
    pub async fn shutdown(self) {
        // The receiver is gone only if the task has ended already.
        let _ = self.stop.send(());
        let mut task = self.task;
        if tokio::time::timeout(SHUTDOWN_MAX, &mut task).await.is_err() {
            task.abort();
        }
    }
}
