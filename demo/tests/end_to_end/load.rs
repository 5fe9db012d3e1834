use std::net::SocketAddr;
use std::time::Duration;

use stonechat_demo::{
    Addresses, CallArgs, ChatConfig, EndArgs, LoadArgs, LoadReport, run, run_load,
};
use tokio::task::JoinHandle;

use crate::backend::{embedded, on_mariadb_and_redis, start};
use crate::exposition::{eventually, metric, until};

fn load(gateway: SocketAddr, metrics: SocketAddr, seconds: u64) -> JoinHandle<LoadReport> {
    let args = LoadArgs {
        gateway,
        metrics,
        users: 20,
        rate: 4.0,
        ramp: Duration::from_millis(400),
        calls: no_calls(),
        end: EndArgs {
            time: Some(Duration::from_secs(seconds)),
            exit_with_stdin: false,
        },
    };
    tokio::spawn(async { run_load(args).await.unwrap() })
}

/// The tests of calls have their own load.
fn no_calls() -> CallArgs {
    CallArgs {
        calls: 0,
        call_time: Duration::from_secs(10),
        call_loss: 0.0,
        call_jitter: Duration::ZERO,
        media: any_port(),
        control: any_port(),
    }
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn check_delivery(config: ChatConfig) {
    let chat = run(config).await.unwrap();
    let report = load(chat.addresses().gateway, any_port(), 3).await.unwrap();
    assert_eq!(report.connected_max, 20, "{report}");
    assert_eq!((report.failed, report.connections_lost), (0, 0), "{report}");
    assert!(report.accepted > 50, "{report}");
    // The last messages may be under way when the users leave.
    assert!(report.delivered > report.expected * 9 / 10, "{report}");
    assert!(
        report.delivery_p95.unwrap() < Duration::from_secs(2),
        "{report}"
    );
    let kinds = async |kind| {
        metric(
            chat.addresses().logic_metrics,
            "chat_messages_sent_total",
            &[kind],
        )
        .await
    };
    assert!(kinds(r#"type="single""#).await > 0.0 && kinds(r#"type="group""#).await > 0.0);
    chat.stop().await;
}

#[tokio::test]
async fn twenty_users_deliver_messages_embedded() {
    check_delivery(embedded()).await;
}

#[tokio::test]
async fn twenty_users_deliver_messages_on_mariadb_and_redis() {
    on_mariadb_and_redis("load", check_delivery).await;
}

#[tokio::test]
async fn users_come_back_to_a_chat_that_lost_its_data() {
    let first = start().await;
    let same = Addresses {
        ..first.addresses().clone()
    };
    let metrics = free_port().await;
    let load = load(same.gateway, metrics, 12);
    until(
        first.addresses().gateway_metrics,
        "chat_websocket_connections",
        |it| it == 20.0,
    )
    .await;
    first.stop().await;
    until(metrics, "chat_load_users_connected", |users| users == 0.0).await;
    assert!(metric(metrics, "chat_load_connections_lost_total", &[]).await >= 20.0);

    let second = run(ChatConfig {
        addresses: same.clone(),
        ..embedded()
    })
    .await
    .unwrap();
    until(metrics, "chat_load_users_connected", |users| users == 20.0).await;
    eventually("messages of both kinds are sent again", async || {
        let sent = "chat_messages_sent_total";
        let ok = r#"status="ok""#;
        metric(same.logic_metrics, sent, &[r#"type="single""#, ok]).await > 0.0
            && metric(same.logic_metrics, sent, &[r#"type="group""#, ok]).await > 0.0
    })
    .await;
    load.abort();
    second.stop().await;
}

/// A port that was free a moment ago.
async fn free_port() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    listener.local_addr().unwrap()
}
