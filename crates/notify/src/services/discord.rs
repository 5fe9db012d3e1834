//! Discord.
//!
//! Sources: <https://discord.com/developers/docs/resources/webhook#execute-webhook>, limits of embeds:
//! <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use stonechat_model::yaml::Spanned;

use super::{Call, CallError, Service, address, put};
use crate::answer::Verdict;
use crate::config::{Check, DiscordFile, HttpConfig, SecretSource, or_text};
use crate::exchange::Exchange;
use crate::fit;
use crate::template::Renderer;

const CONTENT_CHARACTERS_MAX: usize = 2000;
const TITLE_CHARACTERS_MAX: usize = 256;
/// A description may have 4,096 characters, and an embed 6,000 in all.
const TEXT_CHARACTERS_MAX: usize = 4096;

const RED: u32 = 0x00d9_3026;
const GREEN: u32 = 0x001a_8f3c;

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DiscordConfig {
    url: SecretSource,
    http: HttpConfig,
    content: String,
    title: String,
    message: String,
    username: Option<String>,
    avatar_url: Option<String>,
}

impl DiscordConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<DiscordFile>,
        http: &HttpConfig,
    ) -> Option<Self> {
        let room = &place.value;
        let url = check.secret(
            ("webhook_url", room.webhook_url.as_ref()),
            room.webhook_url_file.as_ref(),
        );
        let own_http = room.http_config.as_ref().map(|http| http.check(check));
        Some(Self {
            http: own_http.unwrap_or_else(|| http.clone()),
            content: or_text(
                check,
                room.content.as_ref(),
                "{{ template \"discord.default.content\" . }}",
            ),
            title: or_text(
                check,
                room.title.as_ref(),
                "{{ template \"discord.default.title\" . }}",
            ),
            message: or_text(
                check,
                room.message.as_ref(),
                "{{ template \"discord.default.message\" . }}",
            ),
            username: check.template(room.username.as_ref()),
            avatar_url: check.template(room.avatar_url.as_ref()),
            url: url?,
        })
    }
}

impl Service for DiscordConfig {
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError> {
        let firing = renderer
            .notification
            .alerts
            .iter()
            .any(|told| !told.resolved);
        let mut message = Map::new();
        let content = renderer.text(&self.content)?;
        message.insert(
            "content".to_owned(),
            json!(fit::cut_characters(&content, CONTENT_CHARACTERS_MAX)),
        );
        put(
            &mut message,
            "username",
            renderer.optional(self.username.as_deref())?,
        );
        put(
            &mut message,
            "avatar_url",
            renderer.optional(self.avatar_url.as_deref())?,
        );
        message.insert("embeds".to_owned(), json!([{
            "title": fit::cut_characters(&renderer.text(&self.title)?, TITLE_CHARACTERS_MAX),
            "description": fit::cut_characters(&renderer.text(&self.message)?, TEXT_CHARACTERS_MAX),
            "color": if firing { RED } else { GREEN },
        }]));
        Ok(Call {
            url: address(&self.url)?,
            body: Json::Object(message),
        })
    }

    /// A limit names its wait in the body too, in fractions of a second.
    fn judge(&self, answer: &Exchange) -> Verdict {
        let verdict = answer.verdict_of_status();
        let body: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        match (verdict, body["retry_after"].as_f64()) {
            (Verdict::Retry(None), Some(seconds)) => {
                Verdict::Retry(Duration::try_from_secs_f64(seconds).ok())
            }
            _ => verdict,
        }
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }
}
