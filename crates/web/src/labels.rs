//! `/api/v1/labels`, `/api/v1/label/{name}/values` and `/api/v1/series`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use stonechat_model::{Matcher, Queryable, QueryableError, TimeRange, is_label_name};

use crate::Rooms;
use crate::answer::{ApiError, ErrorType, TRUNCATED, success_text};
use crate::params::Params;
use crate::work;

/// Names of labels.
pub(crate) async fn names(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&params)?;
    asked
        .answer(rooms, |store, sets, range| store.label_names(sets, range))
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
    let asked = Asked::read(&params)?;
    asked
        .answer(rooms, move |store, sets, range| {
            store.label_values(&name, sets, range)
        })
        .await
}

/// Label sets of series.
pub(crate) async fn series(
    State(rooms): State<Rooms>,
    params: Params,
) -> Result<Response, ApiError> {
    if params.get("match[]").is_none() {
        return Err(ApiError::new(
            ErrorType::BadData,
            "no match[] parameter provided",
        ));
    }
    // Here, and only here, Prometheus names the parameter.
    let sets = matcher_sets(&params).map_err(|error| ApiError::parameter("match[]", error))?;
    let asked = Asked::with(&params, sets)?;
    asked
        .answer(rooms, |store, sets, range| store.series(sets, range))
        .await
}

/// What the three paths have in common.
struct Asked {
    sets: Vec<Vec<Matcher>>,
    range: TimeRange,
    limit: usize,
}

impl Asked {
    fn read(params: &Params) -> Result<Self, ApiError> {
        Self::with(params, matcher_sets(params)?)
    }

    fn with(params: &Params, sets: Vec<Vec<Matcher>>) -> Result<Self, ApiError> {
        let range = TimeRange {
            start: params.time_or("start", TimeRange::ALL.start)?,
            end: params.time_or("end", TimeRange::ALL.end)?,
        };
        let limit = params.limit()?;
        Ok(Self { sets, range, limit })
    }

    /// Asks the store, and cuts the list to the limit.
    async fn answer<T: Serialize>(
        self,
        rooms: Rooms,
        ask: impl FnOnce(&dyn Queryable, &[Vec<Matcher>], TimeRange) -> Result<Vec<T>, QueryableError>
        + Send
        + 'static,
    ) -> Result<Response, ApiError> {
        let done = work::run(rooms, None, move |rooms, cancel| {
            let mut warnings = rooms.queryable.remarks();
            let mut list = match self.range.end < self.range.start {
                true => Vec::new(),
                false => ask(rooms.queryable.as_ref(), &self.sets, self.range)
                    .map_err(|error| internal(&error))?,
            };
            if cancel.is_cancelled() {
                return Err(ApiError::new(ErrorType::Canceled, "query was canceled"));
            }
            if self.limit > 0 && list.len() > self.limit {
                list.truncate(self.limit);
                warnings.push(TRUNCATED.to_owned());
            }
            let text = serde_json::to_string(&list).map_err(|error| internal(&error))?;
            Ok((text, warnings))
        })
        .await?;
        let (text, warnings) = done.value?;
        Ok(success_text(&text, &warnings, &[]))
    }
}

fn internal(error: &dyn std::error::Error) -> ApiError {
    ApiError::new(ErrorType::Internal, error.to_string())
}

/// What the parser says of a selector that everything satisfies. It would answer with the whole store.
const MATCHES_ALL: &str = "vector selector must contain at least one non-empty matcher";

/// The selectors of `match[]`, of which a series has to satisfy one.
pub(crate) fn matcher_sets(params: &Params) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let refused = |reason: String| ApiError::new(ErrorType::BadData, reason);
    let sets = params.all("match[]").map(|selector| {
        stonechat_promql::parse_selector(selector).map_err(|error| match error.message() {
            MATCHES_ALL => {
                refused("match[] must contain at least one non-empty matcher".to_owned())
            }
            _ => refused(error.to_string()),
        })
    });
    sets.collect()
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
