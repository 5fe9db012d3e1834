//! Email by a real mail server: aiosmtpd, where it is installed (Debian: `python3-aiosmtpd`).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stonechat_notify::DeliveryOutcome;

use crate::setup::{concluded, config, fire_with, start, wait_for};

/// Ends the server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that keeps its mail in a folder; nothing when there is no aiosmtpd.
async fn serve(folder: &Path) -> Option<(Server, u16)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut command = Command::new("aiosmtpd");
    command
        .args([
            "-n",
            "-l",
            &format!("127.0.0.1:{port}"),
            "-c",
            "aiosmtpd.handlers.Mailbox",
        ])
        .arg(folder.join("mail"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = match command.spawn() {
        Ok(child) => Server(child),
        Err(error) => {
            eprintln!("skipped: aiosmtpd cannot be started: {error}");
            return None;
        }
    };
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some((server, port));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("aiosmtpd does not listen");
}

#[tokio::test]
async fn a_mail_server_takes_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, port)) = serve(folder.path()).await else {
        return;
    };
    let mail = format!(
        "to: 'a@example.org, Bé <b@example.org>', from: stonechat@example.org, smarthost: '127.0.0.1:{port}', require_tls: false, \
         text: '{{{{ template \"email.default.text\" . }}}}', headers: {{X-Site: '{{{{ .CommonLabels.note }}}}'}}"
    );
    let data = tempfile::tempdir().unwrap();
    let notifier = start(
        config("1h", &format!("- {{name: r, email_configs: [{{{mail}}}]}}")),
        data.path(),
    );
    fire_with(&notifier, "Slow", &[("note", "<b>x\nInjected: yes")]);
    let delivery = concluded(&notifier, "Slow").await;
    assert_eq!(
        delivery.outcome,
        DeliveryOutcome::Delivered,
        "{}",
        delivery.answer
    );
    let message = wait_for("the mail", || {
        let entry = std::fs::read_dir(folder.path().join("mail/new"))
            .ok()?
            .next()?
            .ok()?;
        std::fs::read_to_string(entry.path()).ok()
    })
    .await;
    // Lines that quoted-printable has broken.
    let message = message.replace("=\r\n", "").replace("=\n", "");
    for part in [
        "Subject: [FIRING:1] Slow",
        "X-Site: <b>x Injected: yes",
        "multipart/alternative",
        "&lt;b&gt;x",
        "b@example.org",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(!message.contains("\nInjected: yes\n\n"), "{message}");
}

#[tokio::test]
async fn without_encryption_nothing_is_sent_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, port)) = serve(folder.path()).await else {
        return;
    };
    let mail = format!("to: a@example.org, from: s@example.org, smarthost: '127.0.0.1:{port}'");
    let data = tempfile::tempdir().unwrap();
    let notifier = start(
        config(
            "10s",
            &format!("- {{name: r, email_configs: [{{{mail}}}]}}"),
        ),
        data.path(),
    );
    fire_with(&notifier, "Slow", &[]);
    let answer = wait_for("an answer", || {
        let delivery = notifier.deliveries().pop()?;
        (delivery.attempts > 0).then_some(delivery.answer)
    })
    .await;
    assert!(answer.to_lowercase().contains("starttls"), "{answer}");
}
