//! Quantiles and fractions of histograms: native ones, and classic ones, which are series of cumulative buckets that differ
//! in the label `le`.

mod buckets; // the arithmetic of classic buckets
mod native; // the arithmetic of native histograms

use std::sync::Arc;

use hashbrown::HashMap;
use stonechat_model::{Histogram, Labels, format_general, parse_float};

use super::Function;
use super::remarks::Remarks;
use crate::ast::{Expr, Span, quote};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid, Raised};
use crate::functions::{check_quantile, check_quantiles};
use crate::table::{ABSENT, Cell, Head, Row, Table, is_float};
use buckets::{Bucket, fraction, quantile};

const BUCKET_LABEL: &str = "le";

/// A histogram that may be classic at some steps and native at others.
struct Distribution {
    head: Head,
    /// The metric's name, for messages.
    metric: String,
    /// Rows of buckets with their upper bounds.
    buckets: Vec<(f64, usize)>,
    /// The row of native histograms.
    native: Option<usize>,
}

/// A histogram at one step.
enum AtStep<'a> {
    Classic(&'a mut Vec<Bucket>),
    Native(&'a Arc<Histogram>),
}

/// What is computed from a histogram at a step.
type Compute<'c> = dyn Fn(&Distribution, usize, AtStep<'_>) -> f64 + 'c;

