use serde_json::{Value, json};
use stonechat_demo::{ChatConfig, run};

use crate::api;
use crate::backend::{embedded, on_mariadb_and_redis};
use crate::exposition::{metric, until};
use crate::user::{PASSWORD, Socket, User};

#[tokio::test]
async fn two_users_and_a_group_chat_embedded() {
    check(embedded()).await;
}

#[tokio::test]
async fn two_users_and_a_group_chat_on_mariadb_and_redis() {
    on_mariadb_and_redis("conversation", check).await;
}

async fn check(config: ChatConfig) {
    let chat = run(config).await.unwrap();
    let at = chat.addresses().clone();
    let ann = User::new(at.gateway, "ann").await;
    let ben = User::new(at.gateway, "ben").await;
    let carl = User::new(at.gateway, "carl").await;
    let (mut ann_socket, mut ben_socket) = (ann.connect().await, ben.connect().await);
    until(at.gateway_metrics, "chat_websocket_connections", |open| {
        open == 2.0
    })
    .await;

    let session = check_single(&ben, &mut ann_socket, &mut ben_socket).await;
    let group = check_group(&ann, &mut ann_socket, &mut ben_socket).await;
    check_history(&ben, &session).await;
    check_sessions(&ben, &carl, &session, &group).await;
    check_privacy(&carl, &session).await;

    let sent = async |kind| {
        metric(
            at.logic_metrics,
            "chat_messages_sent_total",
            &[kind, r#"status="ok""#],
        )
        .await
    };
    assert_eq!(
        [
            sent(r#"type="single""#).await,
            sent(r#"type="group""#).await
        ],
        [2.0, 1.0]
    );
    let consumed = r#"chat_queue_consumed_total"#;
    until(at.task_metrics, consumed, |count| count == 3.0).await;
    let pushed =
        async |status| metric(at.task_metrics, "chat_messages_pushed_total", &[status]).await;
    assert_eq!(pushed(r#"status="ok""#).await, 3.0);
    assert_eq!(
        pushed(r#"status="offline""#).await,
        1.0,
        "carl is not connected"
    );
    let delivered = "chat_message_delivery_duration_seconds_count";
    until(at.gateway_metrics, delivered, |count| count == 3.0).await;
    chat.stop().await;
}

/// Ann writes to Ben by name over her WebSocket, Ben answers over HTTP.
async fn check_single(ben: &User, to_ann: &mut Socket, to_ben: &mut Socket) -> String {
    let ack = to_ann
        .say(json!({"to": "ben", "body": "Hello, Ben — ça va?"}))
        .await;
    assert_eq!(
        (&ack["type"], &ack["reference"]),
        (&json!("ack"), &json!(1)),
        "{ack}"
    );
    let session = ack["session_id"].as_str().unwrap().to_owned();

    let message = to_ben.receive().await;
    assert_eq!(message["type"], "message");
    assert_eq!(message["sender"], "ann");
    assert_eq!(message["body"], "Hello, Ben — ça va?");
    for field in ["session_id", "message_id", "sent_at_ms"] {
        assert_eq!(message[field], ack[field], "{field}");
    }

    let (status, sent) = ben
        .post(
            "/api/messages",
            json!({"session_id": session, "body": "Hello, Ann"}),
        )
        .await;
    assert_eq!(status, 200, "{sent}");
    assert_eq!(
        sent["session_id"], session,
        "whoever writes, it is one session"
    );
    assert_eq!(to_ann.receive().await["body"], "Hello, Ann");
    session
}

async fn check_group(ann: &User, to_ann: &mut Socket, to_ben: &mut Socket) -> String {
    let group = json!({"group": "birds", "members": ["ben", "carl"]});
    let (status, opened) = ann.post("/api/sessions", group).await;
    assert_eq!(status, 200, "{opened}");
    let group = opened["session_id"].as_str().unwrap().to_owned();
    let ack = to_ann
        .say(json!({"session_id": group, "body": "Hello, all"}))
        .await;
    assert_eq!(ack["type"], "ack", "{ack}");
    let message = to_ben.receive().await;
    assert_eq!(
        [&message["body"], &message["session_id"]],
        ["Hello, all", &group]
    );
    group
}

async fn check_history(ben: &User, session: &str) {
    let bodies = |history: &Value| -> Vec<String> {
        let lines = history.as_array().unwrap().iter();
        lines
            .map(|line| line["body"].as_str().unwrap().to_owned())
            .collect()
    };
    let (status, history) = ben.get(&format!("/api/history/{session}")).await;
    assert_eq!(status, 200, "{history}");
    assert_eq!(
        bodies(&history),
        ["Hello, Ann", "Hello, Ben — ça va?"],
        "newest first"
    );
    let newest = &history[0]["message_id"];
    let (_, older) = ben
        .get(&format!("/api/history/{session}?before={newest}"))
        .await;
    assert_eq!(bodies(&older), ["Hello, Ben — ça va?"]);
    let (_, one) = ben.get(&format!("/api/history/{session}?limit=1")).await;
    assert_eq!(bodies(&one), ["Hello, Ann"]);
}

async fn check_sessions(ben: &User, carl: &User, session: &str, group: &str) {
    let listed = |sessions: Value| -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let line = |line: &Value| {
            (
                text(&line["session_id"]),
                text(&line["title"]),
                text(&line["last_message"]["body"]),
            )
        };
        sessions.as_array().unwrap().iter().map(line).collect()
    };
    let line = |id: &str, title: &str, last: &str| (id.into(), title.into(), last.into());
    let in_group = line(group, "birds", "Hello, all");
    let (_, of_ben) = ben.get("/api/sessions").await;
    assert_eq!(
        listed(of_ben),
        [in_group.clone(), line(session, "ann", "Hello, Ann")]
    );
    let (_, of_carl) = carl.get("/api/sessions").await;
    assert_eq!(listed(of_carl), [in_group], "also who was offline");
}

async fn check_privacy(outsider: &User, session: &str) {
    let (status, _) = outsider.get(&format!("/api/history/{session}")).await;
    assert_eq!(status, 404);
    let message = json!({"session_id": session, "body": "let me in"});
    assert_eq!(outsider.post("/api/messages", message).await.0, 404);
}

#[tokio::test]
async fn accounts_are_checked() {
    let chat = run(embedded()).await.unwrap();
    let gateway = chat.addresses().gateway;
    User::new(gateway, "ann").await;
    for (path, name, password, status) in [
        ("/api/register", "ann", PASSWORD, 409),
        ("/api/register", "Ann", PASSWORD, 400),
        ("/api/register", "", PASSWORD, 400),
        ("/api/register", "ben", "short", 400),
        ("/api/login", "ann", "wrong password", 401),
        ("/api/login", "nobody", PASSWORD, 401),
        ("/api/login", "ann' OR '1'='1", PASSWORD, 401),
    ] {
        let body = json!({"name": name, "password": password});
        let (answered, body) = api::post(gateway, path, None, body).await;
        assert_eq!(answered, status, "{path} {name}: {body}");
        assert!(body["error"].is_string(), "{body}");
    }
    for token in [None, Some(""), Some("0123")] {
        assert_eq!(
            api::get(gateway, "/api/sessions", token).await.0,
            401,
            "{token:?}"
        );
    }
    let refused = Socket::connect(gateway, "0123").await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    chat.stop().await;
}
