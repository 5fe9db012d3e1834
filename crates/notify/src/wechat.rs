//! Applications of WeCom (enterprise WeChat): a token first, then messages.
//!
//! Sources: <https://developer.work.weixin.qq.com/document/path/91039> (token),
//! <https://developer.work.weixin.qq.com/document/path/90236> (messages and their limits),
//! <https://developer.work.weixin.qq.com/document/path/90313> (codes).

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::{Client, Url};
use serde_json::{Value as Json, json};
use stonechat_model::yaml::Spanned;

use crate::answer::{Answer, Verdict};
use crate::config::{Check, GlobalFile, HttpConfig, SecretSource, WechatFile, or_text};
use crate::exchange::exchange;
use crate::fit;
use crate::http::{self, ClientError, Clients};
use crate::template::Renderer;

/// The longest text, in bytes.
const TEXT_BYTES_MAX: usize = 2048;

const API_URL: &str = "https://qyapi.weixin.qq.com/cgi-bin/";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Codes of a token that is no longer good.
const STALE_TOKEN: [i64; 3] = [40_014, 41_001, 42_001];
/// "System busy", and limits that pass.
const LATER: [i64; 3] = [-1, 45_009, 45_033];

/// Where a message goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WechatConfig {
    api_url: String,
    corp_id: String,
    secret: SecretSource,
    http: HttpConfig,
    message: String,
    to_user: String,
    to_party: String,
    to_tag: String,
    agent_id: String,
    is_markdown: bool,
}

impl WechatConfig {
    pub(crate) fn check(
        check: &mut Check<'_>,
        place: &Spanned<WechatFile>,
        (global, http): (&GlobalFile, &HttpConfig),
    ) -> Option<Self> {
        let app = &place.value;
        let own = check.secret(
            ("api_secret", app.api_secret.as_ref()),
            app.api_secret_file.as_ref(),
        );
        let secret = own.or_else(|| {
            check.secret(
                ("wechat_api_secret", global.wechat_api_secret.as_ref()),
                global.wechat_api_secret_file.as_ref(),
            )
        });
        let own_http = app.http_config.as_ref().map(|http| http.check(check));
        let api_url = app.api_url.as_ref().or(global.wechat_api_url.as_ref());
        let corp_id = app.corp_id.as_ref().or(global.wechat_api_corp_id.as_ref());
        Some(Self {
            api_url: api_url.map_or(API_URL, |url| url.value.as_str()).to_owned(),
            corp_id: corp_id.map(|id| id.value.clone()).unwrap_or_default(),
            http: own_http.unwrap_or_else(|| http.clone()),
            message: or_text(
                check,
                app.message.as_ref(),
                "{{ template \"wechat.default.message\" . }}",
            ),
            to_user: or_text(
                check,
                app.to_user.as_ref(),
                "{{ template \"wechat.default.to_user\" . }}",
            ),
            to_party: or_text(
                check,
                app.to_party.as_ref(),
                "{{ template \"wechat.default.to_party\" . }}",
            ),
            to_tag: or_text(
                check,
                app.to_tag.as_ref(),
                "{{ template \"wechat.default.to_tag\" . }}",
            ),
            agent_id: or_text(
                check,
                app.agent_id.as_ref(),
                "{{ template \"wechat.default.agent_id\" . }}",
            ),
            is_markdown: app
                .message_type
                .as_ref()
                .is_some_and(|kind| kind.value == "markdown"),
            secret: secret?,
        })
    }
}

/// Sends as one application.
#[derive(Debug)]
pub(crate) struct WechatSender {
    config: WechatConfig,
    client: Client,
    token: Mutex<Option<(String, Instant)>>,
}

