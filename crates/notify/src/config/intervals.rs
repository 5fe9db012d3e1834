//! Reads the time intervals of `alertmanager.yml`.

use std::ops::{Range, RangeInclusive};

use jiff::tz::TimeZone;
use serde::Deserialize;
use stonechat_model::yaml::Spanned;

use super::check::Check;
use super::file::Text;
use crate::interval::Interval;

/// A named list of spans.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntervalFile {
    pub(super) name: Text,
    pub(super) time_intervals: Option<Vec<SpanFile>>,
}

/// One span.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanFile {
    times: Option<Vec<TimesFile>>,
    weekdays: Option<Vec<Text>>,
    days_of_month: Option<Vec<Text>>,
    months: Option<Vec<Text>>,
    years: Option<Vec<Text>>,
    location: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimesFile {
    start_time: Text,
    end_time: Text,
}

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The shortest month: a span that is empty even there, counted from both ends, is always empty.
const DAYS_MIN: i16 = 28;

/// Checks a list of spans. What is wrong in it goes to `check`.
pub(super) fn intervals(check: &mut Check<'_>, spans: &[SpanFile]) -> Vec<Interval> {
    spans.iter().map(|span| interval(check, span)).collect()
}

fn interval(check: &mut Check<'_>, span: &SpanFile) -> Interval {
    let times = span.times.iter().flatten();
    Interval {
        times: times.filter_map(|times| minutes(check, times)).collect(),
        weekdays: ranges(check, span.weekdays.as_ref(), weekday),
        days_of_month: days(check, span.days_of_month.as_ref()),
        months: ranges(check, span.months.as_ref(), month),
        years: ranges(check, span.years.as_ref(), year),
        zone: zone(check, span.location.as_ref()),
    }
}

fn minutes(check: &mut Check<'_>, times: &TimesFile) -> Option<Range<i16>> {
    let mut minute = |text: &Text| {
        let minute = minute_of_day(&text.value);
        if minute.is_none() {
            check.at(
                text,
                format!(
                    "`{}` is not a time of day; write for example 09:00 or 24:00",
                    text.value
                ),
            );
        }
        minute
    };
    let (start, end) = (minute(&times.start_time), minute(&times.end_time));
    let (start, end) = (start?, end?);
    if start >= end {
        let (from, to) = (&times.start_time.value, &times.end_time.value);
        check.at(
            &times.start_time,
            format!("the start `{from}` is not before the end `{to}`"),
        );
    }
    Some(start..end)
}

/// `09:30` in minutes; the day ends with 24:00.
fn minute_of_day(text: &str) -> Option<i16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i16>().ok()).flatten()
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let valid = (hour < 24 && minute < 60) || (hour, minute) == (24, 0);
    valid.then_some(hour * 60 + minute)
}

fn weekday(text: &str) -> Result<i16, String> {
    position(&WEEKDAYS, text).ok_or_else(|| format!("`{text}` is not a weekday"))
}

fn month(text: &str) -> Result<i16, String> {
    let by_name = position(&MONTHS, text).map(|index| index + 1);
    by_name
        .or_else(|| text.parse().ok())
        .filter(|month| (1..=12).contains(month))
        .ok_or_else(|| format!("`{text}` is not a month"))
}

fn year(text: &str) -> Result<i16, String> {
    text.parse().map_err(|_| format!("`{text}` is not a year"))
}

fn day_of_month(text: &str) -> Result<i16, String> {
    text.parse()
        .ok()
        .filter(|day| *day != 0 && (-31..=31).contains(day))
        .ok_or_else(|| {
            format!(
                "`{text}` is not a day of the month: 1 to 31, or -31 to -1 counted from its end"
            )
        })
}

fn position(names: &[&str], text: &str) -> Option<i16> {
    let index = names.iter().position(|name| *name == text)?;
    i16::try_from(index).ok()
}

fn days(check: &mut Check<'_>, texts: Option<&Vec<Text>>) -> Vec<RangeInclusive<i16>> {
    let from_start = |day: i16| if day < 0 { DAYS_MIN + day } else { day };
    let mut days = Vec::new();
    for text in texts.into_iter().flatten() {
        let Some((first, last)) = range(check, text, day_of_month) else {
            continue;
        };
        if (first < 0 && last > 0) || from_start(first) > from_start(last) {
            check.at(text, backwards(text));
        }
        days.push(first..=last);
    }
    days
}

fn ranges(
    check: &mut Check<'_>,
    texts: Option<&Vec<Text>>,
    read: fn(&str) -> Result<i16, String>,
) -> Vec<RangeInclusive<i16>> {
    let mut ranges = Vec::new();
    for text in texts.into_iter().flatten() {
        let Some((first, last)) = range(check, text, read) else {
            continue;
        };
        if first > last {
            check.at(text, backwards(text));
        }
        ranges.push(first..=last);
    }
    ranges
}

fn backwards(text: &Text) -> String {
    format!("the range `{}` ends before it begins", text.value)
}

/// `first:last`, or one value for both.
fn range(
    check: &mut Check<'_>,
    text: &Spanned<String>,
    read: fn(&str) -> Result<i16, String>,
) -> Option<(i16, i16)> {
    let lower = text.value.to_lowercase();
    let (first, last) = lower.split_once(':').unwrap_or((&lower, &lower));
    match (read(first), read(last)) {
        (Ok(first), Ok(last)) => Some((first, last)),
        (Err(message), _) | (_, Err(message)) => {
            check.at(text, message);
            None
        }
    }
}

fn zone(check: &mut Check<'_>, location: Option<&Text>) -> TimeZone {
    let Some(location) = location else {
        return TimeZone::UTC;
    };
    let zone = match location.value.as_str() {
        "" | "UTC" => Ok(TimeZone::UTC),
        "Local" => TimeZone::try_system(),
        name => TimeZone::get(name),
    };
    zone.unwrap_or_else(|_| {
        check.at(
            location,
            format!("the time zone `{}` is not known here", location.value),
        );
        TimeZone::UTC
    })
}
