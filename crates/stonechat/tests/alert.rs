//! From a sick target to a message, and back; across a kill in the middle.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{PATIENCE, Server, folder, target, webhook};

const RULES: &str = r#"groups:
  - name: g
    rules:
      - alert: ErrorsHigh
        expr: errors > 10
        for: 2s
        labels: {severity: critical}
        annotations: {summary: "{{ $value }} errors on {{ $labels.job }}"}
"#;

#[test]
fn an_alert_is_pending_fires_is_delivered_and_resolved_across_a_kill() {
    let sick = Arc::new(AtomicBool::new(true));
    let shown = Arc::clone(&sick);
    let app = target(move || {
        format!(
            "errors {}\n",
            if shown.load(Ordering::Relaxed) { 50 } else { 0 }
        )
    });
    let (inbox, messages) = webhook();
    let prometheus = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 150ms, evaluation_interval: 200ms}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n  - job_name: app\n    static_configs: [{{targets: ['{app}']}}]\n"
    );
    let alertmanager = format!(
        "route: {{receiver: r, group_by: [alertname], group_wait: 100ms, group_interval: 200ms}}\n\
         receivers:\n  - name: r\n    webhook_configs: [{{url: 'http://{inbox}/'}}]\n"
    );
    let folder = folder(&[
        ("prometheus.yml", &prometheus),
        ("rules.yml", RULES),
        ("alertmanager.yml", &alertmanager),
    ]);
    let server = Server::start(folder.path());
    let state = |server: &Server| {
        server.data("/api/v1/alerts")["alerts"][0]["state"]
            .as_str()
            .map(str::to_owned)
    };
    server.wait_until("pending", |server| {
        state(server).as_deref() == Some("pending")
    });
    let active_at = server.data("/api/v1/alerts")["alerts"][0]["activeAt"].clone();

    server.wait_until("firing", |server| {
        state(server).as_deref() == Some("firing")
    });
    let message = messages.recv_timeout(PATIENCE).expect("a message");
    assert_eq!(message["status"], "firing");
    assert_eq!(message["alerts"][0]["labels"]["severity"], "critical");
    assert_eq!(
        message["alerts"][0]["annotations"]["summary"],
        "50 errors on app"
    );

    server.wait_until("recorded as delivered", |server| {
        server.data("/api/stonechat/v1/notifications")[0]["outcome"] == "delivered"
    });

    // Killed while it fires: the alert is as old as it was, and nobody is told twice.
    let server = server.crash_and_restart();
    server.wait_until("firing again", |server| {
        state(server).as_deref() == Some("firing")
    });
    let restored = server.data("/api/v1/alerts")["alerts"][0]["activeAt"].clone();
    assert_eq!(
        restored.as_str().unwrap()[..19],
        active_at.as_str().unwrap()[..19],
        "activeAt changed"
    );
    let again = messages.recv_timeout(Duration::from_secs(2));
    assert!(again.is_err(), "the same alert was told twice: {again:?}");

    sick.store(false, Ordering::Relaxed);
    let message = messages
        .recv_timeout(PATIENCE)
        .expect("a message that it is over");
    assert_eq!(message["status"], "resolved");
    server.wait_until("no alert left", |server| state(server).is_none());
    server.wait_until("recorded as delivered, too", |server| {
        server.data("/api/stonechat/v1/notifications")[0]["outcome"] == "delivered"
    });
    assert_eq!(server.stop(), Some(0));
}
