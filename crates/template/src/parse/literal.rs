//! Numbers and quoted texts as Go writes them.

use super::{Kind, Parsed, Token, fail};
use crate::tree::Number;

/// The text of a quoted or raw string.
pub(super) fn text(token: Token<'_>) -> Parsed<String> {
    let inner = &token.text[1..token.text.len() - 1];
    if token.kind == Kind::RawString {
        // Go leaves carriage returns out of raw strings.
        return Ok(inner.replace('\r', ""));
    }
    match unquote(inner, '"') {
        Some(text) => Ok(text),
        None => fail(token.offset, "invalid syntax"),
    }
}

/// A number or a character constant.
pub(super) fn number(token: Token<'_>) -> Parsed<Number> {
    let written = token.text.to_owned();
    if token.kind == Kind::Character {
        let inner = &token.text[1..token.text.len() - 1];
        let text = unquote(inner, '\'').filter(|text| !text.is_empty());
        let Some(text) = text else {
            return fail(token.offset, "invalid syntax");
        };
        let mut characters = text.chars();
        return match (characters.next(), characters.next()) {
            (Some(character), None) => {
                let code = u32::from(character);
                Ok(Number {
                    written,
                    int: Some(i64::from(code)),
                    float: Some(f64::from(code)),
                    is_float: false,
                })
            }
            _ => fail(
                token.offset,
                format!("malformed character constant: {written}"),
            ),
        };
    }
    let int = integer(&written);
    let is_hexadecimal = written.to_ascii_lowercase().contains("0x");
    let is_float = written.contains('.') || (!is_hexadecimal && written.contains(['e', 'E']));
    let float = int
        .map(|int| int as f64)
        .or_else(|| written.replace('_', "").parse().ok());
    if int.is_none() && float.is_some() && !written.contains(['.', 'e', 'E']) {
        return fail(token.offset, format!("integer overflow: {written:?}"));
    }
    // A float without a fraction may stand where a whole number is wanted.
    let int = int.or_else(|| {
        float
            .filter(|float| float.fract() == 0.0 && float.abs() < 9e18)
            .map(|float| float as i64)
    });
    match float {
        Some(float) if float.is_finite() => Ok(Number {
            written,
            int,
            float: Some(float),
            is_float,
        }),
        _ => fail(token.offset, format!("illegal number syntax: {written:?}")),
    }
}

/// A whole number with Go's prefixes; a leading zero means octal.
fn integer(written: &str) -> Option<i64> {
    let digits = written.replace('_', "").to_ascii_lowercase();
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            (8, &digits[1..])
        }
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

/// Go's escapes; `None` when one is wrong.
fn unquote(inner: &str, quote: char) -> Option<String> {
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escaped = rest.next()?;
        match escaped {
            'x' => bytes.push(u8::try_from(digits(&mut rest, 2, 16)?).ok()?),
            'u' | 'U' => {
                let code = digits(&mut rest, if escaped == 'u' { 4 } else { 8 }, 16)?;
                bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '0'..='7' => {
                let code = escaped.to_digit(8)? * 64 + digits(&mut rest, 2, 8)?;
                bytes.push(u8::try_from(code).ok()?);
            }
            simple => bytes.push(simple_escape(simple, quote)?),
        }
    }
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

fn digits(rest: &mut std::str::Chars<'_>, count: usize, radix: u32) -> Option<u32> {
    (0..count).try_fold(0_u32, |code, _| {
        let digit = rest.next()?.to_digit(radix)?;
        code.checked_mul(radix)?.checked_add(digit)
    })
}

fn simple_escape(letter: char, quote: char) -> Option<u8> {
    Some(match letter {
        'a' => 7,
        'b' => 8,
        't' => b'\t',
        'n' => b'\n',
        'v' => 11,
        'f' => 12,
        'r' => b'\r',
        '\\' => b'\\',
        other if other == quote => quote as u8,
        _ => return None,
    })
}
