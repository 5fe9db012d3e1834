//! Aggregations of series as they come: none of them is kept.

use hashbrown::HashMap;
use stonechat_model::{Kahan, Labels, METRIC_NAME};

use super::fold::Variance;
use super::mixed;
use crate::ast::{AggregateOp, Aggregation, Grouping};
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Flow, FlowRow};
use crate::functions::remarks::Remarks;
use crate::mean::Mean;
use crate::table::{ABSENT, Cells, Head, Table, is_absent, is_float};

/// What is carried on from value to value.
trait Accumulator: Copy + Send + Sync {
    fn begin(value: f64) -> Self;
    fn add(&mut self, value: f64);
    /// Takes in what another thread carried.
    fn join(&mut self, other: Self);
    fn end(self) -> f64;
}

/// Which group each series belongs to.
struct Groups {
    of_series: Vec<u32>,
    heads: Vec<Head>,
}

impl Evaluation<'_> {
    /// The values of an aggregation without parameter over series that come one by one.
    pub(super) fn aggregate_flow(
        &self,
        aggregation: &Aggregation,
        flow: &Flow<'_>,
    ) -> Result<Option<Table>, EvalError> {
        if !self.can_stream(flow) {
            return Ok(None);
        }
        let groups = groups(
            flow,
            &aggregation.grouping,
            self.options.delayed_name_removal,
        );
        let before = self.budget.used();
        let table = match aggregation.op {
            AggregateOp::Sum => self.stream::<Kahan>(aggregation, flow, &groups),
            AggregateOp::Avg => self.stream::<Mean>(aggregation, flow, &groups),
            AggregateOp::Min => self.stream::<Least>(aggregation, flow, &groups),
            AggregateOp::Max => self.stream::<Most>(aggregation, flow, &groups),
            AggregateOp::Count => self.stream::<Count>(aggregation, flow, &groups),
            AggregateOp::Group => self.stream::<One>(aggregation, flow, &groups),
            AggregateOp::Stddev => self.stream::<Deviation>(aggregation, flow, &groups),
            AggregateOp::Stdvar => self.stream::<Variance>(aggregation, flow, &groups),
            _ => return Ok(None),
        }?;
        // Nothing of the series is held any more.
        self.budget.set(before)?;
        Ok(Some(table))
    }

    /// Where the name goes, series of several metrics may become the same, which only a table of all of them shows.
    fn can_stream(&self, flow: &Flow<'_>) -> bool {
        if !flow.drops_names() || self.options.delayed_name_removal || flow.len() == 0 {
            return true;
        }
        let describes = |labels: &Labels| {
            let name = labels.metric_name().to_owned();
            let more = ["__type__", "__unit__"].map(|label| labels.get(label).map(str::to_owned));
            (name, more)
        };
        let first = flow.labels(0);
        let of_first = describes(first);
        // Series are sorted, and the name comes first of their labels.
        let last = flow.labels(flow.len() - 1);
        describes(last) == of_first
            && (0..flow.len()).all(|index| flow.labels(index).metric_name() == of_first.0)
    }

    fn stream<A: Accumulator>(
        &self,
        aggregation: &Aggregation,
        flow: &Flow<'_>,
        groups: &Groups,
    ) -> Result<Table, EvalError> {
        let steps = flow.grid.count;
        let cells = groups.heads.len().saturating_mul(steps);
        self.budget.check(cells)?;
        let counts_all = matches!(aggregation.op, AggregateOp::Count | AggregateOp::Group);
        let begin = || Carried::<A> {
            of_group: vec![None; cells],
            mixed: Table::default(),
            mixed_groups: Vec::new(),
        };
        let parts = self.work_off(flow, begin, |carried: &mut Carried<A>, row| {
            let group = groups.of_series[row.index] as usize;
            let of_group = &mut carried.of_group[group * steps..][..steps];
            let mut held = 0;
            for (value, carried) in row.cells.values().iter().zip(of_group) {
                let counts = is_float(*value) || (counts_all && !is_absent(*value));
                if counts {
                    held += 1;
                    match carried {
                        Some(carried) => carried.add(*value),
                        empty => *empty = Some(A::begin(*value)),
                    }
                }
            }
            if !row.cells.histograms().is_empty() && !counts_all {
                carried.keep_mixed(row, group);
            }
            self.budget.charge(held)
        })?;
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Ok(Table::default());
        };
        for part in parts {
            all.join(part);
        }
        self.finish_stream(aggregation, groups, &all, steps)
    }

    fn finish_stream<A: Accumulator>(
        &self,
        aggregation: &Aggregation,
        groups: &Groups,
        all: &Carried<A>,
        steps: usize,
    ) -> Result<Table, EvalError> {
        let remarks = Remarks::new(self, aggregation.expr.span, "");
        let mut result = Table::default();
        let mut cells = Cells::default();
        for (group, head) in groups.heads.iter().enumerate() {
            self.check_alive()?;
            cells.reset(steps);
            let of_group = &all.of_group[group * steps..][..steps];
            for (cell, carried) in cells.values_mut().iter_mut().zip(of_group) {
                *cell = carried.map_or(ABSENT, A::end);
            }
            let rows: Vec<usize> = (0..all.mixed.len())
                .filter(|row| all.mixed_groups[*row] == group)
                .collect();
            if !rows.is_empty() {
                let floats = cells.values().to_vec();
                let with = (&all.mixed, rows.as_slice());
                cells = mixed::with_histograms(aggregation.op, &floats, with, remarks);
            }
            self.push_cells(&mut result, head.clone(), &cells)?;
        }
        Ok(result)
    }
}

