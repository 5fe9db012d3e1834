//! Sets of slots.

use roaring::RoaringBitmap;

/// The most slots that are kept as a plain list. Most values of most labels belong to a handful of series, for which
/// a bitmap would take ten times the memory.
const FEW_MAX: usize = 32;

/// The series that have one value of one label.
#[derive(Debug)]
pub(crate) enum Postings {
    /// Sorted.
    Few(Vec<u32>),
    /// Behind a pointer, so that the small case stays small.
    Many(Box<RoaringBitmap>),
}

impl Default for Postings {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Postings {
    /// Adds a slot.
    pub fn insert(&mut self, slot: u32) {
        match self {
            Self::Few(slots) => {
                let Err(place) = slots.binary_search(&slot) else {
                    return;
                };
                if slots.len() < FEW_MAX {
                    if slots.len() < 4 {
                        slots.reserve_exact(1);
                    }
                    slots.insert(place, slot);
                } else {
                    let mut many: RoaringBitmap = slots.iter().copied().collect();
                    many.insert(slot);
                    *self = Self::Many(Box::new(many));
                }
            }
            Self::Many(slots) => {
                slots.insert(slot);
            }
        }
    }

    /// Removes a slot.
    pub fn remove(&mut self, slot: u32) {
        match self {
            Self::Few(slots) => {
                if let Ok(place) = slots.binary_search(&slot) {
                    slots.remove(place);
                }
            }
            Self::Many(slots) => {
                slots.remove(slot);
                // Half of the limit, so that a set at the limit does not change its shape for ever.
                if slots.len() <= FEW_MAX as u64 / 2 {
                    *self = Self::Few(slots.iter().collect());
                }
            }
        }
    }

    /// Number of slots.
    pub fn len(&self) -> u64 {
        match self {
            Self::Few(slots) => slots.len() as u64,
            Self::Many(slots) => slots.len(),
        }
    }

    /// True when there is no slot.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Few(slots) => slots.is_empty(),
            Self::Many(slots) => slots.is_empty(),
        }
    }

    /// True when one slot is in both sets.
    pub fn intersects(&self, others: &RoaringBitmap) -> bool {
        match self {
            Self::Few(slots) => slots.iter().any(|&slot| others.contains(slot)),
            Self::Many(slots) => !slots.is_disjoint(others),
        }
    }

    /// Adds the slots to a set.
    pub fn add_to(&self, set: &mut RoaringBitmap) {
        match self {
            Self::Few(slots) => set.extend(slots.iter().copied()),
            Self::Many(slots) => *set |= slots.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_set(steps in proptest::collection::vec((any::<bool>(), 0_u32..100), 0..400)) {
            let (mut postings, mut model) = (Postings::default(), BTreeSet::new());
            for (insert, slot) in steps {
                if insert {
                    postings.insert(slot);
                    model.insert(slot);
                } else {
                    postings.remove(slot);
                    model.remove(&slot);
                }
                let mut slots = RoaringBitmap::new();
                postings.add_to(&mut slots);
                prop_assert!(slots.iter().eq(model.iter().copied()));
                prop_assert_eq!(postings.is_empty(), model.is_empty());
                let probe: RoaringBitmap = [slot].into_iter().collect();
                prop_assert_eq!(postings.intersects(&probe), insert);
            }
        }
    }
}
