//! Text to tokens.

mod scan; // one token inside an action

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text outside of actions, already trimmed.
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    /// A function's name.
    Identifier,
    Keyword,
    /// `.Name`
    Field,
    /// `$` or `$name`
    Variable,
    Dot,
    Nil,
    Bool,
    Number,
    Character,
    String,
    RawString,
    Assign,
    Declare,
    Pipe,
    Comma,
    LeftParen,
    RightParen,
    /// A sign that means nothing here.
    Other,
    End,
}

/// A token with the place of its first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub offset: usize,
}

/// What no token can be made of.
#[derive(Debug)]
pub(crate) struct LexError {
    pub offset: usize,
    pub message: String,
}

impl LexError {
    fn new<T>(offset: usize, message: impl Into<String>) -> Result<T, Self> {
        Err(Self {
            offset,
            message: message.into(),
        })
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Cuts a template into tokens; the last one is [`Kind::End`]. When no token can be made at some place, the tokens
/// end there, and what is wrong stands beside them: a mistake before that place is told first.
pub(crate) fn tokens(source: &str) -> (Vec<Token<'_>>, Option<LexError>) {
    let mut lexer = Lexer {
        source,
        at: 0,
        tokens: Vec::new(),
        trim_next: false,
    };
    let mut error = None;
    while lexer.at < source.len() && error.is_none() {
        error = lexer.text_and_action().err();
    }
    let end = Token {
        kind: Kind::End,
        text: "",
        offset: lexer.at,
    };
    lexer.tokens.push(end);
    (lexer.tokens, error)
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    /// The last action ended in ` -}}`.
    trim_next: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind, bytes: usize) {
        let text = &self.rest()[..bytes];
        self.tokens.push(Token {
            kind,
            text,
            offset: self.at,
        });
        self.at += bytes;
    }

    /// Text up to the next action, and that action.
    fn text_and_action(&mut self) -> Result<(), LexError> {
        let rest = self.rest();
        let length = rest.find(LEFT).unwrap_or(rest.len());
        let action = &rest[length..];
        let mut text = &rest[..length];
        if trims_left(action) {
            text = text.trim_end_matches(SPACES);
        }
        if std::mem::take(&mut self.trim_next) {
            text = text.trim_start_matches(SPACES);
        }
        if !text.is_empty() {
            let offset = self.at + (text.as_ptr() as usize - rest.as_ptr() as usize);
            self.tokens.push(Token {
                kind: Kind::Text,
                text,
                offset,
            });
        }
        self.at += length;
        if action.is_empty() {
            Ok(())
        } else {
            self.action()
        }
    }

    fn action(&mut self) -> Result<(), LexError> {
        let trim = if trims_left(self.rest()) { 2 } else { 0 };
        let behind = &self.rest()[LEFT.len() + trim..];
        if behind.starts_with("/*") {
            return self.comment(LEFT.len() + trim);
        }
        let opened = self.at;
        self.push(Kind::LeftDelimiter, LEFT.len());
        self.at += trim;
        let mut parens = 0_usize;
        loop {
            if let Some(bytes) = self.right_delimiter() {
                if parens > 0 {
                    return LexError::new(self.at, "unclosed left paren");
                }
                self.push(Kind::RightDelimiter, bytes);
                return Ok(());
            }
            if self.rest().is_empty() {
                return LexError::new(opened, "unclosed action");
            }
            let (kind, bytes) = scan::token(self.rest()).map_err(|message| LexError {
                offset: self.at,
                message,
            })?;
            match kind {
                Kind::LeftParen => parens += 1,
                Kind::RightParen if parens == 0 => {
                    return LexError::new(self.at, "unexpected right paren");
                }
                Kind::RightParen => parens -= 1,
                _ => {}
            }
            self.push(kind, bytes);
        }
    }

    /// Length of the right delimiter if the rest begins with one, with its trim marker.
    fn right_delimiter(&mut self) -> Option<usize> {
        let rest = self.rest();
        if rest.starts_with(RIGHT) {
            return Some(RIGHT.len());
        }
        let marker = rest.strip_prefix(SPACES)?.strip_prefix('-')?;
        marker.starts_with(RIGHT).then(|| {
            self.trim_next = true;
            2 + RIGHT.len()
        })
    }

    fn comment(&mut self, opening: usize) -> Result<(), LexError> {
        let start = self.at;
        self.at += opening;
        let Some(length) = self.rest().find("*/") else {
            return LexError::new(start, "unclosed comment");
        };
        self.at += length + 2;
        match self.right_delimiter() {
            Some(bytes) => {
                self.at += bytes;
                Ok(())
            }
            None => LexError::new(self.at, "comment ends before closing delimiter"),
        }
    }
}

/// True for `{{- `: the marker counts only with a space behind it, so that `{{-1}}` is a number.
fn trims_left(action: &str) -> bool {
    action
        .strip_prefix(LEFT)
        .and_then(|behind| behind.strip_prefix('-'))
        .is_some_and(|behind| behind.starts_with(SPACES))
}
