//! Which code serves which function.

use stonechat_model::Labels;

use super::counters::overlaps;
use super::extremes::Extremes;
use super::remarks::Remarks;
use super::{Function, check_quantile, dates, math, mixed, over_time, quantile, rate, regression};
use crate::ast::{Call, Expr, ExprKind, Extension, Span, quote};
use crate::error::EvalError;
use crate::evaluation::{
    Evaluated, Evaluation, Flow, Grid, Pick, RangeSeries, Window, Work, seconds,
};
use crate::table::{ABSENT, Cell, Cells, Head, Table, is_float};
use crate::value::Severity;

/// The computation of a function over windows, with its parameters.
pub(crate) type WindowFunction<'f> = Box<dyn Fn(&Window<'_>) -> Option<f64> + Sync + 'f>;

/// How many windows of one series are worked off before asking whether anybody still waits.
const WINDOWS_BETWEEN_CHECKS: usize = 64;

impl Evaluation<'_> {
    /// The values of a call at all steps.
    pub(crate) fn call(
        &self,
        expr: &Expr,
        call: &Call,
        grid: Grid,
    ) -> Result<Evaluated, EvalError> {
        check_extension(call)?;
        if let Some(values) = self.scalar_call(call, grid)? {
            return Ok(Evaluated::Scalar(values));
        }
        let table = if let Some(change) = math::unary(call.function) {
            self.map_vector(&call.args[0], grid, |_, value| change(value))?
        } else if let Some(part) = dates::part(call.function) {
            self.date(call, grid, part)?
        } else if let Some((arg, function)) = self.window_function(call, grid)? {
            {
                let over = OverWindows::new(self, call.function, arg.span, function);
                self.over_windows(arg, grid, over)?
            }
        } else {
            self.vector_call(expr, call, grid)?
        };
        Ok(Evaluated::Table(table))
    }

    /// Functions that give a number per step.
    fn scalar_call(&self, call: &Call, grid: Grid) -> Result<Option<Vec<f64>>, EvalError> {
        let constant = |value: f64| vec![value; grid.count];
        let pairs = |choose: fn(f64, f64) -> f64| -> Result<Vec<f64>, EvalError> {
            let first = self.scalar(&call.args[0], grid)?;
            let second = self.scalar(&call.args[1], grid)?;
            Ok(first
                .into_iter()
                .zip(second)
                .map(|(a, b)| choose(a, b))
                .collect())
        };
        Ok(Some(match call.function {
            Function::Time => grid.times().map(seconds).collect(),
            Function::Pi => constant(std::f64::consts::PI),
            Function::Start => constant(seconds(self.query.start)),
            Function::End => constant(seconds(self.end)),
            Function::Step => constant(seconds(self.query.step)),
            Function::Range => constant(seconds(self.end - self.query.start)),
            Function::MinOf => pairs(math::min)?,
            Function::MaxOf => pairs(math::max)?,
            Function::Scalar => self.only_value(&call.args[0], grid)?,
            _ => return Ok(None),
        }))
    }

    /// Functions of vectors that are neither value by value nor over windows.
    fn vector_call(&self, expr: &Expr, call: &Call, grid: Grid) -> Result<Table, EvalError> {
        let args = call.args.as_slice();
        match call.function {
            Function::Absent => self.absent(&args[0], grid),
            Function::AbsentOverTime => self.absent_over_time(&args[0], grid),
            Function::Clamp | Function::ClampMin | Function::ClampMax => self.clamp(call, grid),
            Function::Round => self.round(args, grid),
            Function::Timestamp => self.timestamp(&args[0], grid),
            Function::Vector => {
                let values = self.scalar(&args[0], grid)?;
                let mut table = Table::default();
                self.push(&mut table, Head::default(), 0, &values)?;
                Ok(table)
            }
            Function::Info => self.info(args, grid),
            Function::LabelReplace => self.label_replace(args, grid),
            Function::LabelJoin => self.label_join(args, grid),
            Function::Sort
            | Function::SortDesc
            | Function::SortByLabel
            | Function::SortByLabelDesc => self.sort(expr, call, grid),
            Function::HistogramQuantile => self.histogram_quantile(args, grid),
            Function::HistogramQuantiles => self.histogram_quantiles(args, grid),
            Function::HistogramFraction => self.histogram_fraction(args, grid),
            Function::HistogramAvg
            | Function::HistogramCount
            | Function::HistogramStddev
            | Function::HistogramStdvar
            | Function::HistogramSum => self.of_histograms(call.function, &args[0], grid),
            Function::StartTimestamp => self.start_timestamp(&args[0], grid),
            // All others are served before.
            _ => Ok(Table::default()),
        }
    }

    /// Changes every value of a vector, and drops the names as the meaning has changed.
    fn map_vector(
        &self,
        arg: &Expr,
        grid: Grid,
        change: impl Fn(usize, f64) -> f64,
    ) -> Result<Table, EvalError> {
        let table = self.table(arg, grid)?;
        self.drop_names(table.map_steps(change))
    }

    fn date(&self, call: &Call, grid: Grid, part: fn(f64) -> f64) -> Result<Table, EvalError> {
        if let Some(arg) = call.args.first() {
            return self.map_vector(arg, grid, |_, value| part(value));
        }
        let values: Vec<f64> = grid.times().map(seconds).map(part).collect();
        let mut table = Table::default();
        self.push(&mut table, Head::default(), 0, &values)?;
        Ok(table)
    }

    fn clamp(&self, call: &Call, grid: Grid) -> Result<Table, EvalError> {
        let bounds = call.args[1..]
            .iter()
            .map(|arg| self.scalar(arg, grid))
            .collect::<Result<Vec<_>, _>>()?;
        self.map_vector(&call.args[0], grid, |step, value| {
            match (call.function, bounds.as_slice()) {
                (Function::ClampMin, [least]) => math::max(least[step], value),
                (Function::ClampMax, [most]) => math::min(most[step], value),
                (_, [least, most]) if least[step] > most[step] => ABSENT,
                (_, [least, most]) => math::max(least[step], math::min(most[step], value)),
                _ => value,
            }
        })
    }

    fn round(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let nearest = match args.get(1) {
            Some(nearest) => self.scalar(nearest, grid)?,
            None => vec![1.0; grid.count],
        };
        self.map_vector(&args[0], grid, |step, value| {
            math::round(value, nearest[step])
        })
    }

    /// `timestamp`: of the samples themselves for a selector, of the evaluation for everything else.
    fn timestamp(&self, arg: &Expr, grid: Grid) -> Result<Table, EvalError> {
        if let ExprKind::VectorSelector(selector) = &arg.without_parens().kind {
            let times = self.latest(selector, arg.span, grid, Pick::Time)?;
            return self.drop_names(times);
        }
        let table = self.table(arg, grid)?;
        let times = table.map_cells(|step, _| Some(Cell::Float(seconds(grid.time(step)))));
        self.drop_names(times)
    }

    /// `start_timestamp`: when the counting of samples began, which only samples themselves know.
    fn start_timestamp(&self, arg: &Expr, grid: Grid) -> Result<Table, EvalError> {
        if let ExprKind::VectorSelector(selector) = &arg.without_parens().kind
            && self.options.start_timestamps
        {
            let starts = self.latest(selector, arg.span, grid, Pick::Start)?;
            return self.drop_names(starts);
        }
        self.table(arg, grid).map(|_| Table::default())
    }

    /// The range argument and the computation of functions over windows.
    fn window_function<'e>(
        &'e self,
        call: &'e Call,
        grid: Grid,
    ) -> Result<Option<(&'e Expr, WindowFunction<'e>)>, EvalError> {
        let function = call.function;
        let args = call.args.as_slice();
        if let Some(plain) =
            over_time::window_function(function).or_else(|| rate::window_function(function))
        {
            return Ok(Some((&args[0], Box::new(plain))));
        }
        let function: WindowFunction<'_> = match function {
            Function::Deriv => Box::new(regression::deriv),
            Function::PredictLinear => {
                let ahead = self.scalar(&args[1], grid)?;
                Box::new(move |window| regression::predict_linear(window, ahead[window.step]))
            }
            Function::DoubleExponentialSmoothing => {
                let (smoothing, trend) =
                    (self.scalar(&args[1], grid)?, self.scalar(&args[2], grid)?);
                regression::check_factors(&smoothing, &trend)?;
                Box::new(move |window| {
                    regression::smooth(window, smoothing[window.step], trend[window.step])
                })
            }
            Function::QuantileOverTime => {
                let quantiles = self.scalar(&args[0], grid)?;
                let function: WindowFunction<'_> = Box::new(move |window| {
                    let q = quantiles[window.step];
                    check_quantile(self, args[0].span, q);
                    Some(quantile(q, &mut window.values.to_vec()))
                });
                return Ok(Some((&args[1], function)));
            }
            _ => return Ok(None),
        };
        Ok(Some((&args[0], function)))
    }

    fn over_windows(
        &self,
        arg: &Expr,
        grid: Grid,
        over: OverWindows<'_>,
    ) -> Result<Table, EvalError> {
        if let ExprKind::MatrixSelector(matrix) = &arg.without_parens().kind {
            let range = self.range_selection(matrix, grid)?;
            return self.collect(&Flow {
                grid,
                span: arg.without_parens().span,
                work: Work::Windows(range, over),
            });
        }
        let mut table = Table::default();
        let mut row = Cells::default();
        self.each_range_series(arg, grid, &mut |series| {
            row.reset(grid.count);
            over.row(&series, grid, &mut row)?;
            self.push_cells(&mut table, series.head, &row)
        })?;
        if over.drops_names() {
            self.drop_names(table)
        } else {
            Ok(table)
        }
    }

    /// The series of an expression that can be worked out one by one, if it is such an expression.
    pub(crate) fn flow<'e>(
        &'e self,
        expr: &'e Expr,
        grid: Grid,
    ) -> Result<Option<Flow<'e>>, EvalError> {
        let expr = expr.without_parens();
        let (span, work) = match &expr.kind {
            ExprKind::VectorSelector(selector) if selector.extension.is_none() => {
                let shifts = [self.shift(selector.at, &selector.offset)?];
                let latest = self.latest_of(selector, grid, &shifts, Pick::Value)?;
                (expr.span, Work::Latest(latest))
            }
            ExprKind::Call(call) => {
                let range =
                    call.args
                        .iter()
                        .map(Expr::without_parens)
                        .find_map(|arg| match &arg.kind {
                            ExprKind::MatrixSelector(matrix) => Some((matrix, arg.span)),
                            _ => None,
                        });
                let Some((matrix, span)) = range else {
                    return Ok(None);
                };
                check_extension(call)?;
                let Some((arg, compute)) = self.window_function(call, grid)? else {
                    return Ok(None);
                };
                let over = OverWindows::new(self, call.function, arg.span, compute);
                let range = self.range_selection(matrix, grid)?;
                (span, Work::Windows(range, over))
            }
            _ => return Ok(None),
        };
        Ok(Some(Flow { grid, span, work }))
    }

    /// Says so when a metric does not look like a counter, by its type or its name.
    fn note_unless_counter(&self, labels: &Labels, span: Span) {
        let metric = labels.metric_name();
        if metric.is_empty() {
            return;
        }
        let message = if self.options.type_and_unit_labels {
            let kind = labels.get("__type__").unwrap_or_default();
            if matches!(kind, "counter" | "histogram") {
                return;
            }
            format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                quote(kind),
                quote(metric)
            )
        } else {
            let known = ["_total", "_sum", "_count", "_bucket"];
            if known.iter().any(|ending| metric.ends_with(ending)) {
                return;
            }
            format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                quote(metric)
            )
        };
        self.note(Severity::Info, span, message);
    }
}

