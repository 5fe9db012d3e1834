//! Aggregations: which series belong together is found once, then each group is worked off over all steps.

mod fold; // sum, avg, min, max, count, group, stddev, stdvar
mod groups; // which series belong together
mod hash; // the hash by which limit_ratio samples
mod mixed; // the same over histograms
mod pick; // topk, bottomk, limitk, limit_ratio
mod stream; // series as they come
mod values; // quantile, count_values

use crate::ast::{AggregateOp, Aggregation, Expr, Span};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid};
use crate::functions::remarks::Remarks;
use crate::table::Table;
use groups::{Group, groups_of};

impl Evaluation<'_> {
    /// The values of an aggregation at all steps.
    pub(crate) fn aggregate(
        &self,
        aggregation: &Aggregation,
        span: Span,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        if let Some(param) = &aggregation.param {
            return self.aggregate_with_param(aggregation, (param, span), grid);
        }
        let varies = grid.count == 1 || !self.is_invariant(&aggregation.expr);
        let flow = if varies {
            self.flow(&aggregation.expr, grid)?
        } else {
            None
        };
        let table = match flow {
            Some(flow) => match self.aggregate_flow(aggregation, &flow)? {
                Some(aggregated) => return Ok(aggregated),
                None => self.collect(&flow)?,
            },
            None => self.table(&aggregation.expr, grid)?,
        };
        let groups = groups_of(&table, &aggregation.grouping);
        let mut result = Table::default();
        if !table.is_plain() {
            for group in groups {
                self.check_alive()?;
                let remarks = Remarks::new(self, aggregation.expr.span, "");
                let cells = mixed::fold(aggregation.op, &table, &group.rows, (grid.count, remarks));
                self.push_cells(&mut result, group.head, &cells)?;
            }
            return Ok(result);
        }
        for group in groups {
            self.check_alive()?;
            let cells = fold::fold(aggregation.op, &table, &group.rows, grid.count);
            self.push(&mut result, group.head, 0, &cells)?;
        }
        Ok(result)
    }

    fn aggregate_with_param(
        &self,
        aggregation: &Aggregation,
        (param, span): (&Expr, Span),
        grid: Grid,
    ) -> Result<Table, EvalError> {
        if aggregation.op == AggregateOp::CountValues {
            return self.count_values(aggregation, param, grid);
        }
        let params = self.scalar(param, grid)?;
        let table = self.table(&aggregation.expr, grid)?;
        let groups = groups_of(&table, &aggregation.grouping);
        match aggregation.op {
            AggregateOp::Quantile => {
                if !table.is_plain() {
                    let remarks = Remarks::new(self, aggregation.expr.span, "");
                    remarks.histogram_ignored_in("quantile");
                }
                self.quantiles(&table, groups, &params, param.span)
            }
            AggregateOp::LimitRatio => self.limit_ratio(&table, &params, param.span),
            op => self.pick((op, span), &table, &groups, &params),
        }
    }
}
