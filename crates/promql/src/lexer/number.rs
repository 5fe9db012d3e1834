//! Numbers and durations: where they end, and their value.

use stonechat_model::duration;

use super::TokenKind;

/// The length and kind of the number or duration at the beginning of `text`, or the length of what is neither.
pub(super) fn scan(text: &str) -> Result<(usize, TokenKind), usize> {
    let duration = duration_length(text);
    if duration > 0 && !continues(text, duration) {
        return Ok((duration, TokenKind::Duration));
    }
    match number_length(text) {
        Ok(length) => Ok((length, TokenKind::Number)),
        Err(length) => {
            // The whole word is shown, however far it looked like a number.
            let rest = text[length..]
                .bytes()
                .take_while(|&byte| is_word(byte))
                .count();
            Err(length + rest)
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn continues(text: &str, length: usize) -> bool {
    text.as_bytes().get(length).copied().is_some_and(is_word)
}

/// Digits and a unit, at least once; which units in which order is decided when the value is taken.
fn duration_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    loop {
        let digits = bytes[length..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let unit = match bytes.get(length + digits..) {
            _ if digits == 0 => 0,
            Some([b'm', b's', ..]) => 2,
            Some([b's' | b'm' | b'h' | b'd' | b'w' | b'y', ..]) => 1,
            _ => 0,
        };
        if unit == 0 {
            return length;
        }
        length += digits + unit;
    }
}

/// The length of a number: decimal or hexadecimal, underscores between digits, point, exponent.
fn number_length(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let mut length = if hexadecimal { 2 } else { 0 };
    let (mut points, mut exponents, mut digits) = (0, 0, 0);
    while let Some(&byte) = bytes.get(length) {
        match byte {
            _ if is_digit(byte, hexadecimal && exponents == 0) => digits += 1,
            b'_' if bytes
                .get(length + 1)
                .is_some_and(|&next| is_digit(next, hexadecimal)) => {}
            b'.' if points == 0 && exponents == 0 && !hexadecimal => points += 1,
            b'e' | b'E' if exponents == 0 && digits > 0 && !hexadecimal => {
                exponents += 1;
                if matches!(bytes.get(length + 1), Some(b'+' | b'-')) {
                    length += 1;
                }
                if !bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
                    return Err(length + 1);
                }
            }
            _ => break,
        }
        length += 1;
    }
    let repeated_point = bytes.get(length) == Some(&b'.');
    if digits == 0 || repeated_point || continues(text, length) {
        return Err(length + usize::from(repeated_point));
    }
    Ok(length)
}

const fn is_digit(byte: u8, hexadecimal: bool) -> bool {
    byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit())
}

/// The value of a number token: whole numbers as Go reads them (so a leading zero means octal), then floats.
pub(crate) fn number_value(word: &str) -> Option<f64> {
    let word = word.replace('_', "");
    whole_value(&word).or_else(|| stonechat_model::parse_float(&word))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a literal becomes the nearest float"
)]
fn whole_value(word: &str) -> Option<f64> {
    let (digits, radix) = match word.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&word[2..], 16),
        [b'0', _, ..] => (&word[1..], 8),
        _ => (word, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain
        .then(|| i64::from_str_radix(digits, radix).ok())?
        .map(|value| value as f64)
}

/// The value of a duration token in seconds, or what Prometheus says is wrong with it.
#[expect(
    clippy::cast_precision_loss,
    reason = "durations of 292 years are exact in milliseconds"
)]
pub(crate) fn duration_seconds(word: &str) -> Result<f64, String> {
    let length = duration::parse(word).map_err(|_| {
        // With small numbers in it, only a duration whose units are wrong stays wrong.
        let units = word.split(|c: char| c.is_ascii_digit());
        let small: String = units
            .filter(|unit| !unit.is_empty())
            .map(|unit| format!("1{unit}"))
            .collect();
        let units_are_right = duration::parse(&small).is_ok();
        if units_are_right {
            "duration out of range".to_owned()
        } else {
            format!("not a valid duration string: {word:?}")
        }
    })?;
    Ok(length.as_millis() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end() {
        for (text, length, kind) in [
            ("1", 1, TokenKind::Number),
            ("1.5e3 ", 5, TokenKind::Number),
            ("2.", 2, TokenKind::Number),
            (".5)", 2, TokenKind::Number),
            ("0x1f+1", 4, TokenKind::Number),
            ("1_000", 5, TokenKind::Number),
            ("1e-5", 4, TokenKind::Number),
            ("5m]", 2, TokenKind::Duration),
            ("1h30m", 5, TokenKind::Duration),
            ("100ms", 5, TokenKind::Duration),
        ] {
            assert_eq!(scan(text), Ok((length, kind)), "{text}");
        }
        for (text, length) in [("1a", 2), ("1e", 2), ("1.2.3", 5), ("5mx", 3), ("0x", 2)] {
            assert!(matches!(scan(text), Err(end) if end <= length), "{text}");
        }
    }

    #[test]
    fn durations_are_wrong_in_units_or_in_size() {
        assert_eq!(duration_seconds("1h30m"), Ok(5400.0));
        let error = |text: &str| duration_seconds(text).unwrap_err();
        assert_eq!(error("5m5h"), "not a valid duration string: \"5m5h\"");
        assert_eq!(error("300y"), "duration out of range");
        assert_eq!(error("99999999999999999999y1d"), "duration out of range");
    }

    #[test]
    fn values_are_those_of_go() {
        for (word, value) in [
            ("010", 8.0),
            ("09", 9.0),
            ("0x1F", 31.0),
            ("1_000", 1000.0),
            ("12.34e6", 12.34e6),
            (".2", 0.2),
            ("2.", 2.0),
            ("inf", f64::INFINITY),
            ("99999999999999999999", 1e20),
        ] {
            assert_eq!(number_value(word), Some(value), "{word}");
        }
    }
}