impl Evaluation<'_> {
    /// `histogram_count`, `histogram_sum` and others that look at native histograms only.
    pub(super) fn of_histograms(
        &self,
        function: Function,
        arg: &Expr,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        let table = self.table(arg, grid)?;
        let part = native::part(function);
        self.drop_names(table.map_cells(|_, cell| {
            let value = part(cell.histogram()?);
            Some(Cell::Float(value))
        }))
    }

    /// `histogram_quantile(q, buckets)`.
    pub(super) fn histogram_quantile(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let [q, vector] = args else {
            return Ok(Table::default());
        };
        let quantiles = self.scalar(q, grid)?;
        let table = self.table(vector, grid)?;
        // After the arguments, so that the remark is on the outer one of nested calls.
        check_quantiles(self, q.span, &quantiles);
        self.over_distributions(&table, vector.span, grid, &|distribution, step, at_step| {
            let place = (vector.span, grid.time(step));
            self.quantile_of(quantiles[step], distribution, at_step, place)
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
                let compute: &Compute<'_> = &|distribution, step, at_step| {
                    if values[step].to_bits() != value.to_bits() {
                        return ABSENT;
                    }
                    let place = (vector.span, grid.time(step));
                    self.quantile_of(value, distribution, at_step, place)
                };
                let part = self.over_distributions(&table, vector.span, grid, compute)?;
                let text = open_metrics(value);
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
        self.over_distributions(&table, vector.span, grid, &|distribution, step, at_step| {
            let (lower, upper) = (lower[step], upper[step]);
            match at_step {
                AtStep::Classic(buckets) => fraction(lower, upper, buckets),
                AtStep::Native(histogram) => {
                    let remarks = self.remarks(vector.span, &distribution.metric);
                    native::fraction(lower, upper, histogram, remarks)
                }
            }
        })
    }

    fn quantile_of(
        &self,
        q: f64,
        distribution: &Distribution,
        at_step: AtStep<'_>,
        (span, time): (Span, i64),
    ) -> f64 {
        let buckets = match at_step {
            AtStep::Classic(buckets) => buckets,
            AtStep::Native(histogram) => {
                let remarks = self.remarks(span, &distribution.metric);
                return native::quantile(q, histogram, remarks);
            }
        };
        let found = quantile(q, buckets);
        if let Some(raise) = found.raised {
            let mut message = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)".to_owned();
            if !distribution.metric.is_empty() && self.options.delayed_name_removal {
                message.push_str(&format!(" for metric name {}", quote(&distribution.metric)));
            }
            let raised = Raised {
                buckets: (raise.first, raise.last),
                most: raise.most,
                times: (time, time),
                samples: 1,
            };
            self.note_raised(span, message, raised);
        }
        found.value
    }

    /// Remarks that name the metric only while series still have its name.
    fn remarks<'r>(&'r self, span: Span, metric: &'r str) -> Remarks<'r> {
        let named = self.options.delayed_name_removal;
        Remarks::new(self, span, if named { metric } else { "" })
    }

    fn over_distributions(
        &self,
        table: &Table,
        span: Span,
        grid: Grid,
        compute: &Compute<'_>,
    ) -> Result<Table, EvalError> {
        let mut result = Table::default();
        let mut values = Vec::with_capacity(grid.count);
        let mut buckets = Vec::new();
        for distribution in self.distributions(table, span) {
            self.check_alive()?;
            let rows: Vec<(f64, Row<'_>)> = distribution
                .buckets
                .iter()
                .map(|&(upper, row)| (upper, table.row(row)))
                .collect();
            values.clear();
            values.extend((0..grid.count).map(|step| {
                buckets.clear();
                buckets.extend(rows.iter().filter_map(|&(upper, row)| {
                    let count = row.at(step);
                    is_float(count).then_some(Bucket { upper, count })
                }));
                let native = distribution.native.and_then(|row| {
                    let row = table.row(row);
                    match row.cell(row.at(step))? {
                        Cell::Histogram(histogram) => Some(histogram),
                        _ => None,
                    }
                });
                match (native, buckets.is_empty()) {
                    (None, true) => ABSENT,
                    (None, false) => compute(&distribution, step, AtStep::Classic(&mut buckets)),
                    (Some(native), true) => compute(&distribution, step, AtStep::Native(native)),
                    (Some(_), false) => {
                        self.remarks(span, &distribution.metric)
                            .mixed_classic_and_native();
                        ABSENT
                    }
                }
            }));
            self.push(&mut result, distribution.head.clone(), 0, &values)?;
        }
        self.drop_names(result)
    }

    /// Puts the buckets of each histogram together, once for all steps.
    fn distributions(&self, table: &Table, span: Span) -> Vec<Distribution> {
        let mut position_of: HashMap<Labels, usize> = HashMap::new();
        let mut distributions: Vec<Distribution> = Vec::new();
        let mut position = |labels: Labels, head: &Head| {
            *position_of.entry(labels.clone()).or_insert_with(|| {
                distributions.push(Distribution {
                    metric: labels.metric_name().to_owned(),
                    head: Head { labels, ..*head },
                    buckets: Vec::new(),
                    native: None,
                });
                distributions.len() - 1
            })
        };
        let mut found: Vec<(usize, Option<f64>, usize)> = Vec::with_capacity(table.len());
        for (index, row) in table.rows().enumerate() {
            let labels = &row.head.labels;
            let has_floats = row.values.iter().any(|value| is_float(*value));
            if !table.is_plain() && row.cells().any(|(_, cell)| cell.histogram().is_some()) {
                found.push((position(labels.clone(), row.head), None, index));
            }
            if !has_floats {
                continue;
            }
            let bound = labels.get(BUCKET_LABEL).unwrap_or_default();
            let Some(upper) = parse_float(bound) else {
                self.note_bad_bucket(labels, bound, span);
                continue;
            };
            let key = labels.drop(&[BUCKET_LABEL]);
            found.push((position(key, row.head), Some(upper), index));
        }
        for (position, upper, row) in found {
            match upper {
                Some(upper) => distributions[position].buckets.push((upper, row)),
                None => distributions[position].native = Some(row),
            }
        }
        for distribution in &mut distributions {
            distribution.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        distributions
    }

    fn note_bad_bucket(&self, labels: &Labels, bound: &str, span: Span) {
        let mut message = format!(
            "bucket label \"le\" is missing or has a malformed value of {}",
            quote(bound)
        );
        let metric = labels.metric_name();
        if !metric.is_empty() && self.options.delayed_name_removal {
            message.push_str(&format!(" for metric name {}", quote(metric)));
        }
        self.note(crate::value::Severity::Warning, span, message);
    }
}

/// A float as OpenMetrics writes the value of a label: always with a point or an exponent.
fn open_metrics(value: f64) -> String {
    let text = format_general(value);
    if value.is_finite() && !text.contains(['.', 'e']) {
        return text + ".0";
    }
    text
}
