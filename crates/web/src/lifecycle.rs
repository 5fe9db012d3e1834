//! Health, readiness and reload, where Prometheus has them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::Rooms;

/// The process answers.
pub(crate) async fn healthy() -> &'static str {
    "Stonechat is Healthy.\n"
}

/// The server takes queries.
pub(crate) async fn ready(State(rooms): State<Rooms>) -> (StatusCode, String) {
    match rooms.operator.unready() {
        None => (StatusCode::OK, "Stonechat is Ready.\n".to_owned()),
        Some(reason) => unready(reason),
    }
}

/// The server does not take queries, and why.
pub(crate) fn unready(reason: &str) -> (StatusCode, String) {
    let text = format!("Service Unavailable: {reason}\n");
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

/// Reads the configuration again. A bad one is answered with all its mistakes, and the old one goes on.
pub(crate) async fn reload(State(rooms): State<Rooms>) -> Result<(), (StatusCode, String)> {
    // In a task of its own: a reload that has begun is finished even if the client goes away.
    let reload = tokio::spawn(Arc::clone(&rooms.operator).reload());
    let failed = |reason: String| {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("failed to reload config: {reason}\n"),
        )
    };
    match reload.await {
        Ok(outcome) => outcome.map_err(failed),
        Err(error) => Err(failed(error.to_string())),
    }
}
