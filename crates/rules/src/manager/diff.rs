//! Running and wanted groups compared. Decides, and touches nothing.

use crate::rule::Group;

/// What to do for one wanted group. Numbers are places among the running ones.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    /// It runs as it is wanted.
    Keep(usize),
    /// It runs with other rules or settings.
    Replace(usize, Group),
    /// It does not run.
    Start(Group),
}

/// One plan for each wanted group, in order. Running groups that no plan names are to be removed. Of wanted groups
/// with the same file and name only the first counts.
pub(super) fn diff<'a>(running: impl Iterator<Item = &'a Group>, wanted: Vec<Group>) -> Vec<Plan> {
    let mut left: Vec<Option<&Group>> = running.map(Some).collect();
    let mut plans = Vec::with_capacity(wanted.len());
    let mut seen = hashbrown::HashSet::new();
    for group in wanted {
        if !seen.insert((group.file.clone(), group.name.clone())) {
            continue;
        }
        let same_name = |old: &Group| old.file == group.file && old.name == group.name;
        let index = left.iter().position(|old| old.is_some_and(same_name));
        plans.push(
            match index.and_then(|index| left[index].take().map(|old| (index, old))) {
                Some((index, old)) if *old == group => Plan::Keep(index),
                Some((index, _)) => Plan::Replace(index, group),
                None => Plan::Start(group),
            },
        );
    }
    plans
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{GroupDefaults, parse};

    fn groups(rules: &[(&str, &str)]) -> Vec<Group> {
        let mut text = "groups:\n".to_owned();
        for (name, expr) in rules {
            text += &format!("- name: {name}\n  rules: [{{record: r, expr: '{expr}'}}]\n");
        }
        parse(Path::new("r.yml"), &text, GroupDefaults::default()).unwrap()
    }

    #[test]
    fn only_the_difference_is_touched() {
        let running = groups(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let wanted = groups(&[("d", "1"), ("b", "2"), ("a", "1")]);
        assert_eq!(
            diff(running.iter(), wanted.clone()),
            [
                Plan::Start(wanted[0].clone()),
                Plan::Replace(1, wanted[1].clone()),
                Plan::Keep(0)
            ]
        );
    }

    #[test]
    fn another_spelling_of_the_same_expression_changes_nothing() {
        let running = groups(&[("a", "sum(x) by (job)")]);
        let wanted = groups(&[("a", "sum by(job)(x)")]);
        assert_eq!(diff(running.iter(), wanted), [Plan::Keep(0)]);
    }

    #[test]
    fn a_group_given_twice_counts_once() {
        let mut wanted = groups(&[("a", "1")]);
        wanted.extend(groups(&[("a", "2")]));
        assert_eq!(
            diff([].iter(), wanted.clone()),
            [Plan::Start(wanted[0].clone())]
        );
    }
}
