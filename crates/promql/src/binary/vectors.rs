//! Series with series: one to one, or many to one.

mod meeting; // the rows that come of one match

use super::element::compute;
use super::histograms::Mixed;
use super::signature::{Match, matches_of};
use crate::ast::{Binary, Cardinality, label_set};
use crate::error::{EvalError, MatchingError};
use crate::evaluation::{Evaluation, Grid};
use crate::table::{ABSENT, Cell, Cells, Head, Row, Table, is_absent, is_float};
use meeting::Meeting;

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
    /// The operator where a value is a histogram, or where it wants one.
    mixed: Mixed<'a>,
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
        let (many, one) = if swapped {
            (right, left)
        } else {
            (left, right)
        };
        let sides = Sides {
            binary,
            many,
            one,
            swapped,
            // As in Prometheus, `fill_left` means the "many" side, even where that stands on the right.
            fill_many: matching.fill_left.map(|number| number.value),
            fill_one: matching.fill_right.map(|number| number.value),
            steps: grid.count,
            mixed: Mixed::new(self, binary),
        };
        let matches = matches_of(matching, many, one);
        if let Some(error) = sides.first_duplicate(&matches) {
            return Err(error.into());
        }
        let mut result = Table::default();
        for found in &matches {
            self.check_alive()?;
            for (head, cells) in sides.meet(found)? {
                self.push_cells(&mut result, self.result_head(binary, head), &cells)?;
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
        if binary.returns_bool && self.options.delayed_name_removal {
            head.name_dropped = true;
        } else if binary.returns_bool || binary.op.changes_meaning() {
            head.labels = self.nameless(&head.labels);
        }
        head
    }
}

impl<'a> Sides<'a> {
    /// The rows that come of one match.
    fn meet(&self, found: &Match) -> Result<Vec<(Head, Cells)>, EvalError> {
        let manys: Vec<Row<'a>> = found.left.iter().map(|&row| self.many.row(row)).collect();
        let ones: Vec<Row<'a>> = found.right.iter().map(|&row| self.one.row(row)).collect();
        let mut meeting = Meeting::new(self, &found.labels);
        for many in &manys {
            for one in &ones {
                meeting.add(Some(many.head), Some(one.head), |step| {
                    (many.at(step), one.at(step))
                })?;
            }
        }
        if let Some(fill) = self.fill_one {
            let missing = |step| ones.iter().all(|one| is_absent(one.at(step)));
            for many in &manys {
                meeting.add(Some(many.head), None, |step| {
                    (many.at(step), if missing(step) { fill } else { ABSENT })
                })?;
            }
        }
        if let Some(fill) = self.fill_many {
            let missing = |step| manys.iter().all(|many| is_absent(many.at(step)));
            for one in &ones {
                meeting.add(None, Some(one.head), |step| {
                    (if missing(step) { fill } else { ABSENT }, one.at(step))
                })?;
            }
        }
        Ok(meeting.into_rows())
    }

    /// The first step and series at which several of the "one" side belong together, which is a mistake even where none of
    /// the many belongs to them. Where the other side has nothing at all, nobody looks, unless something is filled in.
    fn first_duplicate(&self, matches: &[Match]) -> Option<MatchingError> {
        let fills = self.fill_many.is_some() || self.fill_one.is_some();
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
                    let is_asked =
                        || fills || self.many.rows().any(|many| !is_absent(many.at(step)));
                    if earlier && is_asked() {
                        first = Some((step, row, holder, found));
                    }
                }
            }
        }
        first.map(|(_, twin, holder, found)| self.many_to_many(found, holder, twin))
    }

    fn many_to_many(&self, found: &Match, holder: usize, twin: usize) -> MatchingError {
        let labels = |index: usize| label_set(&self.one.row(index).head.labels);
        // In an order that does not depend on the order of series.
        let mut twins = [labels(holder), labels(twin)];
        twins.sort();
        let [first, second] = twins;
        MatchingError::ManyToMany {
            group: label_set(&found.labels),
            side: if self.swapped { "left" } else { "right" },
            first,
            second,
        }
    }

    /// The value of a pair; `None` within where a comparison does not hold, `None` where they do not fit.
    fn value(&self, many: f64, one: f64) -> Option<Option<Cell<'static>>> {
        let op = self.binary.op;
        if !(is_float(many) && is_float(one)) || super::is_trim(op) {
            let many = Cell::of(many, self.many.histograms())?;
            let one = Cell::of(one, self.one.histograms())?;
            return if self.swapped {
                self.mixed.meet(&one, &many)
            } else {
                self.mixed.meet(&many, &one)
            };
        }
        let (left, right) = if self.swapped {
            (one, many)
        } else {
            (many, one)
        };
        let (value, keep) = compute(op, left, right).kept(left);
        Some(match (self.binary.returns_bool, keep) {
            (true, keep) => Some(Cell::Float(f64::from(u8::from(keep)))),
            (false, true) => Some(Cell::Float(value)),
            (false, false) => None,
        })
    }
}
