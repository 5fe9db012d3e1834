//! Functions that ask whether there is anything.

use stonechat_model::{Labels, MatchOp, Matcher};

use crate::ast::{Expr, ExprKind};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid};
use crate::table::{ABSENT, Head, Row, Table};

impl Evaluation<'_> {
    /// `absent`: 1 at steps where no series has a value.
    pub(super) fn absent(&self, arg: &Expr, grid: Grid) -> Result<Table, EvalError> {
        let table = self.table(arg, grid)?;
        let mut present = vec![false; grid.count];
        for (step, _) in table.rows().flat_map(Row::present) {
            present[step] = true;
        }
        self.where_not(&present, arg)
    }

    /// `absent_over_time`: 1 at steps where no series has a sample in its window.
    pub(super) fn absent_over_time(&self, arg: &Expr, grid: Grid) -> Result<Table, EvalError> {
        let mut present = vec![false; grid.count];
        self.each_range_series(arg, grid, &mut |series| {
            if series.has_histograms() {
                series.each_mixed_window(grid, |window| {
                    present[window.floats.step] = true;
                    Ok(())
                })
            } else {
                series.each_window(grid, false, |window| {
                    present[window.step] = true;
                    Ok(())
                })
            }
        })?;
        self.where_not(&present, arg)
    }

    fn where_not(&self, present: &[bool], arg: &Expr) -> Result<Table, EvalError> {
        let values: Vec<f64> = present
            .iter()
            .map(|present| if *present { ABSENT } else { 1.0 })
            .collect();
        let mut table = Table::default();
        self.push(&mut table, Head::from(expected_labels(arg)), 0, &values)?;
        Ok(table)
    }

    /// `scalar`: the value of the only series, NaN where there is not exactly one.
    pub(super) fn only_value(&self, arg: &Expr, grid: Grid) -> Result<Vec<f64>, EvalError> {
        let table = self.table(arg, grid)?;
        let mut values = vec![f64::NAN; grid.count];
        let mut seen = vec![0_u32; grid.count];
        for (step, value) in table.rows().flat_map(Row::floats) {
            seen[step] += 1;
            values[step] = if seen[step] == 1 { value } else { f64::NAN };
        }
        Ok(values)
    }
}

/// The labels that a series would surely have if there were one: those with exactly one condition, an equality.
fn expected_labels(arg: &Expr) -> Labels {
    let matchers: &[Matcher] = match &arg.without_parens().kind {
        ExprKind::VectorSelector(selector) => &selector.matchers,
        ExprKind::MatrixSelector(matrix) => &matrix.selector.matchers,
        _ => &[],
    };
    let sure = matchers.iter().filter(|matcher| {
        matcher.op() == MatchOp::Equal
            && matcher.name() != stonechat_model::METRIC_NAME
            && matchers
                .iter()
                .filter(|other| other.name() == matcher.name())
                .count()
                == 1
    });
    Labels::from_pairs(sure.map(|matcher| (matcher.name(), matcher.value()))).unwrap_or_default()
}
