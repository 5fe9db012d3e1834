//! Numbers to which many threads add, without taking turns.
//!
//! A locked addition takes some twenty cycles even where nobody else is, and many times that where threads want the
//! same line of the cache. So the thread that adds first has a place of its own, where it adds without a lock, and all
//! others share a second one. Threads that are in each other's way there are sent to places that are far apart. What is
//! shown is the sum of all places; as each of them only grows, so does what is shown.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::add_to_bits;

/// A place, of which there can be more.
pub trait Place: Sized {
    /// Another one, with zeros.
    fn alike(&self) -> Self;

    /// A number that is another one after each addition.
    fn stamp(&self) -> u64;
}

/// The places of one series.
pub struct Places<T> {
    /// Who adds to `own`: the number of a thread, [`NOBODY`], or [`APART`].
    owner: AtomicU64,
    own: T,
    common: T,
    apart: OnceLock<Box<[Apart<T>]>>,
}

/// Far enough from its neighbours: processors fetch lines of the cache in pairs.
#[repr(align(128))]
struct Apart<T>(T);

/// No thread has added yet. Threads that have no number yet have another one than this, so that they own nothing.
const NOBODY: u64 = u64::MAX;

/// Every thread has gone to one of the places that are far apart.
const APART: u64 = u64::MAX - 1;

/// Most places that are far apart.
const APART_MAX: usize = 32;

/// A thread looks after so many additions to common places whether others are in its way; odd, so that it does not
/// find the same series each time.
const LOOK_EVERY: u32 = 1_021;

/// So many glances in a row, a fraction of a microsecond each, have to find another thread at work. At a hundred thousand
/// additions a second that takes hours, at a million it takes moments.
const GLANCES: usize = 4;

/// How many threads add to a place.
#[derive(Debug, Clone, Copy)]
pub enum Writers {
    One,
    Many,
}

impl Writers {
    /// Adds whole steps, and returns what was there before.
    #[inline]
    pub fn add(self, number: &AtomicU64, steps: u64) -> u64 {
        match self {
            Self::One => {
                let before = number.load(Ordering::Relaxed);
                number.store(before.wrapping_add(steps), Ordering::Relaxed);
                before
            }
            Self::Many => number.fetch_add(steps, Ordering::Relaxed),
        }
    }

    /// Adds to a float that is kept as bits, and says whether that was possible.
    #[inline]
    pub fn add_float(self, bits: &AtomicU64, value: f64) -> bool {
        match self {
            Self::One => {
                let sum = f64::from_bits(bits.load(Ordering::Relaxed)) + value;
                if sum.is_finite() {
                    bits.store(sum.to_bits(), Ordering::Relaxed);
                }
                sum.is_finite()
            }
            Self::Many => add_to_bits(bits, value),
        }
    }
}

impl<T: Place> Places<T> {
    pub fn new(first: T) -> Self {
        Self {
            owner: AtomicU64::new(NOBODY),
            common: first.alike(),
            own: first,
            apart: OnceLock::new(),
        }
    }

    /// Does something in the place of this thread.
    #[inline]
    pub fn here<A>(&self, action: impl Fn(&T, Writers) -> A) -> A {
        let thread = NUMBER.get();
        if self.owner.load(Ordering::Relaxed) == thread {
            action(&self.own, Writers::One)
        } else if let Some(apart) = self.apart.get() {
            // Their number is a power of two.
            let place = thread as usize & (apart.len() - 1);
            action(&apart[place].0, Writers::Many)
        } else if self.claim() {
            action(&self.own, Writers::One)
        } else {
            action(&self.common, Writers::Many)
        }
    }