/// What a thread carries: for each group, at each step.
struct Carried<A> {
    of_group: Vec<Option<A>>,
    /// Rows with histograms, which are added up in the end.
    mixed: Table,
    mixed_groups: Vec<usize>,
}

impl<A: Accumulator> Carried<A> {
    fn keep_mixed(&mut self, row: FlowRow<'_>, group: usize) {
        let rows = self.mixed.len();
        self.mixed.push_cells(row.labels.clone().into(), row.cells);
        if self.mixed.len() > rows {
            self.mixed_groups.push(group);
        }
    }

    fn join(&mut self, other: Self) {
        for (own, other) in self.of_group.iter_mut().zip(other.of_group) {
            match (own, other) {
                (Some(own), Some(other)) => own.join(other),
                (own @ None, other) => *own = other,
                (Some(_), None) => {}
            }
        }
        self.mixed.take(other.mixed);
        self.mixed_groups.extend(other.mixed_groups);
    }
}

/// The groups in the order in which they first occur. The labels of a group are built once, not for every series.
fn groups(flow: &Flow<'_>, grouping: &Grouping, delayed_names: bool) -> Groups {
    let nameless = flow.drops_names() && !delayed_names;
    let dropped = flow.drops_names() && delayed_names;
    let metadata = [METRIC_NAME, "__type__", "__unit__"];
    let is_kept = |name: &str| {
        !(nameless && metadata.contains(&name))
            && match grouping {
                Grouping::By(names) => names.iter().any(|kept| kept == name),
                Grouping::Without(names) => {
                    name != METRIC_NAME && names.iter().all(|dropped| dropped != name)
                }
            }
    };
    let mut groups = Groups {
        of_series: Vec::with_capacity(flow.len()),
        heads: Vec::new(),
    };
    let mut group_of: HashMap<String, u32> = HashMap::new();
    let mut key = String::new();
    for index in 0..flow.len() {
        let labels = flow.labels(index);
        key.clear();
        for (name, value) in labels.iter().filter(|(name, _)| is_kept(name)) {
            // Neither stands in a label's name, and a value ends where the next name begins.
            key.push_str(name);
            key.push('\0');
            key.push_str(value);
            key.push('\0');
        }
        let group = if let Some(group) = group_of.get(key.as_str()) {
            *group
        } else {
            let group = u32::try_from(groups.heads.len()).unwrap_or(u32::MAX);
            let kept = labels.iter().filter(|(name, _)| is_kept(name));
            groups.heads.push(Head {
                labels: Labels::from_pairs(kept).unwrap_or_default(),
                name_dropped: dropped,
            });
            group_of.insert(key.clone(), group);
            group
        };
        groups.of_series.push(group);
    }
    groups
}

impl Accumulator for Kahan {
    fn begin(value: f64) -> Self {
        Self::new(value)
    }

    fn add(&mut self, value: f64) {
        *self = self.plus(value);
    }

    fn join(&mut self, other: Self) {
        *self = Self::join(*self, other);
    }

    fn end(self) -> f64 {
        self.total()
    }
}

impl Accumulator for Mean {
    fn begin(value: f64) -> Self {
        Self::new(value)
    }

    fn add(&mut self, value: f64) {
        Self::add(self, value);
    }

    fn join(&mut self, other: Self) {
        Self::join(self, other);
    }

    fn end(self) -> f64 {
        self.mean()
    }
}

impl Accumulator for Variance {
    fn begin(value: f64) -> Self {
        Self::new(value)
    }

    fn add(&mut self, value: f64) {
        Self::add(self, value);
    }

    fn join(&mut self, other: Self) {
        Self::join(self, other);
    }

    fn end(self) -> f64 {
        self.variance()
    }
}

/// The square root of the variance.
#[derive(Clone, Copy)]
struct Deviation(Variance);

impl Accumulator for Deviation {
    fn begin(value: f64) -> Self {
        Self(Variance::new(value))
    }

    fn add(&mut self, value: f64) {
        self.0.add(value);
    }

    fn join(&mut self, other: Self) {
        self.0.join(other.0);
    }

    fn end(self) -> f64 {
        self.0.variance().sqrt()
    }
}

/// The least value; NaN only when there is nothing else.
#[derive(Clone, Copy)]
struct Least(f64);

impl Accumulator for Least {
    fn begin(value: f64) -> Self {
        Self(value)
    }

    fn add(&mut self, value: f64) {
        if value < self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }

    fn join(&mut self, other: Self) {
        self.add(other.0);
    }

    fn end(self) -> f64 {
        self.0
    }
}

/// The greatest value; NaN only when there is nothing else.
#[derive(Clone, Copy)]
struct Most(f64);

impl Accumulator for Most {
    fn begin(value: f64) -> Self {
        Self(value)
    }

    fn add(&mut self, value: f64) {
        if value > self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }

    fn join(&mut self, other: Self) {
        self.add(other.0);
    }

    fn end(self) -> f64 {
        self.0
    }
}

/// How many values there are.
#[derive(Clone, Copy)]
struct Count(f64);

impl Accumulator for Count {
    fn begin(_: f64) -> Self {
        Self(1.0)
    }

    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }

    fn join(&mut self, other: Self) {
        self.0 += other.0;
    }

    fn end(self) -> f64 {
        self.0
    }
}

/// That there is any.
#[derive(Clone, Copy)]
struct One;

impl Accumulator for One {
    fn begin(_: f64) -> Self {
        Self
    }

    fn add(&mut self, _: f64) {}

    fn join(&mut self, _: Self) {}

    fn end(self) -> f64 {
        1.0
    }
}
