//! `and`, `or`, `unless`: which series have a counterpart on the other side.

use super::signature::matches_of;
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
        // Where the rows of a side came to stand; the order of the sides is kept.
        let mut of_left: Vec<Option<Vec<bool>>> = vec![None; left.len()];
        let mut of_right: Vec<Option<Vec<bool>>> = vec![None; right.len()];
        for found in matches_of(matching, left, right) {
            self.check_alive()?;
            if op == BinaryOp::Or {
                let taken = presence(left, &found.left);
                for &row in &found.right {
                    of_right[row] = Some(taken.clone());
                }
            } else {
                let present = presence(right, &found.right);
                for &row in &found.left {
                    of_left[row] = Some(present.clone());
                }
            }
        }
        let mut result = Table::default();
        match op {
            BinaryOp::Or => {
                self.push_filtered(&mut result, left, &of_left, true)?;
                self.push_filtered(&mut result, right, &of_right, false)?;
                // The same series may come from the left at one step and from the right at another.
                result.merge_same_labels()
            }
            BinaryOp::And => {
                self.push_filtered(&mut result, left, &of_left, true)?;
                Ok(result)
            }
            _ => {
                self.push_filtered(&mut result, left, &of_left, false)?;
                Ok(result)
            }
        }
    }

    /// Adds the rows with the values at steps whose mark is `wanted`; rows without marks are taken whole.
    fn push_filtered(
        &self,
        result: &mut Table,
        table: &Table,
        marks: &[Option<Vec<bool>>],
        wanted: bool,
    ) -> Result<(), EvalError> {
        let mut cells = Vec::new();
        for (row, marks) in table.rows().zip(marks) {
            let Some(marks) = marks else {
                self.push(result, row.head.clone(), row.from, row.values)?;
                continue;
            };
            cells.clear();
            cells.extend((row.from..).zip(row.values).map(|(step, &value)| {
                let marked = marks.get(step).copied().unwrap_or_default();
                if marked == wanted { value } else { ABSENT }
            }));
            self.push(result, row.head.clone(), row.from, &cells)?;
        }
        Ok(())
    }
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
