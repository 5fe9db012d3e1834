//! What the tests of this crate share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::plan::{
    Metric, MetricKind, OnError, OnNull, Place, PoolLimits, Query, Request, Schedule, Source,
    SourceKind, Tls, Values,
};

/// A source that is never asked.
pub(crate) fn source(name: &str) -> Arc<Source> {
    Arc::new(Source {
        name: name.to_owned(),
        kind: SourceKind::Sqlite(String::new()),
        pool: PoolLimits::default(),
        labels: BTreeMap::new(),
        tls: Tls::default(),
        place: Place::default(),
    })
}

/// A gauge of the same name, with the label `region` and the value of `v`.
pub(crate) fn query(name: &str) -> Query {
    Query {
        name: name.to_owned(),
        source: source("db"),
        request: Request::Sql("SELECT 1".to_owned()),
        schedule: Schedule::Every(Duration::from_secs(15)),
        jitter: Duration::ZERO,
        timeout: Duration::from_secs(5),
        rows_max: 100,
        parameters: Vec::new(),
        metrics: vec![gauge(name)],
        on_error: OnError::Stale,
        rows_required: false,
        place: Place::default(),
    }
}

/// A gauge with the label `region` and the value of `v`.
pub(crate) fn gauge(name: &str) -> Metric {
    Metric {
        name: name.to_owned(),
        help: "A gauge.".to_owned(),
        kind: MetricKind::Gauge,
        labels: vec![("region".to_owned(), "region".to_owned())],
        constant_labels: BTreeMap::new(),
        values: Values::Column("v".to_owned()),
        timestamp: None,
        on_null: OnNull::Skip,
    }
}
