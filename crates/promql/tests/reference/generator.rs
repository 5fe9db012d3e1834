//! Random expressions over random samples.

use std::collections::BTreeMap;
use std::fmt;

use stonechat_model::STALE_NAN;

use crate::choices::Choices;
use crate::evaluator::{Labels, Stored};

/// What is asked, over what.
pub struct Case {
    pub text: String,
    pub series: Vec<Stored>,
    /// The steps, in milliseconds.
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, step, .. } = self;
        writeln!(
            f,
            "{} from {start} every {step}, {} times",
            self.text, self.count
        )?;
        for Stored { labels, samples } in &self.series {
            if !samples.is_empty() {
                writeln!(f, "{labels:?} {samples:?}")?;
            }
        }
        Ok(())
    }
}

/// Builds a case; every row of bytes gives one.
pub fn case(bytes: &[u8]) -> Case {
    let choices = &mut Choices::new(bytes);
    let start = choices.of(&[120_000, 0, 60_000, 200_000, 333_333, 480_000]);
    let step = choices.of(&[20_000, 1_000, 15_000, 60_000, 61_007, 140_000]);
    let count = choices.of(&[5, 1, 2, 3, 8, 12]);
    let text = if choices.once_in(8) {
        scalar(choices, 3)
    } else {
        vector(choices, 4)
    };
    Case {
        text,
        series: all_series(choices),
        start,
        step,
        count,
    }
}

/// Two counters and two gauges on a few hosts, and the buckets of a histogram.
fn all_series(choices: &mut Choices<'_>) -> Vec<Stored> {
    let mut series = Vec::new();
    for (name, host, zone) in [
        ("x_total", "1", "a"),
        ("x_total", "2", "b"),
        ("x_total", "3", "a"),
        ("y", "1", "a"),
        ("y", "2", ""),
        ("z_total", "1", "b"),
    ] {
        let samples = if name == "y" {
            gauge(choices)
        } else {
            counter(choices)
        };
        let pairs = [("__name__", name), ("host", host), ("zone", zone)];
        series.push(Stored {
            labels: labels(&pairs),
            samples,
        });
    }
    for host in ["1", "2"] {
        let times = times(choices, 6);
        let mut below = vec![0.0; times.len()];
        for le in ["0.5", "1", "4", "+Inf"] {
            for below in &mut below {
                *below += choices.of(&[1.0, 0.0, 2.0, 7.0, -1.0]);
            }
            let mut samples: BTreeMap<i64, f64> =
                times.iter().copied().zip(below.iter().copied()).collect();
            if choices.once_in(6) {
                samples.pop_first();
            }
            let pairs = [("__name__", "h_bucket"), ("host", host), ("le", le)];
            series.push(Stored {
                labels: labels(&pairs),
                samples,
            });
        }
    }
    // Stores have their series in this order.
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

/// A label without a value is none.
fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Uneven times, with gaps of which some are longer than the lookback.
fn times(choices: &mut Choices<'_>, most: usize) -> Vec<i64> {
    let mut time = choices.of(&[0, -200_000, 30_000, 119_999, 120_000]);
    let count = choices.below(most + 1);
    (0..count)
        .map(|_| {
            time += choices.of(&[
                10_000, 15_000, 15_000, 20_000, 1, 60_000, 14_993, 30_000, 400_000,
            ]);
            time
        })
        .collect()
}

/// A counter that begins anew from time to time.
fn counter(choices: &mut Choices<'_>) -> BTreeMap<i64, f64> {
    let mut value = 0.0;
    let times = times(choices, 14);
    let mut sample = |time| {
        value = match choices.below(16) {
            0 => 0.0,
            1 => 1.5,
            2 => return (time, STALE_NAN),
            3 => return (time, f64::NAN),
            more => value + (more as f64) - 4.0,
        };
        (time, value)
    };
    times.into_iter().map(&mut sample).collect()
}

/// A gauge with values of all kinds.
fn gauge(choices: &mut Choices<'_>) -> BTreeMap<i64, f64> {
    let times = times(choices, 14);
    let mut sample = |time| {
        let value = match choices.below(24) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::NAN,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            5 => STALE_NAN,
            6 => 0.1,
            7 => -2.5,
            8 => 1e15,
            more => (more as f64) - 12.0,
        };
        (time, value)
    };
    times.into_iter().map(&mut sample).collect()
}

