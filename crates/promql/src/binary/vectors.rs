//! Series with series: one to one, or many to one.

use hashbrown::HashMap;
use stonechat_model::{Labels, METRIC_NAME};

use super::element::compute;
use super::signature::{Match, matches_of};
use crate::ast::{Binary, Cardinality, label_set};
use crate::error::{EvalError, MatchingError};
use crate::evaluation::{Evaluation, Grid};
use crate::table::{ABSENT, Head, Row, Table, is_absent};

/// The two sides with the side of which several may meet one called "many", whichever side of the operator it is.
struct Sides<'a> {
    binary: &'a Binary,
    many: &'a Table,
    one: &'a Table,
    /// The "many" side stands on the right of the operator.
    swapped: bool,
    /// What stands in for a series that is missing on the "many" side.
    fill_many: Option<f64>,
    /// What stands in for a series that is missing on the "one" side.
    fill_one: Option<f64>,
    steps: usize,
}

/// A row of the result while it is built.
struct Built {
    head: Head,
    cells: Vec<f64>,
    /// Steps at which both sides met, even where the comparison did not hold.
    met: Vec<bool>,
}

impl Evaluation<'_> {
    pub(super) fn vectors(
        &self,
        binary: &Binary,
        left: &Table,
        right: &Table,
        grid: Grid,
    ) -> Result<Table, EvalError> {
        let matching = &binary.matching;
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let sides = Sides {
            binary,
            many: if swapped { right } else { left },
            one: if swapped { left } else { right },
            swapped,
            // As in Prometheus, `fill_left` means the "many" side, even where that stands on the right.
            fill_many: matching.fill_left.map(|number| number.value),
            fill_one: matching.fill_right.map(|number| number.value),
            steps: grid.count,
        };
        let mut result = Table::default();
        let mut matches = matches_of(matching, left, right);
        if swapped {
            for found in &mut matches {
                std::mem::swap(&mut found.left, &mut found.right);
            }
        }
        if let Some(error) = sides.first_duplicate(&matches) {
            return Err(error.into());
        }
        for found in &matches {
            self.check_alive()?;
            for built in sides.meet(found)? {
                let head = self.result_head(binary, built.head);
                self.push(&mut result, head, 0, &built.cells)?;
            }
        }
        // With one to one, the matching labels are all there are, and those differ.
        let may_collide = matching.cardinality != Cardinality::OneToOne
            || binary.op.is_comparison()
            || binary.returns_bool;
        if may_collide && !self.options.delayed_name_removal {
            return result.merge_same_labels();
        }
        Ok(result)
    }

    /// What changes the meaning of values drops the name.
    fn result_head(&self, binary: &Binary, mut head: Head) -> Head {
        if !binary.op.is_comparison() {
            head.labels = self.nameless(&head.labels);
        } else if binary.returns_bool {
            if self.options.delayed_name_removal {
                head.name_dropped = true;
            } else {
                head.labels = self.nameless(&head.labels);
            }
        }
        head
    }
}

