//! Parts of a date, in UTC, from seconds since the epoch.
//!
//! Own code: this is one short algorithm (Howard Hinnant's `civil_from_days`), and a library's calendar ends at some year where
//! a sample's value need not.

use super::Function;

/// The computation of date functions.
pub(super) fn part(function: Function) -> Option<fn(f64) -> f64> {
    Some(match function {
        Function::DayOfMonth => |value| with_date(value, |date| date.day),
        // 1970-01-01 was a Thursday.
        Function::DayOfWeek => |value| with_days(value, |days| (days + 4).rem_euclid(7)),
        Function::DayOfYear => |value| with_date(value, Date::day_of_year),
        Function::DaysInMonth => |value| with_date(value, Date::days_in_month),
        Function::Hour => |value| with_seconds(value, |seconds| seconds.rem_euclid(86_400) / 3600),
        Function::Minute => |value| with_seconds(value, |seconds| seconds.rem_euclid(3600) / 60),
        Function::Month => |value| with_date(value, |date| date.month),
        Function::Year => |value| with_date(value, |date| date.year),
        _ => return None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the bound is checked before, and parts of a date are small"
)]
fn with_seconds(value: f64, part: impl Fn(i64) -> i64) -> f64 {
    // Beyond this no calendar makes sense, and sums would overflow.
    const SECONDS_MAX: f64 = 1e17;
    if value.abs() <= SECONDS_MAX {
        part(value.trunc() as i64) as f64
    } else {
        f64::NAN
    }
}

fn with_days(value: f64, part: impl Fn(i64) -> i64) -> f64 {
    with_seconds(value, |seconds| part(seconds.div_euclid(86_400)))
}

fn with_date(value: f64, part: impl Fn(Date) -> i64) -> f64 {
    with_days(value, |days| part(Date::from_days(days)))
}

/// A moment in whole seconds: `2026-11-27T13:00:00Z`.
pub(crate) fn rfc3339(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let Date { year, month, day } = Date::from_days(seconds.div_euclid(86_400));
    let within = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (within / 3600, within / 60 % 60, within % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// The date so many days after 1970-01-01.
    fn from_days(days: i64) -> Self {
        // Counted from 0000-03-01, so that the leap day is the last of its year.
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day }
    }

    fn is_leap(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn day_of_year(self) -> i64 {
        let before = (1..self.month).map(|month| Self { month, ..self }.days_in_month());
        before.sum::<i64>() + self.day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_kinds_of_years() {
        for (days, year, month, day, day_of_year) in [
            (0, 1970, 1, 1, 1),
            (-1, 1969, 12, 31, 365),
            (11_016, 2000, 2, 29, 60),
            (17_166, 2016, 12, 31, 366),
            (19_357, 2022, 12, 31, 365),
            (-719_468, 0, 3, 1, 61),
            (47_541, 2100, 3, 1, 60),
        ] {
            let date = Date::from_days(days);
            assert_eq!(date, Date { year, month, day });
            assert_eq!(date.day_of_year(), day_of_year);
        }
    }

    #[test]
    fn values_that_are_no_date_give_nan() {
        let year = part(Function::Year).unwrap();
        assert!(year(f64::NAN).is_nan() && year(f64::INFINITY).is_nan() && year(1e300).is_nan());
    }
}
