//! `stonechat check`: every file of a folder, and which of them are wrong.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::Path;

use support::{folder, program};

const RULES: &str = "groups:
  - name: chat
    rules:
      - {record: 'job:sent:rate5m', expr: 'sum by (job) (rate(sent_total[5m]))'}
      - {alert: Down, expr: 'up == 0'}
";

const ALERTMANAGER: &str = "route: {receiver: robot}
receivers:
  - {name: robot, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}
";

const DASHBOARD: &str = r#"{"title": "Chat", "panels": [
  {"title": "Sent", "targets": [{"expr": "rate(sent_total{job=~\"$job\"}[$__rate_interval])"}]}]}"#;

const QUERIES: &str = "sources:
  chat: {mysql: 'mysql://monitor@127.0.0.1/chat'}
queries:
  online: {source: chat, sql: SELECT COUNT(*) FROM sessions, interval: 15s, metrics: {chat_online: {type: gauge}}}
";

/// Exit status and output of the command.
fn check(paths: &[&Path], more: &[&str]) -> (Option<i32>, String) {
    let mut command = program();
    command.arg("check").args(paths).args(more);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said + &error)
}

#[test]
fn a_folder_that_is_right() {
    let folder = folder(&[
        ("prometheus/prometheus.yml", "rule_files: [rules/*.yml]\n"),
        ("prometheus/rules/chat.yml", RULES),
        ("alertmanager/alertmanager.yml", ALERTMANAGER),
        ("grafana/chat.json", DASHBOARD),
        ("compose.yml", "services: {}\n"),
        ("package.json", "{\"name\": \"chat\"}"),
        ("notes.txt", "groups: ["),
    ]);
    let (status, said) = check(&[folder.path()], &[]);
    // Columns are as wide as the paths are long.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "prometheus.yml Prometheus: 0 jobs, 2 rules",
        "rules/chat.yml 2 rules in 1 group",
        "alertmanager.yml Alertmanager: 1 receiver",
        "dashboard \"Chat\": 1 panel, 1 expression",
        "all 4 right; 2 others were left alone",
    ] {
        assert!(words.contains(line), "{line}: {said}");
    }
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = check(&[folder.path()], &["--quiet"]);
    assert_eq!((status, said.lines().count()), (Some(0), 1), "{said}");
}

#[test]
fn each_mistake_is_told_once_in_its_file() {
    let folder = folder(&[
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", &RULES.replace("up == 0", "up ==")),
        (
            "alertmanager.yml",
            &ALERTMANAGER.replace("receiver: robot", "receiver: rob"),
        ),
        ("grafana/chat.json", &DASHBOARD.replace("rate(", "rte(")),
        ("sql.yml", QUERIES),
    ]);
    let (status, said) = check(&[folder.path()], &[]);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(
        said.matches("\nwrong ").count() + usize::from(said.starts_with("wrong ")),
        3,
        "{said}"
    );
    assert_eq!(said.matches("      error: ").count(), 3, "{said}");
    for line in [
        "rules.yml:5:",
        "alertmanager.yml:1:",
        "grafana/chat.json:2:",
        "a file that it names is wrong",
        "3 wrong, 2 right",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn a_file_of_which_nothing_is_known_is_a_mistake_when_it_is_named() {
    let folder = folder(&[("compose.yml", "services: {}\n"), ("rules.yml", RULES)]);
    let compose = folder.path().join("compose.yml");
    let (status, said) = check(&[&compose], &[]);
    assert_eq!(status, Some(1));
    assert!(said.contains("what this is cannot be told"), "{said}");
    let (status, said) = check(&[&folder.path().join("none.yml")], &[]);
    assert_eq!(status, Some(1));
    assert!(said.contains("none.yml"), "{said}");
    let (status, _) = check(&[&folder.path().join("rules.yml")], &[]);
    assert_eq!(status, Some(0));
}
