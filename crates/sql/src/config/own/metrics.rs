//! What rows become.

use std::collections::BTreeMap;

use stonechat_model::yaml::Spanned;

use super::super::check::Check;
use super::super::written::{Entries, Shape, Text};
use super::file::{MetricFile, OnNullFile, QueryFile, TypeFile};
use crate::plan::{Metric, MetricKind, OnNull, Source, Values};

/// The metrics of a query; a name may have several.
pub(super) fn metrics(
    check: &mut Check<'_>,
    query: &Text,
    written: &QueryFile,
) -> Option<Vec<Metric>> {
    let entries = written.metrics.as_ref().filter(|all| !all.0.is_empty());
    let Some(entries) = entries else {
        let message = format!("the query `{}` has no metrics", query.value);
        check.at_with_help(query, message, "write `metrics:` and what the rows become");
        return None;
    };
    let mut metrics = Vec::new();
    for (name, written) in entries.iter() {
        match &written.value {
            Shape::Map(one) => metrics.push(metric(check, name, one)),
            Shape::List(several) => {
                metrics.extend(several.iter().map(|one| metric(check, name, &one.value)));
            }
            Shape::Scalar(_) => {
                check.at(written, "a metric is a mapping, such as `{type: gauge}`");
                metrics.push(None);
            }
        }
    }
    metrics.into_iter().collect()
}

fn metric(check: &mut Check<'_>, name: &Text, written: &MetricFile) -> Option<Metric> {
    let kind = kind(check, name, written);
    check.metric_name(name, kind.as_ref());
    let labels = labels(check, written, kind.as_ref());
    let mut constant_labels = BTreeMap::new();
    for (label, value) in written.constant_labels.iter().flat_map(Entries::iter) {
        check.label_name(label, kind.as_ref());
        if labels.iter().any(|(other, _)| *other == label.value) {
            check.at(label, format!("the label `{}` is given twice", label.value));
        }
        constant_labels.insert(label.value.clone(), value.value.clone());
    }
    let values = values(check, name, written, kind.as_ref());
    if let (Some(label), Some(Values::Columns { .. })) = (&written.value_label, &values)
        && (constant_labels.contains_key(&label.value)
            || labels.iter().any(|(other, _)| *other == label.value))
    {
        check.at(label, format!("the label `{}` is given twice", label.value));
    }
    if let (Some(Values::Scalar), Some(written)) = (&values, &written.labels)
        && !labels.is_empty()
    {
        let help = "write `value:` and the column of the values";
        check.at_with_help(
            written,
            "with labels the column of the values has to be named",
            help,
        );
    }
    Some(Metric {
        name: name.value.clone(),
        help: written.help.clone().unwrap_or_default(),
        kind: kind?,
        labels,
        constant_labels,
        values: values?,
        timestamp: written.timestamp.clone(),
        on_null: match written.on_null {
            None | Some(OnNullFile::Skip) => OnNull::Skip,
            Some(OnNullFile::Zero) => OnNull::Zero,
            Some(OnNullFile::Nan) => OnNull::Nan,
        },
    })
}

fn kind(check: &mut Check<'_>, name: &Text, written: &MetricFile) -> Option<MetricKind> {
    let Some(type_) = &written.kind else {
        let message = format!("the metric `{}` has no type", name.value);
        check.at_with_help(name, message, "gauge, counter, histogram or summary");
        return None;
    };
    let is = |wanted: &[TypeFile]| {
        wanted
            .iter()
            .any(|wanted| std::mem::discriminant(wanted) == std::mem::discriminant(&type_.value))
    };
    if let Some(buckets) = written
        .buckets
        .as_ref()
        .filter(|_| !is(&[TypeFile::Histogram]))
    {
        check.at(buckets, "`buckets` are for a histogram");
    }
    if let Some(quantiles) = written
        .quantiles
        .as_ref()
        .filter(|_| !is(&[TypeFile::Summary]))
    {
        check.at(quantiles, "`quantiles` are for a summary");
    }
    let grows = is(&[TypeFile::Counter, TypeFile::Histogram]);
    if let Some(accumulate) = written.accumulate.as_ref().filter(|_| !grows) {
        check.at(accumulate, "`accumulate` is for a counter or a histogram");
    }
    let accumulate = written.accumulate.as_ref().is_some_and(|it| it.value);
    match type_.value {
        TypeFile::Gauge => Some(MetricKind::Gauge),
        TypeFile::Counter => Some(MetricKind::Counter { accumulate }),
        TypeFile::Histogram => {
            let Some(buckets) = &written.buckets else {
                let help = "write for example `buckets: [0.1, 1, 10]`";
                check.at_with_help(type_, "a histogram needs `buckets`", help);
                return None;
            };
            let buckets = check.buckets(buckets)?;
            Some(MetricKind::Histogram {
                buckets,
                accumulate,
            })
        }
        TypeFile::Summary => {
            let Some(quantiles) = &written.quantiles else {
                let help = "write for example `quantiles: [0.5, 0.99]`";
                check.at_with_help(type_, "a summary needs `quantiles`", help);
                return None;
            };
            let inside = |quantile: &f64| (0.0..=1.0).contains(quantile);
            if !quantiles.value.iter().all(inside) {
                check.at(quantiles, "a quantile is between 0 and 1");
                return None;
            }
            Some(MetricKind::Summary {
                quantiles: quantiles.value.clone(),
            })
        }
    }
}

