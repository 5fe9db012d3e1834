//! The order of series by labels, kept from query to query: comparing label sets would take most of the time of a selection.

use std::sync::Arc;

use stonechat_model::{Labels, SeriesRef};

use super::{Series, slot_of};

/// What can be sorted like series of the head.
pub(crate) trait Ranked {
    /// The reference of the series, if the head has it.
    fn reference(&self) -> Option<SeriesRef>;

    /// Its labels.
    fn labels(&self) -> &Labels;
}

/// The places of series among all, as they were when it was made.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// By slot: a reference and its place.
    ranks: Vec<(SeriesRef, u32)>,
    /// Series that had ever been made then.
    made: u64,
}

/// Stands for a slot without a series.
const NONE: SeriesRef = SeriesRef(u64::MAX);

/// Fewer series are sorted as fast by their labels.
const FEW: u64 = 512;

impl Order {
    fn rank(&self, series: SeriesRef) -> Option<u32> {
        let (of, rank) = self.ranks.get(slot_of(series) as usize)?;
        (*of == series).then_some(*rank)
    }

    /// Sorts series by labels.
    pub fn sort<T: Ranked>(&self, series: &mut [T]) {
        if (series.len() as u64) < FEW {
            return series.sort_unstable_by(|one, other| one.labels().cmp(other.labels()));
        }
        let rank = |one: &T| one.reference().and_then(|series| self.rank(series));
        // Stable, as that is what is fast where the order is nearly there.
        series.sort_by(|one, other| match (rank(one), rank(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.labels().cmp(other.labels()),
        });
    }

    /// True when so many series have been made since that it is of little use.
    pub fn is_due(&self, made: u64) -> bool {
        made - self.made > FEW.max(self.made / 8)
    }

    /// The order of all series.
    pub fn renewed(&self, all: Vec<(SeriesRef, Arc<Series>)>, made: u64) -> Self {
        // Known ones are sorted by number, the others by labels; then two sorted runs become one.
        let rank = |one: &(SeriesRef, Arc<Series>)| self.rank(one.0);
        let (mut sorted, mut others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|one| rank(one).is_some());
        sorted.sort_unstable_by_key(rank);
        others.sort_unstable_by(|one, other| one.1.labels().cmp(other.1.labels()));
        sorted.append(&mut others);
        sorted.sort_by(|one, other| match (rank(one), rank(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.1.labels().cmp(other.1.labels()),
        });
        let slots = sorted.iter().map(|(series, _)| slot_of(*series) + 1).max();
        let mut ranks = vec![(NONE, 0); slots.unwrap_or(0) as usize];
        for (rank, (series, _)) in (0..).zip(&sorted) {
            ranks[slot_of(*series) as usize] = (*series, rank);
        }
        Self { ranks, made }
    }
}
