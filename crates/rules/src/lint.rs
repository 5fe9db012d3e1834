//! What expressions ask for, held against the series that there are: a metric that is misspelt is no mistake to any
//! parser, and its alert never fires.
//!
//! Nothing is evaluated. A remark says that something is odd, not that it is wrong: a counter of errors may not have been
//! made yet because there was no error.

mod buckets; // quantiles without buckets
mod kinds; // rates of gauges
mod selector; // metrics, labels and values that were never seen
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use stonechat_model::{METRIC_NAME, Queryable, QueryableError, TimeRange};
use stonechat_promql::Function;
use stonechat_promql::ast::{AggregateOp, Binary, BinaryOp, Call, Expr, ExprKind, Span};

use crate::rule::{Group, RuleKind};
pub use selector::VARIABLE;

/// Something odd in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where in the expression.
    pub span: Span,
    /// What is odd.
    pub message: String,
    /// What may have been meant.
    pub help: Option<String>,
    /// True when the expression asks for what was never seen, and so gives nothing.
    missing: bool,
}

/// Something odd in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRemark {
    /// The file of the rule.
    pub file: String,
    /// Its group.
    pub group: String,
    /// Its name.
    pub rule: String,
    /// True for an alert, false for a recorded series.
    pub is_alert: bool,
    /// Its expression; the remark's span counts in it.
    pub expr: String,
    /// What is odd.
    pub remark: Remark,
}

/// Holds expressions against the series of a store or a server.
///
/// ```
/// use stonechat_model::{Labels, TimeRange, Timestamp};
/// use stonechat_promql::{MemoryStore, parse};
/// use stonechat_rules::Linter;
///
/// let mut store = MemoryStore::default();
/// let labels = Labels::from_pairs([("__name__", "messages_total"), ("job", "chat")])?;
/// store.insert(labels, Timestamp::from_millis(0), 1.0);
/// let linter = Linter::new(&store, TimeRange::ALL, &[]);
/// let remarks = linter.expression(&parse("rate(mesages_total[5m])")?)?;
/// assert_eq!(remarks[0].message, "there is no series mesages_total");
/// assert_eq!(remarks[0].help.as_deref(), Some("did you mean messages_total?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Linter<'a> {
    known: &'a dyn Queryable,
    range: TimeRange,
    /// What recording rules write, whether they have written it yet or not.
    recorded: BTreeSet<String>,
    /// Every metric's name, asked for once.
    names: OnceCell<Vec<String>>,
}

/// How much of a selector has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Series that fulfil every condition.
    Series,
    /// The metric. That no series of it fulfils the conditions is what the expression is about, as in `absent(...)`.
    Metric,
}

impl<'a> Linter<'a> {
    /// Series count as known when `known` has them in `range`, or when one of the groups records them.
    #[must_use]
    pub fn new(known: &'a dyn Queryable, range: TimeRange, groups: &[Group]) -> Self {
        let rules = groups.iter().flat_map(|group| &group.rules);
        let recorded = rules
            .filter(|rule| rule.kind == RuleKind::Recording)
            .map(|rule| rule.name.clone())
            .collect();
        Self {
            known,
            range,
            recorded,
            names: OnceCell::new(),
        }
    }

    /// Everything odd in the rules of these groups, in their order.
    ///
    /// # Errors
    /// When the series cannot be asked for.
    pub fn groups(&self, groups: &[Group]) -> Result<Vec<RuleRemark>, QueryableError> {
        let mut found = Vec::new();
        for group in groups {
            for rule in &group.rules {
                // The expression as it is printed, so that places count in what is shown.
                let Ok(expr) = stonechat_promql::parse(&rule.query.text) else {
                    continue;
                };
                found.extend(
                    self.expression(&expr)?
                        .into_iter()
                        .map(|remark| RuleRemark {
                            file: group.file.clone(),
                            group: group.name.clone(),
                            rule: rule.name.clone(),
                            is_alert: rule.alerting().is_some(),
                            expr: rule.query.text.clone(),
                            remark,
                        }),
                );
            }
        }
        Ok(found)
    }