impl Check<'_> {
    /// Upper bounds, rising; the last, +Inf, may be written and goes without saying.
    pub(in super::super) fn buckets(&mut self, written: &Spanned<Vec<f64>>) -> Option<Vec<f64>> {
        let mut buckets = written.value.clone();
        if buckets.last() == Some(&f64::INFINITY) {
            buckets.pop();
        }
        let rising = buckets.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || buckets.iter().any(|bound| !bound.is_finite()) {
            self.at(written, "buckets have to rise");
            return None;
        }
        Some(buckets)
    }
}

fn labels(
    check: &mut Check<'_>,
    written: &MetricFile,
    kind: Option<&MetricKind>,
) -> Vec<(String, String)> {
    let Some(written) = &written.labels else {
        return Vec::new();
    };
    let pairs: Vec<(&Text, &Text)> = match &written.value {
        Shape::List(columns) => columns.iter().map(|column| (column, column)).collect(),
        Shape::Map(entries) => entries.iter().collect(),
        Shape::Scalar(_) => {
            let help = "write `[column]`, or `{label: column}`";
            check.at_with_help(written, "labels are a list or a mapping", help);
            return Vec::new();
        }
    };
    let mut labels: Vec<(String, String)> = Vec::new();
    for (label, column) in pairs {
        check.label_name(label, kind);
        if labels.iter().any(|(other, _)| *other == label.value) {
            check.at(label, format!("the label `{}` is given twice", label.value));
        }
        labels.push((label.value.clone(), column.value.clone()));
    }
    labels
}

fn values(
    check: &mut Check<'_>,
    name: &Text,
    written: &MetricFile,
    kind: Option<&MetricKind>,
) -> Option<Values> {
    if let Some(label) = written
        .value_label
        .as_ref()
        .filter(|_| written.values.is_none())
    {
        check.at(label, "`value_label` is for `values`");
    }
    match (&written.value, &written.values, &written.constant) {
        (Some(column), None, None) => Some(Values::Column(column.value.clone())),
        (None, None, Some(constant)) => Some(Values::Constant(constant.value)),
        (None, None, None) => Some(Values::Scalar),
        (None, Some(columns), None) => {
            let Some(label) = &written.value_label else {
                let help = "the label that says from which column a value is";
                check.at_with_help(columns, "`values` need a `value_label`", help);
                return None;
            };
            check.label_name(label, kind);
            if columns.value.is_empty() {
                check.at(columns, "there is no column in the list");
                return None;
            }
            Some(Values::Columns {
                label: label.value.clone(),
                columns: columns.value.iter().map(|it| it.value.clone()).collect(),
            })
        }
        _ => {
            let message = format!("the metric `{}` has several values", name.value);
            check.at_with_help(name, message, "leave one of value, values, constant");
            None
        }
    }
}

/// A label of the source may not be one of the metric too.
pub(super) fn collisions(check: &mut Check<'_>, query: &Text, metric: &Metric, source: &Source) {
    for label in source.labels.keys() {
        let of_values =
            matches!(&metric.values, Values::Columns { label: other, .. } if other == label);
        if of_values
            || metric.constant_labels.contains_key(label)
            || metric.labels.iter().any(|(other, _)| other == label)
        {
            let message = format!(
                "the label `{label}` of the metric `{}` is a label of the source `{}` too",
                metric.name, source.name
            );
            check.at_with_help(query, message, "rename one");
        }
    }
}
