//! Parameters as Prometheus' API takes them: from the URL and from a form, some of them several times.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use stonechat_model::{Timestamp, duration};

use crate::answer::{ApiError, ErrorType};

/// The largest form, in bytes.
const FORM_BYTES_MAX: usize = 1 << 20;

/// How long a form may take to arrive.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// All parameters of a request: those of the form before those of the URL, as in Go's `FormValue`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let url = request.uri().query().unwrap_or_default().to_owned();
        let is_form = request.method() == Method::POST
            && request
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|kind| kind.to_str().ok())
                .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let mut params = Self::default();
        if is_form {
            params.add(&form(request).await?);
        }
        params.add(url.as_bytes());
        Ok(params)
    }
}

async fn form(request: Request) -> Result<axum::body::Bytes, ApiError> {
    let refused = |reason| ApiError::new(ErrorType::BadData, reason);
    let body = axum::body::to_bytes(request.into_body(), FORM_BYTES_MAX);
    tokio::time::timeout(FORM_TIMEOUT, body)
        .await
        .map_err(|_| {
            let seconds = FORM_TIMEOUT.as_secs();
            refused(format!("the form did not arrive within {seconds} s"))
        })?
        .map_err(|_| {
            refused(format!(
                "the form is incomplete or larger than {FORM_BYTES_MAX} bytes"
            ))
        })
}

impl Params {
    fn add(&mut self, encoded: &[u8]) {
        let pairs = form_urlencoded::parse(encoded);
        self.0
            .extend(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())));
    }

    /// The first value of a parameter that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// A time, if it is given.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        self.get(name)
            .map(|text| parse_time(text).map_err(|reason| ApiError::parameter(name, reason)))
            .transpose()
    }

    /// A time that has a default, if it is given. Prometheus words its mistakes otherwise than those of [`time`](Self::time).
    pub(crate) fn time_or(&self, name: &str, default: Timestamp) -> Result<Timestamp, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        parse_time(text).map_err(|reason| {
            ApiError::parameter(name, format!("invalid time value for '{name}': {reason}"))
        })
    }

    /// A duration, if it is given. A negative one is as good as none and reads as zero.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, ApiError> {
        self.get(name)
            .map(|text| parse_duration(text).map_err(|reason| ApiError::parameter(name, reason)))
            .transpose()
    }

    /// The parameter `limit`; zero for no limit.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.get("limit") else {
            return Ok(0);
        };
        let limit: i64 = text
            .parse()
            .map_err(|_| ApiError::parameter("limit", format!("{text:?} is not a whole number")))?;
        usize::try_from(limit)
            .map_err(|_| ApiError::parameter("limit", "limit must be non-negative"))
    }

    /// Yes or no in one of the spellings that Go takes; no when it is not given.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(text) => Err(ApiError::parameter(
                name,
                format!("{text:?} is neither true nor false"),
            )),
        }
    }
}

/// The years that Prometheus' own times reach, so that arithmetic with them cannot overflow.
const SECONDS_MAX: f64 = 9_223_372_036_854_775.0;

fn parse_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        if !seconds.is_finite() || seconds.abs() > SECONDS_MAX {
            return Err(format!("cannot parse {text:?} to a valid timestamp"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked against SECONDS_MAX above"
        )]
        return Ok(Timestamp::from_millis((seconds * 1000.0).round() as i64));
    }
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("cannot parse {text:?} to a valid timestamp"))?;
    Ok(Timestamp::from_millis(time.as_millisecond()))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("cannot parse {text:?} to a valid duration");
    if let Ok(seconds) = text.parse::<f64>() {
        if seconds.is_nan() {
            return Err(refused());
        }
        return Duration::try_from_secs_f64(seconds.max(0.0)).map_err(|_| refused());
    }
    duration::parse(text).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc3339() {
        for (text, millis) in [
            ("1435781430.781", 1_435_781_430_781),
            ("0", 0),
            ("-1.5", -1500),
            ("2015-07-01T20:10:30.781Z", 1_435_781_430_781),
            ("2015-07-01T22:10:30.781+02:00", 1_435_781_430_781),
        ] {
            assert_eq!(
                parse_time(text),
                Ok(Timestamp::from_millis(millis)),
                "{text}"
            );
        }
        for text in ["", "soon", "NaN", "Inf", "1e300"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_seconds_or_prometheus_own() {
        for (text, millis) in [("15", 15_000), ("0.5", 500), ("1m30s", 90_000), ("-1", 0)] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in ["", "NaN", "1e300", "1 minute"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_form_goes_before_the_url() {
        let mut params = Params::default();
        params.add(b"query=up&match[]=a");
        params.add(b"query=down&match[]=b&empty=");
        assert_eq!(params.get("query"), Some("up"));
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(params.get("empty"), None);
    }
}
