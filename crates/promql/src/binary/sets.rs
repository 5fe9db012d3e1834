//! `and`, `or`, `unless`: which series have a counterpart on the other side.

use hashbrown::HashMap;

use super::signature::{Match, matches_of};
use crate::ast::{BinaryOp, Matching};
use crate::error::EvalError;
use crate::evaluation::Evaluation;
use crate::table::{ABSENT, Table};

impl Evaluation<'_> {
    pub(super) fn set(
        &self,
        op: BinaryOp,
        matching: &Matching,
        left: &Table,
        right: &Table,
    ) -> Result<Table, EvalError> {
        let matches = matches_of(matching, left, right);
        let mut result = Table::default();
        if op == BinaryOp::Or {
            result.append(left);
            self.budget.charge(left.cells())?;
            // What the left side has is not taken from the right one.
            self.push_filtered(
                &mut result,
                right,
                &marks(&matches, left, |found| (&found.left, &found.right)),
                false,
            )?;
            // The same series may come from the left at one step and from the right at another.
            return result.merge_same_labels();
        }
        let marks = marks(&matches, right, |found| (&found.right, &found.left));
        self.push_filtered(&mut result, left, &marks, op == BinaryOp::And)?;
        Ok(result)
    }

    /// Adds the rows with the values at steps whose mark is `wanted`.
    fn push_filtered(
        &self,
        result: &mut Table,
        table: &Table,
        marks: &Marks,
        wanted: bool,
    ) -> Result<(), EvalError> {
        let mut cells = Vec::new();
        for (index, row) in table.rows().enumerate() {
            self.check_alive()?;
            let present = marks.of(index);
            cells.clear();
            cells.extend((row.from..).zip(row.values).map(|(step, &value)| {
                let marked = present.get(step).copied().unwrap_or_default();
                if marked == wanted { value } else { ABSENT }
            }));
            let cost = result.push_mixed(row.head.clone(), row.from, &cells, row.histograms);
            self.budget.charge(cost)?;
        }
        Ok(())
    }
}

/// For the rows of one side, at which steps the other side has a counterpart.
struct Marks {
    /// One for each match; steps behind the end have no counterpart.
    present: Vec<Vec<bool>>,
    /// The match of each row.
    match_of: HashMap<usize, usize>,
}

impl Marks {
    fn of(&self, row: usize) -> &[bool] {
        self.match_of
            .get(&row)
            .map_or(&[], |&found| self.present[found].as_slice())
    }
}

/// `sides` gives the rows of the side that marks, whose table is `marking`, and of the side that is marked.
fn marks(
    matches: &[Match],
    marking: &Table,
    sides: impl Fn(&Match) -> (&[usize], &[usize]),
) -> Marks {
    let mut marks = Marks {
        present: Vec::with_capacity(matches.len()),
        match_of: HashMap::new(),
    };
    for (index, found) in matches.iter().enumerate() {
        let (marking_rows, marked_rows) = sides(found);
        marks
            .match_of
            .extend(marked_rows.iter().map(|&row| (row, index)));
        marks.present.push(presence(marking, marking_rows));
    }
    marks
}

/// At which steps any of the rows has a value. Steps behind the end have none.
fn presence(table: &Table, rows: &[usize]) -> Vec<bool> {
    let mut present = Vec::new();
    for (step, _) in rows.iter().flat_map(|&row| table.row(row).present()) {
        if present.len() <= step {
            present.resize(step + 1, false);
        }
        present[step] = true;
    }
    present
}
