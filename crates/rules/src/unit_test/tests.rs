use std::fs;
use std::path::Path;

use super::*;

/// The failures of a file of tests over the rules `rules`.
fn failures(rules: &str, tests: &str, only: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("rules.yml"),
        format!("groups:\n- name: g\n  rules:\n{rules}"),
    )
    .unwrap();
    let path = folder.path().join("tests.yml");
    fs::write(&path, format!("rule_files: [rules.yml]\n{tests}")).unwrap();
    let only = only.map(|only| Regex::new(only).unwrap());
    let report = run_unit_tests(&path, only.as_ref());
    assert_eq!(report.warnings, [""; 0]);
    report.failures
}

const DOWN: &str = "  - alert: Down\n    expr: up == 0\n    for: 2m\n    labels: {severity: page}\n    annotations: {summary: '{{ $labels.job }} is {{ $value }}'}\n";
const SERIES: &str = "  input_series:\n  - {series: 'up{job=\"a\"}', values: '0x10'}\n";

#[test]
fn what_is_as_expected_passes() {
    let tests = format!(
        "tests:\n- name: down\n{SERIES}  alert_rule_test:\n  - {{eval_time: 1m, alertname: Down}}\n  - eval_time: 2m30s\n    alertname: Down\n    exp_alerts: [{{exp_labels: {{job: a, severity: page}}, exp_annotations: {{summary: a is 0}}}}]\n  promql_expr_test:\n  - {{expr: 'count(ALERTS{{alertstate=\"firing\"}})', eval_time: 4m, exp_samples: [{{value: 1}}]}}\n"
    );
    assert_eq!(failures(DOWN, &tests, None), [""; 0]);
}

#[test]
fn failures_are_told_in_the_words_of_promtool() {
    let tests = format!(
        "tests:\n- name: one\n{SERIES}  alert_rule_test:\n  - {{eval_time: 5m, alertname: Down, exp_alerts: []}}\n- name: two\n{SERIES}  promql_expr_test:\n  - {{expr: up, eval_time: 1m, exp_samples: [{{labels: 'up{{job=\"a\"}}', value: 1}}]}}\n"
    );
    let alert = "    name: one,\n    alertname: Down, time: 5m, \n        exp:[], \n        got:[\n            0:\n              Labels:{alertname=\"Down\", job=\"a\", severity=\"page\"}\n              Annotations:{summary=\"a is 0\"}\n            ]";
    let sample = "    expr: \"up\", time: 1m,\n        exp: {__name__=\"up\", job=\"a\"} 1E+00\n        got: {__name__=\"up\", job=\"a\"} 0E+00";
    assert_eq!(failures(DOWN, &tests, None), [alert, sample]);
    assert_eq!(failures(DOWN, &tests, Some("^two$")), [sample]);
}

/// Files that promtool has judged.
#[test]
fn verdicts_are_those_of_promtool() {
    /// Files whose verdict we do not share, and why.
    const EXCEPTIONS: &[(&str, &str)] = &[
        (
            "promtool/unittest.yml",
            "has native histograms, which the language does not evaluate yet",
        ),
        (
            "promtool/rules_run_fuzzy.yml",
            "holds a test that upstream leaves out with --run; promtool 3.5 fails the whole file, as we do",
        ),
    ];
    #[derive(serde::Deserialize)]
    struct Case {
        file: String,
        kind: String,
        upstream: Option<String>,
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/config");
    let Ok(text) = fs::read_to_string(folder.join("cases-prometheus.json")) else {
        eprintln!("skipped: the conformance cases are not there");
        return;
    };
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let (mut judged, mut differ) = (0, Vec::new());
    for case in cases.iter().filter(|case| case.kind == "unit-test") {
        if let Some((file, why)) = EXCEPTIONS.iter().find(|(file, _)| *file == case.file) {
            eprintln!("left out: {file} {why}");
            continue;
        }
        let report = run_unit_tests(&folder.join(&case.file), None);
        let verdict = if report.failures.is_empty() {
            "passes"
        } else {
            "fails"
        };
        judged += 1;
        if case.upstream.as_deref() != Some(verdict) {
            differ.push(format!(
                "{}: {verdict}\n{}",
                case.file,
                report.failures.join("\n")
            ));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(judged > 8, "{judged}");
}