/// A function over windows, and where it stands in the query.
pub(crate) struct OverWindows<'a> {
    evaluation: &'a Evaluation<'a>,
    function: Function,
    /// The range that it looks at.
    span: Span,
    compute: WindowFunction<'a>,
}

impl<'a> OverWindows<'a> {
    const fn new(
        evaluation: &'a Evaluation<'a>,
        function: Function,
        span: Span,
        compute: WindowFunction<'a>,
    ) -> Self {
        Self {
            evaluation,
            function,
            span,
            compute,
        }
    }

    /// The last and the first sample are samples of the same series; everything else is something new.
    pub const fn drops_names(&self) -> bool {
        !matches!(
            self.function,
            Function::LastOverTime | Function::FirstOverTime
        )
    }

    /// Its values over a series at every step.
    pub fn row(
        &self,
        series: &RangeSeries<'_>,
        grid: Grid,
        row: &mut Cells,
    ) -> Result<(), EvalError> {
        if series.has_histograms() {
            self.mixed(series, grid, row)?;
        } else {
            self.floats(series, grid, row.values_mut())?;
        }
        let wants_counter = matches!(self.function, Function::Rate | Function::Increase);
        if wants_counter && row.values().iter().any(|value| is_float(*value)) {
            self.evaluation
                .note_unless_counter(&series.head.labels, self.span);
        }
        Ok(())
    }

