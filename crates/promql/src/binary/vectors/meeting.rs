//! The rows that come of one match: series of both sides with the same matching labels.

use hashbrown::HashMap;
use stonechat_model::{Labels, METRIC_NAME};

use super::Sides;
use crate::ast::Cardinality;
use crate::error::{EvalError, MatchingError};
use crate::table::{Cells, Head, is_absent};

/// Collects the values of pairs of rows, and notices when two pairs would stand in the same place.
pub(super) struct Meeting<'a, 's> {
    sides: &'s Sides<'a>,
    /// The labels that both sides have in common.
    matched: &'s Labels,
    rows: Vec<Built>,
    position_of: HashMap<Labels, usize>,
    /// One to one: steps at which a pair met, whatever labels the result has.
    taken: Vec<bool>,
}

/// A row of the result while it is built.
struct Built {
    head: Head,
    cells: Cells,
    /// Steps at which a pair met, even where the comparison did not hold.
    met: Vec<bool>,
}

impl<'a, 's> Meeting<'a, 's> {
    pub fn new(sides: &'s Sides<'a>, matched: &'s Labels) -> Self {
        Self {
            sides,
            matched,
            rows: Vec::new(),
            position_of: HashMap::new(),
            taken: Vec::new(),
        }
    }

    pub fn into_rows(self) -> Vec<(Head, Cells)> {
        self.rows
            .into_iter()
            .map(|row| (row.head, row.cells))
            .collect()
    }

    /// Adds a pair of rows, of which one may be filled in, with the values that `values` gives for both at each step.
    pub fn add(
        &mut self,
        many: Option<&Head>,
        one: Option<&Head>,
        values: impl Fn(usize) -> (f64, f64),
    ) -> Result<(), EvalError> {
        let mut position = None;
        for step in 0..self.sides.steps {
            let (many_value, one_value) = values(step);
            if is_absent(many_value) || is_absent(one_value) {
                continue;
            }
            let Some(cell) = self.sides.value(many_value, one_value) else {
                continue;
            };
            let position = *position.get_or_insert_with(|| self.position(many, one));
            self.meet(position, step)?;
            self.rows[position].cells.set(step, cell);
        }
        Ok(())
    }

    /// Takes the place of a step, which must be free.
    fn meet(&mut self, position: usize, step: usize) -> Result<(), EvalError> {
        if self.sides.binary.matching.cardinality == Cardinality::OneToOne {
            self.taken.resize(self.sides.steps, false);
            if std::mem::replace(&mut self.taken[step], true) {
                return Err(MatchingError::ManyToOne.into());
            }
        }
        if std::mem::replace(&mut self.rows[position].met[step], true) {
            return Err(MatchingError::NotUnique.into());
        }
        Ok(())
    }

    /// The row of the result that a pair belongs to.
    fn position(&mut self, many: Option<&Head>, one: Option<&Head>) -> usize {
        let labels = self.labels(many, one);
        let (rows, steps) = (&mut self.rows, self.sides.steps);
        *self.position_of.entry(labels).or_insert_with_key(|labels| {
            rows.push(Built {
                head: Head {
                    labels: labels.clone(),
                    name_dropped: many.is_some_and(|head| head.name_dropped),
                },
                cells: Cells::gaps(steps),
                met: vec![false; steps],
            });
            rows.len() - 1
        })
    }

    /// What a pair of rows is called. A row that was filled in has the matching labels.
    fn labels(&self, many: Option<&Head>, one: Option<&Head>) -> Labels {
        let binary = self.sides.binary;
        let matching = &binary.matching;
        let base = many.map_or(self.matched, |head| &head.labels);
        let mut labels = match (matching.cardinality, matching.on) {
            (Cardinality::OneToOne, true) => base.keep(&matching.labels),
            (Cardinality::OneToOne, false) => base.drop(&matching.labels),
            _ => base.clone(),
        };
        if binary.op.changes_meaning() && labels.get(METRIC_NAME).is_some() {
            labels = labels.without_name();
        }
        if matching.include.is_empty() {
            return labels;
        }
        let one = one.map_or(self.matched, |head| &head.labels);
        let mut builder = labels.to_builder();
        for name in &matching.include {
            builder.set(name, one.get(name).unwrap_or_default());
        }
        builder.build().unwrap_or(labels)
    }
}
