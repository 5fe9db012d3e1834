//! One request over HTTP, and what came back.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use stonechat_model::Timestamp;

use crate::answer::{Answer, Verdict};

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    /// The wait that the receiver asks for.
    pub(crate) wait: Option<Duration>,
    /// The beginning of the body.
    pub(crate) body: String,
}

/// How much of an answer's body is read, and for how long: it says whether and why a message was refused.
const BODY_BYTES_MAX: usize = 64 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
const BODY_CHARS_SHOWN: usize = 200;

/// The longest wait that a receiver can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Feishu's name for it, in seconds: <https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control>.
const FEISHU_RESET: &str = "x-ogw-ratelimit-reset";

/// Sends a request to `url`. Without an answer it may be tried again.
pub(crate) async fn exchange(request: RequestBuilder, url: &Url) -> Result<Exchange, Answer> {
    match request.send().await {
        Ok(mut response) => Ok(Exchange {
            status: response.status(),
            wait: retry_after(response.headers()),
            body: read_body(&mut response).await,
        }),
        Err(error) => Err(Answer::new(Verdict::Retry(None), describe(error, url))),
    }
}

impl Exchange {
    /// Success is 2xx. What the server is to blame for, and "too many requests", may pass; the rest will not.
    pub(crate) fn verdict_of_status(&self) -> Verdict {
        if self.status.is_success() {
            Verdict::Delivered
        } else if self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS {
            Verdict::Retry(self.wait)
        } else {
            Verdict::Refused
        }
    }

    /// The answer that a verdict makes of it, without what may be secret in `url`.
    pub(crate) fn answer(&self, verdict: Verdict, url: &Url) -> Answer {
        let body = conceal(&self.body, url);
        let shown: String = body.chars().take(BODY_CHARS_SHOWN).collect();
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let text =
            match shown.is_empty() || (verdict == Verdict::Delivered && !shown.starts_with('{')) {
                true => self.status.to_string(),
                false => format!("{}: {shown}", self.status),
            };
        Answer::new(verdict, text)
    }
}

/// Reads the beginning of a body. An answer that never ends does not hold up anything.
async fn read_body(response: &mut Response) -> String {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= BODY_BYTES_MAX {
                break;
            }
        }
    };
    // What came in time is enough.
    let _ = tokio::time::timeout(BODY_TIMEOUT, read).await;
    body.truncate(BODY_BYTES_MAX);
    String::from_utf8_lossy(&body).into_owned()
}

/// Takes out of a text what may be secret in a URL, should the receiver repeat it.
fn conceal(text: &str, url: &Url) -> String {
    let segments = url.path_segments().into_iter().flatten();
    let secrets = [
        Some(url.as_str()),
        Some(url.path()),
        url.query(),
        url.password(),
    ];
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let parts = segments.map(str::to_owned).chain(query);
    let whole = secrets.into_iter().flatten().map(str::to_owned);
    let mut text = text.to_owned();
    // Short parts such as `/v1` are no secrets, and taking them out would make the text unreadable.
    for secret in whole.chain(parts).filter(|part| part.len() > 5) {
        text = text.replace(&secret, "<secret>");
    }
    text
}

/// What went wrong, without the URL but for its host.
fn describe(error: reqwest::Error, url: &Url) -> String {
    let what = match (error.is_connect(), error.is_redirect()) {
        (true, _) => "cannot connect to",
        (_, true) => "too many redirects from",
        _ => "no valid answer from",
    };
    let error = error.without_url();
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
    format!("{what} {}: {}", origin(url), conceal(&cause, url))
}

/// Scheme and host, all of a URL that may be shown.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The wait that the receiver asks for, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wait = headers.get(RETRY_AFTER);
    let text = wait.or_else(|| headers.get(FEISHU_RESET))?;
    let text = text.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?;
            let date = Timestamp::from_millis(date.timestamp().as_millisecond());
            date.since(Timestamp::now())
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}
