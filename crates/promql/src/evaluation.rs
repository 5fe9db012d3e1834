//! One running query: the tree is walked once, and every part gives its values at all steps at once.

mod budget; // how many samples are held
mod certain; // what gives something whatever the data is
mod costs; // what the parts of a query cost
mod flow; // series that are worked out one by one
mod grid; // the steps
mod invariant; // what is the same at every step
mod notes; // warnings and infos
mod select; // series out of the store
mod smoothed; // values on the line between samples
mod statistics; // histograms of which only count and sum are asked for
mod window; // ranges of samples that move over the steps

use std::time::Instant;

use hashbrown::HashSet;
use stonechat_model::Queryable;

pub use costs::Cost;
pub(crate) use costs::Costs;
pub(crate) use flow::{Flow, FlowRow, Work};
pub(crate) use grid::{Grid, elapsed, seconds};
pub(crate) use select::{Pick, Shift, millis};
pub(crate) use window::{MixedWindow, RangeSeries, Window};

use crate::ast::{Binary, BinaryOp, Expr, ExprKind, LengthContext, Span, Unary, UnaryOp};
use crate::cancel::Cancel;
use crate::engine::EngineOptions;
use crate::error::EvalError;
use crate::table::{Cell, Cells, Head, Row, Table};
use crate::value::{Annotation, Severity};
pub(crate) use budget::Budget;
use notes::Notes;
pub(crate) use notes::Raised;

/// The labels that describe a metric; they go when an operation changes the meaning of values.
const METADATA_LABELS: [&str; 3] = ["__name__", "__type__", "__unit__"];

/// The values of a part of the tree at all steps.
#[derive(Debug, Clone)]
pub(crate) enum Evaluated {
    Scalar(Vec<f64>),
    Text(String),
    Table(Table),
}

/// One running query.
pub(crate) struct Evaluation<'a> {
    pub source: &'a dyn Queryable,
    pub options: &'a EngineOptions,
    cancel: &'a Cancel,
    deadline: Instant,
    /// The steps of the whole query, which `start()` and `step()` ask for even in a subquery.
    pub query: Grid,
    /// The end that was asked for, which need not be a step: `end()`.
    pub end: i64,
    pub budget: Budget,
    /// Where selectors begin in the text of whose histograms only count and sum are asked for.
    pub statistics_only: HashSet<u32>,
    notes: Notes,
    /// Where costs go, if anybody wants to see them.
    costs: Option<&'a Costs>,
}

impl<'a> Evaluation<'a> {
    pub fn new(
        source: &'a dyn Queryable,
        options: &'a EngineOptions,
        cancel: &'a Cancel,
        query: Grid,
    ) -> Self {
        Self {
            source,
            options,
            cancel,
            deadline: Instant::now() + options.timeout,
            query,
            end: query.end(),
            budget: Budget::new(options.samples_max),
            statistics_only: HashSet::new(),
            notes: Notes::default(),
            costs: None,
        }
    }

    /// Looks at the whole expression before it is evaluated.
    pub fn prepared_for(mut self, expr: &Expr) -> Self {
        self.statistics_only = statistics::selectors(expr);
        self
    }

    /// Tells what the parts of the query cost.
    pub const fn telling(mut self, costs: &'a Costs) -> Self {
        self.costs = Some(costs);
        self
    }

    fn tell(&self, span: Span, began: Instant, series: usize, samples: usize) {
        if let Some(costs) = self.costs {
            let time = began.elapsed();
            costs.add(
                span,
                Cost {
                    series,
                    samples,
                    time,
                },
            );
        }
    }

    /// Sets the end that was asked for.
    pub const fn ending_at(mut self, end: i64) -> Self {
        self.end = end;
        self
    }

    /// What was remarked on the way.
    pub fn into_notes(self) -> (Vec<Annotation>, Vec<Annotation>) {
        self.notes.into_parts()
    }

    pub fn note(&self, severity: Severity, span: Span, message: String) {
        self.notes.add(severity, message, span);
    }

    /// A warning that counts how often it was given.
    pub fn note_again(&self, span: Span, message: String) {
        self.notes.add_counted(Severity::Warning, message, span);
    }

    /// An info on buckets that were raised, which tells of all of them.
    pub fn note_raised(&self, span: Span, message: String, raised: Raised) {
        self.notes.add_raised(message, span, raised);
    }

