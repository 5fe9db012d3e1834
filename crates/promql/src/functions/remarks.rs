//! What is remarked on samples of a series, and arithmetic with histograms that remarks on the way.

use std::sync::Arc;

use stonechat_model::{Histogram, HistogramSum, MixedSchemas};

use crate::ast::{Span, quote};
use crate::evaluation::{Evaluation, elapsed};
use crate::value::Severity;

/// A sample of a native histogram series.
pub(crate) type HistogramPoint = (i64, Arc<Histogram>);

/// What is done with histograms, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// Remarks on the samples of one metric, at one place of the query.
#[derive(Clone, Copy)]
pub(crate) struct Remarks<'a> {
    evaluation: &'a Evaluation<'a>,
    span: Span,
    metric: &'a str,
}

impl<'a> Remarks<'a> {
    pub const fn new(evaluation: &'a Evaluation<'a>, span: Span, metric: &'a str) -> Self {
        Self {
            evaluation,
            span,
            metric,
        }
    }

    /// The same about another metric.
    pub const fn of<'m>(&self, metric: &'m str) -> Remarks<'m>
    where
        'a: 'm,
    {
        Remarks {
            evaluation: self.evaluation,
            span: self.span,
            metric,
        }
    }

    fn warn(&self, message: String) {
        self.evaluation.note(Severity::Warning, self.span, message);
    }

    fn inform(&self, message: String) {
        self.evaluation.note(Severity::Info, self.span, message);
    }

    pub fn mixed_samples(&self) {
        let metric = quote(self.metric);
        self.warn(format!(
            "encountered a mix of histograms and floats for metric name {metric}"
        ));
    }

    pub fn mixed_samples_in_aggregation(&self) {
        self.warn("encountered a mix of histograms and floats for aggregation".to_owned());
    }

    pub fn mixed_schemas(&self) {
        let metric = quote(self.metric);
        self.warn(format!(
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric}"
        ));
    }

    pub fn mixed_classic_and_native(&self) {
        self.warn(format!(
            "vector contains a mix of classic and native histograms{}",
            self.for_metric()
        ));
    }

    pub fn not_a_counter(&self) {
        let metric = quote(self.metric);
        self.warn(format!(
            "this native histogram metric is not a counter: {metric}"
        ));
    }

    pub fn not_a_gauge(&self) {
        let metric = quote(self.metric);
        self.warn(format!(
            "this native histogram metric is not a gauge: {metric}"
        ));
    }

    pub fn histograms_ignored(&self) {
        let metric = quote(self.metric);
        self.inform(format!(
            "ignored histograms in a range containing both floats and histograms for metric name {metric}"
        ));
    }

    pub fn histogram_ignored_in(&self, aggregation: &str) {
        self.inform(format!("ignored histogram in {aggregation} aggregation"));
    }

    pub fn hints_collide(&self, operation: Operation) {
        self.warn(format!(
            "conflicting counter resets during histogram {}",
            operation.name()
        ));
    }

    pub fn bounds_reconciled(&self, operation: Operation) {
        self.inform(format!(
            "mismatched custom buckets were reconciled during {}",
            operation.name()
        ));
    }

    pub fn start_times_overlap(&self) {
        let message = format!(
            "sample has start time that overlaps with previous sample timestamp for metric {}",
            quote(self.metric)
        );
        self.evaluation.note_again(self.span, message);
    }

    /// NaN observations stand in no bucket.
    pub fn nan_observations(&self, consequence: &str) {
        self.inform(format!("input to {consequence}{}", self.for_metric()));
    }

    fn for_metric(&self) -> String {
        if self.metric.is_empty() {
            String::new()
        } else {
            format!(" for metric name {}", quote(self.metric))
        }
    }

    /// Adds a histogram, or remarks why it cannot be added.
    pub fn add(&self, sum: &mut HistogramSum, other: &Histogram) -> Option<()> {
        let addition = sum.add(other);
        self.settle(addition, Operation::Addition)
    }

    /// Takes a histogram away, or remarks why it cannot be.
    pub fn sub(&self, sum: &mut HistogramSum, other: &Histogram) -> Option<()> {
        let addition = sum.sub(other);
        self.settle(addition, Operation::Subtraction)
    }

    fn settle(
        &self,
        addition: Result<stonechat_model::Addition, MixedSchemas>,
        operation: Operation,
    ) -> Option<()> {
        match addition {
            Ok(addition) => {
                if addition.bounds_reconciled {
                    self.bounds_reconciled(operation);
                }
                Some(())
            }
            Err(MixedSchemas) => {
                self.mixed_schemas();
                None
            }
        }
    }

    /// The histogram at a moment on the line between two samples. A counter that began anew began at zero.
    pub fn between(
        &self,
        before: &HistogramPoint,
        after: &HistogramPoint,
        moment: i64,
        is_counter: bool,
    ) -> Option<Histogram> {
        if moment == before.0 {
            return Some(Histogram::clone(&before.1));
        }
        if moment == after.0 {
            return Some(Histogram::clone(&after.1));
        }
        let share = elapsed(before.0, moment) / elapsed(before.0, after.0);
        if is_counter && after.1.is_reset_after(&before.1) {
            return Some(after.1.times(share));
        }
        let mut between = HistogramSum::new(&after.1);
        self.sub(&mut between, &before.1)?;
        between.scale(share);
        self.add(&mut between, &before.1)?;
        Some(between.finish())
    }
}
