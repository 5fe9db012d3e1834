//! Slack.
//!
//! Sources: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/>,
//! <https://docs.slack.dev/reference/methods/chat.postMessage/>, <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments/>.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use stonechat_model::yaml::Spanned;

use super::{Call, CallError, Service, address, put};
use crate::answer::Verdict;
use crate::config::{
    Auth, Check, GlobalFile, HttpConfig, SLACK_APP_URL, SecretSource, SlackFile, Text, or_text,
};
use crate::exchange::Exchange;
use crate::fit;
use crate::template::Renderer;

/// What Slack shows of a title, and takes as a text.
const TITLE_CHARACTERS_MAX: usize = 1024;
const TEXT_CHARACTERS_MAX: usize = 12_000;

/// By the state, in Slack's own names.
const COLOR: &str = "{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}";

/// Errors after which the same message may be taken.
const LATER: [&str; 6] = [
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
];

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SlackConfig {
    url: SecretSource,
    token: Option<SecretSource>,
    http: HttpConfig,
    channel: Option<String>,
    /// Keys of the attachment and their templates.
    attachment: Texts,
    /// Keys of the message and their templates.
    message: Texts,
    fields: Vec<(String, String, bool)>,
    actions: Json,
    mrkdwn_in: Vec<String>,
    link_names: bool,
    timeout: Option<Duration>,
}

impl SlackConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<SlackFile>,
        (global, http): (&GlobalFile, &HttpConfig),
    ) -> Option<Self> {
        let slack = &place.value;
        let own_http = slack.http_config.as_ref().map(|http| http.check(check));
        let authorized = own_http.as_ref().is_some_and(|http| http.auth.is_some());
        let own_url = check.secret(
            ("api_url", slack.api_url.as_ref()),
            slack.api_url_file.as_ref(),
        );
        let mut token = check.secret(
            ("app_token", slack.app_token.as_ref()),
            slack.app_token_file.as_ref(),
        );
        if token.is_none() && own_url.is_none() && !authorized {
            token = check.secret(
                ("slack_app_token", global.slack_app_token.as_ref()),
                global.slack_app_token_file.as_ref(),
            );
        }
        let app = slack
            .app_url
            .as_ref()
            .or(global.slack_app_url.as_ref())
            .map_or(SLACK_APP_URL, |url| &url.value);
        let url = match &token {
            Some(_) => Some(SecretSource::Inline(stonechat_model::Secret::new(app))),
            None => own_url.or_else(|| {
                check.secret(
                    ("slack_api_url", global.slack_api_url.as_ref()),
                    global.slack_api_url_file.as_ref(),
                )
            }),
        };
        let (attachment, message) = texts(check, slack);
        let channel = check.template(slack.channel.as_ref());
        let timeout = check.go_timeout(slack.timeout.as_ref());
        let fields = slack
            .fields
            .iter()
            .flatten()
            .map(|field| field.value.parts(slack.short_fields.unwrap_or(false)));
        Some(Self {
            url: url?,
            token,
            http: own_http.unwrap_or_else(|| http.clone()),
            channel,
            attachment,
            message,
            fields: fields.collect(),
            actions: slack
                .actions
                .iter()
                .flatten()
                .map(|action| action.value.json())
                .collect(),
            mrkdwn_in: slack
                .mrkdwn_in
                .clone()
                .unwrap_or_else(|| ["fallback", "pretext", "text"].map(str::to_owned).to_vec()),
            link_names: slack.link_names.unwrap_or(false),
            timeout,
        })
    }
}

/// Keys and their templates.
type Texts = Vec<(&'static str, String)>;

/// The texts of the attachment and those of the message, by their keys.
fn texts(check: &mut Check<'_>, slack: &SlackFile) -> (Texts, Texts) {
    // The last is the name of the template that holds otherwise; nothing is said where there is none.
    let attachment = [
        ("title", &slack.title, "title"),
        ("title_link", &slack.title_link, "titlelink"),
        ("pretext", &slack.pretext, "pretext"),
        ("text", &slack.text, "text"),
        ("fallback", &slack.fallback, "fallback"),
        ("callback_id", &slack.callback_id, "callbackid"),
        ("footer", &slack.footer, "footer"),
        ("image_url", &slack.image_url, ""),
        ("thumb_url", &slack.thumb_url, ""),
    ];
    let message = [
        ("username", &slack.username, "username"),
        ("icon_emoji", &slack.icon_emoji, "iconemoji"),
        ("icon_url", &slack.icon_url, "iconurl"),
        ("text", &slack.message_text, ""),
    ];
    let mut fill = |(key, written, name): (&'static str, &Option<Text>, &str)| {
        let default = match name {
            "" => String::new(),
            name => format!("{{{{ template \"slack.default.{name}\" . }}}}"),
        };
        (key, or_text(check, written.as_ref(), &default))
    };
    let mut attachment: Texts = attachment.into_iter().map(&mut fill).collect();
    let message = message.into_iter().map(&mut fill).collect();
    attachment.push(("color", or_text(check, slack.color.as_ref(), COLOR)));
    (attachment, message)
}

impl Service for SlackConfig {
    fn call(&self, renderer: &Renderer<'_>) -> Result<Call, CallError> {
        let mut attachment = Map::new();
        for (key, template) in &self.attachment {
            let characters_max = if *key == "title" {
                TITLE_CHARACTERS_MAX
            } else {
                TEXT_CHARACTERS_MAX
            };
            let text = renderer.optional(Some(template))?;
            put(
                &mut attachment,
                key,
                text.map(|text| fit::cut_characters(&text, characters_max)),
            );
        }
        attachment.insert("mrkdwn_in".to_owned(), json!(self.mrkdwn_in));
        if !self.fields.is_empty() {
            let fields = self.fields.iter().map(|(title, value, short)| {
                Ok(json!({ "title": renderer.text(title)?, "value": renderer.text(value)?, "short": short }))
            });
            attachment.insert(
                "fields".to_owned(),
                Json::Array(fields.collect::<Result<_, CallError>>()?),
            );
        }
        if self
            .actions
            .as_array()
            .is_some_and(|actions| !actions.is_empty())
        {
            attachment.insert("actions".to_owned(), renderer.json(&self.actions)?);
        }
        let mut message = Map::new();
        put(
            &mut message,
            "channel",
            renderer.optional(self.channel.as_deref())?,
        );
        for (key, template) in &self.message {
            put(&mut message, key, renderer.optional(Some(template))?);
        }
        if self.link_names {
            message.insert("link_names".to_owned(), json!(true));
        }
        message.insert("attachments".to_owned(), json!([attachment]));
        Ok(Call {
            url: address(&self.url)?,
            body: Json::Object(message),
        })
    }

    /// A webhook answers `ok`; the API answers 200 with `"ok": false` when it has refused.
    fn judge(&self, answer: &Exchange) -> Verdict {
        let verdict = answer.verdict_of_status();
        let body: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        match (verdict, body["ok"].as_bool()) {
            (Verdict::Delivered, Some(false)) => match body["error"].as_str() {
                Some(error) if LATER.contains(&error) => Verdict::Retry(answer.wait),
                _ => Verdict::Refused,
            },
            _ => verdict,
        }
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn auth(&self) -> Option<Auth> {
        match &self.token {
            Some(token) => Some(Auth::Scheme {
                scheme: "Bearer".to_owned(),
                credentials: token.clone(),
            }),
            None => self.http.auth.clone(),
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(10))
    }
}
