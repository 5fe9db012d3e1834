//! Our own API: `/api/stonechat/v1`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;
use stonechat_model::Timestamp;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};
use crate::params::Params;

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

/// All alerts that fire or have fired lately, the newest first; with `filter`, conditions on labels as Alertmanager writes them.
pub(crate) async fn alerts(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let mut matchers = Vec::new();
    for text in params.all("filter") {
        let read = stonechat_notify::parse_matchers(text);
        matchers.extend(read.map_err(|error| ApiError::new(ErrorType::BadData, error))?);
    }
    let notifier = rooms.notifier.clone();
    let mut alerts = read_files(move || notifier.alerts_of_late()).await?;
    alerts.retain(|alert| {
        let value = |name| alert.labels.get(name).unwrap_or_default();
        let mut matchers = matchers.iter();
        matchers.all(|matcher| matcher.matches(value(matcher.name())))
    });
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.fired_at));
    let shown = alerts.iter().map(|alert| {
        json!({
            "fingerprint": alert.fingerprint,
            "labels": alert.labels,
            "state": if alert.firing { "firing" } else { "over" },
            "fired_at": rfc3339(alert.fired_at),
        })
    });
    success(&shown.collect::<Vec<_>>())
}

/// Reads files on a thread that may wait for them.
async fn read_files<T: Send + 'static>(
    read: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.map_err(|error| error.to_string());
    let read = read.and_then(|read| read.map_err(|error| error.to_string()));
    read.map_err(|error| ApiError::new(ErrorType::Internal, error))
}

/// Why somebody was told of an alert, or was not: routes, groups, silences, inhibition, what each receiver knows, and all
/// that has happened to the alert as far as the delivery log on disk reaches back.
pub(crate) async fn why(
    State(rooms): State<Rooms>,
    Path(fingerprint): Path<String>,
) -> Result<Response, ApiError> {
    let (notifier, asked) = (rooms.notifier.clone(), fingerprint.clone());
    let history = read_files(move || notifier.history(&asked)).await?;
    let known = rooms.notifier.explain(&fingerprint);
    if known.is_none() && history.is_empty() {
        return Err(ApiError::new(
            ErrorType::NotFound,
            format!("no alert {fingerprint} is known to notification"),
        ));
    }
    let Some((alert, routes)) = known else {
        return success(&json!({ "state": "over", "routes": [], "history": history }));
    };
    let mut deliveries = rooms.notifier.deliveries();
    deliveries.retain(|delivery| {
        let mut told = delivery.alerts.iter();
        told.any(|told| told.labels == alert.alert.labels)
    });
    let over = alert.alert.is_resolved(Timestamp::now());
    success(&json!({
        "state": if over { "over" } else { "firing" },
        "labels": alert.alert.labels,
        "starts_at": rfc3339(alert.alert.starts_at),
        "ends_at": rfc3339(alert.alert.ends_at),
        "silenced_by": alert.silenced_by,
        "inhibited_by": alert.inhibited_by,
        "muted_by": alert.muted_by,
        "routes": routes,
        "messages": deliveries,
        "history": history,
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
