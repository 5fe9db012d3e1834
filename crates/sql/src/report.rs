//! What there is to say about each query, as series beside its own.

use stonechat_model::{Labels, METRIC_NAME, Timestamp};

use crate::board::Shown;
use crate::plan::Query;

/// Name, type and help of the series about a query; all have the labels `query` and `source`.
pub(crate) const ABOUT: [(&str, &str, &str); 5] = [
    (
        "sql_query_up",
        "gauge",
        "1 when the last round of the query was good.",
    ),
    (
        "sql_query_duration_seconds",
        "gauge",
        "Time that the last round of the query took.",
    ),
    (
        "sql_query_rows",
        "gauge",
        "Rows of the last round of the query.",
    ),
    (
        "sql_query_last_success_timestamp_seconds",
        "gauge",
        "When the last good round of the query began.",
    ),
    (
        "sql_query_errors_total",
        "counter",
        "Rounds of the query that failed, since it was configured so.",
    ),
];

/// The series about a query, in the order of [`ABOUT`]. Names of queries are checked; one that is too long for a label has no report.
pub(crate) type AboutLabels = [Option<Labels>; ABOUT.len()];

/// The label sets of the series about a query.
pub(crate) fn labels(query: &Query) -> AboutLabels {
    ABOUT.map(|(name, _, _)| {
        Labels::from_pairs([
            (METRIC_NAME, name),
            ("query", query.name.as_str()),
            ("source", query.source.name.as_str()),
        ])
        .ok()
    })
}

/// The series about a query with their values. One that was never good has no time of success.
pub(crate) fn about(shown: &Shown) -> impl Iterator<Item = (&Labels, f64)> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "neither rows nor errors come near 2^53"
    )]
    let values = [
        Some(f64::from(u8::from(shown.error.is_none()))),
        Some(shown.duration.as_secs_f64()),
        Some(shown.rows as f64),
        shown.last_success.map(Timestamp::seconds),
        Some(shown.errors as f64),
    ];
    let labels = shown.slot.about.iter();
    labels
        .zip(values)
        .filter_map(|(labels, value)| Some((labels.as_ref()?, value?)))
}
