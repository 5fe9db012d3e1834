//! A REST service that answers in JSON.
//!
//! `{name}` stands for a parameter in the path, where its value is encoded as a part of a URL, and in the body, where it is escaped as
//! a part of a text of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use stonechat_model::Secret;
use tokio::time::sleep;
use url::Url;

use super::http::{Service, body, excerpt, failed};
use super::{Answering, Ask, Question, SourceError};
use crate::plan::{Request, RestRequest, RestSource};
use crate::rows::Rows;
use select::Selection;

mod select; // rows in a document

/// How long to wait before a request is sent again; doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(200);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A secret that is shorter is not searched for in the words of a service: it would hit by chance.
const SECRET_CHARACTERS_MIN: usize = 4;

/// A service.
pub(super) struct RestService {
    source: RestSource,
    service: Service,
}

/// How one attempt failed.
struct Failed {
    error: SourceError,
    is_worth_another: bool,
    /// What the service asked for.
    pause: Option<Duration>,
}

impl RestService {
    /// A service that is reached when it is first asked.
    pub(super) fn new(source: RestSource, service: Service) -> Self {
        Self { source, service }
    }

    fn request(
        &self,
        client: &Client,
        request: &RestRequest,
        question: &Question<'_>,
    ) -> Result<RequestBuilder, SourceError> {
        let method = match request.method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            other => {
                let reason =
                    format!("only GET and POST ask without changing, and this is `{other}`");
                return Err(SourceError::Refused(reason));
            }
        };
        let path = filled(&request.path, question.parameters, in_url);
        let url = joined(&self.source.url, &path);
        let url = Url::parse(&url)
            .map_err(|error| SourceError::Connect(format!("the URL cannot be read: {error}")))?;
        let mut builder = client.request(method, url);
        let mut is_typed = false;
        // A header of the request takes the place of the source's.
        let own = |name: &str| {
            request
                .headers
                .keys()
                .any(|key| key.eq_ignore_ascii_case(name))
        };
        let of_source = self.source.headers.iter().filter(|(name, _)| !own(name));
        for (name, value) in of_source.chain(&request.headers) {
            is_typed |= name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
            builder = builder.header(name, value.reveal());
        }
        if let Some(body) = &request.body {
            if !is_typed {
                builder = builder.header(CONTENT_TYPE, "application/json");
            }
            builder = builder.body(filled(body, question.parameters, in_json));
        }
        Ok(builder)
    }

    /// Sends until there is an answer, or nothing is gained by sending again.
    async fn answer(
        &self,
        client: Client,
        request: &RestRequest,
        question: Question<'_>,
    ) -> Result<Rows, SourceError> {
        let selection = Selection::read(request)?;
        let mut left = request.retries;
        let mut pause = PAUSE_FIRST;
        loop {
            let failed = match self.attempt(&client, request, &question).await? {
                Ok(document) => return selection.rows(&document, question.rows_max),
                Err(failed) => failed,
            };
            if left == 0 || !failed.is_worth_another {
                return Err(failed.error);
            }
            left -= 1;
            sleep(failed.pause.unwrap_or(pause).min(PAUSE_MAX)).await;
            pause *= 2;
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        request: &RestRequest,
        question: &Question<'_>,
    ) -> Result<Result<serde_json::Value, Failed>, SourceError> {
        // What a service did with a POST before it failed is not known.
        let is_repeatable = request.method.eq_ignore_ascii_case("GET");
        let sent = self.request(client, request, question)?.send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                return Ok(Err(Failed {
                    is_worth_another: !error.is_builder() && (is_repeatable || error.is_connect()),
                    error: failed(&error),
                    pause: None,
                }));
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok(match body(response).await {
                Ok(body) => Ok(document(&body)?),
                Err(error) => Err(Failed {
                    is_worth_another: is_repeatable && matches!(error, SourceError::Connect(_)),
                    error,
                    pause: None,
                }),
            });
        }
        // With these two a service says that it has done nothing.
        let is_busy = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .contains(&status);
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|after| after.to_str().ok()?.parse().ok());
        let words = excerpt(&body(response).await.unwrap_or_default());
        let words = self.without_secrets(words, &request.headers);
        Ok(Err(Failed {
            error: SourceError::Refused(
                format!("{status}: {words}")
                    .trim_end_matches(": ")
                    .to_owned(),
            ),
            is_worth_another: is_busy || is_repeatable && status.is_server_error(),
            pause: after.map(Duration::from_secs).filter(|_| is_busy),
        }))
    }

    /// A service may repeat a header in its error.
    fn without_secrets(&self, mut words: String, headers: &BTreeMap<String, Secret>) -> String {
        for secret in self.source.headers.values().chain(headers.values()) {
            // `Bearer` and the like may stand alone.
            for part in secret
                .reveal()
                .split_whitespace()
                .filter(|part| part.len() >= SECRET_CHARACTERS_MIN)
            {
                words = words.replace(part, "<secret>");
            }
        }
        words
    }
}

impl Ask for RestService {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        Box::pin(async move {
            let Request::Rest(request) = question.request else {
                let reason = "a REST service is asked by a path, and has no SQL";
                return Err(SourceError::Refused(reason.to_owned()));
            };
            let work = |client| self.answer(client, request, question);
            self.service.within(question.timeout, work).await
        })
    }
}

fn document(body: &[u8]) -> Result<serde_json::Value, SourceError> {
    serde_json::from_slice(body).map_err(|error| {
        SourceError::Answer(format!(
            "the answer is not JSON: {error}; it begins with `{}`",
            excerpt(body)
        ))
    })
}

/// Puts a path behind a URL, with one slash between them.
fn joined(url: &str, path: &str) -> String {
    if path.is_empty() || path.starts_with('?') {
        return format!("{url}{path}");
    }
    format!(
        "{}/{}",
        url.trim_end_matches('/'),
        path.trim_start_matches('/')
    )
}

/// Replaces `{name}` where there is such a parameter; other braces, as of JSON, stay.
fn filled(text: &str, parameters: &BTreeMap<String, String>, encode: fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let value = rest
            .find('}')
            .and_then(|close| Some((parameters.get(&rest[1..close])?, close)));
        let taken = match value {
            Some((value, close)) => {
                filled.push_str(&encode(value));
                close + 1
            }
            None => {
                filled.push('{');
                1
            }
        };
        rest = &rest[taken..];
    }
    filled + rest
}

fn in_url(value: &str) -> String {
    // `+` for a space is right in a query only.
    url::form_urlencoded::byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn in_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
