//! What changes the store: `/api/v1/admin/tsdb`.

use axum::extract::State;
use axum::http::StatusCode;

use axum::response::Response;
use serde_json::json;
use stonechat_model::TimeRange;

use crate::answer::{ApiError, ErrorType, success};
use crate::labels::matcher_sets;
use crate::params::Params;
use crate::{Operator, Rooms};

/// Writes out what is in memory, and answers when that is done. It changes nothing that can be seen, so it is always allowed.
pub(crate) async fn flush(State(rooms): State<Rooms>) -> Result<StatusCode, ApiError> {
    work(rooms, |operator| operator.flush())
        .await
        .map_err(|reason| ApiError::new(ErrorType::Internal, reason))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Copies the store into a folder of its own.
pub(crate) async fn snapshot(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    allowed(&rooms)?;
    let name = work(rooms, |operator| operator.snapshot())
        .await
        .map_err(|reason| {
            ApiError::new(ErrorType::Internal, format!("create snapshot: {reason}"))
        })?;
    success(&json!({ "name": name }))
}

/// Deletes samples of the series that `match[]` selects.
pub(crate) async fn delete_series(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<StatusCode, ApiError> {
    allowed(&rooms)?;
    if params.get("match[]").is_none() {
        return Err(ApiError::new(
            ErrorType::BadData,
            "no match[] parameter provided",
        ));
    }
    let range = TimeRange {
        start: params.time_or("start", TimeRange::ALL.start)?,
        end: params.time_or("end", TimeRange::ALL.end)?,
    };
    let sets = matcher_sets(&params).map_err(|error| ApiError::parameter("match[]", error))?;
    work(rooms, move |operator| operator.delete(&sets, range))
        .await
        .map_err(|reason| ApiError::new(ErrorType::Internal, reason))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes from the disk what was deleted.
pub(crate) async fn clean_tombstones(State(rooms): State<Rooms>) -> Result<StatusCode, ApiError> {
    allowed(&rooms)?;
    work(rooms, |operator| operator.clean_tombstones())
        .await
        .map_err(|reason| ApiError::new(ErrorType::Internal, reason))?;
    Ok(StatusCode::NO_CONTENT)
}

fn allowed(rooms: &Rooms) -> Result<(), ApiError> {
    if rooms.operator.allows_admin() {
        return Ok(());
    }
    Err(ApiError::new(ErrorType::Unavailable, "admin APIs disabled"))
}

/// Does what blocks on a thread of its own.
async fn work<T: Send + 'static>(
    rooms: Rooms,
    work: impl FnOnce(&dyn Operator) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(move || work(&*rooms.operator))
        .await
        .map_err(|error| error.to_string())?
}
