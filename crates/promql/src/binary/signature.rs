//! By which labels series of both sides find each other.

use hashbrown::HashMap;
use stonechat_model::{Labels, METRIC_NAME};

use crate::ast::Matching;
use crate::table::Table;

/// Series of both sides that have the same matching labels.
#[derive(Debug, Default)]
pub(super) struct Match {
    pub labels: Labels,
    /// Positions in the left table.
    pub left: Vec<usize>,
    /// Positions in the right table.
    pub right: Vec<usize>,
}

/// Puts the series of both sides together, once for all steps, in the order in which they first occur.
pub(super) fn matches_of(matching: &Matching, left: &Table, right: &Table) -> Vec<Match> {
    let mut position_of: HashMap<Labels, usize> = HashMap::with_capacity(left.len());
    let mut matches: Vec<Match> = Vec::with_capacity(left.len());
    let signature = Signature::new(matching);
    for (is_left, table) in [(true, left), (false, right)] {
        for (index, row) in table.rows().enumerate() {
            let labels = signature.of(&row.head.labels);
            let position = *position_of.entry(labels).or_insert_with_key(|labels| {
                matches.push(Match {
                    labels: labels.clone(),
                    ..Match::default()
                });
                matches.len() - 1
            });
            let found = &mut matches[position];
            if is_left {
                found.left.push(index);
            } else {
                found.right.push(index);
            }
        }
    }
    matches
}

struct Signature<'a> {
    on: bool,
    labels: Vec<&'a str>,
}

impl<'a> Signature<'a> {
    fn new(matching: &'a Matching) -> Self {
        let mut labels: Vec<&str> = matching.labels.iter().map(String::as_str).collect();
        if !matching.on {
            labels.push(METRIC_NAME);
        }
        Self {
            on: matching.on,
            labels,
        }
    }

    fn of(&self, labels: &Labels) -> Labels {
        if self.on {
            labels.keep(&self.labels)
        } else {
            labels.drop(&self.labels)
        }
    }
}
