//! Numbers for people.

use super::CallError;
use crate::print::significant;
use crate::time::Time;
use crate::value::Value;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// A number from whatever can be one: `humanize` and its like take texts too.
#[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
pub(super) fn to_float(value: &Value) -> Result<f64, CallError> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Duration(nanoseconds) => Ok(*nanoseconds as f64 / 1e9),
        Value::String(text) => stonechat_model::parse_float(text).ok_or_else(|| {
            CallError::new(format!(
                "strconv.ParseFloat: parsing {}: invalid syntax",
                crate::print::quote(text, false)
            ))
        }),
        other => Err(CallError::new(format!(
            "can't convert {} to float",
            other.type_name()
        ))),
    }
}

/// 1234567 as `1.235M`.
pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return significant(value, 4);
    }
    if value.abs() < 1.0 {
        return small(value, "");
    }
    large(value, 1000.0, &LARGE)
}

/// 1048576 as `1Mi`.
pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return significant(value, 4);
    }
    large(value, 1024.0, &LARGE_BINARY)
}

fn large(mut value: f64, step: f64, prefixes: &[&str]) -> String {
    let mut prefix = "";
    for candidate in prefixes {
        if value.abs() < step {
            break;
        }
        prefix = candidate;
        value /= step;
    }
    format!("{}{prefix}", significant(value, 4))
}

fn small(mut value: f64, unit: &str) -> String {
    let mut prefix = "";
    for candidate in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = candidate;
        value *= 1000.0;
    }
    format!("{}{prefix}{unit}", significant(value, 4))
}

/// 0.25 as `25%`.
pub(super) fn humanize_percentage(value: f64) -> String {
    format!("{}%", significant(value * 100.0, 4))
}

/// Seconds as `1d 2h 3m 4s`, below a minute with four digits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole seconds are wanted, and the cast stops at the ends"
)]
pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return significant(value, 4);
    }
    if value == 0.0 {
        return format!("{}s", significant(value, 4));
    }
    if value.abs() < 1.0 {
        return small(value, "s");
    }
    let (sign, value) = if value < 0.0 {
        ("-", -value)
    } else {
        ("", value)
    };
    let whole = value as i64;
    let (seconds, minutes, hours, days) = (
        whole % 60,
        whole / 60 % 60,
        whole / 3600 % 24,
        whole / 86_400,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", significant(value, 4)),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, _, _) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

/// Seconds since 1970 as a date.
pub(super) fn humanize_timestamp(value: f64) -> Result<String, CallError> {
    if value.is_finite() {
        Ok(to_time(value)?.to_string())
    } else {
        Ok(significant(value, 4))
    }
}

/// Seconds since 1970 as a time, to the millisecond as Prometheus keeps it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the range is checked before"
)]
pub(super) fn to_time(value: f64) -> Result<Time, CallError> {
    if !value.is_finite() {
        return Err(CallError::new("value is NaN or Inf"));
    }
    let nanoseconds = value * 1e9;
    if nanoseconds >= i64::MAX as f64 || nanoseconds < i64::MIN as f64 {
        let shown = crate::print::show(&Value::Float(value));
        return Err(CallError::new(format!(
            "{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )));
    }
    Ok(Time::from_nanoseconds(
        nanoseconds as i64 / 1_000_000 * 1_000_000,
    ))
}
