//! Microsoft Teams, by workflows.
//!
//! Sources: <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook> (form
//! and the limit of 28 KB), <https://adaptivecards.io/explorer/TextBlock.html>.

use serde_json::{Value as Json, json};
use stonechat_model::yaml::Spanned;

use super::{Call, CallError, Service, address};
use crate::config::{Check, HttpConfig, SecretSource, TeamsWorkflowFile, or_text};
use crate::fit;
use crate::template::Renderer;

/// The longest request.
const BODY_BYTES_MAX: usize = 28 * 1024;

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TeamsConfig {
    url: SecretSource,
    http: HttpConfig,
    title: String,
    text: String,
}

impl TeamsConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<TeamsWorkflowFile>,
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
            title: or_text(
                check,
                room.title.as_ref(),
                "{{ template \"msteamsv2.default.title\" . }}",
            ),
            text: or_text(
                check,
                room.text.as_ref(),
                "{{ template \"msteamsv2.default.text\" . }}",
            ),
            url: url?,
        })
    }
}

impl Service for TeamsConfig {
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError> {
        let firing = renderer
            .notification
            .alerts
            .iter()
            .any(|told| !told.resolved);
        let title = fit::cut(&renderer.text(&self.title)?, 1024);
        let text = renderer.text(&self.text)?;
        let mut room = BODY_BYTES_MAX;
        let body = loop {
            let body = card(&title, &fit::cut_and_say(&text, room), firing);
            // Escapes make a text longer, so that only the whole can be measured.
            let excess = body.to_string().len().saturating_sub(BODY_BYTES_MAX);
            if excess == 0 || room < excess {
                break body;
            }
            room = room.min(text.len()) - excess.min(room.min(text.len()));
        };
        Ok(Call {
            url: address(&self.url)?,
            body,
        })
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }
}

fn card(title: &str, text: &str, firing: bool) -> Json {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    {
                        "type": "TextBlock", "text": title, "weight": "Bolder", "size": "Medium", "wrap": true,
                        "style": "heading", "color": if firing { "Attention" } else { "Good" },
                    },
                    { "type": "TextBlock", "text": text, "wrap": true },
                ],
                "msteams": { "width": "full" },
            },
        }],
    })
}
