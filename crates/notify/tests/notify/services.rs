//! Other services, against doubles that enforce what their documentation says.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use stonechat_notify::{Delivery, DeliveryOutcome};

use crate::double::{Double, Heard, Reply};
use crate::setup::{concluded, config, fire_with, start, wait_for};

/// Sends one alert with an awkward label; gives what became of it and the last request.
async fn send(double: &Double, receiver: &str) -> (Delivery, Heard) {
    let data = tempfile::tempdir().unwrap();
    let notifier = start(
        config("1h", &format!("- {{name: r, {receiver}}}")),
        data.path(),
    );
    fire_with(&notifier, "Slow", &[("note", "<b>&\"服务器\"")]);
    let delivery = concluded(&notifier, "Slow").await;
    let heard = wait_for("a request", || double.heard().pop()).await;
    (delivery, heard.0)
}

async fn delivered(double: &Double, receiver: &str) -> Value {
    let (delivery, heard) = send(double, receiver).await;
    assert_eq!(
        delivery.outcome,
        DeliveryOutcome::Delivered,
        "{}",
        delivery.answer
    );
    heard.body
}

fn characters(value: &Value) -> usize {
    value.as_str().unwrap_or_default().chars().count()
}

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors>
fn slack_webhook(heard: &Heard) -> Reply {
    match heard.body["attachments"].as_array() {
        Some(attachments) if attachments.len() <= 100 => (200, json!("ok")),
        _ => (400, json!("invalid_payload")),
    }
}

#[tokio::test]
async fn slack_takes_a_webhook() {
    let double = Double::start(slack_webhook);
    let url = double.url("/services/T/B/X");
    let body = delivered(&double, &format!("slack_configs: [{{api_url: '{url}', channel: '#c', text: '{{{{ .CommonLabels.note }}}}'}}]")).await;
    assert_eq!(body["channel"], "#c");
    assert_eq!(body["attachments"][0]["color"], "danger");
    assert_eq!(body["attachments"][0]["text"], "<b>&\"服务器\"");
    assert_eq!(
        body["attachments"][0]["title"],
        "[FIRING:1] Slow (<b>&\"服务器\")"
    );
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage/#errors>
#[tokio::test]
async fn slack_refuses_inside_of_a_200_and_limits_for_a_while() {
    let count = AtomicUsize::new(0);
    let double = Double::start(move |heard| {
        if heard
            .headers
            .get("authorization")
            .is_none_or(|token| token != "Bearer xoxb-1")
        {
            return (200, json!({ "ok": false, "error": "invalid_auth" }));
        }
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => (200, json!({ "ok": false, "error": "ratelimited" })),
            _ => (200, json!({ "ok": true })),
        }
    });
    let url = double.url("/api/chat.postMessage");
    let good = format!("slack_configs: [{{app_token: xoxb-1, app_url: '{url}', channel: c}}]");
    delivered(&double, &good).await;
    assert_eq!(
        double.heard().len(),
        2,
        "one that is limited is tried again"
    );
    let (delivery, _) = send(&double, &good.replace("xoxb-1", "xoxb-2")).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Failed);
    assert!(
        delivery.answer.contains("invalid_auth"),
        "{}",
        delivery.answer
    );
}

/// <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>
#[tokio::test]
async fn discord_is_not_sent_more_than_it_takes() {
    let count = AtomicUsize::new(0);
    let double = Double::start(move |heard| {
        let embed = &heard.body["embeds"][0];
        if characters(&embed["title"]) > 256
            || characters(&embed["description"]) > 4096
            || characters(&heard.body["content"]) > 2000
        {
            return (
                400,
                json!({ "code": 50035, "message": "Invalid Form Body" }),
            );
        }
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => (
                429,
                json!({ "message": "You are being rate limited.", "retry_after": 0.05 }),
            ),
            _ => (204, Value::Null),
        }
    });
    let long = "{{ range stringSlice \"a\" \"b\" }}".to_owned() + &"服".repeat(3000) + "{{ end }}";
    let body = delivered(
        &double,
        &format!(
            "discord_configs: [{{webhook_url: '{}', message: '{long}', title: '{long}'}}]",
            double.url("/api/webhooks/1/x")
        ),
    )
    .await;
    assert_eq!(body["embeds"][0]["color"], 0x00d9_3026);
    assert_eq!(double.heard().len(), 2);
}

