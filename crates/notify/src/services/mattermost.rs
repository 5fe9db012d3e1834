//! Mattermost.
//!
//! Sources: <https://developers.mattermost.com/integrate/webhooks/incoming/>,
//! <https://developers.mattermost.com/integrate/reference/message-attachments/>.

use serde_json::{Map, Value as Json, json};
use stonechat_model::yaml::Spanned;

use super::{Call, CallError, Service, address, put};
use crate::config::{Check, GlobalFile, HttpConfig, MattermostFile, SecretSource, or_text};
use crate::fit;
use crate::template::Renderer;

/// The longest message.
const TEXT_CHARACTERS_MAX: usize = 16_383;

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MattermostConfig {
    url: SecretSource,
    http: HttpConfig,
    /// Keys of the message and of its attachment with their templates.
    message: Texts,
    attachment: Texts,
    fields: Vec<(String, String, bool)>,
}

impl MattermostConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<MattermostFile>,
        (global, http): (&GlobalFile, &HttpConfig),
    ) -> Option<Self> {
        let room = &place.value;
        let own = check.secret(
            ("webhook_url", room.webhook_url.as_ref()),
            room.webhook_url_file.as_ref(),
        );
        let url = own.or_else(|| {
            check.secret(
                (
                    "mattermost_webhook_url",
                    global.mattermost_webhook_url.as_ref(),
                ),
                global.mattermost_webhook_url_file.as_ref(),
            )
        });
        let own_http = room.http_config.as_ref().map(|http| http.check(check));
        for (key, value) in [
            ("attachments", &room.attachments),
            ("props", &room.props),
            ("priority", &room.priority),
        ] {
            if let Some(value) = value {
                check.warn(value, format!("`{key}` of Mattermost has no effect yet"));
            }
        }
        let (attachment, message) = texts(check, room);
        let fields = room
            .fields
            .iter()
            .flatten()
            .map(|field| field.value.parts(false));
        Some(Self {
            url: url?,
            http: own_http.unwrap_or_else(|| http.clone()),
            message,
            attachment,
            fields: fields.collect(),
        })
    }
}

/// Keys and their templates.
type Texts = Vec<(&'static str, String)>;

/// The texts of the attachment and those of the message, by their keys.
fn texts(check: &mut Check<'_>, room: &MattermostFile) -> (Texts, Texts) {
    let mut text = |written: Option<&_>, default: &str| or_text(check, written, default);
    let message = vec![
        ("channel", text(room.channel.as_ref(), "")),
        (
            "username",
            text(
                room.username.as_ref(),
                "{{ template \"mattermost.default.username\" . }}",
            ),
        ),
        ("icon_url", text(room.icon_url.as_ref(), "")),
        ("icon_emoji", text(room.icon_emoji.as_ref(), "")),
        ("type", text(room.r#type.as_ref(), "")),
    ];
    let attachment = vec![
        (
            "fallback",
            text(
                room.fallback.as_ref(),
                "{{ template \"mattermost.default.fallback\" . }}",
            ),
        ),
        (
            "color",
            text(
                room.color.as_ref(),
                "{{ if eq .Status \"firing\" }}#d93026{{ else }}#1a8f3c{{ end }}",
            ),
        ),
        (
            "title",
            text(
                room.title.as_ref(),
                "{{ template \"mattermost.default.title\" . }}",
            ),
        ),
        (
            "title_link",
            text(
                room.title_link.as_ref(),
                "{{ template \"mattermost.default.titlelink\" . }}",
            ),
        ),
        (
            "text",
            text(
                room.text.as_ref(),
                "{{ template \"mattermost.default.text\" . }}",
            ),
        ),
        ("pretext", text(room.pretext.as_ref(), "")),
        ("author_name", text(room.author_name.as_ref(), "")),
        ("author_link", text(room.author_link.as_ref(), "")),
        ("author_icon", text(room.author_icon.as_ref(), "")),
        ("thumb_url", text(room.thumb_url.as_ref(), "")),
        ("footer", text(room.footer.as_ref(), "")),
        ("footer_icon", text(room.footer_icon.as_ref(), "")),
        ("image_url", text(room.image_url.as_ref(), "")),
    ];
    (attachment, message)
}

impl Service for MattermostConfig {
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError> {
        let filled =
            |templates: &[(&'static str, String)]| -> Result<Map<String, Json>, CallError> {
                let mut object = Map::new();
                for (key, template) in templates {
                    let text = renderer.optional(Some(template))?;
                    put(
                        &mut object,
                        key,
                        text.map(|text| fit::cut_characters(&text, TEXT_CHARACTERS_MAX)),
                    );
                }
                Ok(object)
            };
        let (mut message, mut attachment) = (filled(&self.message)?, filled(&self.attachment)?);
        if !self.fields.is_empty() {
            let fields = self.fields.iter().map(|(title, value, short)| {
                Ok(json!({ "title": renderer.text(title)?, "value": renderer.text(value)?, "short": short }))
            });
            attachment.insert(
                "fields".to_owned(),
                Json::Array(fields.collect::<Result<_, CallError>>()?),
            );
        }
        message.insert("attachments".to_owned(), json!([attachment]));
        Ok(Call {
            url: address(&self.url)?,
            body: Json::Object(message),
        })
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }
}
