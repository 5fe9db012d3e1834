use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::plan::{MetricKind, OnNull, Query, Values};
use crate::rows::{Rows, Value};
use crate::testing::{gauge, query};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn rows(columns: &[&str], rows: &[&[Value]]) -> Rows {
    Rows {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows.iter().map(|row| row.to_vec()).collect(),
    }
}

/// Rounds of answers, and the series after each, or the error.
fn check(query: Query, rounds: &[(Rows, &[&str])]) {
    let mut collector = Collector::new(Arc::new(query));
    for (rows, expected) in rounds {
        let nothing = BTreeMap::new();
        let found = match collector.collect(&[(&nothing, rows.clone())]) {
            Ok(collected) => {
                let mut lines: Vec<String> = collected.samples.iter().map(line).collect();
                lines.sort();
                lines
            }
            Err(error) => vec![error.to_string()],
        };
        assert_eq!(&found, expected);
    }
}

fn line(sample: &Sample) -> String {
    let time = sample.timestamp.map(|time| format!(" @{}", time.seconds()));
    format!(
        "{} {}{}",
        sample.labels,
        stonechat_model::format_float(sample.value),
        time.unwrap_or_default()
    )
}

fn with(change: impl FnOnce(&mut Query)) -> Query {
    let mut query = query("online");
    change(&mut query);
    query
}

