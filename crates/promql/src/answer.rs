//! Tables to answers.

use std::sync::Arc;

use stonechat_model::{Columns, Timestamp};

use crate::ast::{Expr, ExprKind};
use crate::error::EvalError;
use crate::evaluation::{Evaluated, Evaluation, Grid, Window};
use crate::functions::remarks::HistogramPoint;
use crate::functions::shown_samples;
use crate::table::{Cell, Head, Row, Table};
use crate::value::{Answer, Point, Sample, Series, Value};

impl Evaluation<'_> {
    /// The answer to an instant query.
    pub(crate) fn answer_instant(self, expr: &Expr) -> Result<Answer, EvalError> {
        let grid = self.query;
        let timestamp = Timestamp::from_millis(grid.start);
        let value = if is_range(expr) {
            Value::Matrix(self.raw_samples(expr, grid)?)
        } else {
            match self.eval(expr, grid)? {
                Evaluated::Scalar(values) => Value::Scalar(Point {
                    timestamp,
                    value: values.first().copied().unwrap_or(f64::NAN),
                }),
                Evaluated::Text(text) => Value::String(text),
                Evaluated::Table(table) => {
                    let table = self.settle_names(table)?;
                    let samples = table.rows().filter_map(|row| {
                        let (_, cell) = row.cells().next()?;
                        Some(Sample::new(row.head.labels.clone(), timestamp, &cell))
                    });
                    Value::Vector(samples.collect())
                }
            }
        };
        Ok(self.finish(value))
    }

    /// The answer to a range query.
    pub(crate) fn answer_range(self, expr: &Expr) -> Result<Answer, EvalError> {
        let grid = self.query;
        let table = match self.eval(expr, grid)? {
            Evaluated::Scalar(values) => {
                let mut table = Table::default();
                self.push(&mut table, Head::default(), 0, &values)?;
                table
            }
            Evaluated::Text(_) => Table::default(),
            Evaluated::Table(table) => self.settle_names(table)?,
        };
        let mut matrix: Vec<Series> = table.rows().filter_map(|row| series(row, grid)).collect();
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(self.finish(Value::Matrix(matrix)))
    }

    fn finish(self, value: Value) -> Answer {
        let (warnings, infos) = self.into_notes();
        Answer {
            value,
            warnings,
            infos,
        }
    }

    /// The samples that a range selector or a subquery looks at.
    fn raw_samples(&self, expr: &Expr, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let mut matrix = Vec::new();
        self.each_range_series(expr, grid, &mut |series| {
            let labels = if series.head.name_dropped {
                self.nameless(&series.head.labels)
            } else {
                series.head.labels.clone()
            };
            let mut keep = |floats: Window<'_>, histograms: &[HistogramPoint]| {
                let (timestamps, values) = shown_samples(&floats);
                self.budget.charge(values.len() + histograms.len())?;
                matrix.push(Series {
                    labels: labels.clone(),
                    points: Columns {
                        timestamps,
                        values,
                        histograms: histograms.to_vec(),
                        ..Columns::default()
                    },
                });
                Ok(())
            };
            if series.has_histograms() {
                series.each_mixed_window(grid, |window| {
                    if let Some(extension) = window.floats.extension {
                        return Err(EvalError::Parameter(format!(
                            "{extension} modifier is not supported with histograms"
                        )));
                    }
                    keep(window.floats, window.histograms)
                })
            } else {
                series.each_window(grid, false, |window| keep(window, &[]))
            }
        })?;
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(matrix)
    }
}

fn is_range(expr: &Expr) -> bool {
    matches!(
        expr.without_parens().kind,
        ExprKind::MatrixSelector(_) | ExprKind::Subquery(_)
    )
}

fn series(row: Row<'_>, grid: Grid) -> Option<Series> {
    let mut points = Columns::default();
    for (step, cell) in row.cells() {
        let time = grid.time(step);
        match cell {
            Cell::Float(value) => points.push(Timestamp::from_millis(time), value),
            Cell::Histogram(histogram) => points.histograms.push((time, Arc::clone(histogram))),
            Cell::Made(histogram) => points.histograms.push((time, histogram)),
        }
    }
    (!points.is_empty()).then(|| Series {
        labels: row.head.labels.clone(),
        points,
    })
}
