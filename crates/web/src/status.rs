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

/// How much of the log is read back, in percent. Prometheus counts segments of its log; its page shows their part of the whole.
pub(crate) async fn wal_replay(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a part of one is at most a hundred percent"
    )]
    let percent = (rooms.operator.status().history * 100.0) as i64;
    success(&json!({ "min": 0, "max": 100, "current": percent }))
}

/// Other Alertmanagers that alerts are sent to. None is ever dropped: relabelling drops them before.
pub(crate) async fn alertmanagers(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    let addresses = rooms.operator.alertmanagers();
    let active: Vec<_> = addresses.iter().map(|url| json!({ "url": url })).collect();
    success(&json!({ "activeAlertmanagers": active, "droppedAlertmanagers": [] }))
}

/// What somebody who opens a page of the server should know.
pub(crate) async fn notifications(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    let status = rooms.operator.status();
    let mut texts = Vec::new();
    if status.config_error.is_some() {
        // In Prometheus' words.
        texts.push("Configuration reload has failed.".to_owned());
    }
    texts.extend(
        status
            .write_failure
            .map(|reason| format!("Samples cannot be written: {reason}")),
    );
    let date = rfc3339(status.config_read_at);
    let shown = texts
        .iter()
        .map(|text| json!({ "text": text, "date": date, "active": true }));
    success(&shown.collect::<Vec<_>>())
}
