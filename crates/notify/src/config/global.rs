//! The section `global`: what holds for all receivers that do not say otherwise.

use serde::Deserialize;
use stonechat_model::Secret;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Spanned;

use super::check::Check;
use super::file::Text;
use super::http::{HttpFile, TlsFile};

/// A secret with its place.
pub(crate) type SecretText = Spanned<Secret>;

/// What holds for all receivers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "keys are taken so that a file is read whole; what is not sent is not read"
)]
pub(crate) struct GlobalFile {
    pub(crate) resolve_timeout: Option<ConfigDuration>,
    /// A key of our own: in which zone messages show times; that of the machine otherwise.
    pub(crate) time_zone: Option<Text>,
    pub(crate) http_config: Option<HttpFile>,
    pub(crate) jira_api_url: Option<Text>,
    pub(crate) smtp_from: Option<Text>,
    pub(crate) smtp_hello: Option<Text>,
    pub(crate) smtp_smarthost: Option<Text>,
    pub(crate) smtp_auth_username: Option<Text>,
    pub(crate) smtp_auth_password: Option<SecretText>,
    pub(crate) smtp_auth_password_file: Option<Text>,
    pub(crate) smtp_auth_secret: Option<SecretText>,
    pub(crate) smtp_auth_secret_file: Option<Text>,
    pub(crate) smtp_auth_identity: Option<Text>,
    pub(crate) smtp_require_tls: Option<bool>,
    pub(crate) smtp_tls_config: Option<TlsFile>,
    pub(crate) smtp_force_implicit_tls: Option<bool>,
    pub(crate) slack_api_url: Option<SecretText>,
    pub(crate) slack_api_url_file: Option<Text>,
    pub(crate) slack_app_token: Option<SecretText>,
    pub(crate) slack_app_token_file: Option<Text>,
    pub(crate) slack_app_url: Option<Text>,
    pub(crate) pagerduty_url: Option<Text>,
    pub(crate) opsgenie_api_url: Option<Text>,
    pub(crate) opsgenie_api_key: Option<SecretText>,
    pub(crate) opsgenie_api_key_file: Option<Text>,
    pub(crate) wechat_api_url: Option<Text>,
    pub(crate) wechat_api_secret: Option<SecretText>,
    pub(crate) wechat_api_secret_file: Option<Text>,
    pub(crate) wechat_api_corp_id: Option<Text>,
    pub(crate) victorops_api_url: Option<Text>,
    pub(crate) victorops_api_key: Option<SecretText>,
    pub(crate) victorops_api_key_file: Option<Text>,
    pub(crate) telegram_api_url: Option<Text>,
    pub(crate) telegram_bot_token: Option<SecretText>,
    pub(crate) telegram_bot_token_file: Option<Text>,
    pub(crate) webex_api_url: Option<Text>,
    pub(crate) rocketchat_api_url: Option<Text>,
    pub(crate) rocketchat_token: Option<SecretText>,
    pub(crate) rocketchat_token_file: Option<Text>,
    pub(crate) rocketchat_token_id: Option<SecretText>,
    pub(crate) rocketchat_token_id_file: Option<Text>,
    pub(crate) mattermost_webhook_url: Option<SecretText>,
    pub(crate) mattermost_webhook_url_file: Option<Text>,
}

/// Where the services are when nothing else is said; the addresses are Alertmanager's.
pub(crate) const SLACK_APP_URL: &str = "https://slack.com/api/chat.postMessage";

impl GlobalFile {
    /// Checks what must not be given twice, and the addresses.
    pub(super) fn check(&self, check: &mut Check<'_>) {
        for (key, inline, file) in [
            (
                "smtp_auth_password",
                &self.smtp_auth_password,
                &self.smtp_auth_password_file,
            ),
            (
                "smtp_auth_secret",
                &self.smtp_auth_secret,
                &self.smtp_auth_secret_file,
            ),
            (
                "slack_api_url",
                &self.slack_api_url,
                &self.slack_api_url_file,
            ),
            (
                "slack_app_token",
                &self.slack_app_token,
                &self.slack_app_token_file,
            ),
            (
                "opsgenie_api_key",
                &self.opsgenie_api_key,
                &self.opsgenie_api_key_file,
            ),
            (
                "wechat_api_secret",
                &self.wechat_api_secret,
                &self.wechat_api_secret_file,
            ),
            (
                "victorops_api_key",
                &self.victorops_api_key,
                &self.victorops_api_key_file,
            ),
            (
                "telegram_bot_token",
                &self.telegram_bot_token,
                &self.telegram_bot_token_file,
            ),
            (
                "rocketchat_token",
                &self.rocketchat_token,
                &self.rocketchat_token_file,
            ),
            (
                "rocketchat_token_id",
                &self.rocketchat_token_id,
                &self.rocketchat_token_id_file,
            ),
            (
                "mattermost_webhook_url",
                &self.mattermost_webhook_url,
                &self.mattermost_webhook_url_file,
            ),
        ] {
            check.only_one(key, inline.as_ref(), file.as_ref());
        }
        self.check_addresses(check);
        self.check_slack(check);
        if let Some(tls) = &self.smtp_tls_config {
            tls.check(check);
        }
    }

    fn check_addresses(&self, check: &mut Check<'_>) {
        for url in [
            &self.jira_api_url,
            &self.slack_app_url,
            &self.pagerduty_url,
            &self.opsgenie_api_url,
            &self.wechat_api_url,
            &self.victorops_api_url,
            &self.telegram_api_url,
            &self.webex_api_url,
            &self.rocketchat_api_url,
        ] {
            check.url(url.as_ref());
        }
        for url in [&self.slack_api_url, &self.mattermost_webhook_url] {
            check.secret_url(url.as_ref());
        }
    }

    /// A token and an address exclude each other, but for the address that belongs to tokens.
    fn check_slack(&self, check: &mut Check<'_>) {
        let token = self.slack_app_token.is_some() || self.slack_app_token_file.is_some();
        let app = self
            .slack_app_url
            .as_ref()
            .map_or(SLACK_APP_URL, |url| url.value.as_str());
        match (&self.slack_api_url, &self.slack_api_url_file) {
            (Some(url), _) if token && url.value.reveal() != app => {
                check.at(
                    url,
                    "both a `slack_app_token` and a `slack_api_url` are given",
                );
            }
            (None, Some(file)) if token => {
                check.at(
                    file,
                    "both a `slack_app_token` and a `slack_api_url_file` are given",
                );
            }
            _ => {}
        }
    }
}
