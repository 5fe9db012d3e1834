//! `/api/v2`: Alertmanager's API, so that `amtool`, Prometheus and Grafana can use this server as their Alertmanager.
//!
//! Source: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.

mod alerts; // alerts and groups
mod silences; // silences
mod wire; // what is sent and answered

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use crate::Rooms;
use crate::own::rfc3339;

/// All paths of the API.
pub(crate) fn router() -> Router<Rooms> {
    Router::new()
        .route("/status", get(status))
        .route("/receivers", get(receivers))
        .route("/alerts", get(alerts::list).post(alerts::take))
        .route("/alerts/groups", get(alerts::groups))
        .route("/silences", get(silences::list).post(silences::set))
        .route("/silence/{id}", get(silences::one).delete(silences::expire))
}

/// A request that cannot be answered. The body is the reason as a JSON text.
pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(reason: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer(self.0, &self.1)
    }
}

type Answer = Result<Response, Refusal>;

fn ok(body: &impl Serialize) -> Answer {
    Ok(answer(StatusCode::OK, body))
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    // Everything that is answered is made of texts and numbers, which always become JSON.
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The largest body, and how long it may take to arrive.
const BODY_BYTES_MAX: usize = 16 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

async fn body(request: Request) -> Result<Bytes, Refusal> {
    let body = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Refusal::bad(format!(
            "the body is incomplete or larger than {BODY_BYTES_MAX} bytes"
        ))),
        Err(_) => Err(Refusal::bad(format!(
            "the body did not arrive within {} s",
            BODY_TIMEOUT.as_secs()
        ))),
    }
}

async fn status(State(rooms): State<Rooms>) -> Answer {
    let status = rooms.operator.status();
    ok(&json!({
        "cluster": { "status": "disabled", "peers": [] },
        "versionInfo": {
            "version": status.version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "",
        },
        "config": { "original": rooms.notifier.shown_config().to_string() },
        "uptime": rfc3339(status.started_at),
    }))
}

async fn receivers(State(rooms): State<Rooms>) -> Answer {
    let names = rooms.notifier.receivers();
    ok(&names
        .iter()
        .map(|name| json!({ "name": name }))
        .collect::<Vec<_>>())
}