    /// Fails when nobody waits for the answer any more. Called between series, so that a query ends soon.
    pub fn check_alive(&self) -> Result<(), EvalError> {
        if self.cancel.is_cancelled() {
            return Err(EvalError::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(EvalError::Timeout);
        }
        Ok(())
    }

    /// What computed lengths may ask for.
    pub fn lengths(&self) -> LengthContext {
        LengthContext {
            step_millis: self.query.step,
            range_millis: self.end - self.query.start,
        }
    }

    /// The values of an expression at the steps of a grid. What it held on the way is given back; what it gives counts.
    pub fn eval(&self, expr: &Expr, grid: Grid) -> Result<Evaluated, EvalError> {
        self.check_alive()?;
        let begun = (self.budget.used(), Instant::now());
        let (operators, first) = expr.without_parens().chain();
        let is_invariant = |expr| grid.count > 1 && invariant::is_invariant(expr);
        // As far as a chain of operators is the same at every step, one step is enough.
        let mut steps = if is_invariant(first) {
            grid.first()
        } else {
            grid
        };
        let mut evaluated = self.eval_kind(first, steps)?;
        self.settle(first, begun, &evaluated)?;
        for (whole, binary) in operators.into_iter().rev() {
            if steps != grid && !is_invariant(&binary.right) {
                evaluated = self.spread(evaluated, grid)?;
                steps = grid;
            }
            if stays_empty(binary, &evaluated) {
                continue;
            }
            let right = self.eval(&binary.right, steps)?;
            evaluated = self.binary(binary, evaluated, right, steps)?;
            self.settle(whole, begun, &evaluated)?;
        }
        if steps != grid {
            evaluated = self.spread(evaluated, grid)?;
            self.budget.set(begun.0 + evaluated.cells())?;
        }
        Ok(evaluated)
    }

    /// Gives back what an expression held on the way, and tells what it cost.
    fn settle(
        &self,
        expr: &Expr,
        (before, began): (usize, Instant),
        evaluated: &Evaluated,
    ) -> Result<(), EvalError> {
        self.budget.set(before + evaluated.cells())?;
        // Selectors tell what they read.
        if !matches!(expr.kind, ExprKind::VectorSelector(_)) {
            self.tell(expr.span, began, evaluated.rows(), evaluated.cells());
        }
        Ok(())
    }

    /// What was evaluated at one step, at all of them.
    fn spread(&self, once: Evaluated, grid: Grid) -> Result<Evaluated, EvalError> {
        self.budget.check(once.cells().saturating_mul(grid.count))?;
        Ok(once.spread(grid.count))
    }

    /// True when an expression is the same at every step.
    pub fn is_invariant(&self, expr: &Expr) -> bool {
        invariant::is_invariant(expr)
    }

    fn eval_kind(&self, expr: &Expr, grid: Grid) -> Result<Evaluated, EvalError> {
        match &expr.kind {
            ExprKind::Number(number) => Ok(Evaluated::Scalar(vec![number.value; grid.count])),
            ExprKind::String(text) => Ok(Evaluated::Text(text.clone())),
            ExprKind::VectorSelector(selector) => self
                .instant_selector(selector, expr.span, grid)
                .map(Evaluated::Table),
            ExprKind::MatrixSelector(_) | ExprKind::Subquery(_) => {
                // The parser lets range vectors only stand where a function takes them window by window.
                Err(EvalError::NotForRange(expr.value_type()))
            }
            ExprKind::Unary(unary) => self.unary(unary, grid),
            ExprKind::Aggregation(aggregation) => self
                .aggregate(aggregation, expr.span, grid)
                .map(Evaluated::Table),
            ExprKind::Call(call) => self.call(expr, call, grid),
            ExprKind::Paren(_) | ExprKind::Binary(_) => self.eval(expr, grid),
        }
    }

    fn unary(&self, unary: &Unary, grid: Grid) -> Result<Evaluated, EvalError> {
        let operand = self.eval(&unary.operand, grid)?;
        if unary.op == UnaryOp::Plus {
            return Ok(operand);
        }
        match operand {
            Evaluated::Table(table) => {
                let negated = if table.is_plain() {
                    table.map(|value| -value)
                } else {
                    table.map_cells(|_, cell| {
                        Some(match cell {
                            Cell::Float(value) => Cell::Float(-value),
                            Cell::Histogram(histogram) => histogram.times(-1.0).into(),
                            Cell::Made(histogram) => histogram.times(-1.0).into(),
                        })
                    })
                };
                self.drop_names(negated).map(Evaluated::Table)
            }
            other => Ok(other.map_scalar(|value| -value)),
        }
    }

    /// The series of an expression that is an instant vector.
    pub fn table(&self, expr: &Expr, grid: Grid) -> Result<Table, EvalError> {
        match self.eval(expr, grid)? {
            Evaluated::Table(table) => Ok(table),
            _ => Ok(Table::default()),
        }
    }

    /// The numbers of an expression that is a scalar.
    pub fn scalar(&self, expr: &Expr, grid: Grid) -> Result<Vec<f64>, EvalError> {
        match self.eval(expr, grid)? {
            Evaluated::Scalar(values) => Ok(values),
            _ => Ok(vec![f64::NAN; grid.count]),
        }
    }

    /// The text of an expression that is a string.
    pub fn text<'e>(&self, expr: &'e Expr) -> &'e str {
        match &expr.without_parens().kind {
            ExprKind::String(text) => text,
            _ => "",
        }
    }

    /// Adds a row that counts against the limit of samples.
    pub fn push(
        &self,
        table: &mut Table,
        head: Head,
        from: usize,
        values: &[f64],
    ) -> Result<(), EvalError> {
        let cells = table.push(head, from, values);
        self.budget.charge(cells)
    }

    /// Adds a row that was built cell by cell.
    pub fn push_cells(
        &self,
        table: &mut Table,
        head: Head,
        cells: &Cells,
    ) -> Result<(), EvalError> {
        let cost = table.push_cells(head, cells);
        self.budget.charge(cost)
    }

    /// Adds a part of a row of another table.
    pub fn push_row(&self, table: &mut Table, row: Row<'_>) -> Result<(), EvalError> {
        let cost = table.push_mixed(row.head.clone(), row.from, row.values, row.histograms);
        self.budget.charge(cost)
    }

    /// Labels without the metric's name.
    pub fn nameless(&self, labels: &stonechat_model::Labels) -> stonechat_model::Labels {
        labels.drop(&METADATA_LABELS)
    }

    /// Drops the names of all rows, now or at the end of the query, as the engine is set.
    pub fn drop_names(&self, table: Table) -> Result<Table, EvalError> {
        if self.options.delayed_name_removal {
            return Ok(table.map_heads(|head| head.name_dropped = true));
        }
        self.drop_names_now(table)
    }

    fn drop_names_now(&self, table: Table) -> Result<Table, EvalError> {
        // Rows of one metric differ in other labels, so nothing can become the same.
        let one_metric = is_one_metric(&table);
        let nameless = table.map_heads(|head| head.labels = self.nameless(&head.labels));
        if one_metric {
            Ok(nameless)
        } else {
            nameless.merge_same_labels()
        }
    }

    /// Drops the names that were to be dropped at the end of the query.
    pub fn settle_names(&self, table: Table) -> Result<Table, EvalError> {
        if !self.options.delayed_name_removal {
            return Ok(table);
        }
        table
            .map_heads(|head| {
                if head.name_dropped {
                    head.labels = self.nameless(&head.labels);
                }
            })
            .merge_same_labels()
    }
}