fn selector(choices: &mut Choices<'_>) -> String {
    choices
        .of(&[
            "x_total",
            "y",
            "z_total",
            "h_bucket",
            "x_total{host=\"1\"}",
            "x_total{host!=\"1\"}",
            "y{zone=\"\"}",
            "y{zone=~\"a|b\"}",
            "x_total{zone!~\"a\"}",
            "{__name__=~\"x_total|y\"}",
            "{host=\"1\",__name__!=\"h_bucket\"}",
            "nothing{host!=\"2\",host=\"1\",zone=\"a\"}",
        ])
        .to_owned()
}

/// `offset` and `@`, mostly none.
fn shift(choices: &mut Choices<'_>) -> &'static str {
    choices.of(&[
        "",
        "",
        "",
        "",
        " offset 30s",
        " offset -20s",
        " @ 150.5",
        " @ start()",
        " @ end()",
        " @ 200 offset 1m",
        " offset 1m @ end()",
    ])
}

/// A range vector.
fn range(choices: &mut Choices<'_>, depth: usize) -> String {
    let range = choices.of(&["1m", "15s", "40s", "2m", "5m", "1ms"]);
    if depth > 0 && choices.once_in(3) {
        let inner = vector(choices, depth - 1);
        let (range, step) = choices.of(&[
            ("1m", "10s"),
            ("2m", ""),
            ("90s", "25s"),
            ("5m", "1m"),
            ("30s", "7s"),
        ]);
        return format!("({inner})[{range}:{step}]{}", shift(choices));
    }
    format!("{}[{range}]{}", selector(choices), shift(choices))
}

fn scalar(choices: &mut Choices<'_>, depth: usize) -> String {
    if depth == 0 || choices.below(3) == 0 {
        let number = [
            "1", "0", "2", "-1", "0.5", "100", "NaN", "Inf", "-Inf", "time()",
        ];
        return choices.of(&number).to_owned();
    }
    match choices.below(4) {
        0 => format!("scalar({})", vector(choices, depth - 1)),
        1 => format!("-({})", scalar(choices, depth - 1)),
        2 => {
            let op = choices.of(&["+", "-", "*", "/", "%", "^", "atan2", "> bool", "== bool"]);
            let (left, right) = (scalar(choices, depth - 1), scalar(choices, depth - 1));
            format!("({left}) {op} ({right})")
        }
        _ => "time()".to_owned(),
    }
}

const OVER_RANGES: [&str; 24] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "changes",
    "resets",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "mad_over_time",
    "deriv",
    "ts_of_min_over_time",
    "ts_of_max_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
];

/// An instant vector.
fn vector(choices: &mut Choices<'_>, depth: usize) -> String {
    if depth == 0 {
        return format!("{}{}", selector(choices), shift(choices));
    }
    let inner = depth - 1;
    match choices.below(12) {
        0 => format!("{}{}", selector(choices), shift(choices)),
        1..=3 => over_range(choices, inner),
        4 | 5 => aggregation(choices, inner),
        6..=8 => operator(choices, inner),
        9 => with_scalar(choices, inner),
        _ => function(choices, inner),
    }
}

fn over_range(choices: &mut Choices<'_>, depth: usize) -> String {
    match choices.below(8) {
        0 => {
            let q = scalar(choices, depth.min(1));
            format!("quantile_over_time({q}, {})", range(choices, depth))
        }
        1 => {
            let ahead = scalar(choices, depth.min(1));
            format!("predict_linear({}, {ahead})", range(choices, depth))
        }
        _ => format!("{}({})", choices.of(&OVER_RANGES), range(choices, depth)),
    }
}

fn aggregation(choices: &mut Choices<'_>, depth: usize) -> String {
    let grouping = choices.of(&[
        "",
        " by (host)",
        " by (zone)",
        " by (host, zone)",
        " by (__name__)",
        " by (none)",
        " without (host)",
        " without (zone)",
        " without (le)",
        " without (host, zone)",
    ]);
    let which = choices.below(8);
    if which == 0 {
        // Among equals the order of series decides, which is that of the store only as long as nothing else was made of them.
        let inner = if choices.below(2) == 0 {
            vector(choices, 0)
        } else {
            over_range(choices, 0)
        };
        let op = choices.of(&["topk", "bottomk", "limitk"]);
        let k = choices.of(&["2", "1", "3", "0", "-1", "100", "1.9"]);
        return format!("{op}{grouping} ({k}, {inner})");
    }
    let inner = vector(choices, depth);
    match which {
        1 => format!(
            "quantile{grouping} ({}, {inner})",
            scalar(choices, depth.min(1))
        ),
        2 => {
            let label = choices.of(&["value", "host"]);
            format!("count_values{grouping} (\"{label}\", {inner})")
        }
        _ => {
            let op = choices.of(&[
                "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar",
            ]);
            format!("{op}{grouping} ({inner})")
        }
    }
}

