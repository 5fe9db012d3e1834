//! A plain evaluator: one moment after the other, with maps and loops, after the description of the language. It is slow and
//! has no cleverness; the engine is compared with it. It shares only the parser with the engine, and knows no native histograms.

use std::collections::BTreeMap;

use stonechat_model::{MatchOp, Matcher, is_stale};
use stonechat_promql::ast::{
    At, Call, Expr, ExprKind, Length, LengthContext, MatrixSelector, Subquery, UnaryOp,
    VectorSelector,
};
use stonechat_promql::{Function, ValueType};

use crate::aggregations::aggregate;
use crate::functions::{over_distributions, over_window, per_value};
use crate::operators;

pub type Labels = BTreeMap<String, String>;

/// A series with its samples by time, in milliseconds.
#[derive(Debug, Clone)]
pub struct Stored {
    pub labels: Labels,
    pub samples: BTreeMap<i64, f64>,
}

/// A value of an instant vector.
#[derive(Debug, Clone)]
pub struct Sample {
    pub labels: Labels,
    pub value: f64,
}

pub type Vector = Vec<Sample>;

/// What an expression gives at one moment.
#[derive(Debug, Clone)]
pub enum Value {
    Scalar(f64),
    Text(String),
    Vector(Vector),
}

/// A series of a range vector.
#[derive(Debug, Clone)]
pub struct Window {
    pub labels: Labels,
    pub samples: Vec<(i64, f64)>,
    /// The window itself; its beginning is excluded.
    pub start: i64,
    pub end: i64,
    /// The moment of evaluation.
    pub now: i64,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub &'static str);

pub type Outcome<T> = Result<T, Failure>;

/// A query over series.
pub struct Reference<'a> {
    pub series: &'a [Stored],
    /// First step, and the end that was asked for.
    pub start: i64,
    pub end: i64,
    pub lookback: i64,
    /// The step of subqueries that name none.
    pub subquery_step: i64,
}