/// True when an operator gives nothing whatever its right side is, as there is nothing on its left.
fn stays_empty(binary: &Binary, left: &Evaluated) -> bool {
    let fills = binary.matching.fill_left.is_some() || binary.matching.fill_right.is_some();
    let is_empty = matches!(left, Evaluated::Table(table) if table.len() == 0);
    is_empty && !fills && binary.op != BinaryOp::Or && certain::cannot_fail(&binary.right)
}

fn is_one_metric(table: &Table) -> bool {
    // What describes a metric comes first in the order of labels.
    let of =
        |row: Row<'_>| METADATA_LABELS.map(|name| row.head.labels.get(name).map(str::to_owned));
    let Some(first) = (table.len() > 0).then(|| of(table.row(0))) else {
        return true;
    };
    let is_first = |row: Row<'_>| {
        let labels = &row.head.labels;
        METADATA_LABELS
            .iter()
            .zip(&first)
            .all(|(name, value)| labels.get(name) == value.as_deref())
    };
    table.rows().all(is_first)
}

impl Evaluated {
    fn rows(&self) -> usize {
        match self {
            Self::Scalar(_) => 1,
            Self::Text(_) => 0,
            Self::Table(table) => table.len(),
        }
    }

    fn cells(&self) -> usize {
        match self {
            Self::Scalar(values) => values.len(),
            Self::Text(_) => 0,
            Self::Table(table) => table.cells(),
        }
    }

    fn spread(self, count: usize) -> Self {
        match self {
            Self::Scalar(values) => {
                Self::Scalar(vec![values.first().copied().unwrap_or(f64::NAN); count])
            }
            Self::Table(table) => Self::Table(table.spread(count)),
            text @ Self::Text(_) => text,
        }
    }

    fn map_scalar(self, change: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Scalar(values) => Self::Scalar(values.into_iter().map(change).collect()),
            other => other,
        }
    }
}