    /// Its values over a series of numbers.
    fn floats(
        &self,
        series: &RangeSeries<'_>,
        grid: Grid,
        row: &mut [f64],
    ) -> Result<(), EvalError> {
        let wants_counter = matches!(self.function, Function::Rate | Function::Increase);
        let with_resets = wants_counter || self.function == Function::Resets;
        let remarks = Remarks::new(self.evaluation, self.span, series.head.labels.metric_name());
        let mut extremes = Extremes::of(self.function);
        series.each_window(grid, with_resets, |window| {
            self.check(window.values.len(), window.step)?;
            let value = match &mut extremes {
                Some(extremes) => extremes.next(&window),
                None => (self.compute)(&window),
            };
            row[window.step] = value.unwrap_or(ABSENT);
            if wants_counter && !window.starts.is_empty() && start_overlaps(&window) {
                remarks.start_times_overlap();
            }
            Ok(())
        })
    }

    /// Its values over a series that has histograms.
    fn mixed(
        &self,
        series: &RangeSeries<'_>,
        grid: Grid,
        row: &mut Cells,
    ) -> Result<(), EvalError> {
        let remarks = Remarks::new(self.evaluation, self.span, series.head.labels.metric_name());
        series.each_mixed_window(grid, |window| {
            let samples = window.floats.values.len() + window.histograms.len();
            self.check(samples, window.floats.step)?;
            let cell = mixed::compute(self.function, &window, remarks, &self.compute);
            row.set(window.floats.step, cell);
            Ok(())
        })
    }

