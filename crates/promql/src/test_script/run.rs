//! Runs a script command by command.

use std::time::Duration;

use stonechat_model::Timestamp;

use super::classic::ClassicHistograms;
use super::compare::{check_matrix, check_remarks, check_value};
use super::expectation::{Expected, TextMatch};
use super::fixed_time::fix_time;
use super::points::Point;
use super::script::{Command, Eval, Load, ScriptError, Times, parse};
use crate::ast::Expr;
use crate::cancel::Cancel;
use crate::engine::{Engine, EngineOptions, Steps};
use crate::error::EvalError;
use crate::memory_store::MemoryStore;
use crate::table::Cell;
use crate::value::{Answer, Sample, Severity, Value};

/// What became of a script.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Every evaluation, in the order of the script.
    pub outcomes: Vec<Outcome>,
}

/// What became of one evaluation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The line of its `eval`, from 1.
    pub line: usize,
    /// The expression.
    pub expr: String,
    /// What was wrong, if anything.
    pub failure: Option<String>,
}

impl Report {
    /// How many evaluations gave what was expected.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.outcomes.len() - self.failures().count()
    }

    /// The evaluations that did not.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.failure.is_some())
    }
}

/// Runs a script to its end, whatever fails on the way.
///
/// # Errors
/// When a line is neither a command nor belongs to one.
pub fn run(text: &str) -> Result<Report, ScriptError> {
    let mut runner = Runner::default();
    let mut report = Report::default();
    for command in parse(text)? {
        match command {
            Command::Clear => runner.store = MemoryStore::default(),
            Command::Load(load) => runner.load(&load),
            Command::Eval(eval) => report.outcomes.push(Outcome {
                line: eval.line,
                failure: runner.eval(&eval).err(),
                expr: eval.expr,
            }),
        }
    }
    Ok(report)
}

struct Runner {
    store: MemoryStore,
    engine: Engine,
}

impl Default for Runner {
    /// The settings that scripts are written for.
    fn default() -> Self {
        Self {
            store: MemoryStore::default(),
            engine: Engine::new(EngineOptions {
                samples_max: 10_000,
                delayed_name_removal: true,
                start_timestamps: true,
                ..EngineOptions::default()
            }),
        }
    }
}

impl Runner {
    fn load(&mut self, load: &Load) {
        let mut native = ClassicHistograms::default();
        for series in &load.series {
            let mut at = Timestamp::from_millis(0);
            for point in &series.points {
                let labels = &series.labels;
                match point {
                    Point::Missing => {}
                    Point::Float(value) => {
                        self.store.insert(labels.clone(), at, *value);
                        if load.with_native {
                            native.add(labels, at, *value);
                        }
                    }
                    Point::Histogram(written) => {
                        let histogram = written.histogram.clone();
                        self.store.insert_histogram(labels.clone(), at, histogram);
                    }
                }
                at = at.plus(load.step);
            }
        }
        for (labels, at, histogram) in native.into_native() {
            self.store.insert_histogram(labels, at, histogram);
        }
        for series in &load.starts {
            let mut at = Timestamp::from_millis(0);
            for before in &series.offsets {
                if let Some(offset) = before {
                    let start = Timestamp::from_millis(at.millis().saturating_add(*offset));
                    self.store.set_start(&series.labels, at, start);
                }
                at = at.plus(load.step);
            }
        }
    }

    fn eval(&self, eval: &Eval) -> Result<(), String> {
        let expr = match crate::parse(&eval.expr) {
            Ok(expr) => expr,
            Err(error) => {
                let failure = check_failure(eval.expected.fails.as_ref(), error.message());
                return failure.map_err(|_| error.to_string());
            }
        };
        match eval.times {
            Times::Range(steps) => self.eval_range(eval, &expr, steps),
            Times::At(at) => self.eval_instant(eval, &expr, at),
        }
    }

    fn range(&self, expr: &Expr, steps: Steps) -> Result<Answer, EvalError> {
        self.engine.range(&self.store, expr, steps, &Cancel::new())
    }

    fn eval_range(&self, eval: &Eval, expr: &Expr, steps: Steps) -> Result<(), String> {
        let Some(answer) = settled(eval, self.range(expr, steps))? else {
            return Ok(());
        };
        check_all_remarks(eval, &answer)?;
        let series = match &eval.expected.value {
            Expected::Nothing => &[][..],
            Expected::Series(series) => series,
            other => return Err(format!("a range query cannot give {other:?}")),
        };
        match &answer.value {
            Value::Matrix(matrix) => check_matrix(series, steps.start, steps.step, matrix),
            other => Err(format!("a range query gave {other:?}")),
        }
    }

