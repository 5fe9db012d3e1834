//! Go's `time.Time` and `time.Duration` as templates see them.

mod layout; // Format("2006-01-02")

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::functions::CallError;
use crate::value::Value;

/// A point in time, with the zone in which it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Time(Zoned);

impl Time {
    /// From nanoseconds since 1970, shown in UTC. Beyond the years -9999 to 9999 it stops at the nearer end.
    #[must_use]
    pub fn from_nanoseconds(nanoseconds: i64) -> Self {
        // Every i64 of nanoseconds lies between the years 1677 and 2262.
        let moment = Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::MAX);
        Self(moment.to_zoned(TimeZone::UTC))
    }

    /// The same moment shown in another zone, such as `Asia/Shanghai`.
    ///
    /// # Errors
    /// When the machine knows no zone of that name.
    pub fn in_zone(&self, zone: &str) -> Result<Self, CallError> {
        let zone = if zone.is_empty() { "UTC" } else { zone };
        match self.0.timestamp().in_tz(zone) {
            Ok(zoned) => Ok(Self(zoned)),
            Err(_) => Err(CallError::new(format!("unknown time zone {zone}"))),
        }
    }

    /// Writes the time as the layout shows the reference time, Mon Jan 2 15:04:05 MST 2006.
    #[must_use]
    pub fn format(&self, layout: &str) -> String {
        layout::format(&self.0, layout)
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub fn nanoseconds(&self) -> i64 {
        let nanoseconds = self.0.timestamp().as_nanosecond();
        i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
    }

    /// The result of a method of Go's `time.Time`, if it is one that templates need.
    pub(crate) fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, CallError>> {
        let zoned = &self.0;
        let number = |number: i64| Some(Ok(Value::Int(number)));
        match (name, arguments) {
            ("Format", [Value::String(layout)]) => Some(Ok(self.format(layout).into())),
            ("UTC", []) => Some(self.in_zone("UTC").map(Value::Time)),
            ("Local", []) => Some(Ok(Value::Time(Self(
                zoned.timestamp().to_zoned(TimeZone::system()),
            )))),
            ("String", []) => Some(Ok(self.to_string().into())),
            ("Unix", []) => number(zoned.timestamp().as_second()),
            ("UnixMilli", []) => number(zoned.timestamp().as_millisecond()),
            ("UnixNano", []) => number(self.nanoseconds()),
            ("Year", []) => number(zoned.year().into()),
            ("Month", []) => Some(Ok(layout::format(zoned, "January").into())),
            ("Day", []) => number(zoned.day().into()),
            ("Weekday", []) => Some(Ok(layout::format(zoned, "Monday").into())),
            ("YearDay", []) => number(zoned.day_of_year().into()),
            ("Hour", []) => number(zoned.hour().into()),
            ("Minute", []) => number(zoned.minute().into()),
            ("Second", []) => number(zoned.second().into()),
            ("Nanosecond", []) => number(zoned.subsec_nanosecond().into()),
            ("Add", [Value::Duration(span)]) => Some(Ok(Value::Time(self.shifted(*span)))),
            ("Sub", [Value::Time(other)]) => Some(Ok(Value::Duration(
                self.nanoseconds().saturating_sub(other.nanoseconds()),
            ))),
            ("Before", [Value::Time(other)]) => Some(Ok((self.0 < other.0).into())),
            ("After", [Value::Time(other)]) => Some(Ok((self.0 > other.0).into())),
            ("Equal", [Value::Time(other)]) => {
                Some(Ok((self.0.timestamp() == other.0.timestamp()).into()))
            }
            ("IsZero", []) => Some(Ok(false.into())),
            _ => None,
        }
    }

    fn shifted(&self, nanoseconds: i64) -> Self {
        let moment = Self::from_nanoseconds(self.nanoseconds().saturating_add(nanoseconds));
        Self(moment.0.with_time_zone(self.0.time_zone().clone()))
    }
}

/// As Go's `String`: `2015-01-01 00:00:00 +0000 UTC`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A duration as Go's `String`: `1h0m0s`, `1.5s`, `300ms`.
pub(crate) fn show_duration(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let with_unit = |per_unit: u64, unit: &str| {
        let (whole, rest) = (magnitude / per_unit, magnitude % per_unit);
        let digits = per_unit.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}{unit}")
    };
    match magnitude {
        0 => "0s".to_owned(),
        1..1000 => format!("{sign}{magnitude}ns"),
        1000..1_000_000 => with_unit(1000, "µs"),
        1_000_000..1_000_000_000 => with_unit(1_000_000, "ms"),
        _ => {
            let minutes = magnitude / 60_000_000_000;
            let seconds = show_seconds(magnitude % 60_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

fn show_seconds(nanoseconds: u64) -> String {
    let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    let fraction = format!("{rest:09}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// The result of a method of Go's `time.Duration`.
#[expect(
    clippy::cast_precision_loss,
    reason = "Go computes these as floats too"
)]
pub(crate) fn call_duration(
    nanoseconds: i64,
    name: &str,
    arguments: &[Value],
) -> Option<Result<Value, CallError>> {
    if !arguments.is_empty() {
        return None;
    }
    let seconds = nanoseconds as f64 / 1e9;
    Some(Ok(match name {
        "Seconds" => Value::Float(seconds),
        "Minutes" => Value::Float(seconds / 60.0),
        "Hours" => Value::Float(seconds / 3600.0),
        "Milliseconds" => Value::Int(nanoseconds / 1_000_000),
        "Microseconds" => Value::Int(nanoseconds / 1000),
        "Nanoseconds" => Value::Int(nanoseconds),
        "Abs" => Value::Duration(nanoseconds.saturating_abs()),
        "String" => show_duration(nanoseconds).into(),
        _ => return None,
    }))
}
