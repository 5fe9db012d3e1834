//! Which series belong together.

use hashbrown::HashMap;
use stonechat_model::{Labels, METRIC_NAME};

use crate::ast::Grouping;
use crate::table::{Head, Table};

/// Series that are aggregated together.
#[derive(Debug)]
pub(super) struct Group {
    pub head: Head,
    /// Their positions in the table.
    pub rows: Vec<usize>,
}

/// The groups in the order in which they first occur.
pub(super) fn groups_of(table: &Table, grouping: &Grouping) -> Vec<Group> {
    let mut position_of: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let excluded = excluded(grouping);
    for (index, row) in table.rows().enumerate() {
        let labels = match grouping {
            Grouping::By(names) => row.head.labels.keep(names),
            Grouping::Without(_) => row.head.labels.drop(&excluded),
        };
        let position = *position_of.entry(labels).or_insert_with_key(|labels| {
            groups.push(Group {
                head: labels.clone().into(),
                rows: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[position];
        group.head.name_dropped |= row.head.name_dropped;
        group.rows.push(index);
    }
    groups
}

/// `without` always takes the name away as well.
fn excluded(grouping: &Grouping) -> Vec<&str> {
    match grouping {
        Grouping::By(_) => Vec::new(),
        Grouping::Without(names) => names
            .iter()
            .map(String::as_str)
            .chain([METRIC_NAME])
            .collect(),
    }
}
