//! Rooms in which people talk.

use stonechat_model::yaml::Spanned;

use super::pagers::given;
use super::{Anything, Entry, entry};
use crate::config::file::Text;
use crate::config::global::{GlobalFile, SLACK_APP_URL, SecretText};
use crate::config::{Check, HttpFile};

entry!(SlackFile {
    api_url: SecretText,
    api_url_file: Text,
    app_token: SecretText,
    app_token_file: Text,
    app_url: Text,
    channel: Text,
    username: Text,
    color: Text,
    title: Text,
    title_link: Text,
    pretext: Text,
    text: Text,
    message_text: Text,
    fields: Vec<Spanned<Field>>,
    short_fields: bool,
    footer: Text,
    fallback: Text,
    callback_id: Text,
    icon_emoji: Text,
    icon_url: Text,
    image_url: Text,
    thumb_url: Text,
    link_names: bool,
    mrkdwn_in: Vec<String>,
    actions: Vec<Spanned<SlackAction>>,
    update_message: bool,
    timeout: Text,
});

/// A titled value in a message.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    title: Option<String>,
    value: Option<String>,
    short: Option<bool>,
}

/// A button.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlackAction {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
    url: Option<String>,
    style: Option<String>,
    name: Option<String>,
    value: Option<String>,
    confirm: Option<serde_json::Value>,
}

impl Field {
    /// Title, value, and whether it may stand beside another.
    pub(crate) fn parts(&self, short: bool) -> (String, String, bool) {
        let (title, value) = (self.title.clone(), self.value.clone());
        (
            title.unwrap_or_default(),
            value.unwrap_or_default(),
            self.short.unwrap_or(short),
        )
    }
}

impl SlackAction {
    /// As Slack takes it.
    pub(crate) fn json(&self) -> serde_json::Value {
        let texts = [
            ("type", &self.kind),
            ("text", &self.text),
            ("url", &self.url),
            ("style", &self.style),
            ("name", &self.name),
            ("value", &self.value),
        ];
        let given = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key.to_owned(), text.clone()?)));
        let mut json: serde_json::Map<_, _> = given.map(|(key, text)| (key, text.into())).collect();
        if let Some(confirm) = &self.confirm {
            json.insert("confirm".to_owned(), confirm.clone());
        }
        json.into()
    }
}

fn check_fields(check: &mut Check<'_>, fields: Option<&Vec<Spanned<Field>>>) {
    for field in fields.into_iter().flatten() {
        for (key, text) in [("title", &field.value.title), ("value", &field.value.value)] {
            if text.as_deref().unwrap_or_default().is_empty() {
                check.at(field, format!("a field has no `{key}`"));
            }
        }
    }
}

impl Entry for SlackFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let slack = &place.value;
        check.only_one(
            "api_url",
            slack.api_url.as_ref(),
            slack.api_url_file.as_ref(),
        );
        check.only_one(
            "app_token",
            slack.app_token.as_ref(),
            slack.app_token_file.as_ref(),
        );
        let (address, token) = (
            given(&slack.api_url, &slack.api_url_file),
            given(&slack.app_token, &slack.app_token_file),
        );
        if address && token {
            check.at(place, "both an `app_token` and an `api_url` are given");
        }
        let any = given(&global.slack_api_url, &global.slack_api_url_file)
            || given(&global.slack_app_token, &global.slack_app_token_file);
        if !address && !token && !any {
            check.at_with_help(
                place,
                "there is neither an `api_url` nor an `app_token`",
                "give one here, or `slack_api_url` under `global`",
            );
        }
        check.secret_url(slack.api_url.as_ref());
        check.url(slack.app_url.as_ref());
        let is_app = slack
            .api_url
            .as_ref()
            .is_some_and(|url| url.value.reveal() == SLACK_APP_URL);
        if slack.update_message == Some(true) && !is_app {
            check.at_with_help(
                place,
                "`update_message` works only with a bot's token",
                format!("set `api_url` to {SLACK_APP_URL}"),
            );
        }
        check_fields(check, slack.fields.as_ref());
        for action in slack.actions.iter().flatten() {
            let empty = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
            let button = &action.value;
            if empty(&button.kind)
                || empty(&button.text)
                || (empty(&button.url) && empty(&button.name))
            {
                check.at(
                    action,
                    "an action needs `type`, `text`, and `url` or `name`",
                );
            }
        }
    }
}

entry!(MattermostFile {
    webhook_url: SecretText,
    webhook_url_file: Text,
    channel: Text,
    username: Text,
    text: Text,
    fallback: Text,
    color: Text,
    pretext: Text,
    author_name: Text,
    author_link: Text,
    author_icon: Text,
    title: Text,
    title_link: Text,
    fields: Vec<Spanned<Field>>,
    thumb_url: Text,
    footer: Text,
    footer_icon: Text,
    image_url: Text,
    icon_url: Text,
    icon_emoji: Text,
    attachments: Anything,
    r#type: Text,
    props: Anything,
    priority: Anything,
});

impl Entry for MattermostFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let room = &place.value;
        let globally = given(
            &global.mattermost_webhook_url,
            &global.mattermost_webhook_url_file,
        );
        check_webhook(
            place,
            check,
            (&room.webhook_url, &room.webhook_url_file),
            globally,
        );
        check_fields(check, room.fields.as_ref());
    }
}

entry!(DiscordFile {
    webhook_url: SecretText,
    webhook_url_file: Text,
    content: Text,
    title: Text,
    message: Text,
    username: Text,
    avatar_url: Text,
});

impl Entry for DiscordFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        check_webhook(
            place,
            check,
            (&place.value.webhook_url, &place.value.webhook_url_file),
            false,
        );
    }
}

