//! Tables to answers.

use stonechat_model::{Columns, Timestamp};

use crate::ast::{Expr, ExprKind};
use crate::error::EvalError;
use crate::evaluation::{Evaluated, Evaluation, Grid};
use crate::table::{Head, Row, Table};
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
                        let (_, value) = row.present().next()?;
                        Some(Sample {
                            labels: row.head.labels.clone(),
                            point: Point { timestamp, value },
                        })
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
            series.each_window(grid, false, |window| {
                self.budget.charge(window.values.len())?;
                let labels = if series.head.name_dropped {
                    self.nameless(&series.head.labels)
                } else {
                    series.head.labels.clone()
                };
                matrix.push(Series {
                    labels,
                    points: Columns {
                        timestamps: window.times.to_vec(),
                        values: window.values.to_vec(),
                        ..Columns::default()
                    },
                });
                Ok(())
            })
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
    for (step, value) in row.present() {
        points.push(Timestamp::from_millis(grid.time(step)), value);
    }
    (!points.is_empty()).then(|| Series {
        labels: row.head.labels.clone(),
        points,
    })
}
