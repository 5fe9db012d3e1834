//! The newer syntax: names and values are any UTF-8, in quotes where they contain a reserved character.

use stonechat_model::Matcher;

use super::{MatchersError, operator};
use crate::group_key::is_reserved;

pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, MatchersError> {
    let mut reader = Reader { text, rest: text };
    let mut matchers = Vec::new();
    let braced = reader.take("{");
    while !reader.at_end() && !reader.sees('}') {
        matchers.push(reader.matcher()?);
        if !reader.take(",") {
            break;
        }
    }
    if braced && !reader.take("}") {
        return Err(match reader.at_end() {
            true => syntax("the opening brace is not closed"),
            false => reader.expected("a comma or a closing brace"),
        });
    }
    match reader.at_end() {
        true => Ok(matchers),
        // `foo=bar}` is taken by the classic syntax alone.
        false if braced || matchers.is_empty() || reader.sees('}') => {
            Err(reader.expected("the end"))
        }
        false => Err(reader.expected("a comma or the end")),
    }
}

fn syntax(message: impl Into<String>) -> MatchersError {
    MatchersError::Syntax(message.into())
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    fn sees(&mut self, character: char) -> bool {
        self.skip_space();
        self.rest.starts_with(character)
    }

    fn take(&mut self, text: &str) -> bool {
        self.skip_space();
        let behind = self.rest.strip_prefix(text);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    /// What should stand here, with the place as a character counted from 1.
    fn expected(&self, what: &str) -> MatchersError {
        if self.rest.is_empty() {
            return syntax(format!("expected {what} at the end"));
        }
        syntax(format!("expected {what} at character {}", self.place()))
    }

    fn place(&self) -> usize {
        let before = &self.text[..self.text.len() - self.rest.len()];
        before.chars().count() + 1
    }

    fn matcher(&mut self) -> Result<Matcher, MatchersError> {
        let name = self.word("a label name")?;
        self.skip_space();
        let Some((op, behind)) = operator(self.rest) else {
            return Err(self.expected("an operator (=, !=, =~ or !~)"));
        };
        self.rest = behind;
        let value = self.word("a value")?;
        Ok(Matcher::new(name, op, value)?)
    }

    /// A quoted text, or characters up to the next reserved one.
    fn word(&mut self, what: &str) -> Result<String, MatchersError> {
        self.skip_space();
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let length = self.rest.find(is_reserved).unwrap_or(self.rest.len());
        if length == 0 {
            return Err(self.expected(what));
        }
        let (word, behind) = self.rest.split_at(length);
        self.rest = behind;
        Ok(word.to_owned())
    }

    fn quoted(&mut self) -> Result<String, MatchersError> {
        let mut escaped = false;
        let end = self.rest[1..].char_indices().find_map(|(at, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends.then_some(at + 1)
        });
        let Some(end) = end else {
            return Err(syntax(format!(
                "the quote at character {} is not closed",
                self.place()
            )));
        };
        let (inner, whole) = (&self.rest[1..end], &self.rest[..=end]);
        self.rest = &self.rest[end + 1..];
        unquote(inner).ok_or_else(|| {
            syntax(format!(
                "the quoted text {whole} has an escape that is not known"
            ))
        })
    }
}

/// Reads the escapes of Go's double-quoted strings. A line break must be written as `\n`.
fn unquote(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\n' => return None,
            '\\' => rest = escape(rest, &mut bytes)?,
            other => bytes.extend(other.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads what stands behind a backslash; gives back what follows.
fn escape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let single = match kind {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' => b'"',
        'x' => u8::from_str_radix(digits(rest, 2)?, 16).ok()?,
        '0'..='7' => u8::from_str_radix(digits(text, 3)?, 8).ok()?,
        'u' | 'U' => {
            let length = if kind == 'u' { 4 } else { 8 };
            let code = u32::from_str_radix(digits(rest, length)?, 16).ok()?;
            let character = char::from_u32(code)?;
            bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            return Some(&rest[length..]);
        }
        _ => return None,
    };
    bytes.push(single);
    Some(match kind {
        'x' => &rest[2..],
        '0'..='7' => &text[3..],
        _ => rest,
    })
}

/// Exactly `length` digits; a sign, which the number parser would take, is none.
fn digits(text: &str, length: usize) -> Option<&str> {
    text.get(..length)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