/// <https://developers.mattermost.com/integrate/webhooks/incoming/>
#[tokio::test]
async fn mattermost_takes_a_message() {
    let double = Double::start(
        |heard| match heard.body["attachments"][0]["text"].is_string() {
            true => (200, json!("ok")),
            false => (400, json!({ "id": "web.incoming_webhook.text.app_error" })),
        },
    );
    let body = delivered(
        &double,
        &format!(
            "mattermost_configs: [{{webhook_url: '{}'}}]",
            double.url("/hooks/x")
        ),
    )
    .await;
    assert_eq!(body["attachments"][0]["color"], "#d93026");
    assert!(
        body["attachments"][0]["text"]
            .as_str()
            .unwrap()
            .contains("summary = something is slow"),
        "{body}"
    );
}

/// <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>: 28 KB.
#[tokio::test]
async fn teams_takes_a_card_that_is_not_too_large() {
    let double = Double::start(|heard| {
        let card = &heard.body["attachments"][0]["content"];
        match heard.bytes <= 28 * 1024 && card["type"] == "AdaptiveCard" {
            true => (202, Value::Null),
            false => (413, Value::Null),
        }
    });
    let long = "\\\"".repeat(20_000);
    delivered(
        &double,
        &format!(
            "msteamsv2_configs: [{{webhook_url: '{}', text: \"{long}\"}}]",
            double.url("/workflows/x")
        ),
    )
    .await;
    delivered(
        &double,
        &format!(
            "msteamsv2_configs: [{{webhook_url: '{}'}}]",
            double.url("/workflows/x")
        ),
    )
    .await;
}

/// <https://core.telegram.org/bots/api#sendmessage>: 4,096 characters after parsing.
#[tokio::test]
async fn telegram_takes_a_message_and_its_marks() {
    let count = AtomicUsize::new(0);
    let double = Double::start(move |heard| {
        let bad = |text: &str| {
            (
                400,
                json!({ "ok": false, "error_code": 400, "description": format!("Bad Request: {text}") }),
            )
        };
        let text = heard.body["text"].as_str().unwrap_or_default();
        if heard.path != "/bot123:secret-token/sendMessage" {
            return (
                404,
                json!({ "ok": false, "error_code": 404, "description": "Not Found" }),
            );
        }
        if text.is_empty() || text.chars().count() > 4096 {
            return bad("message is too long");
        }
        if heard.body["parse_mode"] == "HTML"
            && text.replace("<b>", "").replace("</b>", "").contains('<')
        {
            return bad("can't parse entities");
        }
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => (
                429,
                json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 0 } }),
            ),
            _ => (200, json!({ "ok": true, "result": {} })),
        }
    });
    let url = double.url("");
    let bot = format!("api_url: '{url}', bot_token: '123:secret-token', chat_id: -42");
    let body = delivered(
        &double,
        &format!("telegram_configs: [{{{bot}, message: '<b>{{{{ .CommonLabels.note }}}}</b>'}}]"),
    )
    .await;
    assert_eq!(body["text"], "<b>&lt;b&gt;&amp;&quot;服务器&quot;</b>");
    assert_eq!(body["chat_id"], "-42");
    let long = "服".repeat(5000);
    let body = delivered(
        &double,
        &format!("telegram_configs: [{{{bot}, message: '<b>{long}</b>'}}]"),
    )
    .await;
    assert_eq!(body["parse_mode"], Value::Null, "marks may have been cut");
    let (delivery, _) = send(
        &double,
        &format!(
            "telegram_configs: [{{{}}}]",
            bot.replace("secret-token", "secret-wrong")
        ),
    )
    .await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Failed);
    assert!(
        !delivery.answer.contains("secret-wrong"),
        "{}",
        delivery.answer
    );
}