    /// Everything odd in one expression, in the order of the text.
    ///
    /// # Errors
    /// When the series cannot be asked for.
    pub fn expression(&self, expr: &Expr) -> Result<Vec<Remark>, QueryableError> {
        let mut remarks = self.look(expr, Need::Series)?;
        remarks.sort_by_key(|remark| remark.span.start);
        remarks.dedup();
        Ok(remarks)
    }

    /// The names of labels that the result of an expression may have; nothing when that is not known, because it is of series
    /// that are still to be recorded.
    ///
    /// # Errors
    /// When the series cannot be asked for.
    pub fn label_names(&self, expr: &Expr) -> Result<Option<BTreeSet<String>>, QueryableError> {
        let mut names = BTreeSet::new();
        for selector in expr.selectors() {
            let matchers = selector::closed(selector);
            let found = self.known.label_names(&[matchers], self.range)?;
            if found.is_empty() {
                return Ok(None);
            }
            names.extend(found);
        }
        let mut is_open = false;
        expr.walk(&mut |part| match &part.kind {
            ExprKind::Call(call) => {
                is_open |= matches!(
                    call.function,
                    Function::LabelReplace | Function::LabelJoin | Function::Info
                );
            }
            ExprKind::Aggregation(aggregation) => {
                is_open |= aggregation.op == AggregateOp::CountValues;
            }
            _ => {}
        });
        names.remove(METRIC_NAME);
        Ok((!is_open).then_some(names))
    }

    /// Chains of operators are gone along, as they may be longer than the stack is deep.
    fn look(&self, expr: &Expr, need: Need) -> Result<Vec<Remark>, QueryableError> {
        let (operators, first) = expr.chain();
        let mut remarks = self.operand(first, need)?;
        for (_, Binary { op, right, .. }) in operators.into_iter().rev() {
            let need = match op {
                BinaryOp::Unless => Need::Metric,
                _ => need,
            };
            let right = self.look(right, need)?;
            if *op == BinaryOp::Or && is_whole(&remarks) != is_whole(&right) {
                // One side stands in for the other: a fallback, or a metric under its old and its new name.
                remarks.retain(|remark| !remark.missing);
                remarks.extend(right.into_iter().filter(|remark| !remark.missing));
            } else {
                remarks.extend(right);
            }
        }
        Ok(remarks)
    }

    /// What stands beside operators.
    fn operand(&self, expr: &Expr, need: Need) -> Result<Vec<Remark>, QueryableError> {
        let mut remarks = Vec::new();
        match &expr.kind {
            ExprKind::VectorSelector(selector) => {
                remarks.extend(self.selector(selector, expr.span, need)?);
            }
            ExprKind::MatrixSelector(matrix) => {
                remarks.extend(self.selector(&matrix.selector, expr.span, need)?);
            }
            ExprKind::Call(call) => remarks = self.call(call, expr.span, need)?,
            _ => {
                for child in expr.children() {
                    remarks.extend(self.look(child, need)?);
                }
            }
        }
        Ok(remarks)
    }

    fn call(&self, call: &Call, span: Span, need: Need) -> Result<Vec<Remark>, QueryableError> {
        let need = match call.function {
            Function::Absent | Function::AbsentOverTime => Need::Metric,
            _ => need,
        };
        let mut remarks = Vec::new();
        for argument in &call.args {
            remarks.extend(self.look(argument, need)?);
        }
        if is_whole(&remarks) {
            remarks.extend(self.kind(call, span)?);
            remarks.extend(self.buckets(call, span)?);
        }
        Ok(remarks)
    }

    /// Every metric's name.
    fn names(&self) -> Result<&[String], QueryableError> {
        if let Some(names) = self.names.get() {
            return Ok(names);
        }
        let names = self.known.label_values(METRIC_NAME, &[], self.range)?;
        Ok(self.names.get_or_init(|| names))
    }
}

/// True when everything that is asked for was seen.
fn is_whole(remarks: &[Remark]) -> bool {
    remarks.iter().all(|remark| !remark.missing)
}
