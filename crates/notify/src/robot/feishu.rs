//! Feishu's (Lark's) custom robots.
//!
//! Sources: <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot> (forms, signature, 20 KB, 100 messages a minute
//! and 5 a second, 11232), <https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control> (99991400).

use serde_json::{Map, Value as Json, json};
use stonechat_model::Timestamp;

use super::{Said, sign};
use crate::fit;

/// A request may have 20 KB.
const BODY_BYTES_MAX: usize = 20 * 1024;

/// The service is under pressure, at full and half hours above all; and "request trigger frequency limit", which comes with
/// the status 429 or 400.
pub(super) const TOO_FAST: &[i64] = &[11_232, 99_991_400];
/// "Internal error", "timeout". 9499 is a request in a wrong form, and is not sent again.
pub(super) const LATER: &[i64] = &[-1, 11_000, 1_500, 190_001];

pub(super) fn body(said: &Said, secret: Option<&str>, now: Timestamp) -> Json {
    let mentions = &said.mentions;
    let mut called: Vec<String> = mentions
        .users
        .iter()
        .map(|user| format!("<at id={user}></at>"))
        .collect();
    if mentions.all {
        called.push("<at id=all></at>".to_owned());
    }
    let tail = match called.is_empty() {
        true => String::new(),
        false => format!("\n\n{}", called.join(" ")),
    };
    let mut whole = Map::new();
    if let Some(secret) = secret {
        let at = now.millis() / 1000;
        // The key is what others would call the message, and nothing is signed.
        let signature = sign(&format!("{at}\n{secret}"), "");
        whole.insert("timestamp".to_owned(), json!(at.to_string()));
        whole.insert("sign".to_owned(), json!(signature));
    }
    whole.insert("msg_type".to_owned(), json!("interactive"));
    let card = |text: &str| {
        json!({
            "header": {
                "title": { "tag": "plain_text", "content": fit::cut(&said.title, 300) },
                "template": if said.firing { "red" } else { "green" },
            },
            "elements": [{ "tag": "markdown", "content": text }],
        })
    };
    let rest = Json::Object(whole.clone()).to_string().len() + "\"card\":,".len();
    let fits = |text: &str| card(text).to_string().len() + rest <= BODY_BYTES_MAX;
    let (first, others) = match said.blocks.split_first() {
        Some((first, others)) => (first.as_str(), others),
        None => ("", &[][..]),
    };
    let first = fit::cut_and_say(first, BODY_BYTES_MAX / 2);
    let text = fit::blocks(&first, others, &tail, BODY_BYTES_MAX, fits);
    whole.insert("card".to_owned(), card(&text));
    Json::Object(whole)
}
