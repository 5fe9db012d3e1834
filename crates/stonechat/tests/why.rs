//! "Why was I notified, or was not?", asked on the command line, also after a restart.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use support::{PATIENCE, Server, folder, program, receiver, target};

/// What `stonechat alerts` answers.
fn alerts(server: &Server, arguments: &[&str]) -> String {
    let output = program()
        .args(["alerts", "--server", &format!("http://{}", server.address)])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Texts that stand in this order.
fn check(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            panic!("{part:?} does not stand where it should in\n{text}");
        };
        rest = behind;
    }
}

#[test]
fn the_way_of_an_alert_is_told_and_outlives_a_kill() {
    let asked = AtomicUsize::new(0);
    let (inbox, messages) = receiver(move || match asked.fetch_add(1, Ordering::Relaxed) {
        0 => "503 Service Unavailable",
        _ => "200 OK",
    });
    let app = target(|| "errors 50\n".to_owned());
    let prometheus = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 150ms, evaluation_interval: 200ms}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n  - job_name: app\n    static_configs: [{{targets: ['{app}']}}]\n"
    );
    let rules = "groups: [{name: g, rules: [{alert: ErrorsHigh, expr: errors > 10}, {alert: Later, expr: errors > 20, for: 1h}]}]\n";
    let alertmanager = format!(
        "route: {{receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 1m}}\n\
         receivers:\n  - name: r\n    webhook_configs: [{{url: 'http://{inbox}/'}}]\n"
    );
    let folder = folder(&[
        ("prometheus.yml", &prometheus),
        ("rules.yml", rules),
        ("alertmanager.yml", &alertmanager),
    ]);
    let server = Server::start(folder.path());
    let (first, _) = messages.recv_timeout(PATIENCE).expect("an attempt");
    let (second, _) = messages.recv_timeout(PATIENCE).expect("another");
    assert_eq!((first, second), ("503 Service Unavailable", "200 OK"));
    server.wait_until("recorded as delivered", |server| {
        server.data("/api/stonechat/v1/notifications")[0]["outcome"] == "delivered"
    });
    let history = [
        "fires since ",
        r#"for "r""#,
        "to r/webhook[0]: first notification, 1 alerts",
        "attempt 1: 503 Service Unavailable after ",
        "attempt 2: 200 OK after ",
        "delivered: 200 OK",
    ];
    let way = [
        "ErrorsHigh {",
        "route {} to \"r\"",
        "in the group {}:{alertname=\"ErrorsHigh\"}, looked at next at ",
        "r/webhook[0]: told at ",
    ];
    let why = alerts(&server, &["why", "ErrorsHigh"]);
    check(&why, &[&way[..], &history[..]].concat());
    check(
        &alerts(&server, &["why", "Later"]),
        &["pending since ", "Later {"],
    );
    check(
        &alerts(&server, &[]),
        &["pending since ", "Later", "fires since ", "ErrorsHigh"],
    );

    let server = server.crash_and_restart();
    let why = alerts(&server, &["why", "alertname=~Errors.*", "job=app"]);
    check(&why, &[&way[..], &history[..]].concat());
    let unknown = program()
        .args(["alerts", "--server", &format!("http://{}", server.address)])
        .args(["why", "Unheard"])
        .output()
        .unwrap();
    assert!(!unknown.status.success());
    server.stop();
}
