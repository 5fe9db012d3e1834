use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use stonechat_demo::{
    CallArgs, Chat, EndArgs, Fault, LoadArgs, LoadReport, run_load, switch_fault,
};
use tokio::task::JoinHandle;

use crate::api;
use crate::backend::start;
use crate::exposition::{eventually, metric, until};

/// Six phones, and hardly anybody else.
fn phones(chat: &Chat, seconds: u64) -> JoinHandle<LoadReport> {
    let at = chat.addresses();
    let args = LoadArgs {
        gateway: at.gateway,
        metrics: SocketAddr::from(([127, 0, 0, 1], 0)),
        users: 2,
        rate: 0.1,
        ramp: Duration::ZERO,
        calls: CallArgs {
            calls: 6,
            call_time: Duration::from_secs(3),
            call_loss: 0.0,
            call_jitter: Duration::ZERO,
            media: at.media,
            control: at.control,
        },
        end: EndArgs {
            time: Some(Duration::from_secs(seconds)),
            exit_with_stdin: false,
        },
    };
    tokio::spawn(async { run_load(args).await.unwrap() })
}

/// The mean loss of all calls.
async fn loss(media: SocketAddr) -> f64 {
    let calls = metric(media, "media_active_sessions", &[]).await.max(1.0);
    metric(media, "media_packet_loss_ratio", &[]).await / calls
}

#[tokio::test]
async fn phones_call_and_the_faults_reach_their_lines() {
    let chat = start().await;
    let at = chat.addresses().clone();
    let media = at.media_metrics;
    let load = phones(&chat, 40);
    until(media, "media_active_sessions", |calls| calls >= 5.0).await;
    until(media, "media_video_frame_rate", |rate| rate > 15.0).await;
    assert!(loss(media).await < 0.02);

    switch_fault(at.control, Fault::LossyMedia, true)
        .await
        .unwrap();
    eventually("packets are lost", async || loss(media).await > 0.1).await;
    switch_fault(at.control, Fault::LossyMedia, false)
        .await
        .unwrap();
    eventually("packets arrive", async || loss(media).await < 0.02).await;

    let failed = [r#"reason="ice_failed""#];
    let closed = "media_sessions_closed_total";
    let before = metric(media, closed, &failed).await;
    switch_fault(at.control, Fault::FailingIce, true)
        .await
        .unwrap();
    eventually("calls fail", async || {
        metric(media, closed, &failed).await >= before + 3.0
    })
    .await;
    assert!(metric(media, closed, &[r#"reason="normal_close""#]).await > 0.0);
    load.abort();
    chat.stop().await;
}

#[tokio::test]
async fn stopping_ends_calls_and_so_does_the_end_of_the_load() {
    let chat = start().await;
    let media = chat.addresses().media_metrics;
    let load = phones(&chat, 3);
    until(media, "media_active_sessions", |calls| calls == 6.0).await;
    load.await.unwrap();
    assert_eq!(metric(media, "media_active_sessions", &[]).await, 0.0);
    chat.stop().await;
}

#[tokio::test]
async fn an_offer_that_cannot_be_used_is_refused_with_a_reason() {
    let chat = start().await;
    let at = chat.addresses();
    for (device, offer, status, reason) in [
        ("phone-1", "hello", 400, "the offer cannot be used"),
        ("phone-1", "", 400, "the offer cannot be used"),
        ("Phone 1", "v=0", 400, "a device has 1 to 32"),
        ("", "v=0", 400, "a device has 1 to 32"),
    ] {
        let asked = json!({"device_id": device, "offer": offer});
        let (answered, body) = api::post(at.media, "/sessions", None, asked).await;
        assert_eq!(answered, status, "{body}");
        assert!(body["error"].as_str().unwrap().contains(reason), "{body}");
    }
    let none = "/sessions/0123456789abcdef";
    let call = api::call(http::Method::DELETE, at.media, none, None, None);
    let (answered, body) = call.await.unwrap();
    assert_eq!(
        (answered, &body["error"]),
        (404, &json!("there is no such call"))
    );
    let created = "media_sessions_created_total";
    assert_eq!(metric(at.media_metrics, created, &[]).await, 0.0);
    chat.stop().await;
}
