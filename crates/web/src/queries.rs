//! What queries against databases give: a page for any other Prometheus, and how each query is.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::Rooms;
use crate::answer::{ApiError, success};
use crate::own::rfc3339;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8";

/// The series of all queries, always those of one whole configuration.
pub(crate) async fn page(State(rooms): State<Rooms>) -> Response {
    ([(CONTENT_TYPE, TEXT)], rooms.sql.page()).into_response()
}

/// How each query is.
pub(crate) async fn status(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    let queries = rooms.sql.status().into_iter().map(|query| {
        json!({
            "name": query.name,
            "source": query.source,
            "file": query.place.file.display().to_string(),
            "line": query.place.line,
            "last_round": query.last_round.map(rfc3339),
            "last_success": query.last_success.map(rfc3339),
            "duration_seconds": query.duration.as_secs_f64(),
            "rows": query.rows,
            "series": query.series,
            "error": query.error,
        })
    });
    success(&queries.collect::<Vec<_>>())
}
