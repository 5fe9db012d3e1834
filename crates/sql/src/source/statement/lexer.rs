use super::{Dialect, refused};
use crate::source::SourceError;

/// A part of a statement that is neither space nor comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or a name without quotes, and where it begins.
    Word(&'a str, usize),
    /// `:name`, without the colon, and where the colon is.
    Parameter(&'a str, usize),
    /// A text or name in quotes, with them.
    Quoted(&'a str),
    /// Any other character.
    Mark(char, usize),
}

impl<'a> Token<'a> {
    /// The word, if it is one.
    pub(super) fn word(&self) -> Option<&'a str> {
        match *self {
            Token::Word(word, _) => Some(word),
            _ => None,
        }
    }
}

/// Cuts a statement into tokens, with the dialect's own rules for quotes and comments.
pub(super) fn tokens(dialect: Dialect, sql: &str) -> Result<Vec<Token<'_>>, SourceError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let before = sql[..at].chars().next_back();
        at += if character.is_whitespace() {
            character.len_utf8()
        } else if let Some(length) = comment(dialect, rest)? {
            length
        } else if let Some(length) = quoted(dialect, rest, before) {
            tokens.push(Token::Quoted(&rest[..length]));
            length
        } else if is_name(character) {
            let length = name(rest);
            // A number is no keyword, and `1e5` no name.
            if character.is_ascii_digit() {
                tokens.push(Token::Mark(character, at));
            } else {
                tokens.push(Token::Word(&rest[..length], at));
            }
            length
        } else if rest.starts_with("::") {
            tokens.push(Token::Mark(':', at));
            2
        } else if let Some(length) = parameter(rest, before) {
            tokens.push(Token::Parameter(&rest[1..length], at));
            length
        } else {
            tokens.push(Token::Mark(character, at));
            character.len_utf8()
        };
    }
    Ok(tokens)
}

fn is_name(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn name(text: &str) -> usize {
    text.find(|character| !is_name(character))
        .unwrap_or(text.len())
}

/// The length of `:name`, unless the colon belongs to a slice (`a[1:n]`) or to another word.
fn parameter(rest: &str, before: Option<char>) -> Option<usize> {
    let after = rest.strip_prefix(':')?;
    let first = after.chars().next()?;
    let begins = (first == '_' || first.is_alphabetic())
        && !before.is_some_and(|before| is_name(before) || before == ':');
    begins.then(|| 1 + name(after))
}

/// The length of a comment at the beginning. One that MySQL would execute is refused, since what it says is a statement.
fn comment(dialect: Dialect, rest: &str) -> Result<Option<usize>, SourceError> {
    let line = match dialect {
        // Here two minus signs without a space are arithmetic.
        Dialect::MySql => {
            rest.starts_with('#')
                || rest
                    .strip_prefix("--")
                    .is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
        }
        Dialect::ClickHouse => {
            rest.starts_with("--") || rest.starts_with("# ") || rest.starts_with("#!")
        }
        Dialect::Postgres | Dialect::Sqlite => rest.starts_with("--"),
    };
    if line {
        return Ok(Some(rest.find('\n').unwrap_or(rest.len())));
    }
    if !rest.starts_with("/*") {
        return Ok(None);
    }
    if dialect == Dialect::MySql && (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
        return refused(
            "a comment that the database executes (`/*! … */`): write its text without the comment",
        );
    }
    Ok(Some(block_comment(dialect, rest)))
}

/// PostgreSQL and ClickHouse nest these comments.
fn block_comment(dialect: Dialect, rest: &str) -> usize {
    let nests = matches!(dialect, Dialect::Postgres | Dialect::ClickHouse);
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else if rest[at..].starts_with("/*") && (depth == 0 || nests) {
            depth += 1;
            at += 2;
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a text or name in quotes at the beginning; one that does not end takes the rest.
fn quoted(dialect: Dialect, rest: &str, before: Option<char>) -> Option<usize> {
    let quote = rest.chars().next()?;
    if quote == '$' && dialect == Dialect::Postgres {
        return dollar_quoted(rest, before);
    }
    let end = match quote {
        '\'' | '"' | '`' => quote,
        '[' if dialect == Dialect::Sqlite => ']',
        _ => return None,
    };
    let escapes = match dialect {
        Dialect::MySql | Dialect::ClickHouse => quote != '`',
        // Only in E'…'.
        Dialect::Postgres => quote == '\'' && matches!(before, Some('E' | 'e')),
        Dialect::Sqlite => false,
    };
    // A doubled quote reads as the end of one text and the beginning of the next, which is the same to us.
    let mut characters = rest.char_indices().skip(1);
    while let Some((position, character)) = characters.next() {
        if character == '\\' && escapes {
            characters.next();
        } else if character == end {
            return Some(position + 1);
        }
    }
    Some(rest.len())
}

/// `$$…$$` and `$tag$…$tag$`.
fn dollar_quoted(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(is_name)
        || rest[1..].starts_with(|character: char| character.is_ascii_digit())
    {
        return None;
    }
    let tag = 1 + name(&rest[1..]);
    if !rest[tag..].starts_with('$') {
        return None;
    }
    let delimiter = &rest[..=tag];
    let body = delimiter.len();
    Some(
        rest[body..]
            .find(delimiter)
            .map_or(rest.len(), |end| body + end + body),
    )
}
