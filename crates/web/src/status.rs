//! `/api/v1/status`: what the server is and how it was started.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use stonechat_model::{Timestamp, duration};

use crate::Rooms;
use crate::answer::{ApiError, success};
use crate::own::rfc3339;

/// The version of Prometheus whose API and query language this server was measured against. Grafana reads it to know
/// what it may ask for.
const PROMETHEUS_LEVEL: &str = "3.5.0";

/// Versions. `version` is the level of the API, as other engines that speak it have it; our own stands beside it.
pub(crate) async fn build_info(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    success(&json!({
        "version": PROMETHEUS_LEVEL, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "",
        "application": "Stonechat", "applicationVersion": rooms.operator.status().version,
    }))
}

/// How the process is. What only a program in Go has is left out.
pub(crate) async fn runtime_info(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    let status = rooms.operator.status();
    success(&json!({
        "startTime": rfc3339(status.started_at),
        "CWD": status.working_directory,
        "hostname": status.host_name,
        "serverTime": rfc3339(Timestamp::now()),
        "reloadConfigSuccess": status.config_error.is_none(),
        "lastConfigTime": rfc3339(status.config_read_at),
        "corruptionCount": status.damages,
        "storageRetention": duration::format(status.retention),
    }))
}

/// What the command line says, under Prometheus' names.
pub(crate) async fn flags(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    success(&rooms.operator.status().flags)
}
