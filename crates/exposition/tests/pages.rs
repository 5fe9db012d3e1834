//! What pages say, entry by entry, and which ones are refused where.

#![allow(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use stonechat_exposition::Format::{self, OpenMetrics, Text};
use stonechat_exposition::{Entries, Entry};
use stonechat_model::{Labels, format_float};

/// An entry as a line that is easy to compare.
fn shown(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Sample(sample) => {
            let labels = Labels::from_pairs(sample.labels().unwrap()).unwrap();
            let mut line = format!("{labels} {}", format_float(sample.value));
            if let Some(timestamp) = sample.timestamp {
                line += &format!(" @{}", timestamp.millis());
            }
            if let Some(exemplar) = &sample.exemplar {
                let labels = Labels::from_pairs(exemplar.labels().unwrap()).unwrap();
                line += &format!(" # {labels} {}", format_float(exemplar.value));
                if let Some(timestamp) = exemplar.timestamp {
                    line += &format!(" @{}", timestamp.millis());
                }
            }
            line
        }
        Entry::Type { family, kind } => format!("TYPE {} {}", family.text(), kind.as_str()),
        Entry::Help { family, text } => format!("HELP {} {:?}", family.text(), text.text()),
        Entry::Unit { family, unit } => format!("UNIT {} {}", family.text(), unit.text()),
        other => format!("{other:?}"),
    }
}

fn read(format: Format, page: impl AsRef<[u8]>) -> Vec<String> {
    let entries = Entries::new(page.as_ref(), format);
    entries
        .map(|entry| entry.map_or_else(|error| error.to_string(), |entry| shown(&entry)))
        .collect()
}

#[track_caller]
fn check(format: Format, page: impl AsRef<[u8]>, expected: &[&str]) {
    assert_eq!(read(format, page), expected);
}

#[test]
fn samples_in_the_text_format() {
    check(Text, "up 1", &["up 1"]);
    check(Text, "up 1\n\n\nup 2\n", &["up 1", "up 2"]);
    check(
        Text,
        "a{x=\"1\",y=\"2\"} -3.5 1000\n",
        &["a{x=\"1\", y=\"2\"} -3.5 @1000"],
    );
    check(Text, " \ta {\tx = \"1\" , }\t+Inf \n", &["a{x=\"1\"} +Inf"]);
    check(Text, "a{x=\"1\"y=\"2\"}3\n", &["a{x=\"1\", y=\"2\"} 3"]);
    check(Text, "a:b{} 0x\n", &["line 1: \"0x\" is not a number"]);
}

