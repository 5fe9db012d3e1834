//! Floats and strings as Prometheus writes and reads them.

use std::fmt::Write as _;

/// Writes a float as Prometheus does in JSON answers: the shortest digits that read back the same, never an
/// exponent, and `NaN`, `+Inf`, `-Inf` (Go: `strconv.FormatFloat(v, 'f', -1, 64)`).
#[must_use]
pub fn format_float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        }
    } else if (PLAIN_MIN..PLAIN_MAX).contains(&value.abs()) {
        // Of two shortest texts that are equally near, Go writes the even one, and the standard library the other.
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        text.strip_suffix(".0").unwrap_or(text).to_owned()
    } else {
        value.to_string()
    }
}

/// From here to [`PLAIN_MAX`] the shortest digits are written without an exponent.
const PLAIN_MIN: f64 = 1e-4;
const PLAIN_MAX: f64 = 9e15;

/// A float as Go's `%g` writes it: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
#[must_use]
pub fn format_general(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format_float(value);
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format_float(value);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Reads a float as Prometheus' text formats do: decimal, exponent, hexadecimal is refused, `Inf`, `+Inf`,
/// `-Inf`, `infinity` and `NaN` in any case.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    // Rust reads `inf`, `infinity` and `nan` in any case with a sign; Go knows no signed NaN.
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.len() != text.len() && unsigned.eq_ignore_ascii_case("nan") {
        return None;
    }
    text.parse().ok()
}

/// A string in double quotes, escaped as Go's `strconv.Quote` does for printable text.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if u32::from(control) < 0x20 || control == '\u{7f}' => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_prometheus_does() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (-100.0, "-100"),
            (0.0001, "0.0001"),
            (9e15, "9000000000000000"),
            // Prometheus 3.5 answers so.
            (30_731_454_684_367.313, "30731454684367.312"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(format_float(value), text);
        }
    }

    #[test]
    fn floats_are_read_as_prometheus_does() {
        for (text, value) in [
            ("1e3", Some(1000.0)),
            ("+Inf", Some(f64::INFINITY)),
            ("infinity", Some(f64::INFINITY)),
        ] {
            assert_eq!(parse_float(text), value);
        }
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        for text in ["", "0x10", "1_000", "+NaN", "1 "] {
            assert_eq!(parse_float(text), None, "{text:?}");
        }
    }

    #[test]
    fn general_floats_are_written_as_go_does() {
        for (value, text) in [
            (1.1, "1.1"),
            (-0.5, "-0.5"),
            (100_000.0, "100000"),
            (1_700_000_900.0, "1.7000009e+09"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (0.0, "0"),
        ] {
            assert_eq!(format_general(value), text);
        }
    }
}
