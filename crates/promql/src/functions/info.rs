//! `info`: adds the labels of info metrics, such as `target_info`, to the series of the same instance and job.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use stonechat_model::{Labels, METRIC_NAME, MatchOp, Matcher};

use crate::ast::{Expr, ExprKind, VectorSelector, label_set};
use crate::error::{EvalError, InfoError};
use crate::evaluation::{Evaluation, Grid, Pick, Shift};
use crate::table::{ABSENT, Head, Row, Table, is_absent};

/// The labels by which info series and others find each other.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// What the second argument asks for.
struct Wanted {
    /// Conditions on the name of info metrics.
    names: Vec<Matcher>,
    /// Conditions on their other labels.
    data: Vec<Matcher>,
}

/// The info series with the times of their samples at every step.
struct InfoSeries {
    times: Table,
    /// Rows of `times` by their identifying labels.
    rows: HashMap<Labels, Vec<usize>>,
}

impl Evaluation<'_> {
    /// `info(v, {label selector})`.
    pub(super) fn info(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let base = self.table(&args[0], grid)?;
        let wanted = Wanted::of(args.get(1));
        let found = self.info_series(&args[0], &base, &wanted, grid)?;
        let mut result = Table::default();
        for row in base.rows() {
            self.check_alive()?;
            let own_name = row.head.labels.metric_name();
            if wanted.names.iter().all(|matcher| matcher.matches(own_name)) {
                // Info series are not enriched themselves.
                self.push_row(&mut result, row)?;
            } else {
                self.enrich(&mut result, row, &found, &wanted)?;
            }
        }
        result.merge_same_labels()
    }

    /// The info series that may belong to any of the base series.
    fn info_series(
        &self,
        arg: &Expr,
        base: &Table,
        wanted: &Wanted,
        grid: Grid,
    ) -> Result<InfoSeries, EvalError> {
        let mut matchers: Vec<Matcher> = wanted.names.iter().chain(&wanted.data).cloned().collect();
        for label in IDENTIFYING {
            let mut values: Vec<&str> = base
                .rows()
                .map(|row| row.head.labels.get(label).unwrap_or_default())
                .collect();
            values.sort_unstable();
            values.dedup();
            let pattern = values.iter().map(|value| regex::escape(value));
            let pattern = pattern.collect::<Vec<_>>().join("|");
            let matcher = Matcher::new(label, MatchOp::Regex, pattern)
                .map_err(|error| EvalError::Parameter(error.to_string()))?;
            matchers.push(matcher);
        }
        let selector = VectorSelector {
            matchers,
            ..VectorSelector::default()
        };
        let shifts = self.shifts_of(arg)?;
        let times = self.latest_shifted((&selector, arg.span), grid, &shifts, Pick::InfoTime)?;
        let mut rows: HashMap<Labels, Vec<usize>> = HashMap::new();
        for (index, row) in times.rows().enumerate() {
            let key = row.head.labels.keep(&IDENTIFYING);
            // Without any identifying label, everything would belong to everything.
            if !key.is_empty() {
                rows.entry(key).or_default().push(index);
            }
        }
        Ok(InfoSeries { times, rows })
    }

    /// How the first selector of an expression is moved in time, from the outside in: info series are looked up at the
    /// same moment as the samples that they belong to.
    fn shifts_of(&self, expr: &Expr) -> Result<Vec<Shift>, EvalError> {
        let (mut shifts, mut expr) = (Vec::new(), expr);
        loop {
            match &expr.kind {
                ExprKind::VectorSelector(selector) => {
                    shifts.push(self.shift(selector.at, &selector.offset)?);
                    return Ok(shifts);
                }
                ExprKind::MatrixSelector(matrix) => {
                    let selector = &matrix.selector;
                    shifts.push(self.shift(selector.at, &selector.offset)?);
                    return Ok(shifts);
                }
                ExprKind::Subquery(subquery) => {
                    shifts.push(self.shift(subquery.at, &subquery.offset)?);
                }
                _ => {}
            }
            let with_selector = |child: &&Expr| !child.selectors().is_empty();
            match expr.children().into_iter().find(with_selector) {
                Some(child) => expr = child,
                None => return Ok(shifts),
            }
        }
    }

    /// Adds a base series once for each set of labels that the info series give it over time.
    fn enrich(
        &self,
        result: &mut Table,
        row: Row<'_>,
        found: &InfoSeries,
        wanted: &Wanted,
    ) -> Result<(), EvalError> {
        let key = row.head.labels.keep(&IDENTIFYING);
        let candidates = found.rows.get(&key).map_or(&[][..], Vec::as_slice);
        let dropped_without = wanted.data.iter().any(|matcher| !matcher.matches_empty());
        let mut parts: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
        for (step, value) in row.present() {
            let current = found.current(candidates, step)?;
            if current.is_empty() && dropped_without {
                continue;
            }
            let cells = parts
                .entry(current)
                .or_insert_with(|| vec![ABSENT; row.values.len()]);
            cells[step - row.from] = value;
        }
        for (infos, cells) in parts {
            let infos = infos.iter().map(|&info| &found.times.row(info).head.labels);
            let head = Head {
                labels: enriched(&row.head.labels, infos, wanted)?,
                ..*row.head
            };
            let cost = result.push_mixed(head, row.from, &cells, row.histograms);
            self.budget.charge(cost)?;
        }
        Ok(())
    }
}

