//! When counters begin to count.

/// A sample's times: when its counting began (0 when nobody said) and its own, in milliseconds.
pub(crate) type Counting = (i64, i64);

/// True when the later of two samples says that its counting began after the earlier one.
pub(crate) const fn is_start_of_counting(
    (before_start, before): Counting,
    (start, time): Counting,
) -> bool {
    if start == 0 || start >= time || start < before {
        return false;
    }
    if start > before {
        return true;
    }
    // It began exactly at the earlier sample. Where that began there as well, it is an older kind of marker.
    before_start < before && before_start != 0
}

/// True when a sample's counting began before the earlier sample, yet not when that one's did.
pub(crate) const fn overlaps((before_start, before): Counting, start: i64) -> bool {
    start != 0 && start < before && start != before_start
}

/// A sample's times, if anybody said when its counting began.
pub(crate) fn counting(starts: &[i64], index: usize, time: i64) -> Counting {
    (starts.get(index).copied().unwrap_or_default(), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_after_the_sample_before_is_a_reset() {
        for (before, after, expected) in [
            ((0, 10), (0, 20), false),
            ((5, 10), (5, 20), false),
            ((5, 10), (15, 20), true),
            ((5, 10), (20, 20), false),
            ((5, 10), (10, 20), true),
            ((10, 10), (10, 20), false),
            ((0, 10), (10, 20), false),
            ((12, 10), (10, 20), false),
        ] {
            assert_eq!(
                is_start_of_counting(before, after),
                expected,
                "{before:?} {after:?}"
            );
        }
        assert!(overlaps((5, 10), 7) && !overlaps((5, 10), 5) && !overlaps((5, 10), 12));
    }
}
