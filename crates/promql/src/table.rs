//! Series with their values at every step: what evaluation passes from part to part.
//!
//! All values stand in one buffer, row behind row, and a row covers only the steps from its first to its last value.
//! So a series that lived for ten steps of a thousand costs ten cells, and a function over all values is one loop. The few
//! histograms stand in a column of their own, at which their cells point.

mod cell; // one value: a number, a histogram, or nothing
mod cells; // a row while it is built

use std::sync::Arc;

use hashbrown::HashMap;
use stonechat_model::{Histogram, Labels};

pub(crate) use cell::{ABSENT, Cell, histogram_weight, is_absent, is_float, is_histogram, sound};
pub(crate) use cells::Cells;

use crate::error::EvalError;

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
    histograms: Vec<Arc<Histogram>>,
    /// What the histograms cost beyond their cells.
    weight: usize,
}

/// One series of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub head: &'a Head,
    /// The step of the first value.
    pub from: usize,
    /// The values from there on, with gaps as [`ABSENT`].
    pub values: &'a [f64],
    /// What cells of histograms point at.
    pub histograms: &'a [Arc<Histogram>],
}

impl<'a> Row<'a> {
    /// The value at a step as it is stored, or [`ABSENT`].
    pub fn at(self, step: usize) -> f64 {
        step.checked_sub(self.from)
            .and_then(|index| self.values.get(index))
            .copied()
            .unwrap_or(ABSENT)
    }

    /// What a stored value means.
    pub fn cell(self, value: f64) -> Option<Cell<'a>> {
        Cell::of(value, self.histograms)
    }

    /// Steps and stored values where there is one.
    pub fn present(self) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        (self.from..)
            .zip(self.values.iter().copied())
            .filter(|(_, value)| !is_absent(*value))
    }

    /// Steps and values where there is a number.
    pub fn floats(self) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        (self.from..)
            .zip(self.values.iter().copied())
            .filter(|(_, value)| is_float(*value))
    }

    /// Steps and what stands there.
    pub fn cells(self) -> impl Iterator<Item = (usize, Cell<'a>)> + use<'a> {
        self.present()
            .filter_map(move |(step, value)| Some((step, self.cell(value)?)))
    }
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Number of cells, which is what it costs.
    pub fn cells(&self) -> usize {
        self.values.len() + self.weight
    }

    /// True when all cells are numbers.
    pub fn is_plain(&self) -> bool {
        self.histograms.is_empty()
    }

    /// What its cells point at.
    pub fn histograms(&self) -> &[Arc<Histogram>] {
        &self.histograms
    }

    pub fn row(&self, index: usize) -> Row<'_> {
        let extent = &self.rows[index];
        Row {
            head: &extent.head,
            from: extent.from,
            values: &self.values[extent.start..extent.end],
            histograms: &self.histograms,
        }
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Adds a row of numbers whose first belongs to step `from`. Gaps at both ends are cut off, and a row without any value
    /// is left out. Gives what it costs.
    pub fn push(&mut self, head: Head, from: usize, values: &[f64]) -> usize {
        self.push_mixed(head, from, values, &[])
    }

    /// Adds a row as [`push`](Self::push), some of whose values point at histograms.
    pub fn push_mixed(
        &mut self,
        head: Head,
        from: usize,
        values: &[f64],
        histograms: &[Arc<Histogram>],
    ) -> usize {
        let Some(first) = values.iter().position(|value| !is_absent(*value)) else {
            return 0;
        };
        let last = values.iter().rposition(|value| !is_absent(*value));
        let present = &values[first..=last.unwrap_or(first)];
        let (start, cells) = (self.values.len(), self.cells());
        self.values.extend_from_slice(present);
        if !histograms.is_empty() {
            for value in &mut self.values[start..] {
                if let Some(Cell::Histogram(histogram)) = Cell::of(*value, histograms) {
                    self.weight += histogram_weight(histogram);
                    *value = cell::point_at(&mut self.histograms, Arc::clone(histogram));
                }
            }
        }
        self.rows.push(Extent {
            head,
            from: from + first,
            start,
            end: self.values.len(),
        });
        self.cells() - cells
    }

    /// Adds a row that was built cell by cell.
    pub fn push_cells(&mut self, head: Head, cells: &Cells) -> usize {
        self.push_mixed(head, 0, cells.values(), cells.histograms())
    }

    /// Adds all rows of another table.
    pub fn append(&mut self, other: &Self) {
        for row in other.rows() {
            self.push_mixed(row.head.clone(), row.from, row.values, row.histograms);
        }
    }

    /// Takes all rows of another table in.
    pub fn take(&mut self, other: Self) {
        if !other.is_plain() {
            self.append(&other);
            return;
        }
        let shift = self.values.len();
        self.values.extend_from_slice(&other.values);
        self.rows
            .extend(other.rows.into_iter().map(|extent| Extent {
                start: extent.start + shift,
                end: extent.end + shift,
                ..extent
            }));
    }

    /// Changes every number, in place. Histograms are taken away.
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        self.map_steps(|_, value| change(value))
    }

    /// Changes every number, knowing its step, in place. [`ABSENT`] takes a value away. Histograms are taken away.
    pub fn map_steps(mut self, change: impl Fn(usize, f64) -> f64) -> Self {
        for extent in &self.rows {
            let cells = &mut self.values[extent.start..extent.end];
            for (step, value) in (extent.from..).zip(cells) {
                if is_float(*value) {
                    *value = change(step, *value);
                } else {
                    *value = ABSENT;
                }
            }
        }
        self.histograms = Vec::new();
        self.weight = 0;
        self
    }

    /// Changes every cell, of whatever kind, knowing its step.
    pub fn map_cells<'t>(
        &'t self,
        change: impl Fn(usize, Cell<'t>) -> Option<Cell<'static>>,
    ) -> Self {
        let mut mapped = Self::default();
        let mut cells = Cells::default();
        for row in self.rows() {
            cells.reset(row.values.len());
            for (step, cell) in row.cells() {
                cells.set(step - row.from, change(step, cell));
            }
            mapped.push_mixed(
                row.head.clone(),
                row.from,
                cells.values(),
                cells.histograms(),
            );
        }
        mapped
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
            let values = vec![row.at(0); count];
            spread.push_mixed(row.head.clone(), 0, &values, row.histograms);
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
        self.push_mixed(head, from, &cells, row.histograms);
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
