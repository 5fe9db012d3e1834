//! Answers in the envelope of Prometheus' HTTP API v1.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/querying/api/>, "Format overview".

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What went wrong, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorType {
    /// A parameter is missing or wrong.
    BadData,
    /// The query could not be evaluated.
    Execution,
    /// The query took too long.
    Timeout,
    /// The client went away, or the server stops.
    Canceled,
    /// A part of the server failed.
    Internal,
    /// There is nothing of that name.
    NotFound,
    /// Not now: the server starts or stops.
    Unavailable,
}

impl ErrorType {
    fn name(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Internal => "internal",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            // "Client closed request", which has no name in the standard.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }
}

/// A failed answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) kind: ErrorType,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(kind: ErrorType, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// A wrong parameter, worded as Prometheus does.
    pub(crate) fn parameter(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorType::BadData,
            format!("invalid parameter {name:?}: {reason}"),
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "status": "error", "errorType": self.kind.name(), "error": self.message,
        });
        json(self.kind.status(), body.to_string())
    }
}

/// A successful answer around anything that can be serialised.
pub(crate) fn success(data: &impl Serialize) -> Result<Response, ApiError> {
    let data = serde_json::to_string(data)
        .map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
    Ok(success_text(&data, &[], &[]))
}

/// The most warnings, and the most infos, in one answer, as in Prometheus.
const REMARKS_MAX: usize = 10;

/// What a list says when the parameter `limit` cut it.
pub(crate) const TRUNCATED: &str = "results truncated due to limit";

/// A successful answer around data that is already JSON.
pub(crate) fn success_text(data: &str, warnings: &[String], infos: &[String]) -> Response {
    let mut body = String::with_capacity(data.len() + 64);
    body.push_str(r#"{"status":"success","data":"#);
    body.push_str(data);
    for (key, kind, remarks) in [("warnings", "warning", warnings), ("infos", "info", infos)] {
        if !remarks.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(
                body,
                r#","{key}":{}"#,
                serde_json::json!(cut(remarks, kind))
            );
        }
    }
    body.push('}');
    json(StatusCode::OK, body)
}

/// The first remarks, and how many more there are.
fn cut(remarks: &[String], kind: &str) -> Vec<String> {
    let mut shown = remarks[..remarks.len().min(REMARKS_MAX)].to_vec();
    if remarks.len() > REMARKS_MAX {
        let more = remarks.len() - REMARKS_MAX;
        shown.push(format!("{more} more {kind} annotations omitted"));
    }
    shown
}

fn json(status: StatusCode, body: String) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body).into_response()
}
