//! Templates as alerting rules use them.

use stonechat_model::{Labels, Timestamp};
use stonechat_template::prometheus::{
    ALERT_PRELUDE, AlertData, PrometheusFunctions, Sample, is_function,
};
use stonechat_template::{CallError, Limits, MissingKey, Templates, Value};

#[path = "common/cases.rs"]
mod cases;
#[path = "common/promtool.rs"]
mod promtool;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied()).expect("labels of a test are valid")
}

/// Three series: `v`, and `w` twice.
fn query(expression: &str) -> Result<Vec<Sample>, CallError> {
    let sample = |pairs: &[(&str, &str)], value| Sample {
        labels: labels(pairs),
        value,
    };
    Ok(match expression {
        "v" => vec![sample(
            &[("__name__", "v"), ("a", "b"), ("instance", "host:9090")],
            1_234_567.0,
        )],
        "w" => vec![
            sample(&[("__name__", "w"), ("n", "1")], 1.0),
            sample(&[("__name__", "w"), ("n", "2")], 2.0),
        ],
        "nothing" => Vec::new(),
        _ => return Err(CallError::new("no such query in this test")),
    })
}

fn expand(text: &str) -> Result<String, String> {
    let mut templates = Templates::new(MissingKey::Zero);
    let name = "__alert_A";
    templates
        .add(name, &format!("{ALERT_PRELUDE}{text}"), is_function)
        .map_err(|error| error.to_string())?;
    let data = Value::object(AlertData {
        labels: labels(&[("__name__", "v"), ("a", "b"), ("instance", "host:9090")]),
        external_labels: labels(&[("region", "cn")]),
        external_url: "http://monitor:9090/base".to_owned(),
        value: Value::Float(1_234_567.0),
    });
    let functions = PrometheusFunctions {
        now: Timestamp::from_millis(1_500),
        external_url: "http://monitor:9090/base",
        query: &query,
    };
    let output = templates.execute(name, &data, &functions, &Limits::default());
    output.map_err(|error| error.to_string())
}

#[test]
fn templates_print_what_go_prints() {
    let mut failures = Vec::new();
    for (template, expected) in cases::OUTPUTS {
        let got = expand(template);
        if got.as_deref() != Ok(*expected) {
            failures.push(format!(
                "{template}\n  expected {expected:?}\n       got {got:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn errors_read_as_in_go() {
    let mut failures = Vec::new();
    for (template, expected) in cases::ERRORS {
        let got = expand(template);
        if got.as_ref().err().map(String::as_str) != Some(*expected) {
            failures.push(format!(
                "{template}\n  expected {expected:?}\n       got {got:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn bad_texts_are_refused_as_in_go() {
    let mut failures = Vec::new();
    for (text, expected) in cases::BAD {
        let mut templates = Templates::new(MissingKey::Zero);
        let got = templates.add("__alert_A", &format!("{ALERT_PRELUDE}{text}"), is_function);
        let got = got.err().map(|error| error.to_string());
        if got.as_deref() != Some(*expected) {
            failures.push(format!(
                "{text}\n  expected {expected:?}\n       got {got:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn odd_texts_are_taken_as_in_go() {
    for text in cases::ODD {
        let mut templates = Templates::new(MissingKey::Zero);
        let taken = templates.add("t", &format!("{ALERT_PRELUDE}{text}"), is_function);
        assert_eq!(taken, Ok(()), "{text}");
    }
}
