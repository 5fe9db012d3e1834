//! Rule files with mistakes, and what people read about them.

use std::path::Path;
use std::time::Duration;

use stonechat_rules::config::{GroupDefaults, load, parse};
use stonechat_rules::{Group, RuleKind};

fn read(text: &str) -> Vec<Group> {
    parse(Path::new("r.yml"), text, GroupDefaults::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// The problems of a file, as they are shown.
fn check(text: &str, shown: &str) {
    let problems = parse(Path::new("r.yml"), text, GroupDefaults::default()).expect_err(text);
    assert_eq!(problems.to_string(), shown, "{text}");
}

/// The problem of a rule in a group that is right otherwise: its place and text.
fn check_rule(rule: &str, place: (usize, usize), message: &str) {
    let text = format!("groups:\n- name: g\n  rules:\n{rule}");
    let problems = parse(Path::new("r.yml"), &text, GroupDefaults::default())
        .expect_err(rule)
        .0;
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.place, problem.message.as_str()))
        .collect();
    assert_eq!(found, [(Some(place), message)], "{rule}");
}

#[test]
fn a_whole_file_is_read() {
    let groups = read(
        r#"
groups:
  - name: chat
    interval: 30s
    query_offset: 10s
    limit: 5
    labels: {team: im, severity: info}
    rules:
      - alert: Down
        expr: up==0
        for: 1m30s
        keep_firing_for: 5m
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.job }} is down"}
      - record: job:up:sum
        expr: |
          sum by(job)
            (up)
  - name: empty
  - name: plain
    rules: [{record: r, expr: 1}]
"#,
    );
    assert_eq!(groups.len(), 3);
    let chat = &groups[0];
    assert_eq!(
        (chat.interval, chat.query_offset, chat.limit),
        (Duration::from_secs(30), Duration::from_secs(10), 5)
    );
    let down = &chat.rules[0];
    assert_eq!(down.query.text, "up == 0");
    assert_eq!(
        down.labels_written().into_iter().collect::<Vec<_>>(),
        [
            ("severity".to_owned(), "critical".to_owned()),
            ("team".to_owned(), "im".to_owned())
        ]
    );
    let RuleKind::Alerting(alerting) = &down.kind else {
        panic!("an alert was read as a recording")
    };
    assert_eq!(
        (alerting.hold, alerting.keep_firing),
        (Duration::from_secs(90), Duration::from_secs(300))
    );
    assert_eq!(
        alerting.annotations_written()["summary"],
        "{{ $labels.job }} is down"
    );
    assert_eq!(chat.rules[1].query.text, "sum by (job) (up)");
    assert_eq!(chat.rules[1].labels_written()["severity"], "info");
    assert_eq!(groups[2].interval, Duration::from_secs(60));
}

#[test]
fn files_without_groups_are_fine() {
    for text in ["", "groups:\n", "groups: []\n", "# nothing yet\n"] {
        assert!(read(text).is_empty(), "{text:?}");
    }
}

#[test]
fn only_the_first_document_counts() {
    assert_eq!(
        read("---\ngroups:\n- name: a\n---\ngroups:\n- bad: b\n").len(),
        1
    );
    assert_eq!(
        read("# head\n\ngroups:\n- name: a\n...\nrest: [\n").len(),
        1
    );
}

#[test]
fn an_unknown_key_names_the_nearest() {
    check(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    exp: up\n",
        "error: unknown key `exp`\n  --> r.yml:5:5\n5 |     exp: up\n  |     ^^^ did you mean `expr`?",
    );
}

#[test]
fn a_bad_expression_is_shown_where_it_is_wrong() {
    check(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      sum(rate(x[5m]))\n        / rate(y)\n",
        "error: group \"g\", rule 1, \"A\": could not parse expression: expected type range vector in call to function \"rate\", got instant vector\n  --> r.yml:7:16\n7 |         / rate(y)\n  |                ^^",
    );
    check_rule(
        "  - {alert: A, expr: 'up ='}\n",
        (4, 26),
        "group \"g\", rule 1, \"A\": could not parse expression: unexpected \"=\"",
    );
}

