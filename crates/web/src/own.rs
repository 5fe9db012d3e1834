//! Our own API: `/api/stonechat/v1`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;
use stonechat_model::Timestamp;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};

/// Version, configuration and store at a glance.
pub(crate) async fn status(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    let status = rooms.operator.status();
    success(&json!({
        "version": status.version,
        "started_at": rfc3339(status.started_at),
        "config": {
            "source": status.config_source,
            "last_reload_successful": status.config_error.is_none(),
            "last_reload_at": rfc3339(status.config_read_at),
            "error": status.config_error,
        },
        "storage": {
            "series": status.series,
            "samples_total": status.samples,
            "write_failure": status.write_failure,
            "history": status.history,
        },
    }))
}

/// The Grafana dashboards that stand in the configuration's folder.
pub(crate) async fn dashboards(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    success(&rooms.operator.status().dashboards)
}

/// What was sent to whom, newest first.
pub(crate) async fn notifications(State(rooms): State<Rooms>) -> Result<Response, ApiError> {
    success(&rooms.notifier.deliveries())
}

/// Why somebody was told of an alert, or was not: routes, groups, silences, inhibition, and what each receiver knows.
pub(crate) async fn why(
    State(rooms): State<Rooms>,
    Path(fingerprint): Path<String>,
) -> Result<Response, ApiError> {
    let Some((alert, routes)) = rooms.notifier.explain(&fingerprint) else {
        return Err(ApiError::new(
            ErrorType::NotFound,
            format!("no alert {fingerprint} is known to notification"),
        ));
    };
    let mut deliveries = rooms.notifier.deliveries();
    deliveries.retain(|delivery| {
        delivery
            .alerts
            .iter()
            .any(|told| told.labels == alert.alert.labels)
    });
    success(&json!({
        "labels": alert.alert.labels,
        "starts_at": rfc3339(alert.alert.starts_at),
        "ends_at": rfc3339(alert.alert.ends_at),
        "silenced_by": alert.silenced_by,
        "inhibited_by": alert.inhibited_by,
        "routes": routes,
        "messages": deliveries,
    }))
}

/// A time as the API writes it: RFC 3339 in UTC; year 1 for "never", as Go writes its zero time.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.millis()) {
        Ok(time) => time.to_string(),
        Err(_) => NEVER.to_owned(),
    }
}

/// Go's zero time.
pub(crate) const NEVER: &str = "0001-01-01T00:00:00Z";