impl WechatSender {
    pub(crate) fn new(config: WechatConfig, clients: &mut Clients) -> Result<Self, ClientError> {
        Ok(Self {
            client: clients.get(&config.http)?,
            token: Mutex::new(None),
            config,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        TIMEOUT
    }

    /// Makes one attempt.
    pub(crate) async fn send(&self, renderer: &Renderer<'_>) -> Answer {
        let body = match self.body(renderer) {
            Ok(body) => body,
            Err(error) => {
                return Answer::new(
                    Verdict::Refused,
                    format!("the message cannot be written: {error}"),
                );
            }
        };
        let token = match self.token().await {
            Ok(token) => token,
            Err(answer) => return answer,
        };
        let url = match self.url("message/send", &[("access_token", &token)]) {
            Ok(url) => url,
            Err(text) => return Answer::new(Verdict::Refused, text),
        };
        let request = self.client.post(url.clone()).json(&body);
        let answer = match http::authorize(request, self.config.http.auth.as_ref()) {
            Ok(request) => exchange(request, &url).await,
            Err(error) => {
                return Answer::new(
                    Verdict::Retry(None),
                    format!("the file with the credentials cannot be read: {error}"),
                );
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(answer) => return answer,
        };
        let verdict = match (answer.verdict_of_status(), code(&answer.body)) {
            (Verdict::Delivered, Some(0)) => Verdict::Delivered,
            (Verdict::Delivered, Some(code)) if STALE_TOKEN.contains(&code) => {
                *self.token.lock() = None;
                Verdict::Retry(None)
            }
            (Verdict::Delivered, Some(code)) if LATER.contains(&code) => {
                Verdict::Retry(answer.wait)
            }
            (Verdict::Delivered, Some(_)) => Verdict::Refused,
            (Verdict::Delivered, None) => Verdict::Retry(answer.wait),
            (other, _) => other,
        };
        answer.answer(verdict, &url)
    }

    fn body(&self, renderer: &Renderer<'_>) -> Result<Json, stonechat_template::Error> {
        let config = &self.config;
        let content = fit::cut_and_say(&renderer.text(&config.message)?, TEXT_BYTES_MAX);
        let kind = if config.is_markdown {
            "markdown"
        } else {
            "text"
        };
        Ok(json!({
            "touser": renderer.text(&config.to_user)?,
            "toparty": renderer.text(&config.to_party)?,
            "totag": renderer.text(&config.to_tag)?,
            "agentid": renderer.text(&config.agent_id)?,
            "msgtype": kind,
            kind: { "content": content },
            "safe": "0",
        }))
    }

    /// The token, which is asked for again before it ends.
    async fn token(&self) -> Result<String, Answer> {
        if let Some((token, until)) = self.token.lock().as_ref()
            && *until > Instant::now()
        {
            return Ok(token.clone());
        }
        let secret = self.config.secret.read();
        let secret = secret.map_err(|error| {
            Answer::new(
                Verdict::Retry(None),
                format!("the file with the secret cannot be read: {error}"),
            )
        })?;
        let query = [
            ("corpid", self.config.corp_id.as_str()),
            ("corpsecret", secret.reveal()),
        ];
        let url = self
            .url("gettoken", &query)
            .map_err(|text| Answer::new(Verdict::Refused, text))?;
        let answer = exchange(self.client.get(url.clone()), &url).await?;
        let body: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        match (code(&answer.body), body["access_token"].as_str()) {
            (Some(0), Some(token)) => {
                let seconds = body["expires_in"].as_u64().unwrap_or(7200);
                let until = Instant::now() + Duration::from_secs(seconds.saturating_sub(60));
                *self.token.lock() = Some((token.to_owned(), until));
                Ok(token.to_owned())
            }
            (Some(code), _) if !LATER.contains(&code) => Err(answer.answer(Verdict::Refused, &url)),
            _ => Err(answer.answer(Verdict::Retry(answer.wait), &url)),
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<Url, String> {
        let base = self.config.api_url.trim_end_matches('/');
        let mut url = crate::webhook::parse_url(&format!("{base}/{path}"))?;
        url.query_pairs_mut().extend_pairs(query);
        Ok(url)
    }
}

fn code(body: &str) -> Option<i64> {
    let body: Json = serde_json::from_str(body).ok()?;
    body["errcode"].as_i64()
}
