use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use stonechat_demo::run;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::backend::{embedded, start};
use crate::exposition::answers;
use crate::user::User;

#[tokio::test]
async fn stopping_delivers_what_is_under_way_and_closes_with_a_close_frame() {
    let chat = start().await;
    let at = chat.addresses().clone();
    let (ann, ben) = (
        User::new(at.gateway, "ann").await,
        User::new(at.gateway, "ben").await,
    );
    let (mut to_ann, mut to_ben) = (ann.connect().await, ben.connect().await);
    for _ in 0..5 {
        to_ann
            .say(json!({"to": "ben", "body": "quick, before it closes"}))
            .await;
    }
    let stopping = tokio::spawn(chat.stop());
    for _ in 0..5 {
        assert_eq!(to_ben.receive().await["type"], "message");
    }
    for socket in [&mut to_ann, &mut to_ben] {
        let frame = socket.close_frame().await.expect("a close frame");
        assert_eq!(frame.code, CloseCode::Away);
    }
    stopping.await.unwrap();
    assert!(
        !answers(at.gateway_metrics).await,
        "every listener is closed"
    );
    assert!(!answers(at.task_metrics).await);
}

#[tokio::test]
async fn a_chat_keeps_its_data_in_the_folder_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = embedded();
    config.store = Some(stonechat_demo::StoreConfig::Folder(
        folder.path().join("new"),
    ));
    let chat = run(config.clone()).await.unwrap();
    let ann = User::new(chat.addresses().gateway, "ann").await;
    chat.stop().await;

    let again = run(config).await.unwrap();
    let ann = User {
        gateway: again.addresses().gateway,
        ..ann
    };
    assert_eq!(
        ann.get("/api/sessions").await,
        (200, json!([])),
        "the token is still valid"
    );
    again.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_and_nothing_runs() {
    let chat = start().await;
    let mut config = embedded();
    config.addresses.logic_metrics = chat.addresses().gateway;
    let error = run(config).await.unwrap_err().to_string();
    let taken = chat.addresses().gateway;
    assert_eq!(
        error,
        format!("cannot listen on {taken} for logic's metrics")
    );
    chat.stop().await;
}

/// Starts the program and waits until it says that it runs.
fn program(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    log.read_line(&mut first).unwrap();
    assert!(first.contains("INFO"), "{first}");
    // Read on, so that the program is not held up.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    child
}

const SERVE: [&str; 19] = [
    "serve",
    "--gateway",
    "127.0.0.1:0",
    "--logic",
    "127.0.0.1:0",
    "--push",
    "127.0.0.1:0",
    "--control",
    "127.0.0.1:0",
    "--gateway-metrics",
    "127.0.0.1:0",
    "--logic-metrics",
    "127.0.0.1:0",
    "--task-metrics",
    "127.0.0.1:0",
    "--media",
    "127.0.0.1:0",
    "--media-metrics",
    "127.0.0.1:0",
];
const LOAD: [&str; 7] = [
    "load",
    "--metrics",
    "127.0.0.1:0",
    "--gateway",
    "127.0.0.1:1",
    "--media",
    "127.0.0.1:1",
];

fn check_end(mut child: Child, why: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("still there: {why}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{why}: {status}");
}

#[test]
fn the_programs_end_when_standard_input_does() {
    for arguments in [&SERVE[..], &LOAD] {
        let mut child = program(&[arguments, &["--exit-with-stdin"]].concat());
        drop(child.stdin.take());
        check_end(child, "standard input ended");
    }
}

#[test]
fn the_programs_end_on_sigterm_and_when_their_time_is_up() {
    for arguments in [&SERVE[..], &LOAD] {
        let child = program(arguments);
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        check_end(child, "SIGTERM");
        check_end(program(&[arguments, &["--for", "200ms"]].concat()), "time");
    }
}
