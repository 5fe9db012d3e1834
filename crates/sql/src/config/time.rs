//! When and how long: Go's durations, cron expressions, time zones.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use stonechat_model::yaml::Spanned;

use super::check::Check;
use super::written::Text;
use crate::plan::Schedule;

/// How often a query is asked that does not say it.
pub(super) const INTERVAL_DEFAULT: Duration = Duration::from_secs(15);
/// How long a query may take that does not say it.
pub(super) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// How often the value of a query with a cron expression is stored again.
pub(super) const REPEAT_DEFAULT: Duration = Duration::from_mins(1);
/// Most rows of an answer.
pub(super) const ROWS_MAX_DEFAULT: usize = 10_000;

/// Queries are spread over their whole interval. A time of day is meant as it is written.
pub(super) fn jitter_default(schedule: &Schedule) -> Duration {
    match schedule {
        Schedule::Every(interval) => *interval,
        Schedule::Cron { .. } => Duration::ZERO,
    }
}

/// An answer is not waited for longer than until the next question.
pub(super) fn timeout_default(schedule: &Schedule) -> Duration {
    match schedule {
        Schedule::Every(interval) => TIMEOUT_DEFAULT.min(*interval),
        Schedule::Cron { .. } => TIMEOUT_DEFAULT,
    }
}

/// A duration as `time.ParseDuration` of Go reads it: `1h30m`, `1.5s`, `250ms`.
pub(super) fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut total) = (text, Duration::ZERO);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let letters = behind
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = behind;
    }
    Some(total)
}

impl Check<'_> {
    /// A duration of Go.
    pub(super) fn go_duration(&mut self, text: &Text) -> Option<Duration> {
        let duration = go_duration(&text.value);
        if duration.is_none() {
            let message = format!("`{}` is not a duration", text.value);
            self.at_with_help(text, message, "write for example 30s, 5m, 1h30m");
        }
        duration
    }

    /// An interval, which cannot be zero.
    pub(super) fn interval<T>(
        &mut self,
        written: &Spanned<T>,
        interval: Duration,
    ) -> Option<Schedule> {
        if interval.is_zero() {
            self.at_with_help(written, "the interval is 0", "write for example 15s");
            return None;
        }
        Some(Schedule::Every(interval))
    }

    /// A cron expression at the clock of a time zone.
    pub(super) fn cron(&mut self, expression: &Text, zone: &str) -> Option<Schedule> {
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build();
        if let Err(error) = parser.parse(&expression.value) {
            let message = format!("not a cron expression: {}", lower_first(&error.to_string()));
            let help =
                "five fields: minute, hour, day of month, month, day of week, such as `0 9 * * *`";
            self.at_with_help(expression, message, help);
            return None;
        }
        Some(Schedule::Cron {
            expression: expression.value.clone(),
            zone: zone.to_owned(),
            repeat: REPEAT_DEFAULT,
        })
    }

    /// A name of the time-zone database.
    pub(super) fn zone(&mut self, zone: &Text) -> Option<String> {
        match TimeZone::get(&zone.value) {
            Ok(_) => Some(zone.value.clone()),
            Err(_) => {
                let message = format!("the time zone `{}` is not known", zone.value);
                let help = "write for example `Asia/Shanghai` or `UTC`";
                self.at_with_help(zone, message, help);
                None
            }
        }
    }

    /// The machine's zone, for files whose times mean the clock on the wall.
    pub(super) fn local_zone(&mut self, expression: &Text) -> String {
        let zone = TimeZone::system();
        let zone = zone
            .iana_name()
            .filter(|name| TimeZone::get(name).is_ok())
            .unwrap_or("UTC")
            .to_owned();
        let message = format!(
            "cron expressions are read in the time zone of this machine, {zone}; our own format lets one be given"
        );
        self.warn(expression, message);
        zone
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first
        .into_iter()
        .chain(characters)
        .collect::<String>()
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_of_go() {
        for (text, millis) in [
            ("0", Some(0)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5s", Some(1500)),
            ("250ms", Some(250)),
            ("", None),
            ("5", None),
            ("5 m", None),
            ("1d", None),
            ("-1s", None),
        ] {
            assert_eq!(
                go_duration(text),
                millis.map(Duration::from_millis),
                "{text}"
            );
        }
    }
}
