//! The same templates through the real thing.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::cases::{ERRORS, OUTPUTS};

/// Where promtool is, if it is installed.
fn promtool() -> Option<PathBuf> {
    let installed = std::env::var_os("HOME")
        .map(|home| PathBuf::from(home).join(".cache/peers/root/usr/bin/promtool"));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join("promtool"));
    installed
        .into_iter()
        .chain(on_path)
        .find(|file| file.is_file())
}

/// YAML's double quotes, which are those of JSON.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// All templates as the annotations of one alert, and what they have to be.
fn rules_and_expectations() -> (String, String) {
    let (mut rules, mut expected) = (String::new(), String::new());
    let outputs = OUTPUTS
        .iter()
        .map(|(template, output)| (template, (*output).to_owned()));
    let errors = ERRORS.iter().map(|(template, error)| {
        let shown =
            format!("<error expanding template: error executing template __alert_A: {error}>");
        (template, shown)
    });
    for (index, (template, output)) in outputs.chain(errors).enumerate() {
        let _ = writeln!(rules, "      a{index:03}: {}", quoted(template));
        let _ = writeln!(expected, "              a{index:03}: {}", quoted(&output));
    }
    (rules, expected)
}

#[test]
fn promtool_agrees() {
    let Some(promtool) = promtool() else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    let (rules, expected) = rules_and_expectations();
    let folder = tempfile::tempdir().unwrap();
    let rules = format!(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: v > 0\n    annotations:\n{rules}"
    );
    let test = format!(
        r#"rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  external_labels: {{region: cn}}
  external_url: http://monitor:9090/base
  input_series:
  - {{series: 'v{{a="b", instance="host:9090"}}', values: '1234567x10'}}
  - {{series: 'w{{n="1"}}', values: '1x10'}}
  - {{series: 'w{{n="2"}}', values: '2x10'}}
  alert_rule_test:
  - eval_time: 5m
    alertname: A
    exp_alerts:
    - exp_labels: {{a: b, instance: "host:9090"}}
      exp_annotations:
{expected}"#
    );
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    std::fs::write(folder.path().join("test.yml"), test).unwrap();
    let output = Command::new(promtool)
        .args(["test", "rules", "test.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
