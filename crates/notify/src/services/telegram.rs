//! Telegram.
//!
//! Sources: <https://core.telegram.org/bots/api#sendmessage>, <https://core.telegram.org/bots/api#making-requests>.

use std::time::Duration;

use serde_json::{Value as Json, json};
use stonechat_model::Secret;
use stonechat_model::yaml::Spanned;

use super::{Call, CallError, Service};
use crate::answer::Verdict;
use crate::config::{Check, GlobalFile, HttpConfig, SecretSource, TelegramFile, beside, or_text};
use crate::exchange::Exchange;
use crate::fit;
use crate::template::Renderer;

const TEXT_CHARACTERS_MAX: usize = 4096;

const API_URL: &str = "https://api.telegram.org";

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TelegramConfig {
    api_url: String,
    token: SecretSource,
    http: HttpConfig,
    chat: SecretSource,
    thread: Option<i64>,
    message: String,
    silent: bool,
    parse_mode: String,
}

impl TelegramConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<TelegramFile>,
        (global, http): (&GlobalFile, &HttpConfig),
    ) -> Option<Self> {
        let bot = &place.value;
        let own = check.secret(
            ("bot_token", bot.bot_token.as_ref()),
            bot.bot_token_file.as_ref(),
        );
        let token = own.or_else(|| {
            check.secret(
                ("telegram_bot_token", global.telegram_bot_token.as_ref()),
                global.telegram_bot_token_file.as_ref(),
            )
        });
        let own_http = bot.http_config.as_ref().map(|http| http.check(check));
        let chat = match (&bot.chat_id, &bot.chat_id_file) {
            (Some(id), _) => Some(SecretSource::Inline(Secret::new(id.to_string()))),
            (None, Some(file)) => {
                let path = beside(check.file, &file.value);
                check.readable(file, &path);
                Some(SecretSource::File(path))
            }
            (None, None) => None,
        };
        let api_url = bot.api_url.as_ref().or(global.telegram_api_url.as_ref());
        Some(Self {
            api_url: api_url
                .map_or(API_URL, |url| url.value.trim_end_matches('/'))
                .to_owned(),
            http: own_http.unwrap_or_else(|| http.clone()),
            thread: bot.message_thread_id.filter(|id| *id != 0),
            message: or_text(
                check,
                bot.message.as_ref(),
                "{{ template \"telegram.default.message\" . }}",
            ),
            silent: bot.disable_notifications.unwrap_or(false),
            parse_mode: bot
                .parse_mode
                .as_ref()
                .map_or("HTML", |mode| mode.value.as_str())
                .to_owned(),
            token: token?,
            chat: chat?,
        })
    }
}

impl Service for TelegramConfig {
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError> {
        let token = self
            .token
            .read()
            .map_err(|error| CallError::File("token", error))?;
        let chat = self
            .chat
            .read()
            .map_err(|error| CallError::File("chat's number", error))?;
        let text = match self.parse_mode.as_str() {
            "HTML" => renderer.html(&self.message)?,
            _ => renderer.text(&self.message)?,
        };
        let fits = text.chars().count() <= TEXT_CHARACTERS_MAX;
        let mut body = json!({
            "chat_id": chat.reveal(),
            "text": fit::cut_characters(&text, TEXT_CHARACTERS_MAX),
            "disable_web_page_preview": true,
            "disable_notification": self.silent,
        });
        // Marks that were cut in the middle would make Telegram refuse the whole text.
        if fits && !self.parse_mode.is_empty() {
            body["parse_mode"] = json!(self.parse_mode);
        }
        if let Some(thread) = self.thread {
            body["message_thread_id"] = json!(thread);
        }
        let url = format!("{}/bot{}/sendMessage", self.api_url, token.reveal());
        Ok(Call {
            url: crate::webhook::parse_url(&url).map_err(CallError::Url)?,
            body,
        })
    }

    fn judge(&self, answer: &Exchange) -> Verdict {
        let body: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        match (body["ok"].as_bool(), body["error_code"].as_u64()) {
            (Some(true), _) => Verdict::Delivered,
            (Some(false), Some(429)) => {
                let wait = body["parameters"]["retry_after"]
                    .as_u64()
                    .map(Duration::from_secs);
                Verdict::Retry(wait.or(answer.wait))
            }
            (Some(false), Some(500..)) => Verdict::Retry(answer.wait),
            (Some(false), _) => Verdict::Refused,
            // Not Telegram's answer.
            (None, _) => match answer.verdict_of_status() {
                Verdict::Delivered => Verdict::Retry(None),
                other => other,
            },
        }
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }
}