impl Reference<'_> {
    /// The value of an expression at one moment.
    pub fn value(&self, expr: &Expr, now: i64) -> Outcome<Value> {
        Ok(match &expr.kind {
            ExprKind::Number(number) => Value::Scalar(number.value),
            ExprKind::String(text) => Value::Text(text.clone()),
            ExprKind::Paren(inner) => self.value(inner, now)?,
            ExprKind::VectorSelector(selector) => Value::Vector(self.latest(selector, now, false)),
            ExprKind::Unary(unary) => {
                let operand = self.value(&unary.operand, now)?;
                match (unary.op, operand) {
                    (UnaryOp::Plus, operand) => operand,
                    (UnaryOp::Minus, Value::Scalar(value)) => Value::Scalar(-value),
                    (UnaryOp::Minus, Value::Vector(vector)) => {
                        Value::Vector(change(vector, |value| Some(-value))?)
                    }
                    (UnaryOp::Minus, Value::Text(_)) => return Err(Failure("a text has no sign")),
                }
            }
            ExprKind::Binary(binary) => {
                let left = self.value(&binary.left, now)?;
                let right = self.value(&binary.right, now)?;
                operators::apply(binary, left, right)?
            }
            ExprKind::Aggregation(aggregation) => {
                let param = match &aggregation.param {
                    Some(param) => Some(self.value(param, now)?),
                    None => None,
                };
                let vector = self.vector(&aggregation.expr, now)?;
                Value::Vector(aggregate(aggregation, param, vector)?)
            }
            ExprKind::Call(call) => self.call(call, now)?,
            ExprKind::MatrixSelector(_) | ExprKind::Subquery(_) => {
                return Err(Failure("a range vector has no value at a moment"));
            }
        })
    }

    pub fn vector(&self, expr: &Expr, now: i64) -> Outcome<Vector> {
        match self.value(expr, now)? {
            Value::Vector(vector) => Ok(vector),
            _ => Err(Failure("not a vector")),
        }
    }

    fn scalar(&self, expr: &Expr, now: i64) -> Outcome<f64> {
        match self.value(expr, now)? {
            Value::Scalar(value) => Ok(value),
            _ => Err(Failure("not a scalar")),
        }
    }

    fn text(&self, expr: &Expr) -> Outcome<String> {
        match self.value(expr, 0)? {
            Value::Text(text) => Ok(text),
            _ => Err(Failure("not a text")),
        }
    }

    /// The moment that a selector or subquery looks at.
    fn moment(&self, at: Option<At>, offset: &Length, now: i64) -> i64 {
        let base = match at {
            None => now,
            Some(At::Start) => self.start,
            Some(At::End) => self.end,
            Some(At::Time(time)) => time.millis(),
        };
        base - millis(offset)
    }

    /// The latest sample of each series, or its time in seconds.
    fn latest(&self, selector: &VectorSelector, now: i64, times: bool) -> Vector {
        let moment = self.moment(selector.at, &selector.offset, now);
        let mut vector = Vector::new();
        for series in self.series {
            if !matches(&selector.all_matchers(), &series.labels) {
                continue;
            }
            let until = series.samples.range(..=moment);
            let Some((time, value)) = until.last() else {
                continue;
            };
            if *time <= moment - self.lookback || is_stale(*value) {
                continue;
            }
            vector.push(Sample {
                labels: series.labels.clone(),
                value: if times { seconds(*time) } else { *value },
            });
        }
        vector
    }

    /// The windows of a range vector that have samples.
    fn windows(&self, expr: &Expr, now: i64) -> Outcome<Vec<Window>> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.windows(inner, now),
            ExprKind::MatrixSelector(matrix) => Ok(self.of_matrix(matrix, now)),
            ExprKind::Subquery(subquery) => self.of_subquery(subquery, now),
            _ => Err(Failure("not a range vector")),
        }
    }

    fn of_matrix(&self, matrix: &MatrixSelector, now: i64) -> Vec<Window> {
        let selector = &matrix.selector;
        let end = self.moment(selector.at, &selector.offset, now);
        let start = end - millis(&matrix.range);
        let mut windows = Vec::new();
        for series in self.series {
            if !matches(&selector.all_matchers(), &series.labels) {
                continue;
            }
            let samples: Vec<(i64, f64)> = series
                .samples
                .iter()
                .filter(|(time, value)| start < **time && **time <= end && !is_stale(**value))
                .map(|(time, value)| (*time, *value))
                .collect();
            if !samples.is_empty() {
                windows.push(Window {
                    labels: series.labels.clone(),
                    samples,
                    start,
                    end,
                    now,
                });
            }
        }
        windows
    }

    fn of_subquery(&self, subquery: &Subquery, now: i64) -> Outcome<Vec<Window>> {
        let end = self.moment(subquery.at, &subquery.offset, now);
        let start = end - millis(&subquery.range);
        let step = subquery.step.as_ref().map_or(self.subquery_step, millis);
        let mut windows: Vec<Window> = Vec::new();
        // The steps are the multiples of the step's length, whatever the moment of evaluation.
        let mut time = start.div_euclid(step) * step;
        while time <= end {
            if time > start {
                for sample in self.vector(&subquery.expr, time)? {
                    let found = windows
                        .iter_mut()
                        .find(|window| window.labels == sample.labels);
                    match found {
                        Some(window) => window.samples.push((time, sample.value)),
                        None => windows.push(Window {
                            labels: sample.labels,
                            samples: vec![(time, sample.value)],
                            start,
                            end,
                            now,
                        }),
                    }
                }
            }
            time += step;
        }
        Ok(windows)
    }

    fn call(&self, call: &Call, now: i64) -> Outcome<Value> {
        let args = &call.args;
        let vector = match call.function {
            Function::Time => return Ok(Value::Scalar(seconds(now))),
            Function::Scalar => {
                let vector = self.vector(&args[0], now)?;
                let only = if vector.len() == 1 {
                    vector[0].value
                } else {
                    f64::NAN
                };
                return Ok(Value::Scalar(only));
            }
            Function::Vector => vec![Sample {
                labels: Labels::new(),
                value: self.scalar(&args[0], now)?,
            }],
            Function::Timestamp => self.timestamps(&args[0], now)?,
            Function::Absent => absent(self.vector(&args[0], now)?.is_empty(), &args[0]),
            Function::AbsentOverTime => absent(self.windows(&args[0], now)?.is_empty(), &args[0]),
            Function::Sort | Function::SortDesc => {
                let mut vector = self.vector(&args[0], now)?;
                sort(&mut vector, call.function == Function::SortDesc);
                vector
            }
            Function::LabelReplace => self.label_replace(args, now)?,
            Function::LabelJoin => self.label_join(args, now)?,
            Function::HistogramQuantile => {
                let q = self.scalar(&args[0], now)?;
                over_distributions(q, self.vector(&args[1], now)?)?
            }
            function => {
                let mut scalars = Vec::new();
                for arg in args {
                    if arg.value_type() == ValueType::Scalar {
                        scalars.push(self.scalar(arg, now)?);
                    }
                }
                let other = args
                    .iter()
                    .find(|arg| arg.value_type() != ValueType::Scalar);
                let Some(arg) = other else {
                    return Err(Failure("this function is not known here"));
                };
                if arg.value_type() == ValueType::RangeVector {
                    self.over_windows(function, &self.windows(arg, now)?, &scalars)?
                } else {
                    let vector = self.vector(arg, now)?;
                    change(vector, |value| per_value(function, value, &scalars))?
                }
            }
        };
        Ok(Value::Vector(vector))
    }

    fn over_windows(
        &self,
        function: Function,
        windows: &[Window],
        scalars: &[f64],
    ) -> Outcome<Vector> {
        let mut vector = Vector::new();
        for window in windows {
            let Some(value) = over_window(function, window, scalars) else {
                continue;
            };
            let mut labels = window.labels.clone();
            if !matches!(function, Function::LastOverTime | Function::FirstOverTime) {
                labels.remove("__name__");
            }
            vector.push(Sample { labels, value });
        }
        unique(vector)
    }

    fn timestamps(&self, arg: &Expr, now: i64) -> Outcome<Vector> {
        if let ExprKind::VectorSelector(selector) = &arg.without_parens().kind {
            return change(self.latest(selector, now, true), Some);
        }
        change(self.vector(arg, now)?, |_| Some(seconds(now)))
    }

    fn label_replace(&self, args: &[Expr], now: i64) -> Outcome<Vector> {
        let mut texts = Vec::new();
        for arg in &args[1..] {
            texts.push(self.text(arg)?);
        }
        let regex = regex::Regex::new(&format!("^(?s:{})$", texts[3]))
            .map_err(|_| Failure("invalid regular expression"))?;
        let mut vector = self.vector(&args[0], now)?;
        for sample in &mut vector {
            let value = sample.labels.get(&texts[2]).cloned().unwrap_or_default();
            if let Some(captures) = regex.captures(&value) {
                let mut new = String::new();
                captures.expand(&texts[1], &mut new);
                set(&mut sample.labels, &texts[0], new);
            }
        }
        unique(vector)
    }

    fn label_join(&self, args: &[Expr], now: i64) -> Outcome<Vector> {
        let mut texts = Vec::new();
        for arg in &args[1..] {
            texts.push(self.text(arg)?);
        }
        let mut vector = self.vector(&args[0], now)?;
        for sample in &mut vector {
            let values: Vec<String> = texts[2..]
                .iter()
                .map(|name| sample.labels.get(name).cloned().unwrap_or_default())
                .collect();
            set(&mut sample.labels, &texts[0], values.join(&texts[1]));
        }
        unique(vector)
    }
}