entry!(TeamsFile {
    webhook_url: SecretText,
    webhook_url_file: Text,
    title: Text,
    summary: Text,
    text: Text,
});

impl Entry for TeamsFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        check_webhook(
            place,
            check,
            (&place.value.webhook_url, &place.value.webhook_url_file),
            false,
        );
    }
}

entry!(TeamsWorkflowFile {
    webhook_url: SecretText,
    webhook_url_file: Text,
    title: Text,
    text: Text,
});

impl Entry for TeamsWorkflowFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        check_webhook(
            place,
            check,
            (&place.value.webhook_url, &place.value.webhook_url_file),
            false,
        );
    }
}

fn check_webhook<T>(
    place: &Spanned<T>,
    check: &mut Check<'_>,
    (url, file): (&Option<SecretText>, &Option<Text>),
    globally: bool,
) {
    check.only_one("webhook_url", url.as_ref(), file.as_ref());
    check.secret_url(url.as_ref());
    if !given(url, file) && !globally {
        check.at(
            place,
            "there is neither `webhook_url` nor `webhook_url_file`",
        );
    }
}

entry!(TelegramFile {
    api_url: Text,
    bot_token: SecretText,
    bot_token_file: Text,
    chat_id: i64,
    chat_id_file: Text,
    message_thread_id: i64,
    message: Text,
    disable_notifications: bool,
    parse_mode: Text,
});

impl Entry for TelegramFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let bot = &place.value;
        check.only_one(
            "bot_token",
            bot.bot_token.as_ref(),
            bot.bot_token_file.as_ref(),
        );
        let token = given(&bot.bot_token, &bot.bot_token_file)
            || given(&global.telegram_bot_token, &global.telegram_bot_token_file);
        if !token {
            check.at_with_help(
                place,
                "there is no `bot_token`",
                "give one here, or `telegram_bot_token` under `global`",
            );
        }
        let inline = bot.chat_id.is_some_and(|id| id != 0);
        match (inline, given(&None, &bot.chat_id_file)) {
            (true, true) => check.at(place, "both `chat_id` and `chat_id_file` are given"),
            (false, false) => check.at(place, "there is neither `chat_id` nor `chat_id_file`"),
            _ => {}
        }
        check.url(bot.api_url.as_ref());
        let modes = ["", "Markdown", "MarkdownV2", "HTML"];
        if let Some(mode) = bot
            .parse_mode
            .as_ref()
            .filter(|mode| !modes.contains(&mode.value.as_str()))
        {
            check.at_with_help(
                mode,
                "not a way to read a text",
                "write Markdown, MarkdownV2, HTML or nothing",
            );
        }
    }
}

entry!(WechatFile {
    api_secret: SecretText,
    api_secret_file: Text,
    corp_id: Text,
    message: Text,
    api_url: Text,
    to_user: Text,
    to_party: Text,
    to_tag: Text,
    agent_id: Text,
    message_type: Text,
});

impl Entry for WechatFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let app = &place.value;
        check.only_one(
            "api_secret",
            app.api_secret.as_ref(),
            app.api_secret_file.as_ref(),
        );
        let secret = given(&app.api_secret, &app.api_secret_file)
            || given(&global.wechat_api_secret, &global.wechat_api_secret_file);
        if !secret {
            check.at_with_help(
                place,
                "there is no `api_secret`",
                "give one here, or `wechat_api_secret` under `global`",
            );
        }
        check.needs(
            place,
            "corp_id",
            app.corp_id.as_ref().or(global.wechat_api_corp_id.as_ref()),
        );
        check.url(app.api_url.as_ref());
        if let Some(kind) = app
            .message_type
            .as_ref()
            .filter(|kind| !["", "text", "markdown"].contains(&kind.value.as_str()))
        {
            check.at_with_help(kind, "not a type of message", "write text or markdown");
        }
    }
}

entry!(WebexFile {
    api_url: Text,
    message: Text,
    room_id: Text,
});

impl Entry for WebexFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, _global: &GlobalFile) {
        let room = &place.value;
        check.needs(place, "room_id", room.room_id.as_ref());
        check.url(room.api_url.as_ref());
        if !room
            .http_config
            .as_ref()
            .is_some_and(HttpFile::has_authorization)
        {
            check.at(place, "there is no `authorization` in an `http_config`");
        }
    }
}

entry!(RocketchatFile {
    api_url: Text,
    token_id: SecretText,
    token_id_file: Text,
    token: SecretText,
    token_file: Text,
    channel: Text,
    color: Text,
    title: Text,
    title_link: Text,
    text: Text,
    fields: Vec<Anything>,
    short_fields: bool,
    emoji: Text,
    icon_url: Text,
    image_url: Text,
    thumb_url: Text,
    link_names: bool,
    actions: Vec<Anything>,
});

impl Entry for RocketchatFile {
    fn check(place: &Spanned<Self>, check: &mut Check<'_>, global: &GlobalFile) {
        let room = &place.value;
        for (key, own, globally) in [
            (
                "token",
                (&room.token, &room.token_file),
                (&global.rocketchat_token, &global.rocketchat_token_file),
            ),
            (
                "token_id",
                (&room.token_id, &room.token_id_file),
                (
                    &global.rocketchat_token_id,
                    &global.rocketchat_token_id_file,
                ),
            ),
        ] {
            check.only_one(key, own.0.as_ref(), own.1.as_ref());
            if !given(own.0, own.1) && !given(globally.0, globally.1) {
                check.at_with_help(
                    place,
                    format!("there is no `{key}`"),
                    format!("give one here, or `rocketchat_{key}` under `global`"),
                );
            }
        }
        check.url(room.api_url.as_ref());
    }
}
