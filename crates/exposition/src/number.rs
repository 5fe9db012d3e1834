//! Values and times as numbers.

/// Digits that fit a float exactly, whatever they are.
const EXACT_DIGITS: usize = 15;

/// Powers of ten that a float holds exactly, as far as they are needed here.
const POWERS: [f64; EXACT_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Reads a value: decimal, `Inf`, `NaN`; no hexadecimal, no underscores, nothing too large for a float.
pub(crate) fn value(text: &[u8]) -> Option<f64> {
    if let Some(value) = short(text) {
        return Some(value);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value = stonechat_model::parse_float(text)?;
    // Where Rust reads 1e999 as infinite, Go finds it out of range.
    let spelled = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    if value.is_infinite() && !spelled {
        return None;
    }
    Some(value)
}

/// Most exposed values are a few digits, perhaps with a point among them. The digits and the power of ten are then exact floats, so their
/// quotient is the float nearest to the text, which is what the long way finds too.
fn short(text: &[u8]) -> Option<f64> {
    if text.len() > EXACT_DIGITS + 1 {
        return None;
    }
    let (mut digits, mut count, mut behind_point) = (0_u64, 0, None);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if behind_point.is_none() => behind_point = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > EXACT_DIGITS {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most fifteen digits")]
    let digits = digits as f64;
    Some(match behind_point {
        None => digits,
        Some(before) => digits / POWERS[count - before],
    })
}

/// Reads an unsigned whole number; `None` when another byte is among the digits or it does not fit.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Milliseconds from OpenMetrics' seconds; `None` for what is no finite number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "beyond the range of an integer the cast stops at its ends"
)]
pub(crate) fn seconds_to_millis(text: &[u8]) -> Option<i64> {
    value(text)
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| (seconds * 1000.0) as i64)
}

/// The bound of a bucket or quantile as OpenMetrics writes it, so that `le="1"` and `le="1.0"` are one series.
/// `None` when the text is no number and stays as it is.
pub(crate) fn canonical_bound(text: &str) -> Option<String> {
    let bound = value(text.as_bytes())?;
    if !bound.is_finite() {
        return Some(stonechat_model::format_float(bound));
    }
    let scientific = format!("{bound:e}");
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    // Go's %g: an exponent below 1e-4 and from 1e6 on, with a sign and at least two digits.
    if (-4..6).contains(&exponent) {
        let plain = bound.to_string();
        return Some(if plain.contains('.') {
            plain
        } else {
            plain + ".0"
        });
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(format!("{mantissa}e{sign}{:02}", exponent.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("+1", 1.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("1E+3", 1000.0),
            ("999999999999999", 999_999_999_999_999.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("+Inf", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("infinity", f64::INFINITY),
            ("1e-999", 0.0),
            ("0.1", 0.1),
            ("0.3", 0.3),
            ("123.456", 123.456),
            ("0.00000000000001", 1e-14),
            ("00000000.5", 0.5),
            ("999999999999.999", 999_999_999_999.999),
            ("0.1234567890123456", 0.123_456_789_012_345_6),
        ] {
            let read = value(text.as_bytes()).unwrap();
            assert_eq!(read.to_bits(), f64::to_bits(expected), "{text}");
        }
        assert!(value(b"NaN").is_some_and(f64::is_nan));
        for text in [
            "", "-", ".", "1.2.3", "e5", "1e", "0x1", "0x1p-3", "1_0", "+NaN", "1e999", "-1e999",
            "1 ", "1\r", "１",
        ] {
            assert_eq!(value(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn bounds_become_canonical() {
        for (text, canonical) in [
            ("1", "1.0"),
            ("0", "0.0"),
            ("-1", "-1.0"),
            ("0.50", "0.5"),
            ("100000", "100000.0"),
            ("1000000", "1e+06"),
            ("123456789", "1.23456789e+08"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1e100", "1e+100"),
            ("+Inf", "+Inf"),
            ("Inf", "+Inf"),
            ("nan", "NaN"),
        ] {
            assert_eq!(canonical_bound(text).as_deref(), Some(canonical), "{text}");
        }
        assert_eq!(canonical_bound("bla"), None);
    }
}
