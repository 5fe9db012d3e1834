//! Quantiles and fractions of classic histograms: series of cumulative buckets that differ in the label `le`.

mod buckets; // the arithmetic

use hashbrown::HashMap;
use stonechat_model::{Labels, parse_float};

use crate::ast::{Expr, Span, quote};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid};
use crate::functions::{check_quantile, check_quantiles};
use crate::number::format_general;
use crate::table::{ABSENT, Head, Table, is_absent};
use crate::value::Severity;
use buckets::{Bucket, fraction, quantile};

const BUCKET_LABEL: &str = "le";

/// The buckets of one histogram: rows of a table with their upper bounds.
struct Histogram {
    head: Head,
    /// The metric's name, for messages.
    metric: String,
    rows: Vec<(f64, usize)>,
}

/// What is computed from the buckets of one histogram at one step.
type Compute<'c> = dyn Fn(&Histogram, usize, &mut Vec<Bucket>) -> f64 + 'c;

impl Evaluation<'_> {
    /// `histogram_quantile(q, buckets)`.
    pub(super) fn histogram_quantile(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let [q, vector] = args else {
            return Ok(Table::default());
        };
        let quantiles = self.scalar(q, grid)?;
        let table = self.table(vector, grid)?;
        // After the arguments, so that the remark is on the outer one of nested calls.
        check_quantiles(self, q.span, &quantiles);
        self.over_histograms(&table, vector.span, grid, &|histogram, step, buckets| {
            self.quantile_of(quantiles[step], histogram, buckets, vector.span)
        })
    }

    /// `histogram_quantiles(buckets, label, q...)`: several quantiles, told apart by a label.
    pub(super) fn histogram_quantiles(
        &self,
        args: &[Expr],
        grid: Grid,
    ) -> Result<Table, EvalError> {
        let [vector, label, quantiles @ ..] = args else {
            return Ok(Table::default());
        };
        let label = self.text(label);
        if label.is_empty() {
            let message = format!("invalid label name {}", quote(label));
            return Err(EvalError::Parameter(message));
        }
        let table = self.table(vector, grid)?;
        let mut all = Table::default();
        for q in quantiles {
            let values = self.scalar(q, grid)?;
            // A quantile that changes over time changes the label, and so the series.
            let mut distinct = values.clone();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup_by_key(|value| value.to_bits());
            for value in distinct {
                check_quantile(self, q.span, value);
                let part = self.over_histograms(
                    &table,
                    vector.span,
                    grid,
                    &|histogram, step, buckets| {
                        if values[step].to_bits() == value.to_bits() {
                            self.quantile_of(value, histogram, buckets, vector.span)
                        } else {
                            ABSENT
                        }
                    },
                )?;
                let text = format_general(value);
                all.append(&part.map_heads(|head| {
                    let mut builder = head.labels.to_builder();
                    builder.set(label, &text);
                    head.labels = builder.build().unwrap_or_default();
                }));
            }
        }
        self.budget.charge(all.cells())?;
        all.merge_same_labels()
    }

    /// `histogram_fraction(lower, upper, buckets)`.
    pub(super) fn histogram_fraction(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let [lower, upper, vector] = args else {
            return Ok(Table::default());
        };
        let (lower, upper) = (self.scalar(lower, grid)?, self.scalar(upper, grid)?);
        let table = self.table(vector, grid)?;
        self.over_histograms(&table, vector.span, grid, &|_, step, buckets| {
            fraction(lower[step], upper[step], buckets)
        })
    }

    fn quantile_of(
        &self,
        q: f64,
        histogram: &Histogram,
        buckets: &mut Vec<Bucket>,
        span: Span,
    ) -> f64 {
        let found = quantile(q, buckets);
        if found.fixed {
            let mut message = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)".to_owned();
            if !histogram.metric.is_empty() {
                message.push_str(&format!(" for metric name {}", quote(&histogram.metric)));
            }
            self.note(Severity::Info, span, message);
        }
        found.value
    }

    fn over_histograms(
        &self,
        table: &Table,
        span: Span,
        grid: Grid,
        compute: &Compute<'_>,
    ) -> Result<Table, EvalError> {
        let mut result = Table::default();
        let mut values = Vec::with_capacity(grid.count);
        let mut buckets = Vec::new();
        for histogram in self.group_buckets(table, span) {
            self.check_alive()?;
            values.clear();
            values.extend((0..grid.count).map(|step| {
                buckets.clear();
                buckets.extend(histogram.rows.iter().filter_map(|&(upper, row)| {
                    let count = table.row(row).at(step);
                    (!is_absent(count)).then_some(Bucket { upper, count })
                }));
                if buckets.is_empty() {
                    ABSENT
                } else {
                    compute(&histogram, step, &mut buckets)
                }
            }));
            self.push(&mut result, histogram.head.clone(), 0, &values)?;
        }
        self.drop_names(result)
    }

    /// Puts the buckets of each histogram together, once for all steps.
    fn group_buckets(&self, table: &Table, span: Span) -> Vec<Histogram> {
        let mut position_of: HashMap<Labels, usize> = HashMap::new();
        let mut histograms: Vec<Histogram> = Vec::new();
        for (index, row) in table.rows().enumerate() {
            let labels = &row.head.labels;
            let bound = labels.get(BUCKET_LABEL).unwrap_or_default();
            let metric = labels.metric_name();
            let Some(upper) = parse_float(bound) else {
                let mut message = format!(
                    "bucket label \"le\" is missing or has a malformed value of {}",
                    quote(bound)
                );
                if !metric.is_empty() {
                    message.push_str(&format!(" for metric name {}", quote(metric)));
                }
                self.note(Severity::Warning, span, message);
                continue;
            };
            let key = labels.drop(&[BUCKET_LABEL]);
            let position = *position_of.entry(key.clone()).or_insert_with(|| {
                histograms.push(Histogram {
                    head: Head {
                        labels: key,
                        name_dropped: row.head.name_dropped,
                    },
                    metric: metric.to_owned(),
                    rows: Vec::new(),
                });
                histograms.len() - 1
            });
            histograms[position].rows.push((upper, index));
        }
        for histogram in &mut histograms {
            histogram.rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        histograms
    }
}
