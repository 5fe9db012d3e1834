//! ClickHouse over HTTP.
//!
//! Answers come as `JSONCompactEachRowWithNamesAndTypes`: a line of names, a line of types, then a line for each row. The settings that keep
//! a query in its bounds go with it. A user whose profile is read-only may not set anything, and needs no such settings; then they
//! are left out from the second query on.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use stonechat_model::Secret;

use super::http::{Service, body, excerpt, failed};
use super::statement::{self, Dialect, Statement};
use super::{Answering, Ask, Question, SourceError, bound, parsed, sql};
use crate::rows::Rows;
use lines::Lines;

mod lines; // the lines of an answer
mod value; // a value by its type

/// Codes of ClickHouse's errors, from its `ErrorCodes.cpp`.
const TIMEOUT_EXCEEDED: u32 = 159;
const READONLY: u32 = 164;
const TOO_MANY_ROWS: u32 = 396;
const AUTHENTICATION: [u32; 4] = [192, 193, 194, 516];

/// How long killing a query may take.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A server of ClickHouse.
pub(super) struct ClickHouse {
    url: Secret,
    service: Service,
    /// Whether this user may not set anything.
    is_plain: AtomicBool,
}

impl ClickHouse {
    /// A server that is reached when it is first asked.
    pub(super) fn new(url: Secret, service: Service) -> Self {
        Self {
            url,
            service,
            is_plain: AtomicBool::new(false),
        }
    }

    /// A request with the user of the URL, who must not be in the URL that errors and logs may show.
    fn request(
        &self,
        client: &Client,
        pairs: &[(String, String)],
    ) -> Result<RequestBuilder, SourceError> {
        let mut url = parsed(&self.url)?;
        let (user, password) = (decoded(url.username()), url.password().map(decoded));
        let wrong = |()| SourceError::Connect("the URL has no host".to_owned());
        url.set_username("").map_err(wrong)?;
        url.set_password(None).map_err(wrong)?;
        url.query_pairs_mut().extend_pairs(pairs);
        let mut builder = client.post(url);
        if !user.is_empty() {
            builder = builder.header("X-ClickHouse-User", user);
        }
        if let Some(password) = password {
            builder = builder.header("X-ClickHouse-Key", password);
        }
        Ok(builder)
    }

    async fn answer(
        &self,
        client: Client,
        statement: &Statement,
        question: Question<'_>,
    ) -> Result<Rows, SourceError> {
        let is_plain = self.is_plain.load(Ordering::Relaxed);
        let answer = self.attempt(&client, statement, question, is_plain).await;
        match answer {
            Err((READONLY, SourceError::Refused(reason)))
                if !is_plain && reason.contains("Cannot modify") =>
            {
                self.is_plain.store(true, Ordering::Relaxed);
                let answer = self.attempt(&client, statement, question, true).await;
                answer.map_err(|(_, error)| error)
            }
            answer => answer.map_err(|(_, error)| error),
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        statement: &Statement,
        question: Question<'_>,
        is_plain: bool,
    ) -> Result<Rows, (u32, SourceError)> {
        let plain = |error| (0, error);
        let id = format!(
            "stonechat-{:016x}",
            RandomState::new().hash_one(std::process::id())
        );
        let mut pairs = vec![
            ("query_id".to_owned(), id.clone()),
            (
                "default_format".to_owned(),
                "JSONCompactEachRowWithNamesAndTypes".to_owned(),
            ),
        ];
        for name in &statement.parameters {
            let value =
                bound(question.parameters, name).map_err(|failure| plain(failure.error()))?;
            pairs.push((format!("param_{name}"), escaped(value)));
        }
        if !is_plain {
            pairs.extend(settings(&question));
        }
        let running = Running::new(self.request(client, &[]).map_err(plain)?, &id);
        let builder = self.request(client, &pairs).map_err(plain)?;
        let sent = builder.body(statement.text.clone()).send().await;
        let response = sent.map_err(|error| plain(failed(&error)))?;
        let rows = if response.status().is_success() {
            read(response, question.rows_max).await.map_err(plain)
        } else {
            Err(refused(response, &question).await)
        };
        // One that was cut off is still running.
        if !matches!(rows, Err((0, SourceError::TooManyRows(_)))) {
            running.has_ended();
        }
        rows
    }
}

impl Ask for ClickHouse {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        Box::pin(async move {
            let statement = statement::read(Dialect::ClickHouse, sql(question.request)?)?;
            let work = |client| async { self.answer(client, &statement, question).await };
            self.service.within(question.timeout, work).await
        })
    }
}

/// A user or password as it was before it was put into a URL.
fn decoded(text: &str) -> String {
    let pair = format!("a={}", text.replace('+', "%2B"));
    let value = url::form_urlencoded::parse(pair.as_bytes()).next();
    value
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// What keeps a query in its bounds, and its answer exact.
fn settings(question: &Question<'_>) -> Vec<(String, String)> {
    let seconds = question.timeout.as_secs_f64().ceil().max(1.0);
    let rows_max = question.rows_max.max(1);
    [
        ("readonly", "1".to_owned()),
        ("max_execution_time", seconds.to_string()),
        ("max_result_rows", rows_max.to_string()),
        ("result_overflow_mode", "throw".to_owned()),
        (
            "cancel_http_readonly_queries_on_client_close",
            "1".to_owned(),
        ),
        // An error behind the first rows would come as a text in the middle of the answer.
        ("wait_end_of_query", "1".to_owned()),
        ("output_format_json_quote_64bit_integers", "1".to_owned()),
        ("output_format_json_quote_decimals", "1".to_owned()),
        ("output_format_json_quote_denormals", "1".to_owned()),
        ("date_time_output_format", "iso".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// A parameter as ClickHouse reads it: in its tab-separated form.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
}

async fn read(mut response: Response, rows_max: usize) -> Result<Rows, SourceError> {
    let mut lines = Lines::new(rows_max);
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        lines.take(&chunk)?;
    }
    lines.rows()
}

/// The server's own words, such as `Code: 60. DB::Exception: Table test.x does not exist`.
async fn refused(response: Response, question: &Question<'_>) -> (u32, SourceError) {
    let status = response.status();
    let text = excerpt(&body(response).await.unwrap_or_default());
    let code = text
        .strip_prefix("Code: ")
        .and_then(|rest| rest.split('.').next()?.parse().ok());
    let error = match code {
        Some(TIMEOUT_EXCEEDED) => SourceError::Timeout(question.timeout),
        Some(TOO_MANY_ROWS) => SourceError::TooManyRows(question.rows_max),
        Some(code) if AUTHENTICATION.contains(&code) => SourceError::Connect(text),
        Some(_) => SourceError::Refused(text),
        None => SourceError::Refused(format!("{status}: {text}")),
    };
    (code.unwrap_or(u32::MAX), error)
}

/// A query that is under way. Dropped before it has ended, it is killed on the server.
struct Running {
    kill: Option<RequestBuilder>,
    statement: String,
}

impl Running {
    fn new(request: RequestBuilder, id: &str) -> Self {
        Self {
            kill: Some(request),
            statement: format!("KILL QUERY WHERE query_id = '{id}' ASYNC"),
        }
    }

    fn has_ended(mut self) {
        self.kill = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (Some(kill), Ok(runtime)) = (self.kill.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let statement = std::mem::take(&mut self.statement);
        runtime.spawn(async move {
            let kill = kill.body(statement).timeout(KILL_LIMIT);
            if let Err(error) = kill.send().await {
                tracing::warn!(error = %failed(&error), "a query that took too long could not be killed on ClickHouse");
            }
        });
    }
}
