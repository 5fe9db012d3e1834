//! Whatever the text, reading and executing it ends with a text or an error.

use proptest::prelude::*;
use stonechat_model::{Labels, Timestamp};
use stonechat_template::prometheus::{AlertData, PrometheusFunctions, is_function};
use stonechat_template::{Limits, MissingKey, Templates, Value};

/// Pieces of which templates are made, so that many of the texts are nearly right.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{",
        "}}",
        "{{- ",
        " -}}",
        " ",
        "\n",
        ".",
        ".Labels",
        ".Value",
        "$",
        "$x",
        ":=",
        "=",
        "|",
        "(",
        ")",
        "if ",
        "else",
        "end",
        "range ",
        "with ",
        "define ",
        "template ",
        "block ",
        "break",
        "continue",
        "\"t\"",
        "`r`",
        "'c'",
        "1",
        "-2.5e3",
        "0x1f",
        "nil",
        "true",
        "eq",
        "lt",
        "and",
        "or",
        "not",
        "len",
        "index",
        "slice",
        "printf",
        "\"%5.2[1]*d%v%x%q\"",
        "humanize",
        "humanizeDuration",
        "query",
        "first",
        "sortByLabel",
        "reReplaceAll",
        "toTime",
        "title",
        ",",
        "/*",
        "*/",
        "é",
        "\\",
        "\"",
        "}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn run(text: &str) {
    let mut templates = Templates::new(MissingKey::Zero);
    if templates.add("t", text, is_function).is_err() {
        return;
    }
    let labels = Labels::from_pairs([("a", "b")]).expect("labels of a test are valid");
    let data = Value::object(AlertData {
        labels: labels.clone(),
        external_labels: labels,
        external_url: "http://x".to_owned(),
        value: Value::Float(1.5),
    });
    let functions = PrometheusFunctions {
        now: Timestamp::from_millis(0),
        external_url: "http://x",
        query: &|_| Ok(Vec::new()),
    };
    let limits = Limits {
        output_bytes_max: 1 << 16,
        steps_max: 10_000,
        depth_max: 100,
    };
    let _ = templates.execute("t", &data, &functions, &limits);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nearly_right_texts_do_no_harm(text in pieces()) {
        run(&text);
        run(&format!("{{{{ {text} }}}}"));
    }

    #[test]
    fn any_text_does_no_harm(text in "\\PC*") {
        run(&text);
        run(&format!("{{{{ {text} }}}}"));
    }

    #[test]
    fn any_format_does_no_harm(format in "[%a-zA-Z0-9.*#+ \\[\\]-]{0,20}", number in any::<i64>(), float in any::<f64>()) {
        run(&format!("{{{{ printf {format:?} {number} {float:e} \"x\" true nil .Labels }}}}"));
    }
}
