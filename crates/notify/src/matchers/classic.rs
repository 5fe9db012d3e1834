//! The older syntax: a name in ASCII, an operator, and a value that may go without quotes and contain nearly anything.

use stonechat_model::Matcher;

use super::{MatchersError, operator};

pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, MatchersError> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    split(text).into_iter().map(matcher).collect()
}

/// Cuts at commas outside of quotes. Only an empty text behind the last comma is left out.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            '"' if !escaped => quoted = !quoted,
            '\\' => {
                escaped = !escaped;
                continue;
            }
            _ => {}
        }
        // A comma between quotes and parts ends an escape as any other character does.
        escaped = false;
    }
    let last = &text[start..];
    if !last.trim().is_empty() {
        parts.push(last);
    }
    parts
}

fn matcher(text: &str) -> Result<Matcher, MatchersError> {
    let bad = || MatchersError::Syntax(format!("not a condition: {text}"));
    let trimmed = text.trim();
    let length = trimmed
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .ok_or_else(bad)?;
    let (name, rest) = trimmed.split_at(length);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(bad());
    }
    let (op, value) = operator(rest.trim_start()).ok_or_else(bad)?;
    let value = unescape(value.trim_start()).ok_or_else(|| {
        MatchersError::Syntax(format!("a double quote inside the value of {name}"))
    })?;
    Ok(Matcher::new(name, op, value)?)
}

/// Takes off the quotes and reads `\n`, `\"` and `\\`; any other backslash stands for itself.
fn unescape(text: &str) -> Option<String> {
    let inner = match text.strip_prefix('"') {
        Some(rest) => rest
            .strip_suffix('"')
            .filter(|inner| !ends_in_escape(inner))?,
        None => text,
    };
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some(same @ ('"' | '\\')) => value.push(same),
                other => {
                    value.push('\\');
                    value.extend(other);
                }
            },
            other => value.push(other),
        }
    }
    Some(value)
}

/// True when the text ends in an odd number of backslashes, so that a quote behind it would be escaped.
fn ends_in_escape(text: &str) -> bool {
    let backslashes = text.bytes().rev().take_while(|byte| *byte == b'\\').count();
    backslashes % 2 == 1
}