impl Sides<'_> {
    /// The rows that come of one match.
    fn meet(&self, found: &Match) -> Result<Vec<Built>, EvalError> {
        // `left` holds the many, `right` the one, after swapping.
        let fills_many = found.left.is_empty() && self.fill_many.is_some();
        let fills_one = found.right.is_empty() && self.fill_one.is_some();
        if (found.left.is_empty() && !fills_many) || (found.right.is_empty() && !fills_one) {
            return Ok(Vec::new());
        }
        let ones = self.ones(found);
        let mut built: Vec<Built> = Vec::new();
        let mut position_of: HashMap<Labels, usize> = HashMap::new();
        for &many in &found.left {
            let many = self.many.row(many);
            for &one in &found.right {
                let one = self.one.row(one);
                let head = self.head(Some(many.head), Some(one.head), &found.labels);
                self.add(&mut built, &mut position_of, &head, |step| {
                    (many.at(step), one.at(step))
                })?;
            }
            if let Some(fill) = self.fill_one {
                let head = self.head(Some(many.head), None, &found.labels);
                self.add(&mut built, &mut position_of, &head, |step| {
                    (many.at(step), if ones.has(step) { ABSENT } else { fill })
                })?;
            }
        }
        if let Some(fill) = self.fill_many {
            self.add_missing_many(&mut built, &mut position_of, found, fill)?;
        }
        Ok(built)
    }

    /// Adds what the "one" side gives where nothing is on the "many" side.
    fn add_missing_many(
        &self,
        built: &mut Vec<Built>,
        position_of: &mut HashMap<Labels, usize>,
        found: &Match,
        fill: f64,
    ) -> Result<(), EvalError> {
        let manys: Vec<Row<'_>> = found.left.iter().map(|&row| self.many.row(row)).collect();
        for &one in &found.right {
            let one = self.one.row(one);
            let head = self.head(None, Some(one.head), &found.labels);
            self.add(built, position_of, &head, |step| {
                let missing = manys.iter().all(|many| is_absent(many.at(step)));
                (if missing { fill } else { ABSENT }, one.at(step))
            })?;
        }
        Ok(())
    }

    /// Which of the "one" side has a value at each step.
    fn ones(&self, found: &Match) -> Ones {
        let mut ones = Ones(vec![false; self.steps]);
        for (step, _) in found
            .right
            .iter()
            .flat_map(|&row| self.one.row(row).present())
        {
            ones.0[step] = true;
        }
        ones
    }

    /// The first step and series at which several of the "one" side belong together, which is a mistake even where none of
    /// the many belongs to them. Where the other side has nothing at all, nobody looks.
    fn first_duplicate(&self, matches: &[Match]) -> Option<MatchingError> {
        let mut first: Option<(usize, usize, usize, &Match)> = None;
        for found in matches.iter().filter(|found| found.right.len() > 1) {
            let mut holders: Vec<Option<usize>> = vec![None; self.steps];
            for &row in &found.right {
                for (step, _) in self.one.row(row).present() {
                    let Some(holder) = holders[step] else {
                        holders[step] = Some(row);
                        continue;
                    };
                    let earlier = first.is_none_or(|(at, twin, ..)| (step, row) < (at, twin));
                    if earlier && self.many.rows().any(|many| !is_absent(many.at(step))) {
                        first = Some((step, row, holder, found));
                    }
                }
            }
        }
        first.map(|(_, twin, holder, found)| self.many_to_many(found, holder, twin))
    }

    fn many_to_many(&self, found: &Match, first: usize, second: usize) -> MatchingError {
        let labels = |index: usize| label_set(&self.one.row(index).head.labels);
        MatchingError::ManyToMany {
            group: label_set(&found.labels),
            side: if self.swapped { "left" } else { "right" },
            first: labels(second),
            second: labels(first),
        }
    }

    /// Adds the values of a pair of rows to the row of the result that has these labels.
    fn add(
        &self,
        built: &mut Vec<Built>,
        position_of: &mut HashMap<Labels, usize>,
        head: &Head,
        values: impl Fn(usize) -> (f64, f64),
    ) -> Result<(), EvalError> {
        let one_to_one = self.binary.matching.cardinality == Cardinality::OneToOne;
        // One to one, all rows of a match meet in the same place, so that a second one is noticed whatever its labels.
        let key = if one_to_one {
            Labels::default()
        } else {
            head.labels.clone()
        };
        let mut row = None;
        for step in 0..self.steps {
            let (many, one) = values(step);
            if is_absent(many) || is_absent(one) {
                continue;
            }
            let position =
                *row.get_or_insert_with(|| self.position(built, position_of, key.clone(), head));
            let taken = std::mem::replace(&mut built[position].met[step], true);
            if taken {
                return Err(if one_to_one {
                    MatchingError::ManyToOne.into()
                } else {
                    MatchingError::NotUnique.into()
                });
            }
            built[position].cells[step] = self.value(many, one);
        }
        Ok(())
    }

    fn position(
        &self,
        built: &mut Vec<Built>,
        position_of: &mut HashMap<Labels, usize>,
        key: Labels,
        head: &Head,
    ) -> usize {
        *position_of.entry(key).or_insert_with(|| {
            built.push(Built {
                head: head.clone(),
                cells: vec![ABSENT; self.steps],
                met: vec![false; self.steps],
            });
            built.len() - 1
        })
    }

    fn value(&self, many: f64, one: f64) -> f64 {
        let (left, right) = if self.swapped {
            (one, many)
        } else {
            (many, one)
        };
        let (value, keep) = compute(self.binary.op, left, right).kept(left);
        match (self.binary.returns_bool, keep) {
            (true, keep) => f64::from(u8::from(keep)),
            (false, true) => value,
            (false, false) => ABSENT,
        }
    }

    /// What a pair of rows is called. A row that was filled in has the matching labels.
    fn head(&self, many: Option<&Head>, one: Option<&Head>, matched: &Labels) -> Head {
        let matching = &self.binary.matching;
        let base = many.map_or(matched, |head| &head.labels);
        let arithmetic = !self.binary.op.is_comparison();
        let mut labels = match (matching.cardinality, matching.on) {
            (Cardinality::OneToOne, true) => base.keep(&matching.labels),
            (Cardinality::OneToOne, false) => base.drop(&matching.labels),
            _ => base.clone(),
        };
        if arithmetic && labels.get(METRIC_NAME).is_some() {
            labels = labels.without_name();
        }
        if !matching.include.is_empty() {
            let mut builder = labels.to_builder();
            for name in &matching.include {
                let value = one.and_then(|head| head.labels.get(name));
                builder.set(name, value.unwrap_or_default());
            }
            labels = builder.build().unwrap_or(labels);
        }
        let dropped = |head: Option<&Head>| head.is_some_and(|head| head.name_dropped);
        Head {
            labels,
            name_dropped: dropped(many),
        }
    }
}

/// At which steps the "one" side has a value.
struct Ones(Vec<bool>);

impl Ones {
    fn has(&self, step: usize) -> bool {
        self.0[step]
    }
}
