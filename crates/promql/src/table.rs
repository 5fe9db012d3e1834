//! Series with their values at every step: what evaluation passes from part to part.
//!
//! All values stand in one buffer, row behind row, and a row covers only the steps from its first to its last value.
//! So a series that lived for ten steps of a thousand costs ten cells, and a function over all values is one loop.

use hashbrown::HashMap;
use stonechat_model::{Labels, STALE_NAN, is_stale};

use crate::error::EvalError;

/// "No value at this step." Stale markers never leave a selector, and arithmetic cannot make this NaN, so its bits are free
/// to mean something else.
pub(crate) const ABSENT: f64 = STALE_NAN;

pub(crate) fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// What a row is called.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Head {
    pub labels: Labels,
    /// The name is to be dropped at the end of the query.
    pub name_dropped: bool,
}

impl From<Labels> for Head {
    fn from(labels: Labels) -> Self {
        Self {
            labels,
            name_dropped: false,
        }
    }
}

#[derive(Debug, Clone)]
struct Extent {
    head: Head,
    /// The step of the first value.
    from: usize,
    /// Where the values stand in the buffer.
    start: usize,
    end: usize,
}

/// Series with their values at every step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    rows: Vec<Extent>,
    values: Vec<f64>,
}

/// One series of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub head: &'a Head,
    /// The step of the first value.
    pub from: usize,
    /// The values from there on, with gaps as [`ABSENT`].
    pub values: &'a [f64],
}

impl<'a> Row<'a> {
    /// The value at a step, or [`ABSENT`].
    pub fn at(self, step: usize) -> f64 {
        step.checked_sub(self.from)
            .and_then(|index| self.values.get(index))
            .copied()
            .unwrap_or(ABSENT)
    }

