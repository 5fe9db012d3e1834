//! What stands beside samples: `/api/v1/metadata` and `/api/v1/query_exemplars`; and `/api/v1/format_query`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use stonechat_model::{
    Exemplar, Labels, Matcher, Metadata, QueryableError, TimeRange, format_float,
};
use stonechat_promql::ast::VectorSelector;
use stonechat_promql::{Expr, parse};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success};
use crate::params::Params;
use crate::work;

/// What families of metrics mean.
pub(crate) async fn metadata(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    // Here a negative limit is as good as none.
    let limit = |name: &str| match params.get(name) {
        None => Ok(usize::MAX),
        Some(text) => match text.parse::<i64>() {
            Ok(limit) => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
            Err(_) => Err(ApiError::new(
                ErrorType::BadData,
                format!("{name} must be a number"),
            )),
        },
    };
    let (families_max, of_family_max) = (limit("limit")?, limit("limit_per_metric")?);
    let metric = params.get("metric").map(str::to_owned);
    let done = work::run(rooms, None, move |rooms, _| {
        rooms.queryable.metadata(metric.as_deref())
    })
    .await?;
    let known = done.value.map_err(|error| internal(&error))?;
    // Zero is no limit for the descriptions of a family, but is one for families.
    let of_family_max = match of_family_max {
        0 => usize::MAX,
        limit => limit,
    };
    let shown: BTreeMap<String, Vec<Value>> = known
        .into_iter()
        .take(families_max)
        .map(|(family, known)| {
            (
                family,
                known.iter().take(of_family_max).map(shown).collect(),
            )
        })
        .collect();
    success(&shown)
}

fn shown(metadata: &Metadata) -> Value {
    json!({"type": metadata.kind.as_str(), "help": metadata.help, "unit": metadata.unit})
}

/// The exemplars of all series that an expression names.
pub(crate) async fn exemplars(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let range = TimeRange {
        start: params.time_or("start", TimeRange::ALL.start)?,
        end: params.time_or("end", TimeRange::ALL.end)?,
    };
    if range.end < range.start {
        return Err(ApiError::new(
            ErrorType::BadData,
            "end timestamp must not be before start timestamp",
        ));
    }
    let expr = parse(params.get("query").unwrap_or_default())
        .map_err(|error| ApiError::new(ErrorType::BadData, error.to_string()))?;
    let sets = matcher_sets(&expr);
    if sets.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let done = work::run(rooms, None, move |rooms, _| {
        rooms.queryable.exemplars(&sets, range)
    });
    let done = done.await?;
    let found = done.value.map_err(|error| internal(&error))?;
    let found: Vec<Value> = found.iter().map(of_series).collect();
    success(&found)
}

fn of_series((labels, exemplars): &(Labels, Vec<Exemplar>)) -> Value {
    let exemplars = exemplars.iter().map(|exemplar| {
        // Exact to the millisecond for a quarter of a million years.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let timestamp = exemplar.timestamp.millis() as f64 / 1000.0;
        json!({
            "labels": pairs(&exemplar.labels),
            "value": format_float(exemplar.value),
            "timestamp": timestamp,
        })
    });
    json!({"seriesLabels": pairs(labels), "exemplars": exemplars.collect::<Vec<_>>()})
}

fn pairs(labels: &Labels) -> BTreeMap<&str, &str> {
    labels.iter().collect()
}

/// The matchers of all selectors in an expression.
fn matcher_sets(expr: &Expr) -> Vec<Vec<Matcher>> {
    let selectors = expr.selectors().into_iter();
    selectors.map(VectorSelector::all_matchers).collect()
}

/// An expression, broken into lines.
pub(crate) async fn format_query(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = parse(params.get("query").unwrap_or_default())
        .map_err(|error| ApiError::parameter("query", error))?;
    let done = work::run(rooms, None, move |_, _| expr.pretty()).await?;
    success(&done.value)
}

fn internal(error: &QueryableError) -> ApiError {
    ApiError::new(ErrorType::Internal, error.to_string())
}