#[test]
fn a_bad_template_is_shown_where_it_is_wrong() {
    check_rule(
        "  - alert: A\n    expr: up\n    annotations:\n      s: 'it is {{ humanise $value }}'\n",
        (7, 20),
        "group \"g\", rule 1, \"A\": annotation \"s\": template: __alert_A:1: function \"humanise\" not defined",
    );
    check_rule(
        "  - alert: A\n    expr: up\n    labels:\n      s: |\n        line\n        {{ $nope }}\n",
        (9, 12),
        "group \"g\", rule 1, \"A\": label \"s\": template: __alert_A:2: undefined variable \"$nope\"",
    );
    check_rule(
        "  - {alert: A, expr: up, annotations: {s: '{{ if }}'}}\n",
        (4, 50),
        "group \"g\", rule 1, \"A\": annotation \"s\": template: __alert_A:1: missing value for if",
    );
}

#[test]
fn what_a_rule_must_and_must_not_have() {
    check_rule(
        "  - {alert: A}\n",
        (4, 5),
        "group \"g\", rule 1, \"A\": field 'expr' must be set in rule",
    );
    check_rule(
        "  - {expr: up}\n",
        (4, 5),
        "group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set",
    );
    check_rule(
        "  - {alert: A, record: B, expr: up}\n",
        (4, 5),
        "group \"g\", rule 1, \"A\": only one of 'record' and 'alert' must be set",
    );
    check_rule(
        "  - record: r\n    expr: up\n    for: 5m\n",
        (6, 10),
        "group \"g\", rule 1, \"r\": invalid field 'for' in recording rule",
    );
    check_rule(
        "  - record: r\n    expr: up\n    keep_firing_for: 5m\n",
        (6, 22),
        "group \"g\", rule 1, \"r\": invalid field 'keep_firing_for' in recording rule",
    );
    check_rule(
        "  - record: r\n    expr: up\n    annotations: {a: b}\n",
        (6, 22),
        "group \"g\", rule 1, \"r\": invalid field 'annotations' in recording rule",
    );
    check_rule(
        "  - record: 'up{a=\"b\"}'\n    expr: up\n",
        (4, 13),
        "group \"g\", rule 1, \"up{a=\"b\"}\": braces present in the recording rule name; should it be in expr?: up{a=\"b\"}"
            .replace("\"up{a=\"b\"}\":", "\"up{a=\\\"b\\\"}\":")
            .as_str(),
    );
    check_rule(
        "  - {alert: A, expr: up, labels: {__name__: x}}\n",
        (4, 45),
        "group \"g\", rule 1, \"A\": invalid label name: __name__",
    );
}

#[test]
fn names_of_groups_are_given_and_stand_once() {
    check(
        "groups:\n- name: g\n- name: g\n",
        "error: groupname: \"g\" is repeated in the same file\n  --> r.yml:3:9\n3 | - name: g\n  |         ^",
    );
    check(
        "groups:\n- name: ''\n",
        "error: the name of a group must not be empty\n  --> r.yml:2:9\n2 | - name: ''\n  |         ^^",
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text =
        "groups:\n- name: g\n  rules:\n  - {alert: A}\n  - {record: r, expr: '('}\n- name: g\n";
    let problems = parse(Path::new("r.yml"), text, GroupDefaults::default()).unwrap_err();
    assert_eq!(problems.0.len(), 3, "{problems}");
}

#[test]
fn the_rules_of_the_ready_folders_are_right() {
    let monitoring = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../monitoring");
    let mut files = 0;
    for folder in std::fs::read_dir(&monitoring).unwrap() {
        let rules = folder.unwrap().path().join("prometheus/rules");
        for entry in std::fs::read_dir(&rules).unwrap() {
            let file = entry.unwrap().path();
            load(&file, GroupDefaults::default()).unwrap_or_else(|problems| panic!("{problems}"));
            files += 1;
        }
    }
    assert!(files > 0, "{} is empty", monitoring.display());
}
