//! Restarts that nobody notices: in the middle of `for`, while an alert fires, and between two attempts to send.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::{PATIENCE, Server, folder, receiver, target, webhook};

/// A folder that watches a sick target and tells `inbox`; and what makes the target well.
fn sick(hold: &str, inbox: std::net::SocketAddr) -> (tempfile::TempDir, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let app = target(move || match is_well.load(Ordering::Relaxed) {
        true => "errors 0\n".to_owned(),
        false => "errors 50\n".to_owned(),
    });
    let prometheus = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 150ms, evaluation_interval: 200ms}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n  - job_name: app\n    static_configs: [{{targets: ['{app}']}}]\n"
    );
    let rules = format!(
        "groups: [{{name: g, rules: [{{alert: ErrorsHigh, expr: errors > 10, for: {hold}}}]}}]\n"
    );
    let alertmanager = format!(
        "route: {{receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
         receivers:\n  - name: r\n    webhook_configs: [{{url: 'http://{inbox}/'}}]\n"
    );
    let folder = folder(&[
        ("prometheus.yml", &prometheus),
        ("rules.yml", &rules),
        ("alertmanager.yml", &alertmanager),
    ]);
    (folder, well)
}

fn state(server: &Server) -> Option<String> {
    let alerts = server.data("/api/v1/alerts");
    alerts["alerts"][0]["state"].as_str().map(str::to_owned)
}

/// Since when the alert has been pending or firing.
fn active_at(server: &Server) -> String {
    let alerts = server.data("/api/v1/alerts");
    let active_at = alerts["alerts"][0]["activeAt"].as_str();
    active_at.expect("an alert is there").to_owned()
}

#[test]
fn a_kill_in_the_middle_of_for_is_not_heard() {
    let (inbox, messages) = webhook();
    let (folder, _) = sick("8s", inbox);
    let server = Server::start(folder.path());
    server.wait_until("pending", |server| {
        state(server).as_deref() == Some("pending")
    });
    let (pending_since, active) = (Instant::now(), active_at(&server));
    std::thread::sleep(Duration::from_secs(5));
    assert!(messages.try_recv().is_err(), "told too early");
    let server = server.crash_and_restart();
    // As soon as it answers, it knows.
    assert_eq!(active_at(&server), active);
    let back = pending_since.elapsed();
    let message = messages.recv_timeout(PATIENCE).expect("a message");
    let waited = pending_since.elapsed();
    assert_eq!(message["status"], "firing");
    // Begun anew it would be five seconds more.
    assert!(waited >= Duration::from_millis(7_500), "{waited:?}");
    let limit = back.max(Duration::from_secs(8)) + Duration::from_secs(3);
    assert!(waited < limit, "{waited:?}, back after {back:?}");
    assert_eq!(active_at(&server), active);
    assert!(
        messages.recv_timeout(Duration::from_secs(2)).is_err(),
        "told twice"
    );
    server.stop();
}

#[test]
fn a_kill_while_an_alert_fires_is_not_heard() {
    let (inbox, messages) = webhook();
    let (folder, well) = sick("1s", inbox);
    let server = Server::start(folder.path());
    let first = messages.recv_timeout(PATIENCE).expect("a message");
    assert_eq!(first["status"], "firing");
    let active = active_at(&server);
    server.wait_until("recorded as delivered", |server| {
        server.data("/api/stonechat/v1/notifications")[0]["outcome"] == "delivered"
    });
    let server = server.crash_and_restart();
    assert_eq!(state(&server).as_deref(), Some("firing"), "at once");
    // A reload in which the rule stays as it is is not heard either.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(server.post("/-/reload").0, 200);
    let heard = messages.recv_timeout(Duration::from_secs(2));
    assert!(heard.is_err(), "told again: {heard:?}");
    assert_eq!(state(&server).as_deref(), Some("firing"));
    assert_eq!(active_at(&server), active);

    well.store(true, Ordering::Relaxed);
    let last = messages.recv_timeout(PATIENCE).expect("its end");
    assert_eq!(last["status"], "resolved");
    assert_eq!(
        last["alerts"][0]["startsAt"], first["alerts"][0]["startsAt"],
        "the same outage"
    );
    let heard = messages.recv_timeout(Duration::from_secs(3));
    assert!(heard.is_err(), "told twice: {heard:?}");
    server.stop();
}

#[test]
fn an_end_that_nobody_saw_is_told_once() {
    let (inbox, messages) = webhook();
    let (folder, well) = sick("0s", inbox);
    let server = Server::start(folder.path());
    let first = messages.recv_timeout(PATIENCE).expect("a message");
    server.wait_until("recorded as delivered", |server| {
        server.data("/api/stonechat/v1/notifications")[0]["outcome"] == "delivered"
    });
    // It gets well while nobody watches.
    well.store(true, Ordering::Relaxed);
    let server = server.crash_and_restart();
    let last = messages.recv_timeout(PATIENCE).expect("its end");
    assert_eq!(last["status"], "resolved");
    assert_eq!(
        last["alerts"][0]["startsAt"],
        first["alerts"][0]["startsAt"]
    );
    let heard = messages.recv_timeout(Duration::from_secs(3));
    assert!(heard.is_err(), "told twice: {heard:?}");
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
    let (folder, _) = sick("0s", inbox);
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
