//! Texts in quotes, as Go's `strconv.Quote` writes them.

use std::fmt::Write as _;

/// A text in double quotes; with `ascii` every other character is escaped.
pub(crate) fn quote(text: &str, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        escape(&mut out, character, '"', ascii);
    }
    out.push('"');
    out
}

/// A character in single quotes.
pub(super) fn quote_character(character: char, ascii: bool) -> String {
    let mut out = String::from('\'');
    escape(&mut out, character, '\'', ascii);
    out.push('\'');
    out
}

fn escape(out: &mut String, character: char, quote: char, ascii: bool) {
    let short = match character {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        '\\' => '\\',
        other if other == quote => quote,
        other => {
            let code = u32::from(other);
            // Writing to a String cannot fail.
            let _ = match code {
                0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                0x20..0x7f => write!(out, "{other}"),
                _ if !ascii && is_printable(other) => write!(out, "{other}"),
                0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

/// Close to Go's `unicode.IsPrint` without its tables: no control, no unusual space, nothing invisible or private.
pub(crate) fn is_printable(character: char) -> bool {
    let code = u32::from(character);
    let invisible = matches!(code,
        0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xfffb
        | 0xe000..=0xf8ff | 0xe0000..=0x10_ffff);
    !character.is_control() && (character == ' ' || !character.is_whitespace()) && !invisible
}
