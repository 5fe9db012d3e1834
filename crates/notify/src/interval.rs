//! Spans of the calendar: working hours, weekends, holidays. A route may be silent in them, or outside of them.

use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use stonechat_model::Timestamp;

/// A span that recurs. Each part that is not empty has to hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interval {
    /// Minutes of the day, the last one excluded.
    pub(crate) times: Vec<std::ops::Range<i16>>,
    /// 0 is Sunday.
    pub(crate) weekdays: Vec<RangeInclusive<i16>>,
    /// Negative days count from the month's end.
    pub(crate) days_of_month: Vec<RangeInclusive<i16>>,
    pub(crate) months: Vec<RangeInclusive<i16>>,
    pub(crate) years: Vec<RangeInclusive<i16>>,
    pub(crate) zone: TimeZone,
}

impl Interval {
    /// True when the moment lies in the span, by the clock of its zone.
    pub(crate) fn contains(&self, now: Timestamp) -> bool {
        let Ok(moment) = jiff::Timestamp::from_millisecond(now.millis()) else {
            return false;
        };
        let local = self.zone.to_datetime(moment);
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        let holds = |ranges: &[RangeInclusive<i16>], value: i16| {
            ranges.is_empty() || ranges.iter().any(|range| range.contains(&value))
        };
        (self.times.is_empty() || self.times.iter().any(|range| range.contains(&minute)))
            && self.holds_on_day(local)
            && holds(&self.months, i16::from(local.month()))
            && holds(
                &self.weekdays,
                i16::from(local.weekday().to_sunday_zero_offset()),
            )
            && holds(&self.years, local.year())
    }

    fn holds_on_day(&self, local: DateTime) -> bool {
        let length = i16::from(days_in_month(local.date()));
        let day = i16::from(local.day());
        let from_start = |day: i16| if day < 0 { length + day + 1 } else { day };
        self.days_of_month.is_empty()
            || self.days_of_month.iter().any(|range| {
                // The 31st of a month that has 30 days does not come; it is not the 30th.
                let first = from_start(*range.start());
                first <= length && (first..=from_start(*range.end())).contains(&day)
            })
    }
}

fn days_in_month(date: Date) -> i8 {
    date.days_in_month()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::parse_intervals;

    /// Whether each moment lies in the interval.
    fn check(yaml: &str, moments: &[(&str, bool)]) {
        let intervals = parse_intervals(Path::new("i.yml"), yaml).unwrap();
        for (moment, expected) in moments {
            let now = moment.parse::<jiff::Timestamp>().unwrap();
            let now = stonechat_model::Timestamp::from_millis(now.as_millisecond());
            let contains = intervals.iter().any(|interval| interval.contains(now));
            assert_eq!(contains, *expected, "{moment} in {yaml}");
        }
    }

    #[test]
    fn times_exclude_their_end() {
        check(
            "- times: [{start_time: '09:00', end_time: '17:00'}]",
            &[
                ("2026-11-23T08:59:59Z", false),
                ("2026-11-23T09:00:00Z", true),
                ("2026-11-23T16:59:59Z", true),
                ("2026-11-23T17:00:00Z", false),
            ],
        );
        check(
            "- times: [{start_time: '23:00', end_time: '24:00'}]",
            &[("2026-11-23T23:59:59Z", true)],
        );
    }

    #[test]
    fn weekdays_months_and_years_are_names_numbers_or_ranges() {
        check(
            "- weekdays: ['Monday:friday']\n  months: ['11:december', 'may']\n  years: ['2026']",
            &[
                ("2026-11-22T12:00:00Z", false),
                ("2026-11-23T12:00:00Z", true),
                ("2026-05-29T12:00:00Z", true),
                ("2026-10-05T12:00:00Z", false),
                ("2027-11-22T12:00:00Z", false),
            ],
        );
        check(
            "- weekdays: ['saturday', 'sunday']",
            &[("2026-11-22T12:00:00Z", true)],
        );
    }

    #[test]
    fn days_count_from_both_ends_of_a_month() {
        check(
            "- days_of_month: ['1:5', '-3:-1']",
            &[
                ("2026-02-01T00:00:00Z", true),
                ("2026-02-06T00:00:00Z", false),
                ("2026-02-25T00:00:00Z", false),
                ("2026-02-26T00:00:00Z", true),
                ("2024-02-26T00:00:00Z", false),
                ("2024-02-29T00:00:00Z", true),
            ],
        );
        check(
            "- days_of_month: ['31']",
            &[
                ("2026-11-30T00:00:00Z", false),
                ("2026-10-31T00:00:00Z", true),
            ],
        );
    }

    #[test]
    fn the_clock_is_that_of_the_location() {
        check(
            "- times: [{start_time: '09:00', end_time: '10:00'}]\n  location: Asia/Shanghai",
            &[
                ("2026-11-23T01:30:00Z", true),
                ("2026-11-23T09:30:00Z", false),
            ],
        );
        // Summer time moves the span.
        check(
            "- times: [{start_time: '09:00', end_time: '10:00'}]\n  location: Europe/Berlin",
            &[
                ("2026-07-01T07:30:00Z", true),
                ("2026-12-01T07:30:00Z", false),
            ],
        );
    }

    #[test]
    fn an_interval_without_parts_always_holds() {
        check("- {}", &[("2026-11-23T01:30:00Z", true)]);
        check("[]", &[("2026-11-23T01:30:00Z", false)]);
    }

    #[test]
    fn what_can_never_hold_is_refused() {
        for (yaml, message) in [
            (
                "- times: [{start_time: '17:00', end_time: '09:00'}]",
                "the start `17:00` is not before the end `09:00`",
            ),
            (
                "- times: [{start_time: '9:00', end_time: '24:00'}]",
                "`9:00` is not a time of day; write for example 09:00 or 24:00",
            ),
            (
                "- times: [{start_time: '09:00', end_time: '24:01'}]",
                "`24:01` is not a time of day; write for example 09:00 or 24:00",
            ),
            (
                "- weekdays: ['friday:monday']",
                "the range `friday:monday` ends before it begins",
            ),
            ("- weekdays: ['funday']", "`funday` is not a weekday"),
            (
                "- days_of_month: ['0']",
                "`0` is not a day of the month: 1 to 31, or -31 to -1 counted from its end",
            ),
            (
                "- days_of_month: ['-1:5']",
                "the range `-1:5` ends before it begins",
            ),
            (
                "- days_of_month: ['10:-25']",
                "the range `10:-25` ends before it begins",
            ),
            ("- months: ['13']", "`13` is not a month"),
            (
                "- years: ['2027:2026']",
                "the range `2027:2026` ends before it begins",
            ),
            (
                "- location: Mars/Base",
                "the time zone `Mars/Base` is not known here",
            ),
        ] {
            let problems = parse_intervals(Path::new("i.yml"), yaml).unwrap_err();
            assert_eq!(problems.0[0].message, message, "{yaml}");
            assert!(problems.0[0].place.is_some(), "{yaml}");
        }
    }
}