#[test]
fn a_row_is_a_series() {
    let answer = rows(
        &["region", "v"],
        &[
            &[text("cn"), Value::Int(3509)],
            &[text("de"), Value::Decimal("1.50".into())],
        ],
    );
    check(
        query("online"),
        &[(
            answer,
            &[r#"online{region="cn"} 3509"#, r#"online{region="de"} 1.5"#],
        )],
    );
}

#[test]
fn several_value_columns_are_told_apart_by_a_label() {
    let query = with(|query| {
        query.metrics[0].values = Values::Columns {
            label: "state".to_owned(),
            columns: vec!["idle".to_owned(), "busy".to_owned()],
        };
        query.metrics[0].constant_labels = BTreeMap::from([("team".to_owned(), "im".to_owned())]);
    });
    let answer = rows(
        &["region", "idle", "busy"],
        &[&[text("cn"), Value::Int(1), Value::Int(2)]],
    );
    check(
        query,
        &[(
            answer,
            &[
                r#"online{region="cn", state="busy", team="im"} 2"#,
                r#"online{region="cn", state="idle", team="im"} 1"#,
            ],
        )],
    );
}

#[test]
fn null_is_what_the_query_says() {
    for (on_null, expected) in [
        (OnNull::Skip, vec![]),
        (OnNull::Zero, vec![r#"online{region="cn"} 0"#]),
        (OnNull::Nan, vec![r#"online{region="cn"} NaN"#]),
    ] {
        let query = with(|query| query.metrics[0].on_null = on_null);
        let answer = rows(&["region", "v"], &[&[text("cn"), Value::Null]]);
        check(query, &[(answer, &expected)]);
    }
}

#[test]
fn a_label_that_is_null_is_not_there() {
    let answer = rows(&["region", "v"], &[&[Value::Null, Value::Int(1)]]);
    check(query("online"), &[(answer, &["online 1"])]);
}

#[test]
fn of_rows_with_the_same_labels_the_last_counts() {
    let answer = rows(
        &["region", "v"],
        &[&[text("cn"), Value::Int(1)], &[text("cn"), Value::Int(2)]],
    );
    let nothing = BTreeMap::new();
    let mut collector = Collector::new(Arc::new(query("online")));
    let collected = collector.collect(&[(&nothing, answer)]).unwrap();
    assert_eq!(
        (collected.samples.len(), collected.samples[0].value),
        (1, 2.0)
    );
    assert_eq!((collected.duplicates, collected.rows), (1, 2));
}

#[test]
fn digits_that_get_lost_are_counted() {
    let answer = rows(
        &["region", "v"],
        &[
            &[text("cn"), Value::Uint(u64::MAX)],
            &[text("de"), Value::Decimal("0.1".into())],
        ],
    );
    let nothing = BTreeMap::new();
    let collected = Collector::new(Arc::new(query("online")))
        .collect(&[(&nothing, answer)])
        .unwrap();
    assert_eq!(collected.lossy, 1);
}

#[test]
fn an_answer_that_does_not_fit_is_refused_whole() {
    let good: &[Value] = &[text("cn"), Value::Int(1)];
    for (answer, error) in [
        (
            rows(&["region", "w"], &[good]),
            "the answer has no column `v`; it has `region`, `w`",
        ),
        // Also without a row, so that a result that changes its columns is noticed.
        (
            rows(&["v"], &[]),
            "the answer has no column `region`; it has `v`",
        ),
        (
            rows(&["region", "v"], &[good, &[text("de"), text("many")]]),
            r#"row 2: column `v` is "many", which is no number"#,
        ),
    ] {
        check(query("online"), &[(answer, &[error])]);
    }
}

#[test]
fn no_rows_are_an_error_only_where_rows_are_required() {
    let empty = || rows(&["region", "v"], &[]);
    check(query("online"), &[(empty(), &[])]);
    let query = with(|query| query.rows_required = true);
    check(query, &[(empty(), &["the answer has no rows"])]);
}

#[test]
fn a_time_column_gives_each_sample_its_time() {
    let query = with(|query| query.metrics[0].timestamp = Some("at".to_owned()));
    let answer = rows(
        &["region", "v", "at"],
        &[
            &[text("cn"), Value::Int(1), Value::Time(1_500)],
            &[text("de"), Value::Int(2), Value::Float(2.5)],
        ],
    );
    check(
        query.clone(),
        &[(
            answer,
            &[
                r#"online{region="cn"} 1 @1.5"#,
                r#"online{region="de"} 2 @2.5"#,
            ],
        )],
    );
    let answer = rows(
        &["region", "v", "at"],
        &[&[text("cn"), Value::Int(1), text("noon")]],
    );
    check(
        query,
        &[(
            answer,
            &[r#"row 1: column `at` is "noon", which is no time"#],
        )],
    );
}

#[test]
fn a_counter_adds_up_and_a_bad_round_adds_nothing() {
    let query = with(|query| query.metrics[0].kind = MetricKind::Counter { accumulate: true });
    let round = |value| rows(&["region", "v"], &[&[text("cn"), value]]);
    check(
        query,
        &[
            (round(Value::Int(2)), &[r#"online{region="cn"} 2"#]),
            (
                round(Value::Int(-1)),
                &["row 1: column `v` is -1, and a counter cannot go down"],
            ),
            (round(Value::Int(3)), &[r#"online{region="cn"} 5"#]),
        ],
    );
}

#[test]
fn a_histogram_counts_rows_and_a_summary_has_their_quantiles() {
    let histogram = |accumulate| {
        with(|query| {
            query.metrics[0].labels.clear();
            query.metrics[0].kind = MetricKind::Histogram {
                buckets: vec![1.0, 2.0],
                accumulate,
            };
        })
    };
    let answer = || {
        rows(
            &["v"],
            &[&[Value::Int(1)], &[Value::Int(2)], &[Value::Int(9)]],
        )
    };
    let once: &[&str] = &[
        r#"online_bucket{le="+Inf"} 3"#,
        r#"online_bucket{le="1"} 1"#,
        r#"online_bucket{le="2"} 2"#,
        "online_count 3",
        "online_sum 12",
    ];
    check(histogram(false), &[(answer(), once), (answer(), once)]);
    let twice: &[&str] = &[
        r#"online_bucket{le="+Inf"} 6"#,
        r#"online_bucket{le="1"} 2"#,
        r#"online_bucket{le="2"} 4"#,
        "online_count 6",
        "online_sum 24",
    ];
    check(histogram(true), &[(answer(), once), (answer(), twice)]);

    let summary = with(|query| {
        query.metrics[0].labels.clear();
        query.metrics[0].kind = MetricKind::Summary {
            quantiles: vec![0.5, 0.9],
        };
    });
    check(
        summary,
        &[(
            answer(),
            &[
                "online_count 3",
                "online_sum 12",
                r#"online{quantile="0.5"} 2"#,
                r#"online{quantile="0.9"} 7.6"#,
            ],
        )],
    );
}

#[test]
fn what_adds_up_has_a_limit() {
    let mut query = with(|query| query.metrics[0].kind = MetricKind::Counter { accumulate: true });
    query.rows_max = 3;
    let mut collector = Collector::new(Arc::new(query));
    let nothing = BTreeMap::new();
    for round in 0..4 {
        let answer = rows(
            &["region", "v"],
            &[&[text(&round.to_string()), Value::Int(1)]],
        );
        let outcome = collector.collect(&[(&nothing, answer)]);
        assert_eq!(outcome.is_err(), round == 3, "{outcome:?}");
    }
}

#[test]
fn parameters_are_columns() {
    let mut query = query("online");
    query.metrics = vec![gauge("online")];
    let mut collector = Collector::new(Arc::new(query));
    let [cn, de] =
        ["cn", "de"].map(|region| BTreeMap::from([("region".to_owned(), region.to_owned())]));
    let answer = |value| rows(&["v"], &[&[Value::Int(value)]]);
    let collected = collector
        .collect(&[(&cn, answer(1)), (&de, answer(2))])
        .unwrap();
    let lines: Vec<String> = collected.samples.iter().map(line).collect();
    assert_eq!(
        lines,
        [r#"online{region="cn"} 1"#, r#"online{region="de"} 2"#]
    );
}
