//! When a query is asked. Pure: every function takes the time.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::tz::TimeZone;
use stonechat_model::Timestamp;

use crate::plan::{Query, Schedule};

/// A query language looks back five minutes for the last sample of a series. The value of a query that is asked less often is stored
/// again at this pace, so that its series does not end in between.
const REPEAT_INTERVAL: Duration = Duration::from_secs(60);

/// So many moments queries are spread over. Waking up costs more than a small query does, and those that share a moment share that.
const MOMENTS: u32 = 60;

/// Why a schedule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Nothing can be asked all the time.
    #[error("the interval is zero")]
    ZeroInterval,
    /// Five fields, or six with seconds in front.
    #[error("`{expression}` is no cron expression: {reason}")]
    Cron {
        /// As it is written.
        expression: String,
        /// What is wrong.
        reason: String,
    },
    /// Such as `Asia/Shanghai` or `UTC`.
    #[error("`{0}` is no time zone of the time-zone database")]
    Zone(String),
}

/// The times of one query.
#[derive(Debug, Clone)]
pub struct Timetable {
    pace: Pace,
    delay: Duration,
    repeat: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Pace {
    Every { interval: i64, offset: i64 },
    Cron { cron: Box<Cron>, zone: TimeZone },
}

impl Timetable {
    /// The times of a query. Its name decides by how much of its jitter it is asked later than the schedule says, so that not all
    /// queries are asked at once, and each at the same moments after a restart.
    ///
    /// # Errors
    /// When the schedule is none.
    pub fn new(query: &Query) -> Result<Self, ScheduleError> {
        let hash = fnv1a(&format!("{}\0{}", query.name, query.source.name));
        // Rounded down, so that it is less than the whole.
        let delay = query.jitter / MOMENTS * u32::try_from(hash % u64::from(MOMENTS)).unwrap_or(0);
        match &query.schedule {
            Schedule::Every(interval) if interval.as_millis() == 0 => {
                Err(ScheduleError::ZeroInterval)
            }
            Schedule::Every(interval) => Ok(Self {
                pace: Pace::Every {
                    interval: millis(*interval),
                    offset: millis(delay),
                },
                delay: Duration::ZERO,
                repeat: (*interval > REPEAT_INTERVAL).then_some(REPEAT_INTERVAL),
            }),
            Schedule::Cron {
                expression,
                zone,
                repeat,
            } => Ok(Self {
                pace: Pace::Cron {
                    cron: Box::new(Cron::from_str(expression).map_err(|error| {
                        ScheduleError::Cron {
                            expression: expression.clone(),
                            reason: error.to_string(),
                        }
                    })?),
                    zone: TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.clone()))?,
                },
                delay,
                repeat: Some(*repeat),
            }),
        }
    }

    /// The next time after this one; `None` for a cron expression that never comes again.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.pace {
            Pace::Every { interval, offset } => {
                let since = (after.millis() - offset).rem_euclid(*interval);
                Some(Timestamp::from_millis(
                    after.millis().saturating_add(interval - since),
                ))
            }
            Pace::Cron { cron, zone } => {
                // The delay belongs to the time before it.
                let after = after.minus(self.delay);
                let moment = jiff::Timestamp::from_millisecond(after.millis()).ok()?;
                let next = cron
                    .find_next_occurrence(&moment.to_zoned(zone.clone()), false)
                    .ok()?;
                let next = Timestamp::from_millis(next.timestamp().as_millisecond());
                Some(next.plus(self.delay))
            }
        }
    }

    /// When the last value has to be stored again, if it has.
    #[must_use]
    pub fn repeat(&self, last_stored: Timestamp) -> Option<Timestamp> {
        self.repeat.map(|interval| last_stored.plus(interval))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
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
    use crate::testing::query;

    fn table(schedule: Schedule, jitter: Duration) -> Result<Timetable, ScheduleError> {
        let mut query = query("q");
        (query.schedule, query.jitter) = (schedule, jitter);
        Timetable::new(&query)
    }

    fn cron(expression: &str, zone: &str) -> Schedule {
        Schedule::Cron {
            expression: expression.to_owned(),
            zone: zone.to_owned(),
            repeat: Duration::from_secs(60),
        }
    }

    fn at(text: &str) -> Timestamp {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(moment.as_millisecond())
    }

    #[test]
    fn an_interval_is_a_grid_that_does_not_drift() {
        let table = table(Schedule::Every(Duration::from_secs(15)), Duration::ZERO).unwrap();
        let first = table.next(at("2026-11-22T10:00:00Z")).unwrap();
        let mut last = first;
        for round in 1..100 {
            // Whenever the answer came within the interval.
            last = table
                .next(last.plus(Duration::from_millis(140 * round)))
                .unwrap();
            assert_eq!(
                last.since(first),
                Duration::from_secs(15) * u32::try_from(round).unwrap()
            );
        }
        assert_eq!(table.repeat(first), None);
    }

    #[test]
    fn a_cron_expression_goes_by_the_clock_on_the_wall() {
        for (expression, zone, after, next) in [
            (
                "0 9 * * *",
                "Asia/Shanghai",
                "2026-11-22T00:00:00Z",
                "2026-11-22T01:00:00Z",
            ),
            (
                "0 9 * * *",
                "UTC",
                "2026-11-22T09:00:00Z",
                "2026-11-23T09:00:00Z",
            ),
            // There is no 02:30 on the day when summer begins, and two on the day when it ends.
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-24T12:00:00Z",
                "2026-10-25T00:30:00Z",
            ),
            (
                "*/10 * * * * *",
                "UTC",
                "2026-11-22T00:00:01Z",
                "2026-11-22T00:00:10Z",
            ),
        ] {
            let table = table(cron(expression, zone), Duration::ZERO).unwrap();
            let found = table.next(at(after)).unwrap();
            assert_eq!(found, at(next), "{expression} in {zone} after {after}");
        }
    }

    /// Clocks go forward and back; each time of the day comes once, and each time of an hour once an hour.
    #[test]
    fn cron_expressions_when_clocks_change() {
        let times = |expression: &str, zone: &str, after: &str, until: &str| {
            let table = table(cron(expression, zone), Duration::ZERO).unwrap();
            let (mut now, until, mut times) = (at(after), at(until), Vec::new());
            while let Some(next) = table.next(now).filter(|next| *next < until) {
                times.push(next);
                now = next;
            }
            times
        };
        // Forward in Berlin: from 02:00 to 03:00 local time, at 01:00 UTC. What is not there is asked at the change.
        assert_eq!(
            times(
                "30 2 * * *",
                "Europe/Berlin",
                "2026-03-28T00:00:00Z",
                "2026-03-31T00:00:00Z"
            ),
            [
                at("2026-03-28T01:30:00Z"),
                at("2026-03-29T01:00:00Z"),
                at("2026-03-30T00:30:00Z")
            ]
        );
        // Back: from 03:00 to 02:00, at 01:00 UTC. What comes twice is asked at the first.
        assert_eq!(
            times(
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-24T12:00:00Z",
                "2026-10-27T00:00:00Z"
            ),
            [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]
        );
        for (after, until) in [
            ("2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z"),
            ("2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z"),
        ] {
            let hourly = times("0 * * * *", "Europe/Berlin", after, until);
            assert_eq!(hourly.len(), 47, "{after}");
            let hour = Duration::from_secs(3600);
            assert!(hourly.windows(2).all(|two| two[1].since(two[0]) == hour));
        }
    }

    #[test]
    fn jitter_is_the_most_by_which_a_query_is_late() {
        let interval = Duration::from_secs(60);
        let late = |jitter| {
            let table = table(Schedule::Every(interval), jitter).unwrap();
            let next = table.next(at("2026-11-22T10:00:00Z")).unwrap();
            next.since(at("2026-11-22T10:00:00Z"))
        };
        assert_eq!(late(Duration::ZERO), interval, "on the minute");
        let spread = late(Duration::from_secs(10));
        assert!(spread > Duration::ZERO && spread < Duration::from_secs(10));
    }

    #[test]
    fn jitter_delays_each_time_by_the_same() {
        let plain = table(cron("0 * * * *", "UTC"), Duration::ZERO).unwrap();
        let late = table(cron("0 * * * *", "UTC"), Duration::from_secs(60)).unwrap();
        let mut now = at("2026-11-22T00:30:00Z");
        let mut delays = Vec::new();
        for _ in 0..5 {
            let next = late.next(now).unwrap();
            delays.push(next.since(plain.next(now).unwrap()));
            now = next;
        }
        assert!(delays.iter().all(|delay| *delay == delays[0]), "{delays:?}");
        assert!(delays[0] > Duration::ZERO && delays[0] < Duration::from_secs(60));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        let none = Duration::ZERO;
        assert_eq!(
            table(Schedule::Every(none), none).unwrap_err(),
            ScheduleError::ZeroInterval
        );
        let error = table(cron("99 * * * *", "UTC"), none).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`99 * * * *` is no cron expression"),
            "{error}"
        );
        let error = table(cron("0 9 * * *", "Asia/Shang"), none).unwrap_err();
        assert_eq!(error, ScheduleError::Zone("Asia/Shang".to_owned()));
    }
}
