//! `/api/v1/query` and `/api/v1/query_range`.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use stonechat_model::Timestamp;
use stonechat_promql::{Answer, Cancel, EvalError, Expr, Steps, Value};
use tokio::time::Instant;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success_text};
use crate::json;
use crate::params::Params;

/// The most points that a series of a range query may have, as in Prometheus.
const POINTS_MAX: u128 = 11_000;

/// Evaluates an expression at one time.
pub(crate) async fn instant(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let at = params.time("time")?.unwrap_or_else(Timestamp::now);
    let limit = params.number("limit")?.unwrap_or(0);
    let expr = parse(params.get("query").unwrap_or_default())?;
    let timeout = params.duration("timeout")?;
    evaluate(rooms, timeout, limit, move |rooms, cancel| {
        rooms
            .engine
            .instant(rooms.queryable.as_ref(), &expr, at, cancel)
    })
    .await
}

/// Evaluates an expression at many times.
pub(crate) async fn range(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let required = |name: &str| {
        params
            .time(name)?
            .ok_or_else(|| ApiError::parameter(name, "cannot parse \"\" to a valid timestamp"))
    };
    let (start, end) = (required("start")?, required("end")?);
    if end < start {
        return Err(ApiError::parameter(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    let step = params
        .duration("step")?
        .ok_or_else(|| ApiError::parameter("step", "cannot parse \"\" to a valid duration"))?;
    if step < Duration::from_millis(1) {
        return Err(ApiError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if end.since(start).as_millis() / step.as_millis() > POINTS_MAX {
        return Err(ApiError::new(
            ErrorType::BadData,
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let limit = params.number("limit")?.unwrap_or(0);
    let expr = parse(params.get("query").unwrap_or_default())?;
    let timeout = params.duration("timeout")?;
    let steps = Steps { start, end, step };
    evaluate(rooms, timeout, limit, move |rooms, cancel| {
        rooms
            .engine
            .range(rooms.queryable.as_ref(), &expr, steps, cancel)
    })
    .await
}

fn parse(query: &str) -> Result<Expr, ApiError> {
    stonechat_promql::parse(query).map_err(|error| ApiError::parameter("query", error))
}

/// Evaluates on a thread of its own, and writes the answer there. When the client goes away, the future is dropped, and
/// the work stops. The wait for a place counts as part of the query's time.
async fn evaluate(
    rooms: Rooms,
    timeout: Option<Duration>,
    limit: usize,
    work: impl FnOnce(&Rooms, &Cancel) -> Result<Answer, EvalError> + Send + 'static,
) -> Result<Response, ApiError> {
    // The client may ask for less time than the server gives, not for more.
    let allowed = rooms.engine.options().timeout;
    let deadline = Instant::now() + timeout.map_or(allowed, |timeout| timeout.min(allowed));
    let permit = tokio::time::timeout_at(deadline, rooms.queries.clone().acquire_owned()).await;
    let permit = permit
        .map_err(|_| ApiError::new(ErrorType::Timeout, "query timed out in query queue"))?
        .map_err(|_| ApiError::new(ErrorType::Unavailable, "the server stops"))?;
    let guard = CancelOnDrop(Cancel::new());
    let cancel = guard.0.clone();
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&rooms, &cancel).map(|answer| shown(answer, limit))
    });
    let outcome = tokio::time::timeout_at(deadline, work).await;
    outcome
        .map_err(|_| {
            ApiError::new(
                ErrorType::Timeout,
                "query timed out in expression evaluation",
            )
        })?
        .map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?
        .map_err(|error| {
            let kind = match error.api_name() {
                "timeout" => ErrorType::Timeout,
                "canceled" => ErrorType::Canceled,
                "execution" => ErrorType::Execution,
                "bad_data" => ErrorType::BadData,
                _ => ErrorType::Internal,
            };
            ApiError::new(kind, error.to_string())
        })
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The answer, cut to `limit` series when that is not zero.
fn shown(mut answer: Answer, limit: usize) -> Response {
    let mut warnings: Vec<String> = answer.warnings.iter().map(ToString::to_string).collect();
    let infos: Vec<String> = answer.infos.iter().map(ToString::to_string).collect();
    let series = match &answer.value {
        Value::Vector(samples) => samples.len(),
        Value::Matrix(all) => all.len(),
        Value::Scalar(_) | Value::String(_) => 0,
    };
    if limit > 0 && series > limit {
        match &mut answer.value {
            Value::Vector(samples) => samples.truncate(limit),
            Value::Matrix(all) => all.truncate(limit),
            Value::Scalar(_) | Value::String(_) => {}
        }
        warnings.push("results truncated due to limit".to_owned());
    }
    success_text(&json::value(&answer.value), &warnings, &infos)
}
