//! Robots of DingTalk, WeCom and Feishu, against doubles that enforce what their documentation says.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use stonechat_model::Timestamp;
use stonechat_notify::DeliveryOutcome;

use crate::double::{Double, Heard, Reply};
use crate::setup::{concluded, config, end, fire, fire_all, fire_with, start, wait_for};

fn code(code: i64, text: &str) -> Reply {
    (200, json!({ "errcode": code, "errmsg": text }))
}

fn sign(key: &str, message: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(ring::hmac::sign(&key, message.as_bytes()))
}

/// At most `count` within a minute.
struct Limit(usize, Mutex<VecDeque<Instant>>);

impl Limit {
    fn new(count: usize) -> Self {
        Self(count, Mutex::default())
    }

    fn is_passed(&self) -> bool {
        let mut times = self.1.lock().unwrap();
        let now = Instant::now();
        times.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        times.push_back(now);
        times.len() > self.0
    }
}

/// DingTalk: <https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages>, signature and codes
/// <https://open.dingtalk.com/document/robots/customize-robot-security-settings>.
fn dingtalk(secret: &'static str) -> Double {
    let limit = Limit::new(20);
    Double::start(move |heard| {
        if heard.path != "/robot/send"
            || heard
                .query
                .get("access_token")
                .is_none_or(|token| token != "t0ken-of-robot")
        {
            return code(300_001, "token is not exist");
        }
        let at = heard.query.get("timestamp").cloned().unwrap_or_default();
        let age = Timestamp::now().millis() - at.parse::<i64>().unwrap_or_default();
        let good = heard
            .query
            .get("sign")
            .is_some_and(|given| *given == sign(secret, &format!("{at}\n{secret}")));
        if !secret.is_empty() && (!good || age.abs() > 3_600_000) {
            return code(310_000, "sign not match");
        }
        if limit.is_passed() {
            return code(130_101, "send too fast");
        }
        if heard.bytes > 20_000 {
            return code(460_101, "message too long, exceed 20000 bytes");
        }
        let markdown = &heard.body["markdown"];
        if heard.body["msgtype"] != "markdown"
            || !markdown["title"].is_string()
            || !markdown["text"].is_string()
        {
            return code(400_106, "param error");
        }
        code(0, "ok")
    })
}

/// WeCom: <https://developer.work.weixin.qq.com/document/path/91770>, codes
/// <https://developer.work.weixin.qq.com/document/path/90313>.
fn wecom() -> Double {
    let limit = Limit::new(20);
    Double::start(move |heard| {
        if heard
            .query
            .get("key")
            .is_none_or(|key| key != "the-robots-key")
        {
            return code(93_000, "invalid webhook url");
        }
        if limit.is_passed() {
            return code(45_009, "api freq out of limit");
        }
        let (content, max) = match heard.body["msgtype"].as_str() {
            Some("markdown") => (&heard.body["markdown"]["content"], 4096),
            Some("text") => (&heard.body["text"]["content"], 2048),
            _ => return code(40_008, "invalid message type"),
        };
        match content.as_str() {
            Some(content) if content.len() <= max => code(0, "ok"),
            Some(_) => code(40_058, "markdown.content exceed max length 4096"),
            None => code(40_058, "content is missing"),
        }
    })
}

/// Feishu: <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>.
fn feishu(secret: &'static str) -> Double {
    Double::start(move |heard| {
        let code = |code: i64, text: &str| (200, json!({ "code": code, "msg": text, "data": {} }));
        if !secret.is_empty() {
            let at = heard.body["timestamp"].as_str().unwrap_or_default();
            let age = Timestamp::now().millis() / 1000 - at.parse::<i64>().unwrap_or_default();
            if heard.body["sign"] != json!(sign(&format!("{at}\n{secret}"), "")) || age.abs() > 3600
            {
                return code(
                    19_021,
                    "sign match fail or timestamp is not within one hour from current time",
                );
            }
        }
        if heard.bytes > 20 * 1024 {
            return code(9499, "Bad Request");
        }
        match heard.body["msg_type"].as_str() {
            Some("interactive") if heard.body["card"]["elements"].is_array() => code(0, "success"),
            _ => code(19_002, "params error, msg_type need"),
        }
    })
}

fn text(heard: &Heard) -> &str {
    let body = &heard.body;
    let places = [
        &body["markdown"]["text"],
        &body["markdown"]["content"],
        &body["text"]["content"],
        &body["card"]["elements"][0]["content"],
    ];
    places.into_iter().find_map(Value::as_str).unwrap()
}

