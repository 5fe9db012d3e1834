//! Robots in the rooms of DingTalk, WeCom and Feishu.
//!
//! A robot is an address to which messages are posted. It takes few messages a minute, short ones, and says in its answer's
//! own code whether it took one. Several robots of one room form a pool.

mod config; // as it is written, and checked
mod dingtalk; // the form that DingTalk takes
mod feishu; // the form that Feishu takes
mod pace; // how many messages a robot takes
mod text; // what a message says
mod wecom; // the form that WeCom takes

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use reqwest::{Client, Url};
use serde_json::Value as Json;
use stonechat_model::Timestamp;

use self::config::RobotPlace;
pub(crate) use self::config::{RobotConfig, RobotFile, recognize};
use self::pace::Pace;
use self::text::Said;
use crate::answer::{Answer, Verdict};
use crate::exchange::{Exchange, exchange};
use crate::http::{self, ClientError, Clients};
use crate::template::Renderer;

/// Whose robots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    DingTalk,
    WeCom,
    Feishu,
}

/// Sends to a pool of robots.
#[derive(Debug)]
pub(crate) struct RobotSender {
    config: RobotConfig,
    client: Client,
    paces: Mutex<Vec<Pace>>,
}

/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

impl RobotSender {
    pub(crate) fn new(config: RobotConfig, clients: &mut Clients) -> Result<Self, ClientError> {
        Ok(Self {
            client: clients.get(&config.http)?,
            paces: Mutex::new(
                config
                    .robots
                    .iter()
                    .map(|_| Pace::of(config.service))
                    .collect(),
            ),
            config,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.config.timeout.unwrap_or(TIMEOUT)
    }

    /// Makes one attempt, by the robot that has the most room.
    pub(crate) async fn send(&self, renderer: &Renderer<'_>) -> Answer {
        let said = match Said::new(&self.config, renderer) {
            Ok(said) => said,
            Err(error) => {
                return Answer::new(
                    Verdict::Refused,
                    format!("the message cannot be written: {error}"),
                );
            }
        };
        let index = match self.choose(Instant::now()) {
            Ok(index) => index,
            Err(wait) => {
                let text = format!(
                    "every robot has sent as much as it may; the next message goes in {:.1} s",
                    wait.as_secs_f64()
                );
                return Answer::new(Verdict::Retry(Some(wait)), text);
            }
        };
        let robot = &self.config.robots[index];
        let (url, body) = match self.request(robot, &said, Timestamp::now()) {
            Ok(request) => request,
            Err(text) => return Answer::new(Verdict::Retry(None), text),
        };
        let request = self.client.post(url.clone()).json(&body);
        let request = match http::authorize(request, self.config.http.auth.as_ref()) {
            Ok(request) => request,
            Err(error) => {
                return Answer::new(
                    Verdict::Retry(None),
                    format!("the file with the credentials cannot be read: {error}"),
                );
            }
        };
        match exchange(request, &url).await {
            Ok(answer) => self.judge(index, &answer, &url),
            Err(answer) => answer,
        }
    }

    /// The robot whose turn it is, or how long until one may send.
    fn choose(&self, now: Instant) -> Result<usize, Duration> {
        let mut paces = self.paces.lock();
        let waits = paces.iter_mut().map(|pace| pace.wait(now)).enumerate();
        let (index, wait) = waits
            .min_by_key(|(_, wait)| *wait)
            .unwrap_or((0, Duration::ZERO));
        if !wait.is_zero() {
            return Err(wait);
        }
        // Among those that are free, the one that has sent the least.
        let free = paces
            .iter_mut()
            .enumerate()
            .filter_map(|(index, pace)| pace.wait(now).is_zero().then_some((index, pace.sent())));
        let index = free
            .min_by_key(|(_, sent)| *sent)
            .map_or(index, |(index, _)| index);
        paces[index].note(now);
        Ok(index)
    }

    fn request(
        &self,
        robot: &RobotPlace,
        said: &Said,
        now: Timestamp,
    ) -> Result<(Url, Json), String> {
        let url = robot
            .url
            .read()
            .map_err(|error| format!("the file with the URL cannot be read: {error}"))?;
        let url = crate::webhook::parse_url(url.reveal())?;
        let secret = robot
            .secret
            .as_ref()
            .map(crate::config::SecretSource::read)
            .transpose();
        let secret =
            secret.map_err(|error| format!("the file with the secret cannot be read: {error}"))?;
        let secret = secret.as_ref().map(stonechat_model::Secret::reveal);
        Ok(match self.config.service {
            Service::DingTalk => (dingtalk::signed(url, secret, now), dingtalk::body(said)),
            Service::WeCom => (url, wecom::body(said)),
            Service::Feishu => (url, feishu::body(said, secret, now)),
        })
    }

    /// Success is what the answer's own code says; these services answer nearly every request with 200.
    fn judge(&self, index: usize, answer: &Exchange, url: &Url) -> Answer {
        let of_status = answer.verdict_of_status();
        let body: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        let code = ["errcode", "code", "StatusCode"]
            .iter()
            .find_map(|key| body.get(*key).and_then(Json::as_i64));
        let Some(code) = code else {
            let verdict = match of_status {
                // Not the service that was meant, or one that is ill.
                Verdict::Delivered => Verdict::Retry(answer.wait),
                other => other,
            };
            return answer.answer(verdict, url);
        };
        let (too_fast, later) = match self.config.service {
            Service::DingTalk => (dingtalk::TOO_FAST, dingtalk::LATER),
            Service::WeCom => (wecom::TOO_FAST, wecom::LATER),
            Service::Feishu => (feishu::TOO_FAST, feishu::LATER),
        };
        let verdict = if code == 0 {
            of_status
        } else if too_fast.contains(&code) {
            // Others may use the same robot. Those of the pool that are free go on.
            let mut paces = self.paces.lock();
            paces[index].rest(Instant::now(), answer.wait);
            Verdict::Retry(None)
        } else if later.contains(&code) || matches!(of_status, Verdict::Retry(_)) {
            Verdict::Retry(answer.wait)
        } else {
            Verdict::Refused
        };
        answer.answer(verdict, url)
    }
}

/// HMAC-SHA-256 in base64, as all of these services sign.
fn sign(key: &str, message: &str) -> String {
    use base64::Engine as _;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    let tag = ring::hmac::sign(&key, message.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(tag.as_ref())
}
