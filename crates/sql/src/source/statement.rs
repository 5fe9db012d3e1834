//! Statements before they are sent: refused unless they only read, and with named parameters as the database's placeholders.
//!
//! This is the first of two fences. The second is the session itself, which is read-only where the database can do that; this one gives
//! a reason that a person understands, and covers what a read-only session still allows (`INTO OUTFILE`, temporary tables, functions that
//! do more than read). Functions that somebody wrote for a database are known to the database alone: give us a user who may only read.

use super::SourceError;
use lexer::{Token, tokens};

mod effects; // what reads and does more
mod lexer; // text to tokens

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
    /// ClickHouse.
    ClickHouse,
}

/// A statement that only reads, as the database takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// The text, with placeholders.
    pub text: String,
    /// Names of the parameters in the order of their placeholders.
    pub parameters: Vec<String>,
}

impl Statement {
    /// Whether this is the first word.
    pub(super) fn begins_with(&self, word: &str) -> bool {
        let begin = self.text.trim_start().get(..word.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    }
}

/// Words with which a statement may begin.
const READING: [&str; 9] = [
    "SELECT", "WITH", "SHOW", "EXPLAIN", "VALUES", "TABLE", "DESCRIBE", "DESC", "PRAGMA",
];

/// Words that change data or the schema; a statement that explains one could also run it.
const WRITING: [&str; 11] = [
    "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CREATE", "DROP", "ALTER", "TRUNCATE",
    "CALL", "EXECUTE",
];

/// Values of SQLite's PRAGMA that only tell.
const PRAGMAS: [&str; 18] = [
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "integrity_check",
    "page_count",
    "page_size",
    "quick_check",
    "table_info",
    "table_list",
];

/// Checks a statement and puts in the placeholders of the dialect.
///
/// # Errors
///
/// What is refused, and why.
pub(super) fn read(dialect: Dialect, sql: &str) -> Result<Statement, SourceError> {
    let tokens = tokens(dialect, sql)?;
    check(dialect, &tokens)?;
    Ok(rewrite(dialect, sql, &tokens))
}

fn refused<T>(reason: impl Into<String>) -> Result<T, SourceError> {
    Err(SourceError::Refused(reason.into()))
}

fn check(dialect: Dialect, tokens: &[Token<'_>]) -> Result<(), SourceError> {
    if let Some(end) = tokens
        .iter()
        .position(|token| matches!(token, Token::Mark(';', _)))
        && tokens[end..]
            .iter()
            .any(|token| !matches!(token, Token::Mark(';', _)))
    {
        return refused(
            "more than one statement: only one is allowed, so remove what follows the `;`",
        );
    }
    let mut words = tokens.iter().filter_map(Token::word);
    let Some(first) = words.next() else {
        return refused("there is no statement");
    };
    let is = |list: &[&str], word: &str| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    let only_clickhouse = dialect == Dialect::ClickHouse && is(&["EXISTS"], first);
    if !is(&READING, first) && !only_clickhouse {
        return refused(format!(
            "only statements that read are allowed, such as SELECT, and this one begins with `{first}`"
        ));
    }
    if is(&["PRAGMA"], first) {
        return pragma(dialect, tokens);
    }
    if is(&["EXPLAIN", "DESCRIBE", "DESC"], first)
        && let Some(word) = words.clone().find(|word| is(&WRITING, word))
    {
        return refused(format!(
            "only statements that read may be explained, and this one has `{word}`"
        ));
    }
    let selects = [
        "SELECT", "WITH", "TABLE", "VALUES", "EXPLAIN", "DESCRIBE", "DESC",
    ];
    if is(&selects, first) && words.clone().any(|word| is(&["INTO"], word)) {
        return refused("SELECT … INTO writes, and only statements that read are allowed");
    }
    for pair in tokens.windows(2) {
        if let [Token::Mark('(' | ')', _), Token::Word(word, _)] = pair
            && is(&["INSERT", "UPDATE", "DELETE", "MERGE"], word)
        {
            return refused(format!(
                "only statements that read are allowed, and this one has a part that begins with `{word}`"
            ));
        }
    }
    effects::check(dialect, tokens)
}

/// SQLite's PRAGMA tells or sets; only what tells is let through.
fn pragma(dialect: Dialect, tokens: &[Token<'_>]) -> Result<(), SourceError> {
    let mut words = tokens.iter().filter_map(Token::word).skip(1);
    let name = words.next().unwrap_or_default();
    let known = PRAGMAS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let sets = tokens
        .iter()
        .any(|token| matches!(token, Token::Mark('=', _)));
    if dialect != Dialect::Sqlite || !known || sets {
        return refused(format!(
            "`PRAGMA {name}` is not one that only reads; allowed are {} (in SQLite)",
            PRAGMAS.join(", ")
        ));
    }
    Ok(())
}

fn rewrite(dialect: Dialect, sql: &str, tokens: &[Token<'_>]) -> Statement {
    let (mut text, mut parameters) = (String::with_capacity(sql.len()), Vec::<String>::new());
    let mut copied = 0;
    for token in tokens {
        let Token::Parameter(name, start) = *token else {
            continue;
        };
        text.push_str(&sql[copied..start]);
        copied = start + 1 + name.len();
        let known = parameters.iter().position(|known| known == name);
        // MySQL's placeholders have no numbers, so a parameter that is used twice is bound twice.
        let number = match known.filter(|_| dialect != Dialect::MySql) {
            Some(position) => position + 1,
            None => {
                parameters.push(name.to_owned());
                parameters.len()
            }
        };
        match dialect {
            Dialect::MySql => text.push('?'),
            Dialect::Postgres => text.push_str(&format!("${number}")),
            Dialect::Sqlite => text.push_str(&format!("?{number}")),
            Dialect::ClickHouse => text.push_str(&format!("{{{name}:String}}")),
        }
    }
    text.push_str(&sql[copied..]);
    Statement { text, parameters }
}

#[cfg(test)]
mod tests;