const MATCHING: [&str; 9] = [
    "",
    "",
    "",
    "on (host)",
    "on (zone)",
    "ignoring (zone)",
    "ignoring (host)",
    "on (host, zone)",
    "on ()",
];

fn operator(choices: &mut Choices<'_>, depth: usize) -> String {
    let (left, right) = (vector(choices, depth), vector(choices, depth));
    let matching = choices.of(&MATCHING);
    if choices.below(3) == 0 {
        let op = choices.of(&["or", "and", "unless"]);
        return format!("({left}) {op} {matching} ({right})");
    }
    let op = choices.of(&["+", "-", "*", "/", "%", "^", "atan2"]);
    let comparison = choices.of(&[
        "==", "!=", "<", "<=", ">", ">=", "> bool", "== bool", "!= bool",
    ]);
    let op = if choices.below(2) == 0 {
        op
    } else {
        comparison
    };
    let group = if matching.is_empty() {
        ""
    } else {
        choices.of(&[
            "",
            "group_left ()",
            "group_right ()",
            "group_left (zone)",
            "group_right (host)",
            "group_left (le)",
        ])
    };
    // What the matching is on cannot be copied as well.
    let group = match group {
        "group_left (zone)" if matching.starts_with("on") && matching.contains("zone") => {
            "group_left ()"
        }
        "group_right (host)" if matching.starts_with("on") && matching.contains("host") => {
            "group_right ()"
        }
        other => other,
    };
    let fill = choices.of(&["", "", "", "fill (0)", "fill_left (1)", "fill_right (2)"]);
    format!("({left}) {op} {matching} {group} {fill} ({right})")
}

fn with_scalar(choices: &mut Choices<'_>, depth: usize) -> String {
    let op = choices.of(&[
        "+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "> bool", "== bool",
        "atan2",
    ]);
    let (vector, scalar) = (vector(choices, depth), scalar(choices, depth.min(1)));
    if choices.below(2) == 0 {
        format!("({vector}) {op} ({scalar})")
    } else {
        format!("({scalar}) {op} ({vector})")
    }
}

fn function(choices: &mut Choices<'_>, depth: usize) -> String {
    let inner = vector(choices, depth);
    let small = depth.min(1);
    match choices.below(16) {
        0 | 1 => {
            let name = choices.of(&[
                "abs", "ceil", "floor", "round", "sgn", "sqrt", "ln", "exp", "deg", "sin",
            ]);
            format!("{name}({inner})")
        }
        2 => format!("-({inner})"),
        3 => format!(
            "clamp({inner}, {}, {})",
            scalar(choices, small),
            scalar(choices, small)
        ),
        4 => format!("clamp_min({inner}, {})", scalar(choices, small)),
        5 => format!("clamp_max({inner}, {})", scalar(choices, small)),
        6 => format!("round({inner}, {})", scalar(choices, small)),
        7 => format!("timestamp({inner})"),
        8 => format!("absent({inner})"),
        9 => format!("vector({})", scalar(choices, small)),
        10 => {
            let new = choices.of(&["new", "host", "zone", "__name__"]);
            let pattern = choices.of(&["(.*)", "(a)", "1|2", "x(.*)"]);
            let from = choices.of(&["zone", "host", "__name__"]);
            let text = choices.of(&["$1", "", "b$1"]);
            format!("label_replace({inner}, \"{new}\", \"{text}\", \"{from}\", \"{pattern}\")")
        }
        11 => {
            let new = choices.of(&["new", "host", "zone"]);
            format!("label_join({inner}, \"{new}\", \"-\", \"zone\", \"host\")")
        }
        12 | 13 => format!(
            "histogram_quantile({}, {})",
            scalar(choices, small),
            choices.of(&[
                "h_bucket",
                "rate(h_bucket[2m])",
                "sum by (le) (h_bucket)",
                "sum by (le, host) (increase(h_bucket[5m]))",
                "y",
            ])
        ),
        14 => {
            let name = choices.of(&["sort", "sort_desc"]);
            format!("{name}({inner})")
        }
        _ => format!("({inner})"),
    }
}