    /// Steps and values where there is one.
    pub fn present(self) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        let from = self.from;
        let cells = self.values.iter().copied().enumerate();
        cells
            .filter(|(_, value)| !is_absent(*value))
            .map(move |(index, value)| (from + index, value))
    }
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Number of cells, which is what it costs.
    pub fn cells(&self) -> usize {
        self.values.len()
    }

    pub fn row(&self, index: usize) -> Row<'_> {
        let extent = &self.rows[index];
        Row {
            head: &extent.head,
            from: extent.from,
            values: &self.values[extent.start..extent.end],
        }
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Adds a row whose first value belongs to step `from`. Gaps at both ends are cut off, and a row without any value is left
    /// out. Gives the number of cells it took.
    pub fn push(&mut self, head: Head, from: usize, values: &[f64]) -> usize {
        let Some(first) = values.iter().position(|value| !is_absent(*value)) else {
            return 0;
        };
        let last = values.iter().rposition(|value| !is_absent(*value));
        let present = &values[first..=last.unwrap_or(first)];
        let start = self.values.len();
        self.values.extend_from_slice(present);
        self.rows.push(Extent {
            head,
            from: from + first,
            start,
            end: self.values.len(),
        });
        present.len()
    }

    /// Adds all rows of another table.
    pub fn append(&mut self, other: &Self) {
        for row in other.rows() {
            self.push(row.head.clone(), row.from, row.values);
        }
    }

    /// Changes every value, in place.
    pub fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        for value in &mut self.values {
            if !is_absent(*value) {
                *value = change(*value);
            }
        }
        self
    }

    /// Changes every value, knowing its step, in place. [`ABSENT`] takes a value away.
    pub fn map_steps(mut self, change: impl Fn(usize, f64) -> f64) -> Self {
        for extent in &self.rows {
            let cells = &mut self.values[extent.start..extent.end];
            for (step, value) in (extent.from..).zip(cells) {
                if !is_absent(*value) {
                    *value = change(step, *value);
                }
            }
        }
        self
    }

    /// Changes what rows are called.
    pub fn map_heads(mut self, change: impl Fn(&mut Head)) -> Self {
        for extent in &mut self.rows {
            change(&mut extent.head);
        }
        self
    }

    /// Puts rows into another order.
    pub fn sort_rows_by(&mut self, compare: impl Fn(Row<'_>, Row<'_>) -> std::cmp::Ordering) {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&a, &b| compare(self.row(a), self.row(b)));
        self.rows = order
            .iter()
            .map(|&index| self.rows[index].clone())
            .collect();
    }

    /// A table of one step, repeated for `count` steps.
    pub fn spread(&self, count: usize) -> Self {
        let mut spread = Self::default();
        for row in self.rows() {
            spread.push(row.head.clone(), 0, &vec![row.at(0); count]);
        }
        spread
    }

    /// Rows of the same labels become one, as long as no step has a value in two of them.
    ///
    /// # Errors
    /// When a step has.
    pub fn merge_same_labels(self) -> Result<Self, EvalError> {
        let mut first_of: HashMap<&Labels, usize> = HashMap::with_capacity(self.len());
        // For each row the later rows of the same labels; none for those later rows themselves.
        let mut twins: Vec<Option<Vec<usize>>> = Vec::with_capacity(self.len());
        for (index, extent) in self.rows.iter().enumerate() {
            let first = *first_of.entry(&extent.head.labels).or_insert(index);
            twins.push((first == index).then(Vec::new));
            if first != index
                && let Some(later) = &mut twins[first]
            {
                later.push(index);
            }
        }
        let distinct = first_of.len();
        drop(first_of);
        if distinct == self.len() {
            return Ok(self);
        }
        let mut merged = Self::default();
        for (row, twins) in self.rows().zip(&twins) {
            let Some(twins) = twins else {
                continue;
            };
            let twins: Vec<Row<'_>> = twins.iter().map(|&twin| self.row(twin)).collect();
            merged.push_merged(row, &twins)?;
        }
        Ok(merged)
    }

    fn push_merged(&mut self, row: Row<'_>, twins: &[Row<'_>]) -> Result<(), EvalError> {
        let all = || twins.iter().chain([&row]);
        let from = all().map(|row| row.from).min().unwrap_or_default();
        let end = all().map(|row| row.from + row.values.len()).max();
        let mut cells = vec![ABSENT; end.unwrap_or_default() - from];
        for (step, value) in all().copied().flat_map(Row::present) {
            if !is_absent(std::mem::replace(&mut cells[step - from], value)) {
                return Err(EvalError::SameLabels);
            }
        }
        let mut head = row.head.clone();
        head.name_dropped = all().any(|row| row.head.name_dropped);
        self.push(head, from, &cells);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &str) -> Head {
        Labels::from_pairs([("__name__", name)]).unwrap().into()
    }

    fn table(rows: &[(&str, &[f64])]) -> Table {
        let mut table = Table::default();
        for (name, values) in rows {
            table.push(head(name), 0, values);
        }
        table
    }

    #[test]
    fn rows_cover_only_their_own_steps() {
        let table = table(&[
            ("a", &[ABSENT, 1.0, ABSENT, 2.0, ABSENT]),
            ("none", &[ABSENT; 5]),
            ("b", &[3.0; 5]),
        ]);
        assert_eq!((table.len(), table.cells()), (2, 8));
        let row = table.row(0);
        assert_eq!(row.present().collect::<Vec<_>>(), [(1, 1.0), (3, 2.0)]);
        assert!(is_absent(row.at(0)) && is_absent(row.at(2)) && is_absent(row.at(4)));
    }

    #[test]
    fn changes_leave_gaps_alone() {
        let table = table(&[("a", &[1.0, ABSENT, 2.0])]);
        let doubled = table.clone().map(|value| value * 2.0);
        let shifted = table.map_steps(|step, value| if step == 0 { ABSENT } else { value });
        assert_eq!(
            doubled.row(0).present().collect::<Vec<_>>(),
            [(0, 2.0), (2, 4.0)]
        );
        assert_eq!(shifted.row(0).present().collect::<Vec<_>>(), [(2, 2.0)]);
    }

    #[test]
    fn same_labels_merge_where_they_do_not_overlap() {
        let apart = table(&[
            ("a", &[1.0, ABSENT, ABSENT]),
            ("b", &[5.0]),
            ("a", &[ABSENT, ABSENT, 2.0]),
        ]);
        let merged = apart.merge_same_labels().unwrap();
        assert_eq!(merged.len(), 2);
        assert_eq!(
            merged.row(0).present().collect::<Vec<_>>(),
            [(0, 1.0), (2, 2.0)]
        );
        let together = table(&[("a", &[1.0, 2.0]), ("a", &[ABSENT, 2.0])]);
        assert!(matches!(
            together.merge_same_labels(),
            Err(EvalError::SameLabels)
        ));
    }
}
