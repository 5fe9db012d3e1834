//! Aggregations, group by group.

use stonechat_model::format_float;
use stonechat_promql::ast::{AggregateOp, Aggregation, Grouping};

use crate::evaluator::{Failure, Labels, Outcome, Sample, Value, Vector};
use crate::functions::{kahan_sum, mean, quantile};

pub fn aggregate(
    aggregation: &Aggregation,
    param: Option<Value>,
    vector: Vector,
) -> Outcome<Vector> {
    let op = aggregation.op;
    if op == AggregateOp::CountValues {
        let Some(Value::Text(label)) = param else {
            return Err(Failure("not a label"));
        };
        return Ok(count_values(&aggregation.grouping, &label, vector));
    }
    let number = match param {
        Some(Value::Scalar(number)) => number,
        _ => f64::NAN,
    };
    let mut result = Vector::new();
    for (labels, members) in grouped(&aggregation.grouping, vector) {
        match op {
            AggregateOp::Topk => result.extend(best(number, &members, |a, b| a > b)),
            AggregateOp::Bottomk => result.extend(best(number, &members, |a, b| a < b)),
            AggregateOp::Limitk => {
                let mut taken = 0.0;
                for member in members {
                    if taken + 1.0 <= number {
                        taken += 1.0;
                        result.push(member);
                    }
                }
            }
            _ => {
                let values: Vec<f64> = members.iter().map(|member| member.value).collect();
                let value = aggregated(op, number, &values)?;
                result.push(Sample { labels, value });
            }
        }
    }
    Ok(result)
}

/// Members by the labels of their group, groups in the order in which they first occur.
fn grouped(grouping: &Grouping, vector: Vector) -> Vec<(Labels, Vector)> {
    let mut groups: Vec<(Labels, Vector)> = Vec::new();
    for sample in vector {
        let labels = group_of(grouping, &sample.labels);
        match groups.iter_mut().find(|(group, _)| *group == labels) {
            Some((_, members)) => members.push(sample),
            None => groups.push((labels, vec![sample])),
        }
    }
    groups
}

fn group_of(grouping: &Grouping, labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    match grouping {
        Grouping::By(names) => labels.retain(|name, _| names.contains(name)),
        Grouping::Without(names) => {
            labels.retain(|name, _| name != "__name__" && !names.contains(name));
        }
    }
    labels
}

fn aggregated(op: AggregateOp, number: f64, values: &[f64]) -> Outcome<f64> {
    Ok(match op {
        AggregateOp::Sum => kahan_sum(values),
        AggregateOp::Avg => mean(values),
        AggregateOp::Count => values.iter().map(|_| 1.0).sum(),
        AggregateOp::Group => 1.0,
        AggregateOp::Min => extreme(values, |a, b| a < b),
        AggregateOp::Max => extreme(values, |a, b| a > b),
        AggregateOp::Stdvar => variance(values),
        AggregateOp::Stddev => variance(values).sqrt(),
        AggregateOp::Quantile => quantile(number, values),
        _ => return Err(Failure("this aggregation is not known here")),
    })
}

fn extreme(values: &[f64], better: fn(f64, f64) -> bool) -> f64 {
    let mut best = f64::NAN;
    for value in values {
        if best.is_nan() || better(*value, best) {
            best = *value;
        }
    }
    best
}

fn variance(values: &[f64]) -> f64 {
    if values.iter().any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// The best `k`, the best first, by Prometheus' own method: a heap whose top is the worst of those that were kept. Among equal
/// values it decides which are kept, and in which order.
fn best(k: f64, members: &Vector, better: fn(f64, f64) -> bool) -> Vector {
    // NaN is worse than everything.
    let worse = |a: &Sample, b: &Sample| a.value.is_nan() || better(b.value, a.value);
    let mut heap = Vector::new();
    let mut room = 0.0;
    for member in members {
        if room + 1.0 <= k {
            room += 1.0;
            heap.push(member.clone());
            let mut at = heap.len() - 1;
            while at > 0 && worse(&heap[at], &heap[(at - 1) / 2]) {
                heap.swap(at, (at - 1) / 2);
                at = (at - 1) / 2;
            }
        } else if let Some(top) = heap.first_mut() {
            let beats = better(member.value, top.value);
            if beats || (top.value.is_nan() && !member.value.is_nan()) {
                *top = member.clone();
                sink(&mut heap, worse);
            }
        }
    }
    // Best first: sorted by insertion, as Go sorts few values.
    for end in 1..heap.len() {
        let mut at = end;
        while at > 0 && worse(&heap[at - 1], &heap[at]) {
            heap.swap(at - 1, at);
            at -= 1;
        }
    }
    heap
}

/// Moves the top of a heap down to its place.
fn sink(heap: &mut Vector, worse: impl Fn(&Sample, &Sample) -> bool) {
    let mut at = 0;
    loop {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        if left >= heap.len() {
            return;
        }
        let child = if right < heap.len() && worse(&heap[right], &heap[left]) {
            right
        } else {
            left
        };
        if !worse(&heap[child], &heap[at]) {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}

/// The value becomes a label, then series are counted by group; `by` keeps that label.
fn count_values(grouping: &Grouping, label: &str, vector: Vector) -> Vector {
    let grouping = match grouping {
        Grouping::By(names) => {
            Grouping::By(names.iter().cloned().chain([label.to_owned()]).collect())
        }
        without @ Grouping::Without(_) => without.clone(),
    };
    let labelled = vector.into_iter().map(|mut sample| {
        let text = format_float(sample.value);
        sample.labels.insert(label.to_owned(), text);
        sample
    });
    let mut counts = Vector::new();
    for (labels, members) in grouped(&grouping, labelled.collect()) {
        let value = members.iter().map(|_| 1.0).sum();
        counts.push(Sample { labels, value });
    }
    counts
}
