//! Durations as Prometheus writes them: `1h30m`, `500ms`, `1y`.
//!
//! Own code because the crates at hand read `y`, `M` and `d` differently: here a year is 365 days, a day 24 hours,
//! and units go from large to small, each at most once.
//! Source: `model.ParseDuration` of github.com/prometheus/common.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid duration: {text:?}; write for example 30s, 5m, 1h30m (units: y w d h m s ms)")]
pub struct DurationError {
    text: String,
}

/// Units from large to small, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration. `0` needs no unit.
///
/// # Errors
/// When the text is empty, has an unknown, repeated or misplaced unit, or is longer than 292 years.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError {
        text: text.to_owned(),
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut units, mut total) = (text, &UNITS[..], 0_u64);
    if rest.is_empty() {
        return Err(error());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let position = units
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(error)?;
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(units[position].1));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(error)?;
        (rest, units) = (behind, &units[position + 1..]);
    }
    // The limit of Go's time.Duration, in which Prometheus keeps it.
    if total > i64::MAX as u64 / 1_000_000 {
        return Err(error());
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration in the form that [`parse`] reads: `1h30m`, `0s`. What is below a millisecond is left out.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, millis) in UNITS {
        // Years, weeks and days appear only when nothing smaller follows: 25h, not 1d1h.
        let exact_only = matches!(unit, "y" | "w" | "d");
        let count = rest / millis;
        if count == 0 || (exact_only && !rest.is_multiple_of(millis)) {
            continue;
        }
        text.push_str(&count.to_string());
        text.push_str(unit);
        rest %= millis;
    }
    text
}

/// A duration field of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigDuration(pub Duration);

impl<'de> serde::Deserialize<'de> for ConfigDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_prometheus() {
        for (text, millis, written) in [
            ("0", 0, "0s"),
            ("0s", 0, "0s"),
            ("500ms", 500, "500ms"),
            ("1m30s", 90_000, "1m30s"),
            ("90s", 90_000, "1m30s"),
            ("25h", 90_000_000, "25h"),
            ("1d1h", 90_000_000, "25h"),
            ("2d", 172_800_000, "2d"),
            ("1w", 604_800_000, "1w"),
            ("1y", 31_536_000_000, "1y"),
            ("1h1ms", 3_600_001, "1h1ms"),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(format(duration), written, "{text}");
        }
    }

    #[test]
    fn refuses_what_prometheus_refuses() {
        for text in [
            "",
            "1",
            "s",
            "-1s",
            "1.5s",
            "1s1m",
            "1m1m",
            "1 s",
            "1M",
            "300y",
            "99999999999999999999s",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
