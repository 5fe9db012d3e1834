//! Aggregations that give some of the series they are given: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use std::cmp::Ordering;

use super::Group;
use super::hash::position;
use crate::ast::{AggregateOp, Span};
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::functions::remarks::Remarks;
use crate::table::{ABSENT, Table, is_absent, is_float};
use crate::value::Severity;
use stonechat_model::format_general;

/// Go sorts so many values by inserting one after the other, and more of them in a way that keeps no order of equals.
const INSERTED_MAX: usize = 12;

/// A value that was picked: its row, its step.
#[derive(Debug, Clone, Copy)]
struct Picked {
    row: usize,
    step: usize,
    value: f64,
}

impl Evaluation<'_> {
    pub(super) fn pick(
        &self,
        (op, span): (AggregateOp, Span),
        table: &Table,
        groups: &[Group],
        params: &[f64],
    ) -> Result<Table, EvalError> {
        let limits = limits(params)?;
        if op != AggregateOp::Limitk && !table.is_plain() && limits.iter().any(|limit| *limit > 0) {
            Remarks::new(self, span, "").histogram_ignored_in(op.name());
        }
        let mut result = Table::default();
        let mut best = Vec::new();
        for group in groups {
            let mut picked = Vec::new();
            for (step, &limit) in limits.iter().enumerate() {
                self.check_alive()?;
                best.clear();
                let present = group.rows.iter().map(|&row| Picked {
                    row,
                    step,
                    value: table.row(row).at(step),
                });
                let present = present.filter(|candidate| match op {
                    AggregateOp::Limitk => !is_absent(candidate.value),
                    _ => is_float(candidate.value),
                });
                match op {
                    AggregateOp::Limitk => best.extend(present.take(limit)),
                    AggregateOp::Topk => keep_best(present, limit, &mut best, true),
                    _ => keep_best(present, limit, &mut best, false),
                }
                self.budget.check(picked.len() + best.len())?;
                picked.extend_from_slice(&best);
            }
            if limits.len() > 1 {
                // The best come first only where there is one step.
                picked.sort_by_key(|picked| (picked.row, picked.step));
            }
            self.push_picked(&mut result, table, &picked, limits.len())?;
        }
        Ok(result)
    }

    fn push_picked(
        &self,
        result: &mut Table,
        table: &Table,
        picked: &[Picked],
        steps: usize,
    ) -> Result<(), EvalError> {
        let mut cells = Vec::new();
        for of_row in picked.chunk_by(|a, b| a.row == b.row) {
            cells.clear();
            cells.resize(steps, ABSENT);
            for picked in of_row {
                cells[picked.step] = picked.value;
            }
            let row = table.row(of_row[0].row);
            let cost = result.push_mixed(row.head.clone(), 0, &cells, row.histograms);
            self.budget.charge(cost)?;
        }
        Ok(())
    }

    pub(super) fn limit_ratio(
        &self,
        table: &Table,
        params: &[f64],
        span: Span,
    ) -> Result<Table, EvalError> {
        if params.iter().any(|ratio| ratio.is_nan()) {
            return Err(EvalError::Parameter("Ratio value is NaN".to_owned()));
        }
        let most = params.iter().copied().fold(0.0, f64::max);
        let least = params.iter().copied().fold(0.0, f64::min);
        for ratio in [most, least].into_iter().filter(|ratio| ratio.abs() > 1.0) {
            let message = format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                format_general(ratio),
                ratio.signum()
            );
            self.note(Severity::Warning, span, message);
        }
        let mut result = Table::default();
        for row in table.rows() {
            let position = position(&row.head.labels);
            // A negative ratio takes the series that the positive one of the rest would leave.
            let is_in = |ratio: f64| {
                if ratio >= 0.0 {
                    position < ratio
                } else {
                    position >= 1.0 + ratio
                }
            };
            let kept = |(index, &value): (usize, &f64)| {
                if is_in(params[row.from + index].clamp(-1.0, 1.0)) {
                    value
                } else {
                    ABSENT
                }
            };
            let cells: Vec<f64> = row.values.iter().enumerate().map(kept).collect();
            let cost = result.push_mixed(row.head.clone(), row.from, &cells, row.histograms);
            self.budget.charge(cost)?;
        }
        Ok(result)
    }
}

