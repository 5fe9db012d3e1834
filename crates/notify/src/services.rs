//! Services that take a message as one request over HTTP. Each knows its own form, its limits, and what its answers mean.

mod discord;
mod mattermost;
mod pagerduty;
mod slack;
mod teams;
mod telegram;

use std::fmt::Debug;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::Value as Json;
use stonechat_template::Error;

pub(crate) use self::discord::DiscordConfig;
pub(crate) use self::mattermost::MattermostConfig;
pub(crate) use self::pagerduty::PagerdutyConfig;
pub(crate) use self::slack::SlackConfig;
pub(crate) use self::teams::TeamsConfig;
pub(crate) use self::telegram::TelegramConfig;
use crate::answer::{Answer, Verdict};
use crate::config::{Auth, HttpConfig, SecretSource};
use crate::exchange::{Exchange, exchange};
use crate::http::{self, ClientError, Clients};
use crate::template::Renderer;

/// What is sent.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) url: Url,
    pub(crate) body: Json,
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the message cannot be written: {0}")]
    Template(#[from] Error),
    #[error("the file with the {0} cannot be read: {1}")]
    File(&'static str, std::io::Error),
    #[error("{0}")]
    Url(String),
}

/// A service as it is configured.
pub(crate) trait Service: Debug + Send + Sync {
    /// The request that tells of a notification.
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError>;

    /// What an answer means.
    fn judge(&self, answer: &Exchange) -> Verdict {
        answer.verdict_of_status()
    }

    /// How requests are made.
    fn http(&self) -> &HttpConfig;

    /// Who sends, where the service wants to know it in the header.
    fn auth(&self) -> Option<Auth> {
        self.http().auth.clone()
    }

    /// How long an attempt may take.
    fn timeout(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// Sends to one service.
#[derive(Debug)]
pub(crate) struct ServiceSender {
    service: Box<dyn Service>,
    client: Client,
}

impl ServiceSender {
    pub(crate) fn new(
        service: Box<dyn Service>,
        clients: &mut Clients,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            client: clients.get(service.http())?,
            service,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.service.timeout()
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, renderer: &Renderer<'_>) -> Answer {
        let Call { url, body } = match self.service.call(renderer) {
            Ok(call) => call,
            Err(error @ CallError::Template(_)) => {
                return Answer::new(Verdict::Refused, error.to_string());
            }
            // A file may be put right at any time.
            Err(error) => return Answer::new(Verdict::Retry(None), error.to_string()),
        };
        let request = self.client.post(url.clone()).json(&body);
        let request = match http::authorize(request, self.service.auth().as_ref()) {
            Ok(request) => request,
            Err(error) => {
                return Answer::new(
                    Verdict::Retry(None),
                    CallError::File("credentials", error).to_string(),
                );
            }
        };
        match exchange(request, &url).await {
            Ok(answer) => answer.answer(self.service.judge(&answer), &url),
            Err(answer) => answer,
        }
    }
}

/// The address that a secret holds.
fn address(source: &SecretSource) -> Result<Url, CallError> {
    let text = source
        .read()
        .map_err(|error| CallError::File("URL", error))?;
    crate::webhook::parse_url(text.reveal()).map_err(CallError::Url)
}

/// Sets a key unless there is nothing to say.
fn put(object: &mut serde_json::Map<String, Json>, key: &str, text: Option<String>) {
    if let Some(text) = text {
        object.insert(key.to_owned(), Json::String(text));
    }
}