    /// All places.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let apart = self.apart.get().into_iter().flatten();
        [&self.own, &self.common]
            .into_iter()
            .chain(apart.map(|apart| &apart.0))
    }

    /// The place for what all threads have to see at once.
    #[cfg(feature = "metrics")]
    pub fn common(&self) -> &T {
        &self.common
    }

    /// Makes the first thread the owner, and says whether it is this one. The others look out for each other.
    #[inline(never)]
    fn claim(&self) -> bool {
        let thread = number();
        let owner = &self.owner;
        if owner.load(Ordering::Relaxed) == NOBODY
            && (owner.compare_exchange(NOBODY, thread, Ordering::Relaxed, Ordering::Relaxed))
                .is_ok()
        {
            return true;
        }
        let additions = ADDITIONS.get().wrapping_add(1);
        ADDITIONS.set(additions);
        if additions.is_multiple_of(LOOK_EVERY) && self.is_crowded() {
            self.part();
        }
        false
    }

    /// Gives the threads places that are far apart; what was counted stays where it is.
    fn part(&self) {
        self.apart.get_or_init(|| {
            let places = (0..places_apart()).map(|_| Apart(self.common.alike()));
            places.collect()
        });
        self.owner.store(APART, Ordering::Relaxed);
    }

    fn is_crowded(&self) -> bool {
        let stamp = || self.own.stamp().wrapping_add(self.common.stamp());
        (0..GLANCES).all(|_| {
            let before = stamp();
            (0..8).for_each(|_| std::hint::spin_loop());
            stamp() != before
        })
    }
}

impl<T> fmt::Debug for Places<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places")
            .field("apart", &self.apart.get().map_or(0, |apart| apart.len()))
            .finish_non_exhaustive()
    }
}

thread_local! {
    /// The number of this thread, which no other ever has; zero until it has counted something.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    /// Additions of this thread to common places.
    static ADDITIONS: Cell<u32> = const { Cell::new(0) };
}

fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    if NUMBER.get() == 0 {
        NUMBER.set(LAST.fetch_add(1, Ordering::Relaxed) + 1);
    }
    NUMBER.get()
}

/// Twice as many as processors, so that few threads that run at once meet.
fn places_apart() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    (2 * processors).next_power_of_two().min(APART_MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    impl Place for AtomicU64 {
        fn alike(&self) -> Self {
            Self::new(0)
        }

        fn stamp(&self) -> u64 {
            self.load(Ordering::Relaxed)
        }
    }

    fn sum(places: &Places<AtomicU64>) -> u64 {
        places.iter().map(AtomicU64::stamp).sum()
    }

    fn is_alone(places: &Places<AtomicU64>) -> bool {
        places.here(|_, writers| matches!(writers, Writers::One))
    }

    #[test]
    fn the_first_thread_is_alone_in_its_place_until_threads_part() {
        let places = Places::new(AtomicU64::new(0));
        assert!(is_alone(&places) && is_alone(&places));
        thread::scope(|scope| {
            let other = scope.spawn(|| is_alone(&places));
            assert!(!other.join().unwrap());
        });
        assert!(is_alone(&places));
        places.part();
        assert!(!is_alone(&places));
    }

    #[test]
    fn no_addition_is_lost_and_no_sum_goes_down_while_threads_part() {
        const THREADS: u64 = 4;
        const ADDITIONS: u64 = 200_000;
        let places = Places::new(AtomicU64::new(0));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let adders: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let places = &places;
                    scope.spawn(move || {
                        for addition in 0..ADDITIONS {
                            places.here(|number, writers| writers.add(number, 1));
                            if thread == 0 && addition == ADDITIONS / 2 {
                                places.part();
                            }
                        }
                    })
                })
                .collect();
            let reader = scope.spawn(|| {
                let mut last = 0;
                while !over.load(Ordering::Relaxed) {
                    let now = sum(&places);
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                }
            });
            adders.into_iter().for_each(|adder| adder.join().unwrap());
            over.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        assert_eq!(sum(&places), THREADS * ADDITIONS);
    }

    #[test]
    fn floats_are_added_alone_and_together() {
        for writers in [Writers::One, Writers::Many] {
            let bits = AtomicU64::new(0);
            assert!(writers.add_float(&bits, 1.5) && writers.add_float(&bits, f64::MAX));
            assert!(!writers.add_float(&bits, f64::MAX), "it would be infinite");
            assert_eq!(f64::from_bits(bits.into_inner()), f64::MAX);
        }
    }
}
