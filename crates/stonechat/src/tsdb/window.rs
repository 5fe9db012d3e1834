//! Ranges of time, one after the other.

use std::time::Duration;

use stonechat_model::{TimeRange, Timestamp};

/// The parts of a range that begin at whole multiples of `length`.
pub(super) fn windows(range: TimeRange, length: Duration) -> Vec<TimeRange> {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
    let (mut start, end) = (range.start.millis(), range.end.millis());
    let mut windows = Vec::new();
    while start <= end {
        let last = (start.div_euclid(length) + 1)
            .saturating_mul(length)
            .saturating_sub(1)
            .min(end);
        windows.push(TimeRange {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(last),
        });
        let Some(next) = last.checked_add(1) else {
            break;
        };
        start = next;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_at_whole_multiples() {
        let range = |start, end| TimeRange {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(end),
        };
        let of = |start, end| windows(range(start, end), Duration::from_millis(10));
        assert_eq!(of(5, 25), [range(5, 9), range(10, 19), range(20, 25)]);
        assert_eq!(of(-5, 0), [range(-5, -1), range(0, 0)]);
        assert_eq!(of(10, 19), [range(10, 19)]);
        assert_eq!(of(3, 2), []);
    }
}
