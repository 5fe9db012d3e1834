//! `dingtalk_configs`, `wecom_robot_configs` and `feishu_configs`: kinds of our own, which Alertmanager does not know.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;

use super::Service;
use crate::config::{Check, HttpConfig, HttpFile, SecretSource, SecretText, Text};
use crate::webhook::WebhookConfig;

/// Robots of one room, and what they say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RobotConfig {
    pub(super) service: Service,
    /// At least one.
    pub(super) robots: Vec<RobotPlace>,
    pub(super) http: HttpConfig,
    pub(super) timeout: Option<Duration>,
    pub(super) title: Option<String>,
    pub(super) message: Option<String>,
    pub(super) mentions: Mentions,
}

/// One robot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RobotPlace {
    pub(super) url: SecretSource,
    /// With which its messages are signed.
    pub(super) secret: Option<SecretSource>,
}

/// Who is called when something fires.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mentions {
    /// Everybody in the room.
    #[serde(default)]
    pub(super) all: bool,
    /// Names of the service for its users.
    #[serde(default)]
    pub(super) users: Vec<String>,
    /// Telephone numbers.
    #[serde(default)]
    pub(super) mobiles: Vec<String>,
}

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RobotFile {
    pub(crate) send_resolved: Option<bool>,
    url: Option<SecretText>,
    url_file: Option<Text>,
    secret: Option<SecretText>,
    secret_file: Option<Text>,
    robots: Option<Vec<Spanned<RobotPlaceFile>>>,
    title: Option<Text>,
    message: Option<Text>,
    mentions: Option<Spanned<Mentions>>,
    timeout: Option<ConfigDuration>,
    http_config: Option<HttpFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RobotPlaceFile {
    url: Option<SecretText>,
    url_file: Option<Text>,
    secret: Option<SecretText>,
    secret_file: Option<Text>,
}

impl RobotConfig {
    /// Checks what is written; `http` is the default. What is wrong goes to `check`.
    pub(crate) fn check(
        check: &mut Check<'_>,
        (service, file): (Service, &Spanned<RobotFile>),
        http: &HttpConfig,
    ) -> Self {
        let written = &file.value;
        let mut robots = Vec::new();
        let first = check.secret(("url", written.url.as_ref()), written.url_file.as_ref());
        let secret = check.secret(
            ("secret", written.secret.as_ref()),
            written.secret_file.as_ref(),
        );
        check.secret_url(written.url.as_ref());
        robots.extend(first.map(|url| RobotPlace { url, secret }));
        for robot in written.robots.iter().flatten() {
            let place = &robot.value;
            let url = check.secret(("url", place.url.as_ref()), place.url_file.as_ref());
            let secret = check.secret(
                ("secret", place.secret.as_ref()),
                place.secret_file.as_ref(),
            );
            check.secret_url(place.url.as_ref());
            match url {
                Some(url) => robots.push(RobotPlace { url, secret }),
                None => check.at(robot, "a robot needs `url` or `url_file`"),
            }
        }
        if robots.is_empty() {
            check.at_with_help(
                file,
                "there is no robot",
                "give `url`, or `robots` with an `url` each",
            );
        }
        if service == Service::WeCom && robots.iter().any(|robot| robot.secret.is_some()) {
            check.at(file, "robots of WeCom do not sign: leave the secret out");
        }
        if let Some(mentions) = written
            .mentions
            .as_ref()
            .filter(|mentions| service == Service::Feishu && !mentions.value.mobiles.is_empty())
        {
            check.at_with_help(
                mentions,
                "robots of Feishu cannot call people by their telephone",
                "name them under `users`",
            );
        }
        Self {
            service,
            robots,
            http: written
                .http_config
                .as_ref()
                .map_or_else(|| http.clone(), |http| http.check(check)),
            timeout: written.timeout.map(|timeout| timeout.0),
            title: check.template(written.title.as_ref()),
            message: check.template(written.message.as_ref()),
            mentions: written
                .mentions
                .as_ref()
                .map_or_else(Mentions::default, |mentions| mentions.value.clone()),
        }
    }
}

/// The robot behind the URL of a plain webhook, if it is one: without its own form it would refuse every message.
pub(crate) fn recognize(webhook: &WebhookConfig) -> Option<RobotConfig> {
    let SecretSource::Inline(text) = &webhook.url else {
        return None;
    };
    let url = Url::parse(text.reveal()).ok()?;
    let service = match (url.host_str()?, url.path()) {
        ("oapi.dingtalk.com", "/robot/send") => Service::DingTalk,
        ("qyapi.weixin.qq.com", "/cgi-bin/webhook/send") => Service::WeCom,
        ("open.feishu.cn" | "open.larksuite.com", path)
            if path.starts_with("/open-apis/bot/v2/hook/") =>
        {
            Service::Feishu
        }
        _ => return None,
    };
    Some(RobotConfig {
        service,
        robots: vec![RobotPlace {
            url: webhook.url.clone(),
            secret: None,
        }],
        http: webhook.http.clone(),
        timeout: webhook.timeout,
        title: None,
        message: None,
        mentions: Mentions::default(),
    })
}