/// How many series to take at each step.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the bounds are checked before"
)]
fn limits(params: &[f64]) -> Result<Vec<usize>, EvalError> {
    const INTEGER_MAX: f64 = 9_223_372_036_854_775_807.0;
    let most = params.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = params.iter().copied().fold(f64::INFINITY, f64::min);
    let fail = |message: String| Err(EvalError::Parameter(message));
    if params.iter().any(|param| param.is_nan()) {
        return fail("Parameter value is NaN".to_owned());
    }
    // Where nothing is asked for, nobody minds how it was said.
    if most < 1.0 {
        return Ok(vec![0; params.len()]);
    }
    if least <= -INTEGER_MAX {
        return fail(format!(
            "Scalar value {} underflows int64",
            format_general(least)
        ));
    }
    if most >= INTEGER_MAX {
        return fail(format!(
            "Scalar value {} overflows int64",
            format_general(most)
        ));
    }
    Ok(params.iter().map(|param| param.max(0.0) as usize).collect())
}

/// Keeps the greatest or the least, the best first, in Prometheus' way, so that among equal values the same series are kept
/// and come in the same order: a heap whose top is the worst of those that are kept. NaN is the worst either way.
fn keep_best(
    candidates: impl Iterator<Item = Picked>,
    limit: usize,
    heap: &mut Vec<Picked>,
    greatest: bool,
) {
    let is_worse = |a: &Picked, b: &Picked| {
        a.value.is_nan()
            || if greatest {
                a.value < b.value
            } else {
                a.value > b.value
            }
    };
    if limit == 0 {
        return;
    }
    for candidate in candidates {
        if heap.len() < limit {
            heap.push(candidate);
            rise(heap, is_worse);
        } else if candidate_is_better(&heap[0], &candidate, greatest) {
            heap[0] = candidate;
            sink(heap, is_worse);
        }
    }
    if heap.len() > INSERTED_MAX {
        heap.sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
            (false, false) if is_worse(b, a) => Ordering::Less,
            (false, false) if is_worse(a, b) => Ordering::Greater,
            (a, b) => a.cmp(&b),
        });
        return;
    }
    for end in 1..heap.len() {
        let mut at = end;
        while at > 0 && is_worse(&heap[at - 1], &heap[at]) {
            heap.swap(at - 1, at);
            at -= 1;
        }
    }
}

fn candidate_is_better(top: &Picked, candidate: &Picked, greatest: bool) -> bool {
    if top.value.is_nan() {
        return !candidate.value.is_nan();
    }
    if greatest {
        top.value < candidate.value
    } else {
        top.value > candidate.value
    }
}

/// Moves the last of a heap up to its place.
fn rise(heap: &mut [Picked], is_worse: impl Fn(&Picked, &Picked) -> bool) {
    let mut at = heap.len() - 1;
    while at > 0 {
        let parent = (at - 1) / 2;
        if !is_worse(&heap[at], &heap[parent]) {
            return;
        }
        heap.swap(at, parent);
        at = parent;
    }
}

/// Moves the top of a heap down to its place.
fn sink(heap: &mut [Picked], is_worse: impl Fn(&Picked, &Picked) -> bool) {
    let mut at = 0;
    while 2 * at + 1 < heap.len() {
        let (mut child, right) = (2 * at + 1, 2 * at + 2);
        if right < heap.len() && is_worse(&heap[right], &heap[child]) {
            child = right;
        }
        if !is_worse(&heap[child], &heap[at]) {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}
