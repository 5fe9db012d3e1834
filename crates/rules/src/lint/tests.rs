use std::path::Path;

use stonechat_model::{
    Labels, Matcher, Metadata, MetricType, Queryable, QueryableError, Selection, TimeRange,
    Timestamp,
};
use stonechat_promql::{MemoryStore, parse};

use super::Linter;
use crate::config::{GroupDefaults, parse as parse_rules};

/// A store that knows kinds of metrics.
struct Described(MemoryStore);

impl Queryable for Described {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        self.0.select(matchers, range)
    }

    fn series(
        &self,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        self.0.series(sets, range)
    }

    fn label_names(
        &self,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.0.label_names(sets, range)
    }

    fn label_values(
        &self,
        name: &str,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.0.label_values(name, sets, range)
    }

    fn metadata(
        &self,
        family: Option<&str>,
    ) -> Result<Vec<(String, Vec<Metadata>)>, QueryableError> {
        let kind = match family {
            Some("sent_total") => MetricType::Counter,
            Some("connections") => MetricType::Gauge,
            Some("native_seconds") => MetricType::Histogram,
            _ => return Ok(Vec::new()),
        };
        let metadata = Metadata {
            kind,
            ..Metadata::default()
        };
        Ok(vec![(
            family.unwrap_or_default().to_owned(),
            vec![metadata],
        )])
    }
}

fn store() -> Described {
    let mut store = MemoryStore::default();
    for series in [
        "up{job='chat'}",
        "sent_total{job='chat',code='200',type='text'}",
        "sent_total{job='chat',code='404',type='image'}",
        "connections{job='chat'}",
        "native_seconds{job='chat'}",
        "delay_seconds_bucket{job='chat',le='1'}",
        "delay_seconds_bucket{job='chat',le='+Inf'}",
        "delay_seconds_sum{job='chat'}",
    ] {
        let matchers = parse(series).unwrap().selectors()[0].all_matchers();
        let pairs = matchers.iter().map(|one| (one.name(), one.value()));
        let labels = Labels::from_pairs(pairs).unwrap();
        store.insert(labels, Timestamp::from_millis(0), 1.0);
    }
    Described(store)
}