/// <https://developer.pagerduty.com/docs/send-alert-event>
#[tokio::test]
async fn pagerduty_takes_an_event() {
    let double = Double::start(|heard| {
        let payload = &heard.body["payload"];
        let severity = ["critical", "error", "warning", "info"]
            .contains(&payload["severity"].as_str().unwrap_or_default());
        let good = heard.body["routing_key"] == "r0uting"
            && ["trigger", "resolve"]
                .contains(&heard.body["event_action"].as_str().unwrap_or_default())
            && (1..=1024).contains(&characters(&payload["summary"]))
            && characters(&payload["source"]) > 0
            && characters(&heard.body["dedup_key"]) <= 255
            && severity;
        match good {
            true => (202, json!({ "status": "success" })),
            false => (400, json!({ "status": "invalid event" })),
        }
    });
    let url = double.url("/v2/enqueue");
    let body = delivered(&double, &format!("pagerduty_configs: [{{url: '{url}', routing_key: r0uting, details: {{site: '{{{{ .CommonLabels.note }}}}'}}}}]")).await;
    assert_eq!(body["payload"]["custom_details"]["num_firing"], "1");
    assert_eq!(body["payload"]["custom_details"]["site"], "<b>&\"服务器\"");
    // SHA-256 of `{}:{alertname="Slow"}`, which names the group.
    assert_eq!(characters(&body["dedup_key"]), 64);
}

/// <https://developer.work.weixin.qq.com/document/path/90236>: 2,048 bytes; a token that ends.
#[tokio::test]
async fn wechat_asks_for_a_token_and_again_when_it_has_ended() {
    let tokens = AtomicUsize::new(0);
    let double = Double::start(move |heard| match heard.path.as_str() {
        "/cgi-bin/gettoken"
            if heard.query["corpid"] == "corp" && heard.query["corpsecret"] == "s3cret" =>
        {
            let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
            (
                200,
                json!({ "errcode": 0, "access_token": format!("token-{number}"), "expires_in": 7200 }),
            )
        }
        "/cgi-bin/gettoken" => (
            200,
            json!({ "errcode": 40001, "errmsg": "invalid credential" }),
        ),
        // The first token has ended before its time.
        _ if heard.query["access_token"] != "token-2" => (
            200,
            json!({ "errcode": 42001, "errmsg": "access_token expired" }),
        ),
        _ if heard.body["text"]["content"]
            .as_str()
            .is_none_or(|text| text.len() > 2048) =>
        {
            (200, json!({ "errcode": 40058 }))
        }
        _ => (200, json!({ "errcode": 0, "errmsg": "ok" })),
    });
    let long = "服".repeat(3000);
    let url = double.url("/cgi-bin/");
    let app = format!(
        "api_url: '{url}', corp_id: corp, to_user: '@all', agent_id: '7', message: '{long}'"
    );
    let body = delivered(
        &double,
        &format!("wechat_configs: [{{{app}, api_secret: s3cret}}]"),
    )
    .await;
    assert_eq!(body["touser"], "@all");
    let (delivery, _) = send(
        &double,
        &format!("wechat_configs: [{{{app}, api_secret: wr0ng}}]"),
    )
    .await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Failed);
    assert!(delivery.answer.contains("40001"), "{}", delivery.answer);
}

#[tokio::test]
async fn a_webhook_may_have_a_form_of_its_own() {
    let double = Double::start(|_| (200, Value::Null));
    let url = double.url("/{{ .CommonLabels.alertname }}");
    let payload =
        "{title: '{{ .Status }}', alerts: '{{ toJson .Alerts }}', list: ['{{ len .Alerts }}', 7]}";
    let body = delivered(
        &double,
        &format!("webhook_configs: [{{url: '{url}', payload: {payload}}}]"),
    )
    .await;
    assert_eq!(double.heard()[0].0.path, "/Slow");
    assert_eq!(body["title"], "firing");
    assert_eq!(body["alerts"][0]["labels"]["note"], "<b>&\"服务器\"");
    assert_eq!(body["list"], json!([1, 7]));
}

#[tokio::test]
async fn a_fallback_takes_over() {
    let (dead, alive) = (
        Double::start(|_| (400, Value::Null)),
        Double::start(|_| (200, Value::Null)),
    );
    let receivers = format!(
        "- {{name: r, fallback: s, webhook_configs: [{{url: '{}'}}]}}\n- {{name: s, webhook_configs: [{{url: '{}'}}]}}",
        dead.url("/"),
        alive.url("/")
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(config("1h", &receivers), data.path());
    fire_with(&notifier, "Slow", &[]);
    let heard = wait_for("the fallback", || alive.heard().pop()).await;
    assert_eq!(heard.0.body["alerts"][0]["labels"]["alertname"], "Slow");
    let delivery = wait_for("a delivery by the fallback", || {
        notifier
            .deliveries()
            .into_iter()
            .find(|delivery| delivery.receiver == "s")
    })
    .await;
    assert_eq!(delivery.group, "{alertname=\"Slow\"}");
}
