//! Where the demo's notifications arrive: a webhook receiver that remembers what it was told.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use parking_lot::Mutex;

/// Alerts that are kept between two looks.
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
    unread: Arc<Mutex<Unread>>,
}

/// What arrived between two looks.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// In the order in which they came.
    pub(crate) alerts: Vec<Told>,
    /// How many more there were than are kept.
    pub(crate) dropped: usize,
}

impl Unread {
    fn add(&mut self, alerts: Vec<Told>) {
        let room = KEPT_MAX.saturating_sub(self.alerts.len());
        self.dropped += alerts.len().saturating_sub(room);
        self.alerts.extend(alerts.into_iter().take(room));
    }
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
    pub(crate) fn read(&self) -> Unread {
        std::mem::take(&mut *self.unread.lock())
    }
}

async fn take(State(inbox): State<Inbox>, Json(payload): Json<Payload>) {
    inbox.unread.lock().add(payload.alerts);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alerts(count: usize) -> Vec<Told> {
        let alert = Told {
            status: "firing".to_owned(),
            labels: std::collections::BTreeMap::new(),
            annotations: std::collections::BTreeMap::new(),
        };
        vec![alert; count]
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut unread = Unread::default();
        for (more, kept, dropped) in [
            (KEPT_MAX - 1, KEPT_MAX - 1, 0),
            (3, KEPT_MAX, 2),
            (5, KEPT_MAX, 7),
        ] {
            unread.add(alerts(more));
            assert_eq!((unread.alerts.len(), unread.dropped), (kept, dropped));
        }
    }
}