/// What is odd in an expression, each with the part of it and the help.
fn check(expr: &str, expected: &[(&str, &str, &str)]) {
    let store = store();
    let groups = "groups: [{name: g, rules: [{record: 'job:sent:rate', expr: 'sent_total'}]}]";
    let groups = parse_rules(Path::new("r.yml"), groups, GroupDefaults::default()).unwrap();
    let linter = Linter::new(&store, TimeRange::ALL, &groups);
    let found = linter.expression(&parse(expr).unwrap()).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|remark| {
            (
                &expr[remark.span.range()],
                &*remark.message,
                remark.help.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(found, expected, "{expr}");
}

#[test]
fn what_was_seen_is_no_remark() {
    for expr in [
        "up == 0",
        "1 + time()",
        "sum(rate(sent_total{code=~\"4..\", job=\"chat\"}[5m]))",
        "sent_total{missing=\"\"}",
        "{job=\"chat\"}",
        "job:sent:rate{job=\"nobody knows yet\"} > 1",
        "ALERTS{alertname=\"X\"}",
        "absent(up{job=\"other\"})",
        "up unless up{job=\"other\"}",
        "up{job=\"__variable__\"}",
        "__variable__",
    ] {
        check(expr, &[]);
    }
}

#[test]
fn what_was_never_seen_is_named() {
    check(
        "rate(snt_total[5m]) > 1",
        &[(
            "snt_total[5m]",
            "there is no series snt_total",
            "did you mean sent_total?",
        )],
    );
    check(
        "sent_total{status=\"200\"} / up",
        &[(
            "sent_total{status=\"200\"}",
            "sent_total has no label status",
            "its labels are code, job, type",
        )],
    );
    check(
        "sent_total{code=~\"5..\"} + sent_total{job=\"chta\"}",
        &[
            (
                "sent_total{code=~\"5..\"}",
                "the label code of sent_total was never code=~\"5..\"",
                "it was 200, 404",
            ),
            (
                "sent_total{job=\"chta\"}",
                "the label job of sent_total was never job=\"chta\"",
                "did you mean \"chat\"?",
            ),
        ],
    );
    check(
        "sent_total{code=\"200\",type=\"image\"}",
        &[(
            "sent_total{code=\"200\",type=\"image\"}",
            "no series of sent_total fulfils all of these conditions together",
            "",
        )],
    );
    check(
        "absent(conections)",
        &[(
            "conections",
            "there is no series conections",
            "did you mean connections?",
        )],
    );
}

#[test]
fn a_side_of_or_stands_in_for_the_other() {
    check("sent_total{code=\"500\"} or sent_total * 0", &[]);
    check("(vanished_total or sent_total) > 5", &[]);
    check("up + (sent_total{code=\"500\"} or vector(0)) / up", &[]);
    check(
        "xyz or sent_total{code=\"500\"}",
        &[
            ("xyz", "there is no series xyz", ""),
            (
                "sent_total{code=\"500\"}",
                "the label code of sent_total was never code=\"500\"",
                "it was 200, 404",
            ),
        ],
    );
}

#[test]
fn functions_get_the_kind_that_they_are_for() {
    check("rate(sent_total[5m]) + delta(connections[5m])", &[]);
    check(
        "rate(connections[5m])",
        &[(
            "rate(connections[5m])",
            "connections is a gauge, and rate takes every fall of it for a restart",
            "for gauges there are delta, deriv, and avg_over_time",
        )],
    );
    check(
        "max(deriv(sent_total[5m]))",
        &[(
            "deriv(sent_total[5m])",
            "sent_total is a counter, and deriv takes every restart for a fall",
            "for counters there are increase and rate",
        )],
    );
}

#[test]
fn quantiles_need_buckets() {
    for expr in [
        "histogram_quantile(0.9, sum by (job, le) (rate(delay_seconds_bucket[5m])))",
        "histogram_quantile(0.9, sum without (job) (rate(delay_seconds_bucket[5m])))",
        "histogram_quantile(0.9, sum by (job) (rate(native_seconds[5m])))",
        "histogram_quantile(0.9, topk by (job) (3, rate(delay_seconds_bucket[5m])))",
        "histogram_quantile(0.9, label_replace(up, \"le\", \"1\", \"\", \"\"))",
    ] {
        check(expr, &[]);
    }
    check(
        "histogram_quantile(0.9, sum by (job) (rate(delay_seconds_bucket[5m])))",
        &[(
            "sum by (job) (rate(delay_seconds_bucket[5m]))",
            "this drops the label le, and without it histogram_quantile has no buckets",
            "add le to the labels of `by`, or take it out of `without`",
        )],
    );
    check(
        "histogram_quantile(0.9, rate(delay_seconds_sum[5m]))",
        &[(
            "histogram_quantile(0.9, rate(delay_seconds_sum[5m]))",
            "delay_seconds_sum has no buckets: none of its series has the label le",
            "did you mean delay_seconds_sum_bucket?",
        )],
    );
}

#[test]
fn a_long_chain_is_gone_along() {
    let expr = vec!["up"; 5_000].join(" + ");
    check(&expr, &[]);
}

#[test]
fn labels_of_a_result_are_those_of_its_series() {
    let store = store();
    let linter = Linter::new(&store, TimeRange::ALL, &[]);
    let names = |expr: &str| linter.label_names(&parse(expr).unwrap()).unwrap();
    let known = names("sum by (job) (sent_total) / up").unwrap();
    assert_eq!(Vec::from_iter(known), ["code", "job", "type"]);
    for unknown in [
        "nothing",
        "label_replace(up, \"a\", \"b\", \"\", \"\")",
        "count_values(\"v\", up)",
    ] {
        assert_eq!(names(unknown), None, "{unknown}");
    }
}
