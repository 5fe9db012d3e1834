//! `/api/v1/labels`, `/api/v1/label/{name}/values` and `/api/v1/series`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use stonechat_model::{Matcher, Queryable, QueryableError, TimeRange, is_label_name};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, success, success_text};
use crate::params::Params;

/// Names of labels.
pub(crate) async fn names(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let (sets, range) = (matcher_sets(&params)?, time_range(&params)?);
    answer(rooms, &params, move |queryable| {
        queryable.label_names(&sets, range)
    })
    .await
}

/// Values of one label.
pub(crate) async fn values(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let name = unescape(&name);
    if !is_label_name(&name) {
        return Err(ApiError::new(
            ErrorType::BadData,
            format!("invalid label name: {name:?}"),
        ));
    }
    let (sets, range) = (matcher_sets(&params)?, time_range(&params)?);
    answer(rooms, &params, move |queryable| {
        queryable.label_values(&name, &sets, range)
    })
    .await
}

/// Label sets of series.
pub(crate) async fn series(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let (sets, range) = (matcher_sets(&params)?, time_range(&params)?);
    if sets.is_empty() {
        return Err(ApiError::new(
            ErrorType::BadData,
            "no match[] parameter provided",
        ));
    }
    answer(rooms, &params, move |queryable| {
        queryable.series(&sets, range)
    })
    .await
}

fn matcher_sets(params: &Params) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let sets = params.all("match[]").map(|selector| {
        let matchers = stonechat_promql::parse_selector(selector);
        let matchers = matchers.map_err(|error| ApiError::parameter("match[]", error))?;
        // A selector that everything satisfies would answer with the whole store.
        if matchers.iter().all(Matcher::matches_empty) {
            return Err(ApiError::new(
                ErrorType::BadData,
                "match[] must contain at least one non-empty matcher",
            ));
        }
        Ok(matchers)
    });
    sets.collect()
}

fn time_range(params: &Params) -> Result<TimeRange, ApiError> {
    let range = TimeRange {
        start: params.time("start")?.unwrap_or(TimeRange::ALL.start),
        end: params.time("end")?.unwrap_or(TimeRange::ALL.end),
    };
    if range.end < range.start {
        return Err(ApiError::parameter(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    Ok(range)
}

/// Asks the store on a thread of its own, and cuts the list to the parameter `limit`.
async fn answer<T: Serialize + Send + 'static>(
    rooms: Rooms,
    params: &Params,
    ask: impl FnOnce(&dyn Queryable) -> Result<Vec<T>, QueryableError> + Send + 'static,
) -> Result<Response, ApiError> {
    let limit = params.number("limit")?.unwrap_or(0);
    let list = tokio::task::spawn_blocking(move || ask(rooms.queryable.as_ref())).await;
    let internal =
        |error: &dyn std::error::Error| ApiError::new(ErrorType::Internal, error.to_string());
    let mut list = list
        .map_err(|error| internal(&error))?
        .map_err(|error| internal(&error))?;
    if limit == 0 || list.len() <= limit {
        return success(&list);
    }
    list.truncate(limit);
    let text = serde_json::to_string(&list).map_err(|error| internal(&error))?;
    Ok(success_text(
        &text,
        &["results truncated due to limit".to_owned()],
        &[],
    ))
}

/// A name that stands in a path as `U__` has its odd characters written as `_XX_`, their code point in
/// hexadecimal, and its underscores doubled.
/// Source: <https://prometheus.io/docs/instrumenting/escaping_schemes/>, "U__ escaping".
fn unescape(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("U__") else {
        return name.to_owned();
    };
    let mut plain = String::new();
    while let Some((before, behind)) = rest.split_once('_') {
        plain.push_str(before);
        if let Some(behind) = behind.strip_prefix('_') {
            plain.push('_');
            rest = behind;
            continue;
        }
        let character = behind.split_once('_').and_then(|(code, behind)| {
            let character = u32::from_str_radix(code, 16)
                .ok()
                .and_then(char::from_u32)?;
            Some((character, behind))
        });
        // What is not written in the scheme is taken as it stands.
        let Some((character, behind)) = character else {
            return name.to_owned();
        };
        plain.push(character);
        rest = behind;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_paths_are_unescaped() {
        for (escaped, plain) in [
            ("job", "job"),
            ("U__http_2e_status", "http.status"),
            ("U__a__b", "a_b"),
            ("U__label_20_with_20_blanks", "label with blanks"),
            ("U__broken_zz_", "U__broken_zz_"),
        ] {
            assert_eq!(unescape(escaped), plain, "{escaped}");
        }
    }
}