#[test]
fn escapes_and_every_kind_of_text() {
    check(
        Text,
        r#"a{x="say \"hi\"\\\n\t",y="東京"} 1"#,
        &[r#"a{x="say \"hi\"\\\n\\t", y="東京"} 1"#],
    );
    check(Text, "a{x=\"two\nlines\"} 1", &["a{x=\"two\\nlines\"} 1"]);
    check(Text, "a{x=\"\0\"} 1", &["a{x=\"\\x00\"} 1"]);
    check(
        Text,
        b"a{x=\"\xff\"} 1",
        &["line 1: the label value is not UTF-8"],
    );
}

#[test]
fn names_in_quotes() {
    check(Text, r#"{"a.b","c.d"="1"} 2"#, &[r#"a.b{c.d="1"} 2"#]);
    check(
        OpenMetrics,
        "# TYPE \"a b\" gauge\n{\"a b\",x=\"1\"} 2\n# EOF\n",
        &["TYPE a b gauge", "a b{x=\"1\"} 2"],
    );
    check(
        Text,
        r#"a{"b"} 1"#,
        &["line 1: the metric name is given twice"],
    );
    check(
        Text,
        r#"{"a","b"} 1"#,
        &["line 1: the metric name is given twice"],
    );
    check(
        Text,
        r#"{x="1"} 1"#,
        &["line 1: the metric name is missing"],
    );
}

#[test]
fn metadata_in_the_text_format() {
    check(
        Text,
        "# HELP a What \\\"a\\\" is\\nfor.\n# TYPE a counter\n# anything\n#TYPE a b\n",
        &[
            "HELP a \"What \\\\\\\"a\\\\\\\" is\\nfor.\"",
            "TYPE a counter",
        ],
    );
    check(Text, "# HELP a", &["HELP a \"\""]);
    check(
        Text,
        "\n# TYPE a meh\n",
        &["line 2: unknown metric type \"meh\""],
    );
    check(Text, "# TYPE a\n", &["line 1: unknown metric type \"\""]);
    check(
        Text,
        "# HELP 1\n",
        &["line 1: expected a metric name after HELP, found \"1\""],
    );
}

#[test]
fn openmetrics() {
    check(
        OpenMetrics,
        "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n# HELP a_seconds \\\"How\\\" long.\n\
         a_seconds_bucket{le=\"1\"} 3 1.5 # {trace_id=\"x\"} 0.7 1.25\na_seconds_count 3\n# EOF",
        &[
            "TYPE a_seconds histogram",
            "UNIT a_seconds seconds",
            "HELP a_seconds \"\\\"How\\\" long.\"",
            "a_seconds_bucket{le=\"1.0\"} 3 @1500 # {trace_id=\"x\"} 0.7 @1250",
            "a_seconds_count 3",
        ],
    );
    check(OpenMetrics, "a 1 # {} 2\n# EOF\n", &["a 1 # {} 2"]);
    check(OpenMetrics, "", &[]);
}

#[test]
fn bounds_are_written_one_way() {
    check(
        Text,
        "a_bucket{le=\"1\"} 1\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"x\"} 1\n\
         # TYPE b summary\nb{quantile=\"0.50\",le=\"1\"} 1\n",
        &[
            "a_bucket{le=\"1\"} 1",
            "TYPE a histogram",
            "a_bucket{le=\"1.0\"} 1",
            "a_bucket{le=\"x\"} 1",
            "TYPE b summary",
            "b{le=\"1\", quantile=\"0.5\"} 1",
        ],
    );
}

#[test]
fn an_empty_value_is_no_label() {
    check(Text, r#"a{x="",y="1"} 1"#, &[r#"a{y="1"} 1"#]);
    check(Text, r#"a{x="",x="1"} 1"#, &["a 1"]);
}

#[test]
fn bad_openmetrics_is_refused_with_its_line() {
    for (page, error) in [
        ("a 1\n", "line 2: the page does not end with # EOF"),
        ("a 1", "line 1: the page does not end with # EOF"),
        ("# EOF\n\n", "line 2: there is text after # EOF"),
        (
            "\n# EOF\n",
            "line 1: expected a metric name, `{` or `# `, found the end of the line",
        ),
        (
            "a  1\n# EOF\n",
            "line 1: expected a space and a value after the series, found \" \"",
        ),
        (
            "a{x=\"1\" } 1\n# EOF\n",
            "line 1: expected `,` or `}`, found \" }\"",
        ),
        ("a 1 x\n# EOF\n", "line 1: \"x\" is not a timestamp"),
        ("a 1 NaN\n# EOF\n", "line 1: \"NaN\" is not a timestamp"),
        (
            "a 1 # {x} 1\n# EOF\n",
            "line 1: expected `=` after the label name, found \"}\"",
        ),
        (
            "# UNIT a s\n# EOF\n",
            "line 1: unit \"s\" is not the last part of the metric name \"a\"",
        ),
        (
            "#HELP a b\n# EOF\n",
            "line 1: expected `# HELP `, `# TYPE `, `# UNIT ` or `# EOF`, found \"#HELP\"",
        ),
    ] {
        let read = read(OpenMetrics, page);
        assert_eq!(read.last().map(String::as_str), Some(error), "{page:?}");
    }
}

#[test]
fn nothing_follows_an_error() {
    let mut entries = Entries::new(b"?\nup 1\n", Text);
    assert!(entries.next().is_some_and(|entry| entry.is_err()));
    assert!(entries.next().is_none());
}

#[test]
fn a_long_bad_text_is_shown_cut() {
    let page = format!("a {}\n", "x".repeat(10_000));
    let read = read(Text, page);
    assert!(read[0].len() < 100, "{}", read[0]);
}

#[test]
fn an_expected_series_must_be_the_whole_one() {
    for (expected, page) in [
        ("up", "up2 1\n"),
        ("up", "up{x=\"1\"} 1\n"),
        ("up", "up {x=\"1\"} 1\n"),
        ("up", "up:x 1\n"),
        ("up{}", "up{}1\n"),
        ("up", "up\t1\n"),
        ("up{x=\"1\"}", "up{x=\"1\"} 1\n"),
    ] {
        let mut entries = Entries::new(page.as_bytes(), Text);
        let Some(Ok(Entry::Sample(sample))) = entries.next_expecting(expected.as_bytes()) else {
            panic!("{page:?} has a sample");
        };
        assert_eq!(
            sample.is_expected,
            sample.series == expected.as_bytes(),
            "{page:?} expecting {expected:?}"
        );
    }
}