impl Wanted {
    /// Without a condition on the name, `target_info` is meant; with none but negative ones, whatever is called like an
    /// info metric.
    fn of(arg: Option<&Expr>) -> Self {
        let selector = arg.and_then(|arg| match &arg.kind {
            ExprKind::VectorSelector(selector) => Some(selector.matchers.as_slice()),
            _ => None,
        });
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) = selector
            .unwrap_or_default()
            .iter()
            .cloned()
            .partition(|matcher| matcher.name() == METRIC_NAME);
        let is_positive =
            |matcher: &Matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, "target_info"));
        } else if !names.iter().any(is_positive) {
            names.extend(Matcher::new(METRIC_NAME, MatchOp::Regex, ".+_info"));
        }
        Self { names, data }
    }

    /// True when labels of this name are asked for.
    fn takes(&self, label: &str) -> bool {
        self.data.is_empty() || self.data.iter().any(|matcher| matcher.name() == label)
    }
}

impl InfoSeries {
    /// The series that count at a step: of each metric the one with the latest sample.
    fn current(&self, candidates: &[usize], step: usize) -> Result<Vec<usize>, EvalError> {
        let mut current: Vec<usize> = Vec::new();
        for &candidate in candidates {
            let row = self.times.row(candidate);
            let time = row.at(step);
            if is_absent(time) {
                continue;
            }
            let name = row.head.labels.metric_name();
            let rival = current
                .iter_mut()
                .find(|other| self.times.row(**other).head.labels.metric_name() == name);
            let Some(rival) = rival else {
                current.push(candidate);
                continue;
            };
            let other = self.times.row(*rival);
            if other.at(step) == time {
                return Err(InfoError::Duplicate {
                    first: label_set(&other.head.labels),
                    second: label_set(&row.head.labels),
                }
                .into());
            }
            if other.at(step) < time {
                *rival = candidate;
            }
        }
        Ok(current)
    }
}

/// The labels of a series with those of its info series; its own are kept.
fn enriched<'a>(
    base: &Labels,
    infos: impl Iterator<Item = &'a Labels>,
    wanted: &Wanted,
) -> Result<Labels, EvalError> {
    let mut builder = base.to_builder();
    for (label, value) in infos.flat_map(Labels::iter) {
        if label == METRIC_NAME || base.get(label).is_some() || !wanted.takes(label) {
            continue;
        }
        if builder.get(label).is_some_and(|other| other != value) {
            return Err(InfoError::Conflict(label.to_owned()).into());
        }
        builder.set(label, value);
    }
    builder
        .build()
        .map_err(|error| EvalError::Parameter(error.to_string()))
}
