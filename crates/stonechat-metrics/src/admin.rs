//! `/metrics`, `/healthz` and `/readyz`: as routes for a router of one's own, or on a listener of
//! their own.

mod answer; // one answer to a scrape
mod serve; // connections, and how much of the process they may take

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::registry::Registry;
use serve::Limits;

/// How long [`AdminServer::shutdown`] waits for answers that are under way.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// `GET /metrics`, in the format that the scraper asks for: text 0.0.4, OpenMetrics 1.0 or, with the
/// feature `protobuf`, messages; with the feature `compression` by gzip or zstd, if it takes them.
///
/// A request with the header `X-Prometheus-Scrape-Timeout-Seconds` is a scrape, which the series of an ended
/// [`Session`](crate::Session) wait for. Without it, as from `curl`, it is a person who looks.
///
/// Merge it into a router of the service only if the whole world may read the metrics; otherwise
/// [`serve_admin`] has a listener of its own for them.
pub fn metrics_router(registry: Registry) -> Router {
    Router::new()
        .route("/metrics", get(answer::metrics).head(answer::head))
        .with_state(answer::Answers::new(registry))
}

/// Serves `/metrics`, `/healthz` and `/readyz` on a listener of their own, in a task of the current
/// runtime; [`Admin`] does the same with a say in what `/readyz` answers.
///
/// `/healthz` answers `ok` as long as the runtime runs tasks. The address is best a loopback or
/// internal one; port 0 takes a free port, see [`AdminServer::local_addr`].
///
/// It serves up to 64 connections, further ones wait until one of them is closed. A connection is
/// closed that sends no whole request for 75 seconds, or does not take an answer within 30.
///
/// # Errors
///
/// The address cannot be listened on.
pub async fn serve_admin(addr: impl ToSocketAddrs, registry: Registry) -> io::Result<AdminServer> {
    Admin::new(registry).serve(addr).await
}

/// An admin server that is being described.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use stonechat_metrics::{Admin, Registry};
///
/// static CONNECTED: AtomicBool = AtomicBool::new(false);
/// let admin = Admin::new(Registry::new())
///     .ready(|| CONNECTED.load(Ordering::Relaxed)) // 503 until the database is there
///     .serve("127.0.0.1:0")
///     .await?;
/// # admin.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is served before `serve()`"]
pub struct Admin {
    registry: Registry,
    ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Admin {
    /// A server for this registry, that is always ready.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            ready: Arc::new(|| true),
        }
    }

    /// Asks, for each request to `/readyz`, whether the service takes work: 200 if it does,
    /// otherwise 503.
    pub fn ready(mut self, ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.ready = Arc::new(ready);
        self
    }

    /// The routes, for a server of one's own.
    pub fn router(self) -> Router {
        let ready = self.ready;
        let readyz = async move || match ready() {
            true => (StatusCode::OK, "ready\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        };
        metrics_router(self.registry)
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(readyz))
    }

    /// Listens on the address, and serves in a task of the current runtime.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn serve(self, addr: impl ToSocketAddrs) -> io::Result<AdminServer> {
        let listener = TcpListener::bind(addr).await?;
        let local_addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            // A handle that was dropped without `shutdown` leaves the server running.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let task = tokio::spawn(serve::run(listener, self.router(), Limits::USUAL, stopped));
        Ok(AdminServer {
            local_addr,
            stop,
            task,
        })
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
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
