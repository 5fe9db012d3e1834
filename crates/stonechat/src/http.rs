//! The HTTP server, in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use stonechat_metrics::Registry;
use stonechat_web::{ServerLimits, ServerMetrics, Site};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running HTTP server.
pub(crate) struct Http {
    stopping: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Http {
    /// Serves a site from now on.
    pub(crate) fn start(
        listener: TcpListener,
        site: Arc<Site>,
        limits: ServerLimits,
        registry: &Registry,
    ) -> Result<Self> {
        let metrics = ServerMetrics::register(registry)?;
        let (stopping, mut stop) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let stopped = async move {
            // Fails only when the sender is gone, which means the same.
            let _ = stop.wait_for(|stopping| *stopping).await;
        };
        let task = tokio::spawn(async move {
            stonechat_web::serve(listener, site, limits, metrics, stopped).await;
            end.send_replace(true);
        });
        Ok(Self {
            stopping,
            ended,
            task,
        })
    }

    /// Becomes true when it has ended.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }

    /// Takes no new connection, and lets those that are open finish what they do.
    pub(crate) async fn stop(self, limit: Duration) {
        self.stopping.send_replace(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(limit, self.task).await.is_err() {
            let seconds = limit.as_secs();
            tracing::warn!("connections were still open after {seconds} s and are closed");
            abort.abort();
        }
    }
}