    fn check(&self, samples: usize, step: usize) -> Result<(), EvalError> {
        self.evaluation.budget.check(samples)?;
        if step.is_multiple_of(WINDOWS_BETWEEN_CHECKS) {
            self.evaluation.check_alive()?;
        }
        Ok(())
    }
}

/// True when the counting of a sample began within that of the sample before.
fn start_overlaps(window: &Window<'_>) -> bool {
    let starts = window.starts;
    (1..starts.len()).any(|at| overlaps((starts[at - 1], window.times[at - 1]), starts[at]))
}

/// Refuses `anchored` and `smoothed` where the function cannot make use of them.
fn check_extension(call: &Call) -> Result<(), EvalError> {
    let extensions = call
        .args
        .iter()
        .filter_map(|arg| match &arg.without_parens().kind {
            ExprKind::MatrixSelector(matrix) => matrix.selector.extension,
            _ => None,
        });
    for extension in extensions {
        let (allowed, names): (&[Function], &str) = match extension {
            Extension::Anchored => (
                &[
                    Function::Changes,
                    Function::Delta,
                    Function::Increase,
                    Function::Rate,
                    Function::Resets,
                ],
                "changes, delta, increase, rate, resets",
            ),
            Extension::Smoothed => (
                &[Function::Delta, Function::Increase, Function::Rate],
                "delta, increase, rate",
            ),
        };
        if !allowed.contains(&call.function) {
            return Err(EvalError::Parameter(format!(
                "{extension} modifier can only be used with: {names} - not with {}",
                call.function.name()
            )));
        }
    }
    Ok(())
}
