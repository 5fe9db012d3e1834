//! Numbers as text that Go's `ParseFloat` reads back, bit for bit.

/// Up to here every whole number has a float of its own.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends a number; whole ones have no decimal point.
pub fn push(out: &mut String, value: f64) {
    match whole(value) {
        Some(whole) => push_whole(out, whole),
        None => push_special(out, value),
    }
}

/// Appends a number that always looks like a float, as OpenMetrics wants the bounds of buckets.
pub fn push_float(out: &mut String, value: f64) {
    match whole(value) {
        Some(whole) => {
            push_whole(out, whole);
            out.push_str(".0");
        }
        None if value.is_finite() => {
            out.push_str(zmij::Buffer::new().format_finite(value));
        }
        None => push_special(out, value),
    }
}

/// Appends a whole number.
pub fn push_whole(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// The number as an integer, if it is one that needs no sign and no exponent.
pub fn whole(value: f64) -> Option<u64> {
    let whole = value as u64;
    // Negative zero keeps its sign, so compare bits.
    let same = (whole as f64).to_bits() == value.to_bits();
    (same && value <= EXACT_MAX).then_some(whole)
}

fn push_special(out: &mut String, value: f64) {
    if value.is_finite() {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        out.push_str(text.strip_suffix(".0").unwrap_or(text));
    } else if value.is_nan() {
        out.push_str("NaN");
    } else if value > 0.0 {
        out.push_str("+Inf");
    } else {
        out.push_str("-Inf");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_like_floats() {
        for (value, expected) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-1.0, "-1.0"),
            (-0.0, "-0.0"),
            (-2.5, "-2.5"),
            (0.005, "0.005"),
            (1e21, "1e21"),
            (f64::INFINITY, "+Inf"),
        ] {
            let mut text = String::new();
            push_float(&mut text, value);
            assert_eq!(text.replace("e+", "e"), expected);
        }
    }

    #[test]
    fn numbers_are_short_and_come_back_the_same() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (0.005, "0.005"),
            (-2.5, "-2.5"),
            (1_700_000_000.25, "1700000000.25"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e21, "1e21"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            let mut text = String::new();
            push(&mut text, value);
            assert_eq!(text.replace("e+", "e"), expected);
            let back: f64 = text.parse().unwrap();
            assert!(
                back.to_bits() == value.to_bits() || value.is_nan(),
                "{text}"
            );
        }
    }
}
