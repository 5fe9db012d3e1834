//! What a thread used last, by label values, to be found again without a lock and without a full hash.
//!
//! A service counts into the same few series again and again. Looking them up in the table of the family takes a
//! hash of all label values and a shared lock, whose counter all threads change. Here each thread has a few places of its
//! own. A place is chosen by a rough mix of the label values, so what it holds is compared with all of them: a bad
//! mix costs time, never a wrong series.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread::LocalKey;

/// A power of two. Each holds at most one series, so this bounds what a thread keeps alive of series that were removed.
const PLACES: usize = 256;

/// What is found by label values.
pub trait Labelled {
    /// Whether these are its label values.
    fn is(&self, values: &[&str]) -> bool;
}

/// The places of one thread for one kind of metric, or for what else has label values.
pub struct Recent<T>([Option<Entry<T>>; PLACES]);

struct Entry<T> {
    family: u64,
    /// How many series the family had lost; another number means that this one may be lost too.
    removals: u64,
    series: Arc<T>,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The number of the family, which no other family of its kind has.
    pub family: u64,
    /// How many series the family has lost so far.
    pub removals: u64,
    pub values: &'a [&'a str],
}

/// Where the places of each thread are.
pub type RecentKey<T> = LocalKey<RefCell<Recent<T>>>;

impl<T: Labelled> Recent<T> {
    pub const fn new() -> Self {
        Self([const { None }; PLACES])
    }

    /// The series, if this thread used it lately and it is still there.
    #[inline]
    pub fn find(&self, wanted: Wanted<'_>) -> Option<&Arc<T>> {
        let entry = self.0[wanted.place()].as_ref()?;
        let fits = entry.family == wanted.family
            && entry.removals == wanted.removals
            && entry.series.is(wanted.values);
        fits.then_some(&entry.series)
    }

    pub fn keep(&mut self, wanted: Wanted<'_>, series: Arc<T>) {
        self.0[wanted.place()] = Some(Entry {
            family: wanted.family,
            removals: wanted.removals,
            series,
        });
    }
}

impl Wanted<'_> {
    #[inline]
    fn place(&self) -> usize {
        /// Odd, and with its bits well spread.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mix = self.family;
        for value in self.values {
            let (start, end) = ends(value.as_bytes());
            let word = start ^ end.rotate_left(29) ^ (value.len() as u64);
            mix = (mix.rotate_left(23) ^ word).wrapping_mul(FACTOR);
        }
        (mix >> (u64::BITS - PLACES.ilog2())) as usize
    }
}

/// The bytes of a short value, at most [`SHORT`], as two numbers: with the length they tell it from every other. Of a
/// longer value, its start and its end.
#[inline]
fn ends(value: &[u8]) -> (u64, u64) {
    if let (Some(start), Some(end)) = (value.first_chunk(), value.last_chunk()) {
        return (u64::from_le_bytes(*start), u64::from_le_bytes(*end));
    }
    if let (Some(start), Some(end)) = (value.first_chunk(), value.last_chunk()) {
        return (
            u64::from(u32::from_le_bytes(*start)),
            u64::from(u32::from_le_bytes(*end)),
        );
    }
    match value {
        [] => (0, 0),
        [only] => (u64::from(*only), 0),
        [first, .., last] => (
            u64::from(*first) | u64::from(value[value.len() / 2]) << 8,
            u64::from(*last),
        ),
    }
}

/// Up to so many bytes, a start and an end of eight bytes cover a value.
const SHORT: usize = 16;

/// Compares as `==` does. For the few bytes that label values have, `==` spends most of its time on calling `memcmp`.
#[inline]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    if left.len() <= SHORT {
        ends(left) == ends(right)
    } else {
        left == right
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::same;

    proptest! {
        #[test]
        fn sameness_is_equality(
            left in proptest::collection::vec(0_u8..3, 0..20),
            right in proptest::collection::vec(0_u8..3, 0..20),
            at in 0_usize..20,
        ) {
            prop_assert_eq!(same(&left, &right), left == right);
            prop_assert!(same(&left, &left.clone()));
            let mut other = left.clone();
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 0x80;
                prop_assert!(!same(&left, &other));
            }
        }
    }
}