/// 1 with the labels that a series would have: those on which there is one condition, an equality.
fn absent(is_absent: bool, arg: &Expr) -> Vector {
    if !is_absent {
        return Vector::new();
    }
    let matchers = match &arg.without_parens().kind {
        ExprKind::VectorSelector(selector) => selector.matchers.clone(),
        ExprKind::MatrixSelector(matrix) => matrix.selector.matchers.clone(),
        _ => Vec::new(),
    };
    let mut labels = Labels::new();
    for matcher in &matchers {
        let of_label = matchers
            .iter()
            .filter(|other| other.name() == matcher.name());
        let is_sure = of_label.count() == 1 && matcher.op() == MatchOp::Equal;
        if is_sure && matcher.name() != "__name__" {
            set(&mut labels, matcher.name(), matcher.value().to_owned());
        }
    }
    vec![Sample { labels, value: 1.0 }]
}

/// Changes every value, or takes it away, and drops the names.
pub fn change(vector: Vector, new: impl Fn(f64) -> Option<f64>) -> Outcome<Vector> {
    let mut changed = Vector::new();
    for Sample { mut labels, value } in vector {
        if let Some(value) = new(value) {
            labels.remove("__name__");
            changed.push(Sample { labels, value });
        }
    }
    unique(changed)
}

/// Refuses a vector in which two series have the same labels.
pub fn unique(vector: Vector) -> Outcome<Vector> {
    for (index, sample) in vector.iter().enumerate() {
        let twin = vector[..index]
            .iter()
            .any(|other| other.labels == sample.labels);
        if twin {
            return Err(Failure("two series have the same labels"));
        }
    }
    Ok(vector)
}

/// By value, NaN at the end in both directions; what is equal stays in its order.
fn sort(vector: &mut Vector, descending: bool) {
    vector.sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
        (false, false) if descending => b.value.partial_cmp(&a.value).expect("numbers"),
        (false, false) => a.value.partial_cmp(&b.value).expect("numbers"),
        (a, b) => a.cmp(&b),
    });
}

fn set(labels: &mut Labels, name: &str, value: String) {
    if value.is_empty() {
        labels.remove(name);
    } else {
        labels.insert(name.to_owned(), value);
    }
}

fn matches(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|matcher| matcher.matches(labels.get(matcher.name()).map_or("", String::as_str)))
}

fn millis(length: &Length) -> i64 {
    length
        .millis(LengthContext::default())
        .expect("lengths that are not computed")
}

#[expect(clippy::cast_precision_loss, reason = "times of tests are small")]
pub fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
