//! One token inside an action.

use super::{Kind, RIGHT, SPACES};

const KEYWORDS: [&str; 10] = [
    "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with",
];

/// The kind and length of the token at the start of `rest`, which is not empty.
pub(super) fn token(rest: &str) -> Result<(Kind, usize), String> {
    let first = rest.chars().next().unwrap_or_default();
    match first {
        ' ' | '\t' | '\r' | '\n' => Ok((Kind::Space, spaces(rest))),
        ':' if rest.starts_with(":=") => Ok((Kind::Declare, 2)),
        ':' => Err("expected :=".to_owned()),
        '=' => Ok((Kind::Assign, 1)),
        '|' => Ok((Kind::Pipe, 1)),
        ',' => Ok((Kind::Comma, 1)),
        '(' => Ok((Kind::LeftParen, 1)),
        ')' => Ok((Kind::RightParen, 1)),
        '"' => quoted(rest, '"')
            .map(|bytes| (Kind::String, bytes))
            .ok_or_else(|| "unterminated quoted string".to_owned()),
        '\'' => quoted(rest, '\'')
            .map(|bytes| (Kind::Character, bytes))
            .ok_or_else(|| "unterminated character constant".to_owned()),
        '`' => rest[1..]
            .find('`')
            .map(|length| (Kind::RawString, length + 2))
            .ok_or_else(|| "unterminated raw quoted string".to_owned()),
        '$' => named(rest, Kind::Variable),
        '.' if !rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
            named(rest, Kind::Field)
        }
        '.' | '+' | '-' | '0'..='9' => number(rest),
        letter if is_word(letter) => Ok((word(rest)?, word_length(rest))),
        sign if sign.is_ascii_graphic() => Ok((Kind::Other, 1)),
        other => Err(format!(
            "unrecognized character in action: {}",
            code_point(other)
        )),
    }
}

/// Spaces up to the next token; the last one is left over when it belongs to a ` -}}`.
fn spaces(rest: &str) -> usize {
    let behind = rest.trim_start_matches(SPACES);
    let length = rest.len() - behind.len();
    let closes = behind
        .strip_prefix('-')
        .is_some_and(|marker| marker.starts_with(RIGHT));
    // A space alone in front of the marker never gets here: the caller looks for the delimiter first.
    if closes { length - 1 } else { length }
}

/// A text in quotes with escapes; `None` when it does not end on its line.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, character) in rest.char_indices().skip(1) {
        match character {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// `.name` or `$name`, or the lone sign.
fn named(rest: &str, kind: Kind) -> Result<(Kind, usize), String> {
    let length = 1 + word_length(&rest[1..]);
    if length == 1 && kind == Kind::Field {
        return Ok((Kind::Dot, 1));
    }
    terminated(&rest[length..])?;
    Ok((kind, length))
}

fn word(rest: &str) -> Result<Kind, String> {
    let length = word_length(rest);
    terminated(&rest[length..])?;
    Ok(match &rest[..length] {
        keyword if KEYWORDS.contains(&keyword) => Kind::Keyword,
        "true" | "false" => Kind::Bool,
        "nil" => Kind::Nil,
        _ => Kind::Identifier,
    })
}

fn word_length(rest: &str) -> usize {
    rest.find(|character| !is_word(character))
        .unwrap_or(rest.len())
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphabetic() || character.is_numeric()
}

/// A name has to end where something else may begin.
fn terminated(behind: &str) -> Result<(), String> {
    match behind.chars().next() {
        None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | '=' | '(' | ')') => Ok(()),
        Some(_) if behind.starts_with(RIGHT) => Ok(()),
        Some(other) => Err(format!("bad character {}", code_point(other))),
    }
}

fn number(rest: &str) -> Result<(Kind, usize), String> {
    let unsigned = rest.trim_start_matches(['+', '-']);
    let sign = (rest.len() - unsigned.len()).min(1);
    let body = &rest[sign..];
    let radix_digits: Option<&dyn Fn(char) -> bool> =
        match body.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => Some(&|digit| digit.is_ascii_hexdigit()),
            Some("0o") => Some(&|digit| ('0'..='7').contains(&digit)),
            Some("0b") => Some(&|digit| digit == '0' || digit == '1'),
            _ => None,
        };
    let mut length = sign;
    let decimal = |digit: char| digit.is_ascii_digit();
    let digits: &dyn Fn(char) -> bool = radix_digits.unwrap_or(&decimal);
    if radix_digits.is_some() {
        length += 2;
    }
    length += run(&rest[length..], digits);
    if rest[length..].starts_with('.') {
        length += 1 + run(&rest[length + 1..], digits);
    }
    let exponent = if radix_digits.is_some() {
        ['p', 'P']
    } else {
        ['e', 'E']
    };
    if rest[length..].starts_with(exponent) {
        length += 1;
        length += usize::from(rest[length..].starts_with(['+', '-']));
        length += run(&rest[length..], &decimal);
    }
    if rest[length..].starts_with(is_word) || length == sign {
        let shown: usize = length + rest[length..].chars().next().map_or(0, char::len_utf8);
        return Err(format!("bad number syntax: {:?}", &rest[..shown]));
    }
    Ok((Kind::Number, length))
}

fn run(rest: &str, digits: &dyn Fn(char) -> bool) -> usize {
    rest.find(|character| character != '_' && !digits(character))
        .unwrap_or(rest.len())
}

/// A character as Go's `%#U` shows it.
fn code_point(character: char) -> String {
    format!("U+{:04X} '{character}'", u32::from(character))
}
