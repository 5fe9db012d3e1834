//! Quoted texts: double and single quotes with Go's escapes, back quotes without any.

/// The length of the quoted text at the beginning of `text`, quotes included.
pub(super) fn scan(text: &str) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let quote = bytes.first().copied().unwrap_or_default();
    if quote == b'`' {
        let end = text[1..].find('`');
        return end
            .map(|end| end + 2)
            .ok_or_else(|| "unterminated raw string".to_owned());
    }
    let mut position = 1;
    loop {
        match bytes.get(position) {
            Some(b'\\') => {
                let escape = escape(&text[position..], quote)?;
                position += escape.length;
            }
            None | Some(b'\n') => return Err("unterminated quoted string".to_owned()),
            Some(&byte) if byte == quote => return Ok(position + 1),
            Some(_) => position += 1,
        }
    }
}

/// What an escape sequence stands for. `\x` and octal ones name a byte, the others a character.
enum Escaped {
    Byte(u8),
    Char(char),
}

struct Escape {
    length: usize,
    value: Escaped,
}

/// Reads the escape sequence at the beginning of `text`, backslash included.
fn escape(text: &str, quote: u8) -> Result<Escape, String> {
    let kind = text[1..]
        .chars()
        .next()
        .ok_or_else(|| "escape sequence not terminated".to_owned())?;
    let simple = |character| {
        Ok(Escape {
            length: 2,
            value: Escaped::Char(character),
        })
    };
    match kind {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' => simple('\\'),
        other if u32::from(other) == u32::from(quote) => simple(other),
        '0'..='7' => digits(text, 1, 3, 8),
        'x' => digits(text, 2, 2, 16),
        'u' => digits(text, 2, 4, 16),
        'U' => digits(text, 2, 8, 16),
        other => Err(format!("unknown escape sequence {}", code_point(other))),
    }
}

fn digits(text: &str, start: usize, count: usize, radix: u32) -> Result<Escape, String> {
    let mut value = 0;
    let mut rest = text[start..].chars();
    for _ in 0..count {
        let digit = rest
            .next()
            .ok_or_else(|| "escape sequence not terminated".to_owned())?;
        let number = digit
            .to_digit(radix)
            .ok_or_else(|| format!("illegal character {} in escape sequence", code_point(digit)))?;
        value = value * radix + number;
    }
    let invalid = || "escape sequence is an invalid Unicode code point".to_owned();
    let value = if count <= 3 {
        Escaped::Byte(u8::try_from(value).map_err(|_| invalid())?)
    } else {
        Escaped::Char(char::from_u32(value).ok_or_else(invalid)?)
    };
    Ok(Escape {
        length: start + count,
        value,
    })
}

/// `U+0063 'c'`, as Go prints a character that surprises.
fn code_point(character: char) -> String {
    format!("U+{:04X} '{character}'", u32::from(character))
}

/// The text within the quotes, escapes resolved.
///
/// # Errors
/// When the escapes do not give UTF-8, or the text was not scanned before.
pub(crate) fn unquote(quoted: &str) -> Result<String, String> {
    let quote = quoted.as_bytes().first().copied().unwrap_or_default();
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .ok_or_else(|| "invalid syntax".to_owned())?;
    if quote == b'`' {
        return Ok(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(plain) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..plain]);
        let escape = escape(&rest[plain..], quote)?;
        match escape.value {
            Escaped::Byte(byte) => bytes.push(byte),
            Escaped::Char(character) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        rest = &rest[plain + escape.length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| "string is not valid UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_quotes_and_escapes() {
        for (quoted, text) in [
            (r#""a\"b""#, "a\"b"),
            (r"'a\'b'", "a'b"),
            (r"`a\nb`", r"a\nb"),
            (r#""\x41\102\u00e9\U0001F600""#, "AB\u{e9}\u{1F600}"),
            (r#""\xc3\xa9""#, "\u{e9}"),
            (r#""\a\b\f\n\r\t\v\\""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}\\"),
            (r#""""#, ""),
        ] {
            assert_eq!(scan(quoted), Ok(quoted.len()), "{quoted}");
            assert_eq!(unquote(quoted).as_deref(), Ok(text), "{quoted}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (quoted, message) in [
            (r#""abc"#, "unterminated quoted string"),
            ("\"a\nb\"", "unterminated quoted string"),
            ("`abc", "unterminated raw string"),
            (r#""\c""#, "unknown escape sequence U+0063 'c'"),
            (r#""\'""#, "unknown escape sequence U+0027 '''"),
            (
                r#""\xg0""#,
                "illegal character U+0067 'g' in escape sequence",
            ),
            (
                r#""\777""#,
                "escape sequence is an invalid Unicode code point",
            ),
            (
                r#""\ud800""#,
                "escape sequence is an invalid Unicode code point",
            ),
            (r#""\"#, "escape sequence not terminated"),
        ] {
            assert_eq!(scan(quoted), Err(message.to_owned()), "{quoted}");
        }
        assert_eq!(
            unquote(r#""\xff""#),
            Err("string is not valid UTF-8".to_owned())
        );
    }
}
