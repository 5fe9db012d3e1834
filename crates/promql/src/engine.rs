//! The way in: an expression and a store to an answer.

use std::time::Duration;

use stonechat_model::{Queryable, Timestamp};

use crate::ast::{Expr, ValueType};
use crate::cancel::Cancel;
use crate::error::EvalError;
use crate::evaluation::{Costs, Evaluation, Grid, millis};
use crate::explain::Plan;
use crate::value::Answer;

/// Limits and defaults of the evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// How old a sample may be to count as the present value. Prometheus: `--query.lookback-delta`.
    pub lookback: Duration,
    /// How long a query may take. Prometheus: `--query.timeout`.
    pub timeout: Duration,
    /// How many samples a query may hold at once. Prometheus: `--query.max-samples`.
    pub samples_max: usize,
    /// The step of subqueries that name none; Prometheus takes the global evaluation interval.
    pub subquery_step: Duration,
    /// Metric names are dropped at the end of the query instead of by the function that changes the meaning.
    /// Prometheus: `--enable-feature=promql-delayed-name-removal`.
    pub delayed_name_removal: bool,
    /// The label `__type__` says whether a metric is a counter, rather than the end of its name.
    /// Prometheus: `--enable-feature=type-and-unit-labels`.
    pub type_and_unit_labels: bool,
    /// `rate` and its kin look at when the counting of a sample began, where samples say so.
    /// Prometheus: `--enable-feature=use-start-timestamps`.
    pub start_timestamps: bool,
}

impl Default for EngineOptions {
    /// Prometheus' defaults.
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(300),
            timeout: Duration::from_secs(120),
            samples_max: 50_000_000,
            subquery_step: Duration::from_secs(60),
            delayed_name_removal: false,
            type_and_unit_labels: false,
            start_timestamps: false,
        }
    }
}

/// The steps of a range query: `start`, `start + step`, ... up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// First step.
    pub start: Timestamp,
    /// No step is later.
    pub end: Timestamp,
    /// Distance; whole milliseconds count.
    pub step: Duration,
}

/// Evaluates expressions. It has no state of its own, so one engine serves any number of queries at a time.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    options: EngineOptions,
}

impl Engine {
    /// An engine with these limits.
    #[must_use]
    pub const fn new(options: EngineOptions) -> Self {
        Self { options }
    }

    /// Its limits.
    #[must_use]
    pub const fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Evaluates an expression at one moment. It blocks while it reads the store.
    ///
    /// # Errors
    /// When the expression cannot be evaluated over this data, a limit is reached, the store fails or the query is
    /// cancelled.
    pub fn instant(
        &self,
        source: &dyn Queryable,
        expr: &Expr,
        at: Timestamp,
        cancel: &Cancel,
    ) -> Result<Answer, EvalError> {
        let grid = Grid::instant(at.millis());
        Evaluation::new(source, &self.options, cancel, grid)
            .prepared_for(expr)
            .answer_instant(expr)
    }

    /// Evaluates an expression at every step of a range. It blocks while it reads the store.
    ///
    /// # Errors
    /// As [`instant`](Self::instant), and when the expression is a text or a range selector.
    pub fn range(
        &self,
        source: &dyn Queryable,
        expr: &Expr,
        steps: Steps,
        cancel: &Cancel,
    ) -> Result<Answer, EvalError> {
        match expr.value_type() {
            other @ (ValueType::String | ValueType::RangeVector) => {
                return Err(EvalError::NotForRange(other));
            }
            ValueType::Scalar | ValueType::InstantVector => {}
        }
        let (start, end) = (steps.start.millis(), steps.end.millis());
        let grid = Grid::new(start, end, millis(steps.step)).ok_or(EvalError::Steps)?;
        let evaluation = Evaluation::new(source, &self.options, cancel, grid)
            .ending_at(end)
            .prepared_for(expr);
        evaluation.budget.check(grid.count)?;
        evaluation.answer_range(expr)
    }

    /// Evaluates an expression, at one moment or at every step of a range, and tells what each part of it cost.
    ///
    /// # Errors
    /// As [`instant`](Self::instant) and [`range`](Self::range).
    pub fn explain(
        &self,
        source: &dyn Queryable,
        expr: &Expr,
        steps: Steps,
        cancel: &Cancel,
    ) -> Result<Plan, EvalError> {
        let costs = Costs::default();
        let (start, end) = (steps.start.millis(), steps.end.millis());
        let answer = if start == end {
            Evaluation::new(source, &self.options, cancel, Grid::instant(start))
                .telling(&costs)
                .prepared_for(expr)
                .answer_instant(expr)?
        } else {
            let grid = Grid::new(start, end, millis(steps.step)).ok_or(EvalError::Steps)?;
            Evaluation::new(source, &self.options, cancel, grid)
                .ending_at(end)
                .telling(&costs)
                .prepared_for(expr)
                .answer_range(expr)?
        };
        Ok(Plan::new(expr, &costs, answer))
    }
}
