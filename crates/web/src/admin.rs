//! What changes the store: `/api/v1/admin/tsdb`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType};

/// Writes out what is in memory, and answers when that is done. It changes nothing that can be seen, so it is always allowed.
pub(crate) async fn flush(State(rooms): State<Rooms>) -> Result<StatusCode, ApiError> {
    let work = tokio::task::spawn_blocking(move || Arc::clone(&rooms.operator).flush()).await;
    let failed = |reason: String| ApiError::new(ErrorType::Internal, reason);
    work.map_err(|error| failed(error.to_string()))?
        .map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}
