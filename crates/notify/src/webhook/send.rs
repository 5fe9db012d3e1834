//! One request, and what its answer means.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use stonechat_model::Timestamp;

use super::config::{WebhookConfig, parse_url};
use super::message::Message;
use crate::answer::{Answer, Verdict};
use crate::http::{self, ClientError, Clients};
use crate::notification::Notification;

/// Sends to one webhook.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    config: WebhookConfig,
    client: Client,
    external_url: String,
}

/// How much of an answer's body is read, and for how long: it only serves to say why a message was refused.
const BODY_BYTES_MAX: usize = 4096;
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
const BODY_CHARS_SHOWN: usize = 200;

/// The longest wait that a receiver can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

impl WebhookSender {
    pub(crate) fn new(
        config: WebhookConfig,
        external_url: &str,
        clients: &mut Clients,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            client: clients.get(&config.http)?,
            config,
            external_url: external_url.to_owned(),
        })
    }

    /// How long one attempt may take, if that is limited.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.config.timeout
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, notification: &Notification) -> Answer {
        let url = match self.url() {
            Ok(url) => url,
            Err(text) => return Answer::new(Verdict::Retry(None), text),
        };
        let message = Message::new(notification, &self.external_url, self.config.max_alerts);
        let body = match serde_json::to_vec(&message) {
            Ok(body) => body,
            Err(error) => return Answer::new(Verdict::Refused, format!("no JSON: {error}")),
        };
        let request = self
            .client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let request = match self.authorize(request) {
            Ok(request) => request,
            Err(text) => return Answer::new(Verdict::Retry(None), text),
        };
        match request.send().await {
            Ok(response) => judge(response, &url).await,
            Err(error) => Answer::new(Verdict::Retry(None), describe(error, &url)),
        }
    }

    fn url(&self) -> Result<Url, String> {
        let text = self
            .config
            .url
            .read()
            .map_err(|error| format!("the file with the URL cannot be read: {error}"))?;
        parse_url(text.reveal())
    }

    fn authorize(&self, request: RequestBuilder) -> Result<RequestBuilder, String> {
        http::authorize(request, self.config.http.auth.as_ref())
            .map_err(|error| format!("the file with the credentials cannot be read: {error}"))
    }
}

/// Success is 2xx. What the server is to blame for, and "too many requests", may pass; the rest will not.
async fn judge(mut response: Response, url: &Url) -> Answer {
    let status = response.status();
    let wait = retry_after(response.headers());
    let body = read_body(&mut response).await;
    let verdict = if status.is_success() {
        return Answer::new(Verdict::Delivered, status.to_string());
    } else if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Verdict::Retry(wait)
    } else {
        Verdict::Refused
    };
    let body = conceal(&body, url);
    let shown: String = body.chars().take(BODY_CHARS_SHOWN).collect();
    let text = match shown.split_whitespace().collect::<Vec<_>>().join(" ") {
        empty if empty.is_empty() => status.to_string(),
        shown => format!("{status}: {shown}"),
    };
    Answer::new(verdict, text)
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
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
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
