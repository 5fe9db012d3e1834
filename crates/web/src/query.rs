//! `/api/v1/query` and `/api/v1/query_range`.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use stonechat_model::Timestamp;
use stonechat_promql::{
    Answer, Cancel, Engine, EngineOptions, EvalError, Expr, Steps, Value, ValueType,
};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, TRUNCATED, success_text};
use crate::json;
use crate::params::Params;
use crate::work::{self, Done};

/// The most points that a series of a range query may have, as in Prometheus.
const POINTS_MAX: u128 = 11_000;

/// Evaluates an expression at one time.
pub(crate) async fn instant(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let at = params.time_or("time", Timestamp::now())?;
    let wish = Wish::read(&params, limit, at)?;
    let expr = parse(&params)?;
    evaluate(rooms, wish, move |engine, rooms, cancel| {
        engine.instant(rooms.queryable.as_ref(), &expr, at, cancel)
    })
    .await
}

/// Evaluates an expression at many times.
pub(crate) async fn range(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let steps = steps(&params)?;
    let wish = Wish::read(&params, limit, steps.start)?;
    let expr = parse(&params)?;
    let kind = expr.value_type();
    if !matches!(kind, ValueType::Scalar | ValueType::InstantVector) {
        return Err(ApiError::parameter("query", EvalError::NotForRange(kind)));
    }
    evaluate(rooms, wish, move |engine, rooms, cancel| {
        engine.range(rooms.queryable.as_ref(), &expr, steps, cancel)
    })
    .await
}

fn steps(params: &Params) -> Result<Steps, ApiError> {
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
    Ok(Steps { start, end, step })
}

fn parse(params: &Params) -> Result<Expr, ApiError> {
    let query = params.get("query").unwrap_or_default();
    stonechat_promql::parse(query).map_err(|error| ApiError::parameter("query", error))
}

/// How a client wants its query evaluated, and shown.
struct Wish {
    timeout: Option<Duration>,
    /// How old a sample may be; the engine's own answer when it is not given, or zero.
    lookback: Option<Duration>,
    /// The most series in the answer; zero for all.
    limit: usize,
    /// The time of an answer that has none of its own.
    at: Timestamp,
    /// Whether the answer says how long it took.
    stats: bool,
}

impl Wish {
    fn read(params: &Params, limit: usize, at: Timestamp) -> Result<Self, ApiError> {
        let timeout = params.duration("timeout")?;
        let lookback = params.duration("lookback_delta").map_err(|_| {
            let text = params.get("lookback_delta").unwrap_or_default();
            let reason = format!(
                "error parsing lookback delta duration: cannot parse {text:?} to a valid duration"
            );
            ApiError::new(ErrorType::BadData, reason)
        })?;
        Ok(Self {
            timeout,
            lookback: lookback.filter(|lookback| !lookback.is_zero()),
            limit,
            at,
            stats: params.get("stats").is_some(),
        })
    }

    fn engine(&self, usual: &Engine) -> Engine {
        match self.lookback {
            None => usual.clone(),
            Some(lookback) => Engine::new(EngineOptions {
                lookback,
                ..usual.options().clone()
            }),
        }
    }
}

/// Evaluates, and writes the data of the answer on the same thread.
async fn evaluate(
    rooms: Rooms,
    wish: Wish,
    work: impl FnOnce(&Engine, &Rooms, &Cancel) -> Result<Answer, EvalError> + Send + 'static,
) -> Result<Response, ApiError> {
    let engine = wish.engine(&rooms.engine);
    let (limit, at) = (wish.limit, wish.at);
    let done = work::run(rooms, wish.timeout, move |rooms, cancel| {
        // Before the work: what was not complete then may be missing in the answer.
        let remarks = rooms.queryable.remarks();
        work(&engine, rooms, cancel).map(|answer| Shown::of(answer, limit, at).with(remarks))
    })
    .await?;
    let stats = wish.stats.then(|| stats(&done));
    let mut shown = done.value.map_err(|error| refused(&error))?;
    if let Some(stats) = stats {
        shown.data.pop();
        shown.data.push_str(&stats);
    }
    Ok(success_text(&shown.data, &shown.warnings, &shown.infos))
}

fn refused(error: &EvalError) -> ApiError {
    let kind = match error.api_name() {
        "timeout" => ErrorType::Timeout,
        "canceled" => ErrorType::Canceled,
        "execution" => ErrorType::Execution,
        "bad_data" => ErrorType::BadData,
        _ => ErrorType::Internal,
    };
    ApiError::new(kind, error.to_string())
}

/// The end of the data, with the times that were measured, under Prometheus' names.
fn stats<T>(done: &Done<T>) -> String {
    let timings = serde_json::json!({
        "evalTotalTime": done.worked.as_secs_f64(),
        "execQueueTime": done.waited.as_secs_f64(),
        "execTotalTime": (done.waited + done.worked).as_secs_f64(),
    });
    format!(r#","stats":{{"timings":{timings}}}}}"#)
}

/// An answer as text.
struct Shown {
    data: String,
    warnings: Vec<String>,
    infos: Vec<String>,
}

impl Shown {
    /// With warnings before all others, so that they are not among those that are left out.
    fn with(mut self, remarks: Vec<String>) -> Self {
        self.warnings.splice(0..0, remarks);
        self
    }

    /// Cut to `limit` series when that is not zero.
    fn of(mut answer: Answer, limit: usize, at: Timestamp) -> Self {
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
            // First, so that it is not among those that are left out.
            warnings.insert(0, TRUNCATED.to_owned());
        }
        Self {
            data: json::value(&answer.value, at),
            warnings,
            infos,
        }
    }
}
