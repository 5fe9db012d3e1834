//! When a target is scraped. Pure: every function takes the time.
//!
//! A target's scrapes lie on a grid of its interval, moved by an offset that its identity determines. The grid is fixed to the epoch, so
//! the same target is scraped at the same moments after a restart or a reload, and nothing drifts.

use std::time::Duration;

use stonechat_model::Timestamp;

/// How far from the grid a scrape may begin and still be written down as on it. Samples exactly on the grid
/// compress far better. The same as in Prometheus: 2 ms, but at most a hundredth of the interval.
const TOLERANCE_MILLIS_MAX: i64 = 2;

/// The grid of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    interval: i64,
    offset: i64,
}

impl Schedule {
    /// The grid of a target with this identity. `seed` moves all targets of a server.
    pub(crate) fn new(interval: Duration, identity: &str, seed: u64) -> Self {
        let interval = i64::try_from(interval.as_millis())
            .unwrap_or(i64::MAX)
            .max(1);
        let hash = fnv1a(identity) ^ seed;
        let offset = i64::try_from(hash % interval.unsigned_abs()).unwrap_or_default();
        Self { interval, offset }
    }

    /// The first point of the grid that is not before `now`.
    pub(crate) fn first(self, now: Timestamp) -> Timestamp {
        let behind = (now.millis() - self.offset).rem_euclid(self.interval);
        let wait = if behind == 0 {
            0
        } else {
            self.interval - behind
        };
        Timestamp::from_millis(now.millis().saturating_add(wait))
    }

    /// The point after `last`, the point of the scrape that ended at `now`. Points that have passed meanwhile are lost. A clock
    /// that was set back starts anew.
    pub(crate) fn next(self, last: Timestamp, now: Timestamp) -> Timestamp {
        let following = last.millis().saturating_add(self.interval);
        if now.millis() < last.millis() - self.interval {
            self.first(now)
        } else if now.millis() <= following {
            Timestamp::from_millis(following)
        } else {
            self.first(now)
        }
    }

    /// How many points lie between one and a later one.
    pub(crate) fn missed(self, last: Timestamp, next: Timestamp) -> u64 {
        let steps = next.millis().saturating_sub(last.millis()) / self.interval;
        u64::try_from(steps - 1).unwrap_or_default()
    }

    /// The time that is written down for a scrape that was meant for `point` and begins at `now`.
    pub(crate) fn align(self, point: Timestamp, now: Timestamp) -> Timestamp {
        let tolerance = TOLERANCE_MILLIS_MAX.min(self.interval / 100);
        if (now.millis() - point.millis()).abs() <= tolerance {
            point
        } else {
            now
        }
    }
}

/// FNV-1a: short, and the same in every version of every program.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        interval: 1000,
        offset: 300,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_first_point_lies_on_the_grid() {
        for (now, point) in [(0, 300), (299, 300), (300, 300), (301, 1300), (-800, -700)] {
            assert_eq!(SCHEDULE.first(at(now)), at(point), "{now}");
        }
    }

    #[test]
    fn nothing_drifts_and_a_slow_scrape_loses_points() {
        for (last, now, point) in [
            (300, 310, 1300),
            (300, 1299, 1300),
            (300, 1300, 1300),
            (300, 1301, 2300),
            (300, 5000, 5300),
            // A timer that fires a little early must not give the same point again.
            (1300, 1299, 2300),
            // The clock was set back by an hour.
            (3_600_300, 400, 1300),
        ] {
            assert_eq!(
                SCHEDULE.next(at(last), at(now)),
                at(point),
                "{last} at {now}"
            );
        }
        assert_eq!(SCHEDULE.missed(at(300), at(1300)), 0);
        assert_eq!(SCHEDULE.missed(at(300), at(5300)), 4);
    }

    #[test]
    fn times_within_the_tolerance_are_written_as_planned() {
        for (point, now, written) in [
            (300, 300, 300),
            (300, 302, 300),
            (300, 303, 303),
            (300, 299, 300),
        ] {
            assert_eq!(SCHEDULE.align(at(point), at(now)), at(written));
        }
        let fast = Schedule {
            interval: 100,
            offset: 0,
        };
        assert_eq!(fast.align(at(100), at(102)), at(102));
    }

    #[test]
    fn targets_are_spread_over_the_interval() {
        let quarters = (0..1000).map(|target| {
            let url = format!("http://10.0.0.1:{target}/metrics");
            Schedule::new(Duration::from_secs(1), &url, 0).offset / 250
        });
        let mut counts = [0; 4];
        for quarter in quarters {
            counts[usize::try_from(quarter).unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (200..300).contains(count)),
            "{counts:?}"
        );
    }
}
