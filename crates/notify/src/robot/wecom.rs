//! WeCom's (enterprise WeChat's) group robots.
//!
//! Source: <https://developer.work.weixin.qq.com/document/path/91770>.

use serde_json::{Value as Json, json};

use super::{Said, Service, text};
use crate::fit;
use crate::notification::Status;

/// A text in Markdown may have 4,096 bytes in UTF-8, a plain one 2,048; a robot may send 20 messages a minute.
const MARKDOWN_BYTES_MAX: usize = 4096;
const TEXT_BYTES_MAX: usize = 2048;

/// "api freq out of limit": <https://developer.work.weixin.qq.com/document/path/90313>.
pub(super) const TOO_FAST: &[i64] = &[45_009, 45_033];
/// "System busy".
pub(super) const LATER: &[i64] = &[-1];

pub(super) fn body(said: &Said) -> Json {
    let mentions = &said.mentions;
    // Only a plain text can call everybody, or people by their telephone.
    if mentions.all || !mentions.mobiles.is_empty() {
        return plain(said);
    }
    let status = if said.firing {
        Status::Firing
    } else {
        Status::Resolved
    };
    let head = format!(
        "### {}",
        text::colored(&fit::cut(&said.title, 300), status, Service::WeCom)
    );
    let called: Vec<String> = mentions
        .users
        .iter()
        .map(|user| format!("<@{user}>"))
        .collect();
    let tail = match called.is_empty() {
        true => String::new(),
        false => format!("\n\n{}", called.join(" ")),
    };
    let fits = |text: &str| text.len() <= MARKDOWN_BYTES_MAX;
    let content = fit::blocks(&head, &said.blocks, &tail, MARKDOWN_BYTES_MAX, fits);
    json!({ "msgtype": "markdown", "markdown": { "content": content } })
}

fn plain(said: &Said) -> Json {
    let mut users = said.mentions.users.clone();
    if said.mentions.all {
        users.push("@all".to_owned());
    }
    let sign = if said.firing { "🔴" } else { "🟢" };
    let head = format!("{sign} {}", fit::cut(&said.title, 300));
    let blocks: Vec<String> = said
        .blocks
        .iter()
        .map(|block| without_markup(block))
        .collect();
    let fits = |text: &str| text.len() <= TEXT_BYTES_MAX;
    json!({
        "msgtype": "text",
        "text": {
            "content": fit::blocks(&head, &blocks, "", TEXT_BYTES_MAX, fits),
            "mentioned_list": users,
            "mentioned_mobile_list": said.mentions.mobiles,
        },
    })
}

/// The text without the marks that would be shown as they are.
fn without_markup(text: &str) -> String {
    let mut plain = text.replace("**", "").replace("</font>", "");
    while let Some(start) = plain.find("<font") {
        let Some(length) = plain[start..].find('>') else {
            break;
        };
        plain.replace_range(start..=start + length, "");
    }
    plain
}
