//! What a query does, and to which table, as far as its text says so plainly. Literals are passed
//! over: what they hold is data, and must not become a label.

use std::iter::Peekable;

use crate::family::OTHER;

/// Words behind which a table is named.
const LEADS: [&str; 4] = ["from", "into", "update", "table"];

/// Words that may stand between those and the table.
const PASSED: [&str; 9] = [
    "if",
    "not",
    "exists",
    "only",
    "table",
    "ignore",
    "or",
    "low_priority",
    "delayed",
];

/// Words that are no table, even where one could stand.
const KEYWORDS: [&str; 10] = [
    "select", "values", "set", "where", "with", "lateral", "unnest", "dual", "of", "skip",
];

/// The first word of a statement, if it is one of those that are in use.
pub fn operation(statement: &str) -> &'static str {
    const KNOWN: [&str; 12] = [
        "select", "insert", "update", "delete", "replace", "with", "begin", "commit", "rollback",
        "create", "alter", "drop",
    ];
    let word = statement.split_ascii_whitespace().next().unwrap_or("");
    let mut known = KNOWN.into_iter();
    known
        .find(|known| word.eq_ignore_ascii_case(known))
        .unwrap_or(OTHER)
}

/// The first table that is named, in small letters and without quotation marks.
pub fn table(statement: &str) -> Option<String> {
    // Databases do not agree on what a backslash in a literal means, so on where the literal ends.
    if statement.contains('\\') {
        return None;
    }
    let mut tokens = Tokens(statement).peekable();
    // Whether each open parenthesis holds a query: `EXTRACT(year FROM x)` has no table.
    let mut queries = vec![true];
    let mut before = "";
    while let Some(token) = tokens.next() {
        match token {
            Token::Open => {
                let first = tokens.peek();
                let word = |known| matches!(first, Some(Token::Name(name)) if is(name, known));
                queries.push(word("select") || word("with"));
            }
            Token::Close => {
                queries.pop();
            }
            Token::Name(name) => {
                let from = is(name, "from");
                let no_table = from && (is(before, "distinct") || queries.last() == Some(&false));
                if !no_table
                    && LEADS.iter().any(|lead| is(name, lead))
                    && let Some(table) = named(&mut tokens, from)
                {
                    return Some(table);
                }
                before = name;
            }
            Token::Other => before = "",
        }
    }
    None
}

/// The table that is named next, if one is. Behind `from` a name with arguments is a function.
fn named(tokens: &mut Peekable<Tokens<'_>>, from: bool) -> Option<String> {
    let passed = |token: &Token<'_>| matches!(token, Token::Name(name) if PASSED.iter().any(|word| is(name, word)));
    while tokens.next_if(passed).is_some() {}
    let is_name = |token: &Token<'_>| matches!(token, Token::Name(_));
    let Some(Token::Name(raw)) = tokens.next_if(is_name) else {
        return None;
    };
    let function = from && tokens.peek() == Some(&Token::Open);
    if function || KEYWORDS.iter().any(|word| is(raw, word)) {
        return None;
    }
    let name = raw.replace(['"', '`', '[', ']'], "").to_ascii_lowercase();
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte);
    (!name.is_empty() && name.bytes().all(valid)).then_some(name)
}

fn is(name: &str, word: &str) -> bool {
    name.eq_ignore_ascii_case(word)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// A word, or a name with its quotation marks and what it is qualified with.
    Name(&'a str),
    Open,
    Close,
    /// A literal or a sign.
    Other,
}

/// The parts of a statement, without its spaces and remarks.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.0 = self.0.trim_start();
            let remark_end = match self.0.get(..2) {
                Some("--") => "\n",
                Some("/*") => "*/",
                _ => break,
            };
            self.skip_past(2, remark_end);
        }
        let first = self.0.chars().next()?;
        let length = self.name_length();
        if length > 0 {
            let (name, rest) = self.0.split_at(length);
            self.0 = rest;
            return Some(Token::Name(name));
        }
        if first == '\'' {
            self.skip_past(1, "'");
        } else {
            self.0 = &self.0[first.len_utf8()..];
        }
        Some(match first {
            '(' => Token::Open,
            ')' => Token::Close,
            _ => Token::Other,
        })
    }
}

