//! A value of a row as the number of a sample.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use stonechat_model::parse_float;

use crate::rows::Value;

/// A number, and whether the float says less than the value did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) is_lossy: bool,
}

impl Number {
    fn exact(value: f64) -> Self {
        Self {
            value,
            is_lossy: false,
        }
    }
}

/// The number that a value is; `None` for text that is none. NULL has to be dealt with before.
pub(crate) fn number(value: &Value) -> Option<Number> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => Number::exact(f64::from(u8::from(*value))),
        Value::Int(value) => whole(i128::from(*value)),
        Value::Uint(value) => whole(i128::from(*value)),
        Value::Float(value) => Number::exact(*value),
        Value::Decimal(digits) | Value::Text(digits) => written(digits.trim())?,
        Value::Local(text) => Number::exact(local_seconds(text)?),
        // Seconds, as Prometheus has all times.
        Value::Time(millis) => {
            let seconds = whole(i128::from(*millis));
            Number {
                value: seconds.value / 1000.0,
                ..seconds
            }
        }
    })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the loss is what is found out here"
)]
fn whole(value: i128) -> Number {
    let float = value as f64;
    Number {
        value: float,
        is_lossy: float as i128 != value,
    }
}

fn written(text: &str) -> Option<Number> {
    let value = parse_float(text)?;
    // The shortest text of a float has all digits that it can tell apart.
    let is_lossy = value.is_finite()
        && match (digits(text), digits(&format!("{value:e}"))) {
            (Some(given), Some(kept)) => given != kept,
            _ => false,
        };
    Some(Number { value, is_lossy })
}

/// Seconds: of a date or time since 1970, as if its zone was UTC, and of a time of the day since midnight.
fn local_seconds(text: &str) -> Option<f64> {
    if let "infinity" | "-infinity" = text {
        return parse_float(text);
    }
    if let Ok(at) = text.parse::<DateTime>() {
        let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
        return Some(seconds(at.as_microsecond()));
    }
    let (sign, clock) = match text.strip_prefix('-') {
        Some(clock) => (-1.0, clock),
        None => (1.0, text),
    };
    let mut parts = clock.splitn(3, ':');
    let mut next = || {
        parts
            .next()?
            .parse::<f64>()
            .ok()
            .filter(|part| *part >= 0.0)
    };
    let (hours, minutes, rest) = (next()?, next()?, next()?);
    Some(sign * (hours * 3600.0 + minutes * 60.0 + rest))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a float tells microseconds apart for the next 200 years"
)]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// The digits of a decimal number without leading and trailing zeros, which say only how large it is; `None` for other notations, such as hexadecimal.
fn digits(text: &str) -> Option<String> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let mantissa = mantissa.trim_start_matches(['+', '-']);
    let is_decimal = mantissa
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_decimal {
        return None;
    }
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    Some(digits.trim_end_matches('0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_a_number_and_loss_is_noticed() {
        let text = |text: &str| Value::Text(text.to_owned());
        let decimal = |text: &str| Value::Decimal(text.to_owned());
        for (value, expected) in [
            (Value::Bool(true), Some((1.0, false))),
            (Value::Int(-3509), Some((-3509.0, false))),
            (Value::Int(i64::MAX), Some((9.223_372_036_854_776e18, true))),
            (
                Value::Int(1 << 60),
                Some((1_152_921_504_606_846_976.0, false)),
            ),
            (
                Value::Uint(u64::MAX),
                Some((18_446_744_073_709_551_615.0, true)),
            ),
            (Value::Float(0.1), Some((0.1, false))),
            (decimal("0.10"), Some((0.1, false))),
            (decimal("-12.50"), Some((-12.5, false))),
            (decimal("100"), Some((100.0, false))),
            (
                decimal("1234567890.123456789012"),
                Some((1_234_567_890.123_456_7, true)),
            ),
            (decimal("99999999999999999999.5"), Some((1e20, true))),
            (text(" 3509 "), Some((3509.0, false))),
            (text("1e3"), Some((1000.0, false))),
            (text("+Inf"), Some((f64::INFINITY, false))),
            (Value::Time(1_500), Some((1.5, false))),
            (
                Value::Local("2026-11-22".to_owned()),
                Some((1_795_305_600.0, false)),
            ),
            (
                Value::Local("1970-01-02T00:00:00.25".to_owned()),
                Some((86_400.25, false)),
            ),
            (
                Value::Local("-100:20:30.5".to_owned()),
                Some((-361_230.5, false)),
            ),
            (
                Value::Local("infinity".to_owned()),
                Some((f64::INFINITY, false)),
            ),
            // A text is no date, whatever it looks like.
            (text("2026-11-22"), None),
            (text("abc"), None),
            (text(""), None),
            (Value::Null, None),
        ] {
            let found = number(&value).map(|number| (number.value, number.is_lossy));
            assert_eq!(found, expected, "{value:?}");
        }
    }
}
