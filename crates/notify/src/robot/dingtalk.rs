//! DingTalk's custom robots.
//!
//! Sources: <https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages>, in English
//! <https://help.dingtalk.io/open/development/custom-robots-send-group-messages> (forms, 20 messages a minute and ten minutes
//! without any beyond that), <https://open.dingtalk.com/document/robots/customize-robot-security-settings> (signature).

use reqwest::Url;
use serde_json::{Value as Json, json};
use stonechat_model::Timestamp;

use super::{Said, Service, sign, text};
use crate::fit;
use crate::notification::Status;

/// A message may have 20,000 bytes; beyond that the answer is "message too long, exceed 20000 bytes".
const BODY_BYTES_MAX: usize = 20_000;

/// "send too fast, exceed 20 times per minute": 130101 is what the service answers
/// (<https://github.com/ccfos/nightingale/issues/369>). For the others, which are told of, no page of the service was found.
pub(super) const TOO_FAST: &[i64] = &[130_101, 130_103, 410_100, 660_026];
/// "System busy": try again a little later.
pub(super) const LATER: &[i64] = &[-1];

/// The address with a signature, if the robot has a secret.
pub(super) fn signed(mut url: Url, secret: Option<&str>, now: Timestamp) -> Url {
    if let Some(secret) = secret {
        let at = now.millis().to_string();
        let signature = sign(secret, &format!("{at}\n{secret}"));
        url.query_pairs_mut()
            .append_pair("timestamp", &at)
            .append_pair("sign", &signature);
    }
    url
}

pub(super) fn body(said: &Said) -> Json {
    let status = if said.firing {
        Status::Firing
    } else {
        Status::Resolved
    };
    let title = fit::cut(&said.title, 200);
    let head = format!("### {}", text::colored(&title, status, Service::DingTalk));
    // DingTalk calls only those who are named in the text too.
    let mentions = &said.mentions;
    let called = mentions
        .mobiles
        .iter()
        .chain(&mentions.users)
        .map(|who| format!("@{who}"));
    let called: Vec<String> = called.collect();
    let tail = match (mentions.all, called.is_empty()) {
        (true, _) => "\n\n@all".to_owned(),
        (false, false) => format!("\n\n{}", called.join(" ")),
        (false, true) => String::new(),
    };
    let whole = |text: &str| {
        json!({
            "msgtype": "markdown",
            "markdown": { "title": title, "text": text },
            "at": { "atMobiles": mentions.mobiles, "atUserIds": mentions.users, "isAtAll": mentions.all },
        })
    };
    let fits = |text: &str| whole(text).to_string().len() <= BODY_BYTES_MAX;
    whole(&fit::blocks(
        &head,
        &said.blocks,
        &tail,
        BODY_BYTES_MAX,
        fits,
    ))
}
