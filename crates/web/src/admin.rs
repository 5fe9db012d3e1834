//! What changes the store: `/api/v1/admin/tsdb`.

use axum::extract::State;
use axum::http::StatusCode;

use axum::response::Response;
use serde_json::json;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};

/// Writes out what is in memory, and answers when that is done. It changes nothing that can be seen, so it is always allowed.
pub(crate) async fn flush(State(rooms): State<Rooms>) -> Result<StatusCode, ApiError> {
    let work = tokio::task::spawn_blocking(move || rooms.operator.flush()).await;
    let failed = |reason: String| ApiError::new(ErrorType::Internal, reason);
    work.map_err(|error| failed(error.to_string()))?
        .map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Copies the store into a folder of its own.
pub(crate) async fn snapshot(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    if !rooms.operator.allows_admin() {
        return Err(ApiError::new(ErrorType::Unavailable, "admin APIs disabled"));
    }
    let failed =
        |reason: String| ApiError::new(ErrorType::Internal, format!("create snapshot: {reason}"));
    let work = tokio::task::spawn_blocking(move || rooms.operator.snapshot()).await;
    let name = work
        .map_err(|error| failed(error.to_string()))?
        .map_err(failed)?;
    success(&json!({ "name": name }))
}
