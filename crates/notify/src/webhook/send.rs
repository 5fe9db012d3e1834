//! One request, and what its answer means.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};

use super::config::{WebhookConfig, parse_url};
use super::message::Message;
use crate::answer::{Answer, Verdict};
use crate::exchange::exchange;
use crate::http::{self, ClientError, Clients};
use crate::template::Renderer;

/// Sends to one webhook.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    config: WebhookConfig,
    client: Client,
}

impl WebhookSender {
    pub(crate) fn new(config: WebhookConfig, clients: &mut Clients) -> Result<Self, ClientError> {
        Ok(Self {
            client: clients.get(&config.http)?,
            config,
        })
    }

    /// How long one attempt may take, if that is limited.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.config.timeout
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, renderer: &Renderer<'_>) -> Answer {
        let url = match self.url(renderer) {
            Ok(url) => url,
            Err(text) => return Answer::new(Verdict::Retry(None), text),
        };
        let body = match self.body(renderer) {
            Ok(body) => body,
            Err(text) => return Answer::new(Verdict::Refused, text),
        };
        let request = self.client.post(url.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let request = match http::authorize(request, self.config.http.auth.as_ref()) {
            Ok(request) => request,
            Err(error) => {
                let text = format!("the file with the credentials cannot be read: {error}");
                return Answer::new(Verdict::Retry(None), text);
            }
        };
        match exchange(request, &url).await {
            Ok(answer) => answer.answer(answer.verdict_of_status(), &url),
            Err(answer) => answer,
        }
    }

    fn body(&self, renderer: &Renderer<'_>) -> Result<Vec<u8>, String> {
        let body = match &self.config.payload {
            Some(payload) => {
                let filled = renderer.json(payload);
                let filled =
                    filled.map_err(|error| format!("the message cannot be written: {error}"))?;
                serde_json::to_vec(&filled)
            }
            None => {
                let max = self.config.max_alerts;
                serde_json::to_vec(&Message::new(
                    renderer.notification,
                    renderer.external_url,
                    max,
                ))
            }
        };
        body.map_err(|error| format!("no JSON: {error}"))
    }

    fn url(&self, renderer: &Renderer<'_>) -> Result<Url, String> {
        let text = self.config.url.read();
        let text =
            text.map_err(|error| format!("the file with the URL cannot be read: {error}"))?;
        let filled = renderer.text(text.reveal());
        parse_url(&filled.map_err(|error| format!("the URL cannot be written: {error}"))?)
    }
}
