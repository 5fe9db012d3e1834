//! Functions that order series.

use std::cmp::Ordering;

use crate::ast::{Call, Expr};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid};
use crate::functions::Function;
use crate::table::{Row, Table};
use crate::value::Severity;

impl Evaluation<'_> {
    /// `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`.
    pub(super) fn sort(&self, expr: &Expr, call: &Call, grid: Grid) -> Result<Table, EvalError> {
        if grid.count > 1 {
            let message =
                "sort is ineffective for range queries since results are always ordered by labels";
            self.note(Severity::Warning, expr.span, message.to_owned());
        }
        let [vector, labels @ ..] = call.args.as_slice() else {
            return Ok(Table::default());
        };
        let mut table = self.table(vector, grid)?;
        if matches!(call.function, Function::Sort | Function::SortDesc) && !table.is_plain() {
            // Histograms have no order.
            table = table.map(|value| value);
        }
        if grid.count > 1 {
            return Ok(table);
        }
        let labels: Vec<&str> = labels.iter().map(|label| self.text(label)).collect();
        match call.function {
            Function::Sort => table.sort_rows_by(|a, b| by_value(a.at(0), b.at(0), false)),
            Function::SortDesc => table.sort_rows_by(|a, b| by_value(a.at(0), b.at(0), true)),
            Function::SortByLabel => table.sort_rows_by(|a, b| by_labels(a, b, &labels)),
            _ => table.sort_rows_by(|a, b| by_labels(b, a, &labels)),
        }
        Ok(table)
    }
}

/// By value, NaN behind everything in both directions.
fn by_value(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => b.total_cmp(&a),
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

/// By the named labels, and by all of them when those are equal.
fn by_labels(a: Row<'_>, b: Row<'_>, labels: &[&str]) -> Ordering {
    let value = |row: &Row<'_>, label: &str| -> String {
        row.head.labels.get(label).unwrap_or_default().to_owned()
    };
    labels
        .iter()
        .map(|label| natural(&value(&a, label), &value(&b, label)))
        .find(|ordering| ordering.is_ne())
        .unwrap_or_else(|| a.head.labels.cmp(&b.head.labels))
}

/// The order that people expect: numbers within texts by their value, so that `host10` comes after `host9`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let ((part_a, rest_a), (part_b, rest_b)) = (split_part(a), split_part(b));
        let ordering = match (is_digits(part_a), is_digits(part_b)) {
            (true, true) => by_number(part_a, part_b),
            _ => part_a.cmp(part_b),
        };
        if ordering.is_ne() {
            return ordering;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().cmp(&b.len())
}

fn is_digits(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

/// Cuts the longest part off the front that is all digits or has none.
fn split_part(text: &str) -> (&str, &str) {
    let digits = is_digits(text);
    let end = text
        .find(|c: char| c.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Digits by value, however many; equal values by how many zeros stand before.
fn by_number(a: &str, b: &str) -> Ordering {
    let (trimmed_a, trimmed_b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    (trimmed_a.len(), trimmed_a, a.len()).cmp(&(trimmed_b.len(), trimmed_b, b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order_knows_numbers() {
        let mut names = ["4m600", "4m5", "4m1000", "10", "9", "a", "", "007", "7"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["", "4m5", "4m600", "4m1000", "7", "007", "9", "10", "a"]
        );
    }
}
