//! When groups are evaluated.

use std::time::Duration;

use stonechat_model::Timestamp;

/// The moments of a group: one every interval, shifted by an offset that differs from group to group, so that not
/// all of them work at the same moment. The same group has the same moments after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    interval: i64,
    offset: i64,
}

impl Schedule {
    pub fn new(file: &str, name: &str, interval: Duration) -> Self {
        let interval = i64::try_from(interval.as_millis())
            .unwrap_or(i64::MAX)
            .max(1);
        let offset = hash(file, name) % interval.unsigned_abs();
        Self {
            interval,
            offset: i64::try_from(offset).unwrap_or(0),
        }
    }

    /// The last moment at or before `now`.
    pub fn before(self, now: Timestamp) -> Timestamp {
        let millis = now.millis() - self.offset;
        Timestamp::from_millis(millis - millis.rem_euclid(self.interval) + self.offset)
    }

    /// The next moment after `now`.
    pub fn after(self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(self.before(now).millis() + self.interval)
    }

    /// How long to wait after the moment `last`, when it is `now`. Never longer than an interval, even if the clock
    /// was set back.
    pub fn wait(self, last: Timestamp, now: Timestamp) -> Duration {
        let next = if now < last {
            self.after(now)
        } else {
            Timestamp::from_millis(last.millis() + self.interval)
        };
        next.since(now)
    }

    /// The moment to evaluate for when it is `now` and `last` was the moment before, and how many moments in
    /// between were missed.
    pub fn next(self, last: Timestamp, now: Timestamp) -> (Timestamp, u64) {
        if now < last {
            return (self.before(now), 0);
        }
        // A timer may end a little early.
        let passed = (now.millis() - last.millis())
            .div_euclid(self.interval)
            .max(1);
        let moment = Timestamp::from_millis(last.millis() + passed * self.interval);
        (moment, (passed - 1).unsigned_abs())
    }
}

/// FNV-1a over both texts: any hash that stays the same between versions would do.
fn hash(file: &str, name: &str) -> u64 {
    let bytes = file.bytes().chain([0xff]).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn moments_lie_an_interval_apart_and_do_not_drift() {
        let schedule = Schedule {
            interval: 1000,
            offset: 300,
        };
        assert_eq!(schedule.before(at(5299)), at(4300));
        assert_eq!(schedule.before(at(5300)), at(5300));
        assert_eq!(schedule.after(at(5300)), at(6300));
        assert_eq!(schedule.before(at(-1)), at(-700));
        // An evaluation that starts late does not move the next moment.
        assert_eq!(schedule.next(at(5300), at(6342)), (at(6300), 0));
        // Two moments passed while one evaluation ran.
        assert_eq!(schedule.next(at(5300), at(8400)), (at(8300), 2));
        assert_eq!(schedule.next(at(5300), at(6299)), (at(6300), 0));
        assert_eq!(
            schedule.wait(at(5300), at(5400)),
            Duration::from_millis(900)
        );
        assert_eq!(schedule.wait(at(5300), at(8400)), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_a_group() {
        let schedule = Schedule {
            interval: 1000,
            offset: 300,
        };
        assert_eq!(
            schedule.wait(at(5_000_300), at(1000)),
            Duration::from_millis(300)
        );
        assert_eq!(schedule.next(at(5_000_300), at(1300)), (at(1300), 0));
    }

    #[test]
    fn groups_are_spread() {
        let interval = Duration::from_secs(60);
        let offsets: std::collections::BTreeSet<i64> = (0..100)
            .map(|index| Schedule::new("rules.yml", &format!("g{index}"), interval).offset)
            .collect();
        assert!(offsets.len() > 95);
        assert_eq!(
            Schedule::new("a", "b", interval),
            Schedule::new("a", "b", interval)
        );
    }
}