#[tokio::test]
async fn dingtalk_takes_signed_messages_and_calls_people() {
    let double = dingtalk("SEC-of-robot");
    let receivers = format!(
        "- name: r\n  dingtalk_configs:\n  - {{url: '{}', secret: SEC-of-robot, mentions: {{mobiles: ['13800000000']}}}}",
        double.url("/robot/send?access_token=t0ken-of-robot")
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("100ms", &receivers), data.path());
    fire_with(
        &notifier,
        "Slow",
        &[("severity", "critical"), ("cluster", "北京")],
    );
    let delivery = concluded(&notifier, "Slow").await;
    assert_eq!(
        delivery.outcome,
        DeliveryOutcome::Delivered,
        "{}",
        delivery.answer
    );
    let (heard, _) = double.heard().remove(0);
    assert_eq!(heard.body["at"]["atMobiles"], json!(["13800000000"]));
    let said = text(&heard);
    for part in [
        "Slow · critical",
        "something is slow",
        "cluster=北京",
        "@13800000000",
        "#d93026",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[tokio::test]
async fn nobody_is_called_when_it_is_over_and_the_colour_changes() {
    let double = dingtalk("");
    let receivers = format!(
        "- name: r\n  dingtalk_configs:\n  - {{url: '{}', mentions: {{all: true}}}}",
        double.url("/robot/send?access_token=t0ken-of-robot")
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("100ms", &receivers), data.path());
    fire(&notifier, "Slow");
    concluded(&notifier, "Slow").await;
    end(&notifier, "Slow");
    wait_for("the end", || (double.heard().len() == 2).then_some(())).await;
    let heard = double.heard();
    assert_eq!(heard[0].0.body["at"]["isAtAll"], true);
    assert_eq!(heard[1].0.body["at"]["isAtAll"], false);
    assert!(
        text(&heard[1].0).contains("#1a8f3c"),
        "{}",
        text(&heard[1].0)
    );
}

#[tokio::test]
async fn a_refusal_inside_of_a_200_is_a_failure() {
    let double = dingtalk("SEC-of-robot");
    let receivers = format!(
        "- name: r\n  dingtalk_configs:\n  - {{url: '{}', secret: wrong}}",
        double.url("/robot/send?access_token=t0ken-of-robot")
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("10s", &receivers), data.path());
    fire(&notifier, "Slow");
    let delivery = concluded(&notifier, "Slow").await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Failed);
    assert!(delivery.answer.contains("310000"), "{}", delivery.answer);
    assert!(!delivery.answer.contains("t0ken"), "{}", delivery.answer);
}

/// Fires so many alerts with long texts that no service takes them all; none may be refused for its length.
async fn a_flood_is_summed_up(double: Double, receivers: String) {
    let data = tempfile::tempdir().unwrap();
    let text = format!(
        "route: {{receiver: r, group_by: [job], group_wait: 200ms, group_interval: 1h}}\nreceivers:\n{receivers}"
    );
    let notifier = start(crate::setup::parse(&text), data.path());
    let labels = (0..500).map(|index| {
        vec![
            ("instance", index.to_string()),
            ("detail", "服务器很慢".repeat(20)),
        ]
    });
    fire_all(&notifier, "Slow", &labels.collect::<Vec<_>>());
    let heard = wait_for("a message", || double.heard().pop()).await;
    assert!(
        heard.1.1["errcode"] == 0 || heard.1.1["code"] == 0,
        "{:?}",
        heard.1
    );
    let said = self::text(&heard.0);
    let (_, count) = said.rsplit_once("… ").unwrap();
    let left_out: usize = count.split(' ').next().unwrap().parse().unwrap();
    let shown = said.matches("instance=").count();
    assert_eq!(shown + left_out, 500, "{said}");
    assert!(shown > 3, "{shown}");
}

#[tokio::test]
async fn dingtalk_is_not_sent_too_much() {
    let double = dingtalk("");
    let url = double.url("/robot/send?access_token=t0ken-of-robot");
    a_flood_is_summed_up(
        double,
        format!("- {{name: r, dingtalk_configs: [{{url: '{url}'}}]}}"),
    )
    .await;
}

#[tokio::test]
async fn wecom_is_not_sent_too_much() {
    let double = wecom();
    let url = double.url("/cgi-bin/webhook/send?key=the-robots-key");
    a_flood_is_summed_up(
        double,
        format!("- {{name: r, wecom_robot_configs: [{{url: '{url}'}}]}}"),
    )
    .await;
}

#[tokio::test]
async fn feishu_is_not_sent_too_much() {
    let double = feishu("a-secret");
    let url = double.url("/open-apis/bot/v2/hook/some-long-token");
    a_flood_is_summed_up(
        double,
        format!("- {{name: r, feishu_configs: [{{url: '{url}', secret: a-secret}}]}}"),
    )
    .await;
}

/// Feishu under pressure answers with a status that alone would mean "never again":
/// <https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control>.
#[tokio::test]
async fn the_code_counts_more_than_the_status() {
    for (status, code, outcome) in [
        (400, 99_991_400, DeliveryOutcome::Pending),
        (429, 99_991_400, DeliveryOutcome::Pending),
        (200, 11_232, DeliveryOutcome::Pending),
        (400, 9499, DeliveryOutcome::Failed),
        (200, 19_021, DeliveryOutcome::Failed),
    ] {
        let double = Double::start(move |_| (status, json!({ "code": code, "msg": "no" })));
        let url = double.url("/open-apis/bot/v2/hook/some-long-token");
        let receivers = format!("- {{name: r, feishu_configs: [{{url: '{url}'}}]}}");
        let data = tempfile::tempdir().unwrap();
        let notifier = start(config("1h", &receivers), data.path());
        fire(&notifier, "Slow");
        let delivery = wait_for("an answer", || {
            let delivery = notifier.deliveries().pop()?;
            // The next attempt may already wait for its turn, and say so.
            let answered = delivery.answer.contains(&code.to_string()) || delivery.attempts > 1;
            (delivery.attempts > 0 && answered).then_some(delivery)
        })
        .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let delivery = notifier.deliveries().pop().unwrap_or(delivery);
        assert_eq!(delivery.outcome, outcome, "{status} {code}");
        // What is refused for good is not sent again.
        if outcome == DeliveryOutcome::Failed {
            assert_eq!(double.heard().len(), 1, "{status} {code}");
        }
    }
}

#[tokio::test]
async fn a_pool_shares_the_messages_and_no_robot_is_sent_too_many() {
    let doubles = [wecom(), wecom()];
    let robots: Vec<String> = doubles
        .iter()
        .map(|double| {
            format!(
                "{{url: '{}'}}",
                double.url("/cgi-bin/webhook/send?key=the-robots-key")
            )
        })
        .collect();
    let receivers = format!(
        "- name: r\n  wecom_robot_configs: [{{robots: [{}]}}]",
        robots.join(", ")
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("1h", &receivers), data.path());
    for index in 0..50 {
        fire(&notifier, &format!("Slow{index}"));
    }
    let sent = || {
        doubles
            .iter()
            .map(|double| double.heard().len())
            .collect::<Vec<_>>()
    };
    wait_for("forty messages", || (sent() == [20, 20]).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sent(), [20, 20], "the rest waits for its minute");
    assert!(
        doubles
            .iter()
            .flat_map(Double::heard)
            .all(|(_, reply)| reply.1["errcode"] == 0)
    );
    // None is lost: those that wait are still to be sent.
    let waiting = notifier
        .deliveries()
        .iter()
        .filter(|delivery| delivery.outcome == DeliveryOutcome::Pending)
        .count();
    assert_eq!(waiting, 10);
}

#[tokio::test]
async fn the_url_of_a_robot_in_a_plain_webhook_is_recognised() {
    let double = dingtalk("");
    // The double stands in for the proxy, so that the address is the real one.
    let receivers = format!(
        "- name: r\n  webhook_configs:\n  - {{url: 'http://oapi.dingtalk.com/robot/send?access_token=t0ken-of-robot', http_config: {{proxy_url: '{}'}}}}",
        double.url("")
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("100ms", &receivers), data.path());
    fire(&notifier, "Slow");
    let delivery = concluded(&notifier, "Slow").await;
    assert_eq!(
        delivery.outcome,
        DeliveryOutcome::Delivered,
        "{}",
        delivery.answer
    );
}

#[tokio::test]
async fn wecom_calls_everybody_by_a_plain_text() {
    let double = wecom();
    let url = double.url("/cgi-bin/webhook/send?key=the-robots-key");
    let receivers =
        format!("- {{name: r, wecom_robot_configs: [{{url: '{url}', mentions: {{all: true}}}}]}}");
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("100ms", &receivers), data.path());
    fire(&notifier, "Slow");
    let delivery = concluded(&notifier, "Slow").await;
    assert_eq!(
        delivery.outcome,
        DeliveryOutcome::Delivered,
        "{}",
        delivery.answer
    );
    let (heard, _) = double.heard().remove(0);
    assert_eq!(heard.body["text"]["mentioned_list"], json!(["@all"]));
    assert!(!text(&heard).contains("<font"), "{}", text(&heard));
}
