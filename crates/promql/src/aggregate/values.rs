//! Aggregations that look at all values of a group together: `quantile`, `count_values`.

use hashbrown::HashMap;
use stonechat_model::{METRIC_NAME, format_float};

use super::Group;
use super::groups::groups_of;
use crate::ast::{Aggregation, Expr, Grouping, Span, quote};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid};
use crate::functions::{check_quantiles, quantile};
use crate::table::{ABSENT, Cell, Head, Table, is_absent, is_float};

impl Evaluation<'_> {
    pub(super) fn quantiles(
        &self,
        table: &Table,
        groups: Vec<Group>,
        params: &[f64],
        span: Span,
    ) -> Result<Table, EvalError> {
        check_quantiles(self, span, params);
        let mut result = Table::default();
        let (mut cells, mut values) = (Vec::new(), Vec::new());
        for group in groups {
            cells.clear();
            for (step, q) in params.iter().enumerate() {
                self.check_alive()?;
                values.clear();
                let at_step = group.rows.iter().map(|&row| table.row(row).at(step));
                values.extend(at_step.filter(|value| is_float(*value)));
                cells.push(if values.is_empty() {
                    ABSENT
                } else {
                    quantile(*q, &mut values)
                });
            }
            self.push(&mut result, group.head, 0, &cells)?;
        }
        Ok(result)
    }

    /// How many series have each value; the value becomes a label.
    pub(super) fn count_values(
        &self,
        aggregation: &Aggregation,
        param: &Expr,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        let label = self.text(param);
        if label.is_empty() {
            let message = format!("invalid label name {}", quote(label));
            return Err(EvalError::Parameter(message));
        }
        let table = self.table(&aggregation.expr, grid)?;
        let mut result = Table::default();
        // What `without` takes away is gone, even the value itself.
        let keeps_value = match &aggregation.grouping {
            Grouping::By(_) => true,
            Grouping::Without(names) => {
                label != METRIC_NAME && names.iter().all(|name| name != label)
            }
        };
        for group in groups_of(&table, &without_label(&aggregation.grouping, label)) {
            self.check_alive()?;
            let mut counts: HashMap<Counted, Vec<f64>> = HashMap::new();
            for (step, cell) in group.rows.iter().flat_map(|&row| table.row(row).cells()) {
                let held = counts.len() * grid.count;
                let counted = if keeps_value {
                    Counted::of(&cell)
                } else {
                    Counted::Anything
                };
                let count = counts.entry(counted).or_default();
                if count.is_empty() {
                    self.budget.check(held + grid.count)?;
                    count.resize(grid.count, ABSENT);
                }
                count[step] = if is_absent(count[step]) {
                    1.0
                } else {
                    count[step] + 1.0
                };
            }
            let mut counts: Vec<(Counted, Vec<f64>)> = counts.into_iter().collect();
            counts.sort_by(|a, b| a.0.cmp(&b.0));
            for (value, counts) in counts {
                let mut builder = group.head.labels.to_builder();
                if let Some(text) = value.text() {
                    builder.set(label, &text);
                }
                let labels = builder
                    .build()
                    .map_err(|error| EvalError::Parameter(error.to_string()))?;
                let head = Head {
                    labels,
                    ..group.head
                };
                self.push(&mut result, head, 0, &counts)?;
            }
        }
        Ok(result)
    }
}

/// A value that is counted. Numbers come first, in their order, which is that of their bits once those of negative ones are
/// turned around.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Counted {
    Float(i64),
    Histogram(String),
    /// The value does not matter.
    Anything,
}

impl Counted {
    fn of(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Float(value) => {
                // There are many kinds of NaN, which are all written the same.
                let value = if value.is_nan() { f64::NAN } else { *value };
                let bits = value.to_bits().cast_signed();
                Self::Float(if bits < 0 { bits ^ i64::MAX } else { bits })
            }
            Cell::Histogram(histogram) => Self::Histogram(histogram.to_string()),
            Cell::Made(histogram) => Self::Histogram(histogram.to_string()),
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Float(bits) => {
                let bits = if *bits < 0 { bits ^ i64::MAX } else { *bits };
                Some(format_float(f64::from_bits(bits.cast_unsigned())))
            }
            Self::Histogram(text) => Some(text.clone()),
            Self::Anything => None,
        }
    }
}

/// The label that takes the value does not tell groups apart.
fn without_label(grouping: &Grouping, label: &str) -> Grouping {
    match grouping {
        Grouping::By(names) => Grouping::By(
            names
                .iter()
                .filter(|name| *name != label)
                .cloned()
                .collect(),
        ),
        Grouping::Without(names) => {
            let more = [label.to_owned()];
            Grouping::Without(names.iter().cloned().chain(more).collect())
        }
    }
}
