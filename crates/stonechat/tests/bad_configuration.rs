//! A mistake in a file is one error with file, line and column, what is wrong and what would be right; exit status 2.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use support::{Server, folder, refused};

const ALERTMANAGER: &str = "route: {receiver: r}\nreceivers: [{name: r}]\n";
const RULES: &str = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up == 0\n";
const PROMETHEUS: &str = "rule_files: [rules.yml]\nscrape_configs:\n  - job_name: a\n    static_configs: [{targets: ['127.0.0.1:1']}]\n";

/// Starts the server with one file replaced, and compares the whole of what it says about it.
fn check(file: &str, text: &str, shown: &str) {
    let files = [
        ("prometheus.yml", PROMETHEUS),
        ("rules.yml", RULES),
        ("alertmanager.yml", ALERTMANAGER),
    ];
    let folder = folder(&files.map(|(name, good)| (name, if name == file { text } else { good })));
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.replace(&format!("{}/", folder.path().display()), "");
    assert!(
        said.trim() == shown.trim(),
        "said:\n{said}\nexpected:\n{shown}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_unknown_key_names_the_nearest() {
    check(
        "prometheus.yml",
        "global:\n  scrape_intervall: 5s\n",
        "
error: unknown key `scrape_intervall`
  --> prometheus.yml:2:3
2 |   scrape_intervall: 5s
  |   ^^^^^^^^^^^^^^^^ did you mean `scrape_interval`?",
    );
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    check(
        "prometheus.yml",
        "scrape_configs:\n  - job_name: a\n    sample_limit: many\n",
        "
error: wrong type
  --> prometheus.yml:3:19
3 |     sample_limit: many
  |                   ^^^^ expected a whole number that is not negative",
    );
}

#[test]
fn a_key_that_cannot_be_honoured_yet_is_refused() {
    check(
        "prometheus.yml",
        "remote_write:\n  - url: http://127.0.0.1:1/\n",
        "
error: the key `remote_write` is not supported yet
  --> prometheus.yml:1:1
1 | remote_write:
  | ^^^^^^^^^^^^",
    );
}

#[test]
fn a_missing_rule_file_is_shown_where_it_is_named() {
    let folder = folder(&[("prometheus.yml", "rule_files:\n  - nowhere.yml\n")]);
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("prometheus.yml:2:5"), "{said}");
    assert!(said.contains("there is no rule file"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_bad_expression_is_shown_in_its_rule_file() {
    let folder = folder(&[
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", &RULES.replace("up == 0", "rate(up) > 0")),
    ]);
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("rules.yml:5:20"), "{said}");
    assert!(
        said.contains("expected type range vector in call to function \"rate\""),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_undefined_receiver_is_shown_in_its_route() {
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("rules.yml", RULES),
        (
            "alertmanager.yml",
            "route:\n  receiver: wecom\nreceivers:\n  - name: wechat\n",
        ),
    ]);
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("alertmanager.yml:2:13"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn mistakes_in_several_files_are_reported_together() {
    let folder = folder(&[
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", "groups: 7\n"),
        ("alertmanager.yml", "rout: {}\n"),
    ]);
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("rules.yml") && said.contains("alertmanager.yml"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_folder_without_configuration_says_what_it_looked_for() {
    let folder = folder(&[("notes.txt", "")]);
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("prometheus/prometheus.yml"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_secret_beside_a_mistake_is_not_shown() {
    let http = "http_config: {basic_auth: {username: u, password: hunter2, pasword_file: y}}";
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("rules.yml", RULES),
        (
            "alertmanager.yml",
            &format!("global: {{{http}}}\n{ALERTMANAGER}"),
        ),
    ]);
    let output = refused(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("alertmanager.yml:1") && !said.contains("hunter2"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_has_no_effect_yet_is_said_once_with_its_place() {
    let alertmanager = format!("tracing: {{endpoint: 'h:4317'}}\n{ALERTMANAGER}");
    let folder = folder(&[
        (
            "prometheus.yml",
            &format!(
                "{PROMETHEUS}alerting: {{alertmanagers: [{{dns_sd_configs: [{{names: [a]}}]}}]}}\n"
            ),
        ),
        ("rules.yml", RULES),
        ("alertmanager.yml", &alertmanager),
        ("dashboards/odd.json", "{\"title\": \"Odd\", \"panels\": 5}"),
    ]);
    let server = Server::start(folder.path());
    let said = server.said();
    for (message, place) in [
        (
            "not looked for by `dns_sd_configs` yet",
            "prometheus.yml:5:",
        ),
        ("`tracing` has no effect", "alertmanager.yml:1:"),
        ("this dashboard cannot be shown", "dashboards/odd.json:1:28"),
    ] {
        assert_eq!(said.matches(message).count(), 1, "{message} in\n{said}");
        assert_eq!(said.matches(place).count(), 1, "{place} in\n{said}");
    }
    assert_eq!(server.stop(), Some(0));
}
