//! How the services say no: a status and one sentence, as JSON.

use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::call::CallError;

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RefusalBody {
    pub error: String,
}

/// A request that is not served, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub message: String,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl fmt::Display) -> Self {
        Self {
            status,
            message: message.to_string(),
        }
    }

    pub fn bad_request(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(RefusalBody {
                error: self.message,
            }),
        )
            .into_response()
    }
}

/// What one service tells its caller when another service let it down.
impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { status, message } => Self { status, message },
            CallError::Timeout { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, error),
            CallError::Unreachable { .. } | CallError::Answer { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, error)
            }
        }
    }
}
