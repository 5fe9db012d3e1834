use serde_json::json;
use stonechat_demo::{ChatConfig, Fault, run};

use crate::backend::{embedded, start};
use crate::exposition::{metric, until};
use crate::push::{Delivery, Outcome, push};
use crate::user::User;

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_a_reason() {
    let chat = start().await;
    let ann = User::new(chat.addresses().gateway, "ann").await;
    let mut socket = ann.connect().await;
    for (message, status) in [
        (json!({"to": "nobody", "body": "hello"}), 404),
        (json!({"to": "ann", "body": "hello"}), 400),
        (json!({"session_id": "s-1-2", "body": "hello"}), 404),
        (json!({"to": "nobody", "body": ""}), 400),
        (json!({"to": "nobody", "body": "x".repeat(4_097)}), 400),
    ] {
        let answer = socket.say(message).await;
        assert_eq!(
            (&answer["type"], &answer["status"]),
            (&json!("error"), &json!(status))
        );
        assert_eq!(answer["reference"], 1, "{answer}");
    }
    for text in [
        "",
        "hello",
        "[]",
        r#"{"type":"send"}"#,
        r#"{"type":"fly","reference":1}"#,
    ] {
        socket.send_text(text).await;
        let answer = socket.receive().await;
        assert_eq!(
            (&answer["type"], &answer["status"]),
            (&json!("error"), &json!(400)),
            "{text}"
        );
    }
    let frames = "chat_websocket_messages_total";
    let invalid = [r#"type="invalid""#, r#"direction="in""#];
    assert_eq!(
        metric(chat.addresses().gateway_metrics, frames, &invalid).await,
        5.0
    );

    let (status, answer) = ann
        .post("/api/messages", json!({"body": "to nobody"}))
        .await;
    assert_eq!(status, 422);
    assert!(answer["error"].is_string(), "{answer}");
    let too_long = "x".repeat(70_000);
    assert_eq!(
        ann.post("/api/messages", json!({"to": "ann", "body": too_long}))
            .await
            .0,
        413
    );
    assert_eq!(ann.get("/api/history/7").await.0, 400);
    assert_eq!(ann.get("/api/nothing").await.0, 404);
    let requests = "chat_http_requests_total";
    let unmatched = [r#"path="unmatched""#, r#"status="404""#];
    assert_eq!(
        metric(chat.addresses().gateway_metrics, requests, &unmatched).await,
        1.0
    );
    chat.stop().await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing_of_what_it_refused() {
    let faults = vec![Fault::DeadService];
    let chat = run(ChatConfig {
        queue_capacity: 2,
        faults,
        ..embedded()
    })
    .await
    .unwrap();
    let at = chat.addresses().clone();
    let ann = User::new(at.gateway, "ann").await;
    User::new(at.gateway, "ben").await;
    let mut answers = Vec::new();
    for body in ["one", "two", "three"] {
        answers.push(
            ann.post("/api/messages", json!({"to": "ben", "body": body}))
                .await,
        );
    }
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 503]);
    assert_eq!(answers[2].1["error"], "the queue is full with 2 messages");
    let published =
        async |status| metric(at.logic_metrics, "chat_queue_published_total", &[status]).await;
    assert_eq!(published(r#"status="ok""#).await, 2.0);
    assert_eq!(published(r#"status="error""#).await, 1.0);
    let session = answers[0].1["session_id"].as_str().unwrap();
    let (_, history) = ann.get(&format!("/api/history/{session}")).await;
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    chat.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_the_others_are_served() {
    let chat = start().await;
    let at = chat.addresses().clone();
    let slow = User::new(at.gateway, "slow").await;
    let quick = User::new(at.gateway, "quick").await;
    let _unread = slow.connect().await;
    let mut read = quick.connect().await;
    let reading = tokio::spawn(async move { while read.receive().await["body"] != "last" {} });
    // Enough to fill the buffers of the system, too.
    let delivery = |body: &str| Delivery {
        message_id: 1,
        session_id: "s-1-2".to_owned(),
        sender: "ann".to_owned(),
        body: body.to_owned(),
        recipients: vec![1, 2],
    };
    let batch = vec![delivery(&"x".repeat(30_000)); 32];
    let slow_clients = "chat_websocket_slow_clients_total";
    let (user, mut unread_max) = (r#"user_id="1""#, 0.0_f64);
    while metric(at.gateway_metrics, slow_clients, &[]).await == 0.0 {
        push(at.push, batch.clone()).await.unwrap();
        let unread = metric(at.gateway_metrics, "chat_messages_unread", &[user]).await;
        unread_max = unread_max.max(unread);
    }
    until(at.gateway_metrics, "chat_websocket_connections", |open| {
        open == 1.0
    })
    .await;
    assert!(unread_max > 1.0, "{unread_max}");
    let pushed = push(at.push, vec![delivery("last")]).await.unwrap();
    let delivered = vec![2];
    let failed = Vec::new();
    assert_eq!(pushed.outcomes, [Outcome { delivered, failed }]);
    reading.await.unwrap();
    chat.stop().await;
}