impl Tokens<'_> {
    fn skip_past(&mut self, start: usize, end: &str) {
        let rest = &self.0[start..];
        self.0 = rest.split_once(end).map_or("", |(_, rest)| rest);
    }

    /// Bytes of the name that comes next, such as `public."users"`.
    fn name_length(&self) -> usize {
        let mut length = 0;
        while let Some(next) = self.0[length..].chars().next() {
            let end = match next {
                '"' => '"',
                '`' => '`',
                '[' => ']',
                _ if next.is_alphanumeric() || "_.$".contains(next) => {
                    length += next.len_utf8();
                    continue;
                }
                _ => break,
            };
            let quoted = &self.0[length + 1..];
            length += 1 + quoted.find(end).map_or(quoted.len(), |place| place + 1);
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::{operation, table};

    #[test]
    fn operation_and_table_are_read_from_the_statement() {
        for (statement, expected) in [
            (
                "SELECT a, b FROM users WHERE id = ?",
                ("select", Some("users")),
            ),
            (
                "insert into `Messages`(a) values (?)",
                ("insert", Some("messages")),
            ),
            ("UPDATE \"chat\" SET a = 1", ("update", Some("chat"))),
            ("UPDATE OR IGNORE chat SET a = 1", ("update", Some("chat"))),
            ("delete from\n sessions", ("delete", Some("sessions"))),
            (
                "SELECT * FROM public.\"Users\" u",
                ("select", Some("public.users")),
            ),
            ("SELECT * FROM [dbo].[users]", ("select", Some("dbo.users"))),
            (
                "CREATE TABLE IF NOT EXISTS rooms (id INT)",
                ("create", Some("rooms")),
            ),
            ("SELECT * FROM (SELECT 1)", ("select", None)),
            (
                "SELECT * FROM (SELECT a FROM users) t",
                ("select", Some("users")),
            ),
            (
                "SELECT EXTRACT(YEAR FROM created) FROM users",
                ("select", Some("users")),
            ),
            ("SELECT EXTRACT(YEAR FROM now())", ("select", None)),
            (
                "SELECT (SELECT max(id) FROM rooms), 1",
                ("select", Some("rooms")),
            ),
            (
                "SELECT a IS DISTINCT FROM b FROM users",
                ("select", Some("users")),
            ),
            ("SELECT * FROM generate_series(1, 3)", ("select", None)),
            ("SELECT 'from bob' FROM users", ("select", Some("users"))),
            ("SELECT 'it''s from bob'", ("select", None)),
            ("SELECT 'it\\'s from bob'", ("select", None)),
            (
                "SELECT 1 -- from bob\n FROM users",
                ("select", Some("users")),
            ),
            ("SELECT 1 /* from bob */", ("select", None)),
            ("SELECT * FROM 'bob'", ("select", None)),
            (
                "SELECT id FROM jobs FOR UPDATE SKIP LOCKED",
                ("select", Some("jobs")),
            ),
            ("SELECT 1 FOR UPDATE SKIP LOCKED", ("select", None)),
            (
                "WITH x AS (SELECT a FROM users) SELECT a FROM x",
                ("with", Some("users")),
            ),
            ("SELECT * FROM größe", ("select", None)),
            ("SELECT 1 FROM \"open", ("select", Some("open"))),
            ("SELECT 1", ("select", None)),
            ("PRAGMA x", ("other", None)),
            ("/*", ("other", None)),
            ("", ("other", None)),
        ] {
            let read = (operation(statement), table(statement));
            assert_eq!((read.0, read.1.as_deref()), expected, "{statement}");
        }
    }
}
