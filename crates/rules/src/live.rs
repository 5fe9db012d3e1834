//! A group that is being evaluated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stonechat_model::{SeriesRef, Timestamp};

use crate::alerts::Alerts;
use crate::evaluate::{self, RuleCell, Workshop};
use crate::metrics::RuleMetrics;
use crate::rule::{Group, Rule};
use crate::series;
use crate::state::{Memory, RuleId};
use crate::status::{GroupStatus, RuleStatus};

/// A group with the memory of its rules.
pub(crate) struct LiveGroup {
    pub definition: Group,
    pub cells: Vec<Arc<RuleCell>>,
    last: Mutex<LastIteration>,
    /// Series of rules that a reload removed; they end with the next evaluation.
    orphans: Mutex<Vec<SeriesRef>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct LastIteration {
    at: Option<Timestamp>,
    took: Duration,
    missed: u64,
}

impl LiveGroup {
    /// A group whose rules remember nothing.
    pub fn new(definition: Group, restored: bool) -> Self {
        let cells = definition
            .rules
            .iter()
            .map(|rule| Arc::new(RuleCell::new(rule.clone(), restored)))
            .collect();
        Self {
            definition,
            cells,
            last: Mutex::default(),
            orphans: Mutex::default(),
        }
    }

    /// A group whose rules remember what was there before a restart.
    pub fn remembering(
        definition: Group,
        memory: &mut Memory,
        workshop: &Workshop,
        now: Timestamp,
    ) -> Self {
        let away = workshop.away(&definition);
        let remember = |(index, rule): (usize, &Rule)| {
            let remembered = rule
                .alerting()
                .and_then(|_| memory.remove(&RuleId::of(&definition, index)));
            Arc::new(match remembered {
                Some(remembered) => {
                    RuleCell::remembering(rule.clone(), Alerts::remembering(remembered, away, now))
                }
                None => RuleCell::new(rule.clone(), true),
            })
        };
        let cells = definition.rules.iter().enumerate().map(remember).collect();
        Self {
            cells,
            definition,
            last: Mutex::default(),
            orphans: Mutex::default(),
        }
    }

    /// A changed group. A rule that stayed the same keeps its cell, one with the same name and labels its alerts and
    /// series. Of several alike the first continues the first.
    pub fn continuing(definition: Group, old: &Self) -> Self {
        let mut left: Vec<Option<&Arc<RuleCell>>> = old.cells.iter().map(Some).collect();
        let mut take = |fits: &dyn Fn(&RuleCell) -> bool| {
            let found = left
                .iter_mut()
                .find(|cell| cell.is_some_and(|cell| fits(cell)));
            found.and_then(Option::take).cloned()
        };
        let same: Vec<_> = definition
            .rules
            .iter()
            .map(|rule| take(&|cell| cell.rule == *rule))
            .collect();
        let cells = definition
            .rules
            .iter()
            .zip(same)
            .map(|(rule, same)| match same {
                Some(cell) => cell,
                None => Arc::new(match take(&|cell| rule.continues(&cell.rule)) {
                    Some(cell) => RuleCell::continuing(rule.clone(), &cell),
                    None => RuleCell::new(rule.clone(), true),
                }),
            });
        let cells = cells.collect();
        Self {
            definition,
            cells,
            last: Mutex::new(*old.last.lock()),
            orphans: Mutex::default(),
        }
    }

    /// Takes over the series of rules of the old group that this one does not have. The old group must be at rest.
    pub fn adopt_orphans(&self, old: &Self) {
        let mut orphans = std::mem::take(&mut *old.orphans.lock());
        for cell in &old.cells {
            if !self
                .cells
                .iter()
                .any(|own| Arc::ptr_eq(&own.series, &cell.series))
            {
                orphans.extend(cell.series.lock().take());
            }
        }
        self.orphans.lock().extend(orphans);
    }

    /// All series that the group wrote, for whoever ends them. The group must be at rest.
    pub fn take_series(&self) -> Vec<SeriesRef> {
        let mut series = std::mem::take(&mut *self.orphans.lock());
        for cell in &self.cells {
            series.extend(cell.series.lock().take());
        }
        series
    }

    /// Evaluates all rules for the moment `now`, unless told to stop in between. Blocks.
    pub fn evaluate(
        &self,
        workshop: &Workshop,
        metrics: Option<&RuleMetrics>,
        now: Timestamp,
        stopped: &dyn Fn() -> bool,
    ) {
        let started = Instant::now();
        for (index, cell) in self.cells.iter().enumerate() {
            if stopped() {
                return;
            }
            let evaluated = cell.evaluate((&self.definition, index), workshop, now);
            if let Some(metrics) = metrics {
                metrics.evaluated(&self.definition, evaluated);
            }
        }
        if self.cells.iter().any(|cell| !cell.alerts.lock().is_empty()) {
            workshop.keep_seen(&self.definition, now);
        }
        self.end_orphans(workshop, now);
        let took = started.elapsed();
        let mut last = self.last.lock();
        (last.at, last.took) = (Some(now), took);
        if let Some(metrics) = metrics {
            metrics.iterated(&self.definition, took, now);
        }
    }

    fn end_orphans(&self, workshop: &Workshop, now: Timestamp) {
        let orphans = std::mem::take(&mut *self.orphans.lock());
        let at = now.minus(self.definition.query_offset);
        if let Err(error) = series::end(&*workshop.appender, &orphans, at) {
            tracing::warn!(group = self.definition.name, %error, "series of removed rules cannot be ended; trying again");
            self.orphans.lock().extend(orphans);
        }
    }

    /// Counts moments at which the group was not evaluated.
    pub fn miss(&self, missed: u64) {
        self.last.lock().missed += missed;
    }

    /// True when a rule has still to look for its state from before a restart.
    pub fn wants_restore(&self) -> bool {
        self.cells
            .iter()
            .any(|cell| cell.rule.alerting().is_some() && !cell.alerts.lock().restored)
    }

    /// Tells notification of alerts from before a restart.
    pub fn tell_remembered(&self, workshop: &Workshop, now: Timestamp) {
        for cell in &self.cells {
            cell.tell_remembered(&self.definition, workshop, now);
        }
    }

    /// All alerts that are to be kept, by their rules.
    pub fn remembered(&self) -> Memory {
        let cells = self.cells.iter().enumerate();
        cells
            .filter_map(|(index, cell)| {
                let alerts = cell.alerts.lock();
                let id = (!alerts.is_empty()).then(|| RuleId::of(&self.definition, index))?;
                Some((id, alerts.remembered()))
            })
            .collect()
    }

    /// Looks for the state from before a restart. Blocks.
    pub fn restore(&self, workshop: &Workshop, now: Timestamp) {
        evaluate::restore(&self.cells, workshop, now);
    }

    pub fn status(&self) -> GroupStatus {
        let last = *self.last.lock();
        GroupStatus {
            file: self.definition.file.clone(),
            name: self.definition.name.clone(),
            interval: self.definition.interval,
            limit: self.definition.limit,
            last_evaluation: last.at,
            evaluation_time: last.took,
            missed: last.missed,
            rules: self.cells.iter().map(|cell| RuleStatus::of(cell)).collect(),
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod promtool;
