//! Where the demo's notifications arrive: a webhook receiver that remembers what it was told.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use parking_lot::Mutex;

/// Messages that are kept.
const KEPT_MAX: usize = 1000;

/// An alert as Alertmanager's webhook payload has it; the rest of the payload is not looked at.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Told {
    pub(crate) status: String,
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: std::collections::BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
struct Payload {
    alerts: Vec<Told>,
}

/// A running inbox.
#[derive(Clone)]
pub(crate) struct Inbox {
    unread: Arc<Mutex<Vec<Told>>>,
}

impl Inbox {
    /// Listens until the process ends.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let inbox = Self {
            unread: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let router = Router::new()
            .route("/", post(take))
            .with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(inbox)
    }

    /// What arrived since the last call.
    pub(crate) fn read(&self) -> Vec<Told> {
        std::mem::take(&mut *self.unread.lock())
    }
}

async fn take(State(inbox): State<Inbox>, Json(payload): Json<Payload>) {
    let mut unread = inbox.unread.lock();
    let room = KEPT_MAX.saturating_sub(unread.len());
    unread.extend(payload.alerts.into_iter().take(room));
}
