//! `stonechat rules lint`: what it says of rules, panels, routes and inhibitions that are no mistakes to any parser.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::Path;

use support::{folder, program};

const PAGE: &str = "sent_total{job=\"chat\",code=\"200\"} 1 1700000000.000
sent_total{job=\"chat\",code=\"200\"} 2 1700000015.000
up{job=\"chat\"} 1 1700000000.000
# EOF
";

const RULES: &str = "groups:
  - name: chat
    rules:
      - {record: 'job:sent:rate5m', expr: 'sum by (job) (rate(sent_total[5m]))'}
      - {alert: Down, expr: 'up == 0', labels: {severity: critical}}
      - {alert: Failing, expr: 'rate(snt_total{code=\"500\"}[5m]) > 1', labels: {severity: warning}}
";

const ALERTMANAGER: &str = "route:
  receiver: nobody
  routes: [{matchers: [severity=critical], receiver: robot}]
receivers:
  - name: nobody
  - {name: robot, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}
inhibit_rules:
  - {source_matchers: [alertname=Dwn], target_matchers: [severity=warning]}
";

const DASHBOARD: &str = r#"{"title": "Chat", "panels": [{"title": "Sent", "targets": [
    {"expr": "job:sent:rate5m{job=~\"$job\"}"}, {"expr": "sum by (kind) (sent_total{kind=\"x\"})"}]}]}"#;

/// Exit status and output of the command over a folder.
fn lint(path: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = program();
    command.args(["rules", "lint"]).arg(path).args(more);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said + &error)
}

#[test]
fn what_is_odd_is_told_with_its_place() {
    let folder = folder(&[
        ("page.om", PAGE),
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", RULES),
        ("alertmanager.yml", ALERTMANAGER),
        ("dashboards/chat.json", DASHBOARD),
    ]);
    let data = folder.path().join("data");
    let mut import = program();
    import.args(["tsdb", "import", "--data"]).arg(&data);
    assert!(
        import
            .arg(folder.path().join("page.om"))
            .status()
            .unwrap()
            .success()
    );

    let data = data.display().to_string();
    // The samples are of long ago.
    let (status, said) = lint(folder.path(), &["--data", &data, "--within", "100y"]);
    assert_eq!(status, Some(1), "{said}");
    let rules = folder.path().join("rules.yml").display().to_string();
    let dashboard = folder
        .path()
        .join("dashboards/chat.json")
        .display()
        .to_string();
    for expected in [
        format!(
            "there is no series snt_total\n  {rules}: group chat, alert Failing\n    \
            rate(snt_total{{code=\"500\"}}[5m]) > 1\n         ^^^^^^^^^^^^^^^^^^^^^^^^^\n  did you mean sent_total?\n"
        ),
        format!(
            "sent_total has no label kind\n  {dashboard}: Sent\n    sum by (kind) (sent_total{{kind=\"x\"}})\n"
        ),
        format!(
            "no route takes this alert to anybody: the receiver nobody sends to nobody\n  {rules}: group chat, alert Failing\n"
        ),
        "no alert of these rules can set this off\n  inhibit_rules, number 1: alertname=\"Dwn\" => severity=\"warning\"\n".to_owned(),
        "error: odd: 4 of 3 rules (2 alerts), 2 expressions of dashboards\n".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}\nis not in\n{said}");
    }
}

#[test]
fn without_series_there_is_nothing_to_say() {
    let folder = folder(&[("prometheus.yml", "scrape_configs: []\n")]);
    let (status, said) = lint(folder.path(), &["--server", "http://127.0.0.1:9"]);
    assert_eq!(status, Some(1), "{said}");
    let expected = "error: the series of http://127.0.0.1:9 cannot be asked for: ";
    assert!(said.starts_with(expected), "{said}");
    let (status, said) = lint(folder.path(), &["--data", "nowhere"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("is no data folder of a server"), "{said}");
}
