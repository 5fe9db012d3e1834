//! How fast queries are over samples in memory, so that only the evaluator counts. Run by `cargo xtask bench`.

use std::time::{Duration, Instant};

use stonechat_model::{
    Columns, Labels, Matcher, Queryable, QueryableError, Selection, TimeRange, Timestamp,
};
use stonechat_promql::{Cancel, Engine, Steps, parse};

const SECONDS: i64 = 15;
const SAMPLES: i64 = 8 * 60 + 40;

/// Series with columns that are copied out, as a store copies what it decoded.
struct Store(Vec<(Labels, Columns)>);

impl Store {
    /// `http_requests_total` of 100 instances: 12,000 series; and 29,000 buckets.
    fn new() -> Self {
        let mut series = Vec::new();
        let mut add = |pairs: Vec<(&str, String)>, slope: i64| {
            let mut columns = Columns::default();
            for index in 0..SAMPLES {
                let jitter = (index * 7 + slope) % 13;
                let at = Timestamp::from_millis(index * SECONDS * 1000 + jitter);
                columns.push(at, (index * slope + jitter) as f64);
            }
            series.push((Labels::from_pairs(pairs).expect("valid labels"), columns));
        };
        for instance in 0..100_i64 {
            let host = format!("chat-{instance}:9100");
            for route in 0..12_i64 {
                let path = format!("/api/route/{route}");
                for code in 0..10_i64 {
                    let pairs = vec![
                        ("__name__", "http_requests_total".to_owned()),
                        ("code", (200 + code * 33).to_string()),
                        ("instance", host.clone()),
                        ("job", "chat".to_owned()),
                        ("region", format!("eu-{}", instance % 3)),
                        ("route", path.clone()),
                    ];
                    add(pairs, route + code + 1);
                }
                for le in 0..24_i64 {
                    let bound = if le == 23 {
                        "+Inf".to_owned()
                    } else {
                        (le + 1).to_string()
                    };
                    let pairs = vec![
                        (
                            "__name__",
                            "http_request_duration_seconds_bucket".to_owned(),
                        ),
                        ("instance", host.clone()),
                        ("job", "chat".to_owned()),
                        ("le", bound),
                        ("route", path.clone()),
                    ];
                    add(pairs, (route + 1) * (le + 1));
                }
            }
        }
        series.sort_by(|a, b| a.0.cmp(&b.0));
        Self(series)
    }
}

struct Selected<'a>(Vec<&'a (Labels, Columns)>, TimeRange);

impl Selection for Selected<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.0[index].0
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        let all = &self.0[index].1;
        let first = all
            .timestamps
            .partition_point(|at| *at < self.1.start.millis());
        let behind = all
            .timestamps
            .partition_point(|at| *at <= self.1.end.millis());
        columns
            .timestamps
            .extend_from_slice(&all.timestamps[first..behind]);
        columns.values.extend_from_slice(&all.values[first..behind]);
        Ok(())
    }
}

impl Queryable for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        let fits = |labels: &Labels| {
            matchers
                .iter()
                .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
        };
        let found = self.0.iter().filter(|(labels, _)| fits(labels)).collect();
        Ok(Box::new(Selected(found, range)))
    }

    fn series(&self, _: &[Vec<Matcher>], _: TimeRange) -> Result<Vec<Labels>, QueryableError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &[Vec<Matcher>], _: TimeRange) -> Result<Vec<String>, QueryableError> {
        Ok(Vec::new())
    }

    fn label_values(
        &self,
        _: &str,
        _: &[Vec<Matcher>],
        _: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        Ok(Vec::new())
    }
}

/// Expressions with the span and the step of their range in seconds; instant queries have none.
const QUERIES: &[(&str, u64, u64)] = &[
    ("sum by (route) (rate(http_requests_total[5m]))", 7200, 60),
    (
        "sum(rate(http_requests_total{code=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m]))",
        7200,
        60,
    ),
    (
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
        0,
        0,
    ),
    (
        "histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket[5m])))",
        3600,
        60,
    ),
    (
        "topk(10, sum by (instance) (rate(http_requests_total[5m])))",
        0,
        0,
    ),
    (
        "sum by (region) (avg_over_time(http_requests_total[10m]))",
        7200,
        60,
    ),
    (
        "max by (region) (max_over_time(http_requests_total[1h]))",
        0,
        0,
    ),
    ("count by (__name__) ({job=\"chat\"})", 0, 0),
    (
        "sum by (instance, route, code) (increase(http_requests_total[1h]))",
        0,
        0,
    ),
    ("http_requests_total{region=\"eu-1\"}", 3600, 60),
    (
        "sum by (region) (rate(http_requests_total{code=\"200\"}[5m]) / rate(http_requests_total{code=\"233\"}[5m]) > 0)",
        3600,
        60,
    ),
    (
        "sum by (region) (rate(http_requests_total{code=\"200\"}[5m]) / ignoring (code) rate(http_requests_total{code=\"233\"}[5m]) > 0)",
        3600,
        60,
    ),
    (
        "max_over_time(sum(rate(http_requests_total{route=\"/api/route/1\"}[5m]))[1h:1m])",
        0,
        0,
    ),
];

#[test]
#[ignore = "a measurement: run by `cargo xtask bench`"]
fn speed_of_queries() {
    let store = Store::new();
    let engine = Engine::default();
    let end = Timestamp::from_millis((SAMPLES - 1) * SECONDS * 1000);
    for (expr, span, step) in QUERIES {
        let parsed = parse(expr).unwrap();
        let steps = Steps {
            start: end.minus(Duration::from_secs(*span)),
            end,
            step: Duration::from_secs(*step),
        };
        let mut times: Vec<Duration> = (0..7)
            .map(|_| {
                let began = Instant::now();
                let answer = if *span == 0 {
                    engine.instant(&store, &parsed, end, &Cancel::new())
                } else {
                    engine.range(&store, &parsed, steps, &Cancel::new())
                };
                answer.unwrap();
                began.elapsed()
            })
            .collect();
        times.sort();
        println!("{:>8.1} ms  {expr}", times[3].as_secs_f64() * 1000.0);
    }
}
