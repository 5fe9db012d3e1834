//! Restarts that nobody notices: in the middle of `for`, and between two attempts to send.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::{PATIENCE, Server, folder, receiver, target, webhook};

/// A folder that watches a sick target and tells `inbox`.
fn sick(hold: &str, inbox: std::net::SocketAddr) -> tempfile::TempDir {
    let app = target(|| "errors 50\n".to_owned());
    let prometheus = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 150ms, evaluation_interval: 200ms}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n  - job_name: app\n    static_configs: [{{targets: ['{app}']}}]\n"
    );
    let rules = format!(
        "groups: [{{name: g, rules: [{{alert: ErrorsHigh, expr: errors > 10, for: {hold}}}]}}]\n"
    );
    let alertmanager = format!(
        "route: {{receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 30s}}\n\
         receivers:\n  - name: r\n    webhook_configs: [{{url: 'http://{inbox}/'}}]\n"
    );
    folder(&[
        ("prometheus.yml", &prometheus),
        ("rules.yml", &rules),
        ("alertmanager.yml", &alertmanager),
    ])
}

fn state(server: &Server) -> Option<String> {
    let alerts = server.data("/api/v1/alerts");
    alerts["alerts"][0]["state"].as_str().map(str::to_owned)
}

#[test]
fn a_kill_in_the_middle_of_for_does_not_begin_it_anew() {
    let (inbox, messages) = webhook();
    let folder = sick("6s", inbox);
    let server = Server::start(folder.path());
    server.wait_until("pending", |server| {
        state(server).as_deref() == Some("pending")
    });
    let pending_since = Instant::now();
    std::thread::sleep(Duration::from_secs(4));
    let killed = Instant::now();
    let server = server.crash_and_restart();
    let away = killed.elapsed();
    server.wait_until("pending again", |server| state(server).is_some());
    let message = messages.recv_timeout(PATIENCE).expect("a message");
    let waited = pending_since.elapsed().saturating_sub(away);
    assert_eq!(message["status"], "firing");
    // Begun anew it would be four seconds more; the time without a server does not count.
    assert!(waited >= Duration::from_millis(5_500), "{waited:?}");
    assert!(waited < Duration::from_secs(9), "{waited:?}");
    assert!(
        messages.recv_timeout(Duration::from_secs(2)).is_err(),
        "told twice"
    );
    server.stop();
}

#[test]
fn a_kill_between_two_attempts_loses_nothing() {
    let (refuse, asked) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (refusing, asking) = (Arc::clone(&refuse), Arc::clone(&asked));
    let (inbox, messages) = receiver(move || {
        asking.fetch_add(1, Ordering::Relaxed);
        match refusing.load(Ordering::Relaxed) {
            true => "503 Service Unavailable",
            false => "200 OK",
        }
    });
    let folder = sick("0s", inbox);
    let server = Server::start(folder.path());
    server.wait_until("an attempt", |_| asked.load(Ordering::Relaxed) > 0);
    let server = server.crash_and_restart();
    refuse.store(false, Ordering::Relaxed);
    let deadline = Instant::now() + PATIENCE;
    let message = loop {
        let (status, message) = messages
            .recv_timeout(deadline - Instant::now())
            .expect("a message that arrives");
        if status == "200 OK" {
            break message;
        }
    };
    assert_eq!(message["alerts"][0]["labels"]["alertname"], "ErrorsHigh");
    // Once it has arrived, neither time nor another kill repeats it.
    server.wait_until("recorded as delivered", |server| {
        server.data("/api/stonechat/v1/notifications")[0]["outcome"] == "delivered"
    });
    let server = server.crash_and_restart();
    server.wait_until("firing", |server| {
        state(server).as_deref() == Some("firing")
    });
    assert!(
        messages.recv_timeout(Duration::from_secs(3)).is_err(),
        "told twice"
    );
    server.stop();
}
