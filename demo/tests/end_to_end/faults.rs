use std::net::SocketAddr;

use http::Method;
use serde_json::json;
use stonechat_demo::{Chat, Fault, switch_fault};

use crate::api;
use crate::backend::start;
use crate::exposition::{answers, eventually, metric, until};
use crate::user::User;

async fn switch(chat: &Chat, fault: Fault, on: bool) {
    switch_fault(chat.addresses().control, fault, on)
        .await
        .unwrap();
}

/// Sends messages to Ben, and gives the statuses of the answers.
async fn send(ann: &User, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        let message = json!({"to": "ben", "body": "hello"});
        statuses.push(ann.post("/api/messages", message).await.0);
    }
    statuses
}

/// A chat with Ann, and Ben to whom she writes.
async fn chat_of_ann() -> (Chat, User) {
    let chat = start().await;
    let ann = User::new(chat.addresses().gateway, "ann").await;
    User::new(chat.addresses().gateway, "ben").await;
    (chat, ann)
}

#[tokio::test]
async fn switches_are_listed_and_turned_over_http() {
    let chat = start().await;
    let control = chat.addresses().control;
    let call = async |method: Method, path: &str| {
        api::call(method, control, path, None, None).await.unwrap()
    };
    let all = |slow_db: bool| {
        json!({"slow-db": slow_db, "failing-sends": false, "dead-service": false,
            "backlog": false, "memory-leak": false, "lossy-media": false, "failing-ice": false})
    };
    assert_eq!(call(Method::GET, "/faults").await, (200, all(false)));
    assert_eq!(call(Method::PUT, "/faults/slow-db").await, (200, all(true)));
    assert!(chat.faults().is_on(Fault::SlowDb));
    assert_eq!(
        call(Method::DELETE, "/faults/slow-db").await,
        (200, all(false))
    );
    let (status, answer) = call(Method::PUT, "/faults/slow-disk").await;
    assert_eq!(status, 404);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("there are slow-db, failing-sends")
    );
    chat.stop().await;

    let gone = switch_fault(control, Fault::SlowDb, true)
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("cannot be reached"), "{gone}");
}

#[tokio::test]
async fn slow_db_makes_queries_and_sending_slow() {
    let (chat, ann) = chat_of_ann().await;
    let logic = chat.addresses().logic_metrics;
    send(&ann, 1).await;
    let sums = async || {
        let insert = [r#"operation="insert""#, r#"table="messages""#];
        (
            metric(logic, "chat_db_query_duration_seconds_sum", &insert).await,
            metric(logic, "chat_message_send_duration_seconds_sum", &[]).await,
        )
    };
    let (queries_before, sends_before) = sums().await;
    assert!(queries_before < 0.5 && sends_before < 0.5);
    switch(&chat, Fault::SlowDb, true).await;
    assert_eq!(send(&ann, 1).await, [200]);
    switch(&chat, Fault::SlowDb, false).await;
    let (queries_slow, sends_slow) = sums().await;
    assert!(queries_slow - queries_before >= 0.8);
    assert!(
        sends_slow - sends_before >= 1.6,
        "several queries, one after the other"
    );
    send(&ann, 1).await;
    assert!(sums().await.1 - sends_slow < 0.5, "quick again");
    chat.stop().await;
}

#[tokio::test]
async fn failing_sends_refuses_three_of_ten() {
    let (chat, ann) = chat_of_ann().await;
    switch(&chat, Fault::FailingSends, true).await;
    let statuses = send(&ann, 20).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 500).count(),
        6,
        "{statuses:?}"
    );
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 14);
    let sent = async |status| {
        metric(
            chat.addresses().logic_metrics,
            "chat_messages_sent_total",
            &[status],
        )
        .await
    };
    assert_eq!(sent(r#"status="error""#).await, 6.0);
    switch(&chat, Fault::FailingSends, false).await;
    assert_eq!(send(&ann, 10).await, [200; 10]);
    assert_eq!(sent(r#"status="error""#).await, 6.0);
    chat.stop().await;
}

#[tokio::test]
async fn dead_service_closes_its_port_and_messages_wait() {
    let (chat, ann) = chat_of_ann().await;
    let at = chat.addresses().clone();
    let ben_token = log_in(at.gateway, "ben").await;
    let mut ben = crate::user::Socket::connect(at.gateway, &ben_token)
        .await
        .unwrap();
    assert!(answers(at.task_metrics).await);

    switch(&chat, Fault::DeadService, true).await;
    eventually("task is gone", async || !answers(at.task_metrics).await).await;
    assert_eq!(send(&ann, 3).await, [200; 3], "the others go on");
    until(at.logic_metrics, "chat_queue_lag", |lag| lag == 3.0).await;

    switch(&chat, Fault::DeadService, false).await;
    for _ in 0..3 {
        assert_eq!(ben.receive().await["body"], "hello");
    }
    until(at.logic_metrics, "chat_queue_lag", |lag| lag == 0.0).await;
    eventually("task is back at its port", async || {
        answers(at.task_metrics).await
    })
    .await;
    until(at.task_metrics, "chat_queue_consumed_total", |count| {
        count == 3.0
    })
    .await;
    chat.stop().await;
}

async fn log_in(gateway: SocketAddr, name: &str) -> String {
    let credentials = json!({"name": name, "password": crate::user::PASSWORD});
    let (_, answer) = api::post(gateway, "/api/login", None, credentials).await;
    answer["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn backlog_lets_messages_wait() {
    let (chat, ann) = chat_of_ann().await;
    let logic = chat.addresses().logic_metrics;
    switch(&chat, Fault::Backlog, true).await;
    send(&ann, 40).await;
    until(logic, "chat_queue_lag", |lag| lag >= 20.0).await;
    let consumed = metric(
        chat.addresses().task_metrics,
        "chat_queue_consumed_total",
        &[],
    )
    .await;
    assert!(consumed < 20.0, "{consumed}");
    switch(&chat, Fault::Backlog, false).await;
    until(logic, "chat_queue_lag", |lag| lag == 0.0).await;
    chat.stop().await;
}

#[tokio::test]
async fn memory_leak_takes_memory_and_gives_it_back() {
    const MIB: f64 = 1_048_576.0;
    let chat = start().await;
    let gateway = chat.addresses().gateway_metrics;
    let resident = "process_resident_memory_bytes";
    let before = metric(gateway, resident, &[]).await;
    switch(&chat, Fault::MemoryLeak, true).await;
    until(gateway, resident, |bytes| bytes > before + 8.0 * MIB).await;
    switch(&chat, Fault::MemoryLeak, false).await;
    until(gateway, resident, |bytes| bytes < before + 4.0 * MIB).await;
    chat.stop().await;
}