    /// Runs an instant evaluation in all ways that must agree.
    fn eval_instant(&self, eval: &Eval, expr: &Expr, at: Timestamp) -> Result<(), String> {
        self.eval_instant_once(eval, expr, at)?;
        let Some(fixed) = fix_time(expr, at) else {
            return Ok(());
        };
        let t = at.millis();
        let times = if t == 0 {
            vec![-1000, 0, 1000]
        } else {
            vec![-10 * t, 0, t / 5, t, 10 * t]
        };
        for millis in times {
            let now = Timestamp::from_millis(millis);
            self.eval_instant_once(eval, &fixed, now)
                .map_err(|message| format!("{fixed} at {now:?}: {message}"))?;
        }
        Ok(())
    }

    /// Evaluates at `now` as an instant query and as the middle of a range query.
    fn eval_instant_once(&self, eval: &Eval, expr: &Expr, now: Timestamp) -> Result<(), String> {
        let answer = self.engine.instant(&self.store, expr, now, &Cancel::new());
        let Some(answer) = settled(eval, answer)? else {
            return Ok(());
        };
        check_all_remarks(eval, &answer)?;
        let expected = &eval.expected;
        check_value(&expected.value, expected.ordered, &answer.value)?;
        let only_instant = expected.ordered
            || matches!(
                expected.value,
                Expected::String(_) | Expected::RangeVector { .. }
            )
            || ["start()", "end()", "range()", "step()"]
                .iter()
                .any(|call| eval.expr.contains(call));
        if only_instant {
            return Ok(());
        }
        let minute = Duration::from_secs(60);
        let around = Steps {
            start: now.minus(minute),
            end: now.plus(minute),
            step: minute,
        };
        let ranged = self
            .range(expr, around)
            .map_err(|error| format!("as a range query: {error}"))?;
        let value = middle(&ranged.value, now, &answer.value)?;
        check_value(&expected.value, false, &value)
            .map_err(|message| format!("as a range query: {message}"))
    }
}

/// The answer, or nothing when the evaluation failed as it should.
fn settled(eval: &Eval, answer: Result<Answer, EvalError>) -> Result<Option<Answer>, String> {
    match (answer, &eval.expected.fails) {
        (Ok(answer), None) => Ok(Some(answer)),
        (Ok(answer), Some(_)) => Err(format!("expected a failure, got {:?}", answer.value)),
        (Err(error), fails) => check_failure(fails.as_ref(), &error.to_string()).map(|()| None),
    }
}

fn check_failure(expected: Option<&TextMatch>, message: &str) -> Result<(), String> {
    match expected {
        Some(expected) if expected.matches(message) => Ok(()),
        Some(expected) => Err(format!("expected {expected:?}, failed with {message:?}")),
        None => Err(format!("failed with {message:?}")),
    }
}

fn check_all_remarks(eval: &Eval, answer: &Answer) -> Result<(), String> {
    check_remarks(&eval.expected, Severity::Warning, &answer.warnings)?;
    check_remarks(&eval.expected, Severity::Info, &answer.infos)
}

/// The values of a range query at one of its steps, in the form that the instant query gave.
fn middle(value: &Value, now: Timestamp, like: &Value) -> Result<Value, String> {
    let Value::Matrix(matrix) = value else {
        return Err(format!("a range query gave {value:?}"));
    };
    if !matrix.is_sorted_by(|a, b| a.labels < b.labels) {
        return Err("as a range query: the series are not sorted by labels".to_owned());
    }
    let samples = matrix.iter().filter_map(|series| {
        let points = &series.points;
        let at = |time: &i64| *time == now.millis();
        let float = points.timestamps.iter().position(at);
        let histogram = points.histograms.iter().find(|(time, _)| at(time));
        let cell = match (float, histogram) {
            (Some(index), _) => Cell::Float(points.values[index]),
            (None, Some((_, histogram))) => Cell::Histogram(histogram),
            (None, None) => return None,
        };
        Some(Sample::new(series.labels.clone(), now, &cell))
    });
    let samples: Vec<Sample> = samples.collect();
    Ok(match (like, samples.first()) {
        (Value::Scalar(_), Some(sample)) => Value::Scalar(sample.point),
        _ => Value::Vector(samples),
    })
}
