//! The state machine that cuts a query into tokens.

use super::token::{Token, TokenKind, word};
use super::{number, text};
use crate::ast::{BinaryOp, Span};

/// Cuts a text into tokens. The last token is [`TokenKind::End`] or [`TokenKind::Error`].
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        position: 0,
        line: 1,
        line_start: 0,
        parens: 0,
        braces: false,
        brackets: false,
        colons: 0,
    };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        lexer.skip_blank();
        let token = lexer.next();
        let last = matches!(token.kind, TokenKind::End | TokenKind::Error(_));
        tokens.push(token);
        if last {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: u32,
    line_start: usize,
    parens: u32,
    braces: bool,
    brackets: bool,
    colons: u32,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    /// Moves over blanks, line breaks and comments.
    fn skip_blank(&mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.position) {
            match byte {
                b' ' | b'\t' | b'\r' => self.position += 1,
                b'\n' => {
                    self.position += 1;
                    self.line += 1;
                    self.line_start = self.position;
                }
                b'#' => {
                    let comment = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.position += comment;
                }
                _ => return,
            }
        }
    }

    fn next(&mut self) -> Token {
        let scanned = if self.braces {
            self.inside_braces()
        } else {
            self.statement()
        };
        match scanned {
            Ok((length, kind)) => self.token(length, kind),
            Err(message) => self.token(0, TokenKind::Error(message)),
        }
    }

    /// A token of the next `length` bytes.
    fn token(&mut self, length: usize, kind: TokenKind) -> Token {
        let start = self.position;
        self.position += length;
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let span = Span {
            start: number(start),
            end: number(self.position),
            line: self.line,
            column: number(start - self.line_start + 1),
        };
        // Raw strings may go over several lines.
        let breaks = self.text[start..self.position].matches('\n').count();
        if breaks > 0 {
            self.line += number(breaks);
            let last = self.text[..self.position].rfind('\n').unwrap_or_default();
            self.line_start = last + 1;
        }
        Token { kind, span }
    }

    fn inside_braces(&mut self) -> Result<(usize, TokenKind), String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Err("unexpected end of input inside braces".to_owned());
        };
        match first {
            '}' => {
                self.braces = false;
                Ok((1, TokenKind::RightBrace))
            }
            ',' => Ok((1, TokenKind::Comma)),
            '"' | '\'' | '`' => Ok((text::scan(rest)?, TokenKind::String)),
            '=' if rest.starts_with("=~") => Ok((2, TokenKind::RegexEqual)),
            '=' => Ok((1, TokenKind::Equal)),
            '!' => matcher_negation(rest),
            '{' => Err("unexpected left brace '{'".to_owned()),
            letter if is_letter(letter) => Ok((word_length(rest, false), TokenKind::Identifier)),
            other => Err(format!("unexpected character inside braces: {other:?}")),
        }
    }

    fn statement(&mut self) -> Result<(usize, TokenKind), String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return self.end();
        };
        match first {
            '(' => {
                self.parens += 1;
                Ok((1, TokenKind::LeftParen))
            }
            ')' => {
                let Some(parens) = self.parens.checked_sub(1) else {
                    return Err("unexpected right parenthesis ')'".to_owned());
                };
                self.parens = parens;
                Ok((1, TokenKind::RightParen))
            }
            '{' => {
                self.braces = true;
                Ok((1, TokenKind::LeftBrace))
            }
            '[' if self.brackets => Err("unexpected left bracket '['".to_owned()),
            '[' => {
                (self.brackets, self.colons) = (true, 0);
                Ok((1, TokenKind::LeftBracket))
            }
            ']' if !self.brackets => Err("unexpected right bracket ']'".to_owned()),
            ']' => {
                self.brackets = false;
                Ok((1, TokenKind::RightBracket))
            }
            ':' if self.brackets => {
                self.colons += 1;
                if self.colons > 1 {
                    return Err("unexpected colon ':'".to_owned());
                }
                Ok((1, TokenKind::Colon))
            }
            ',' => Ok((1, TokenKind::Comma)),
            '@' => Ok((1, TokenKind::At)),
            '"' | '\'' | '`' => Ok((text::scan(rest)?, TokenKind::String)),
            digit if digit.is_ascii_digit() || is_fraction(rest) => number::scan(rest)
                .map_err(|length| format!("bad number or duration syntax: {:?}", &rest[..length])),
            letter if is_letter(letter) || letter == ':' => Ok(self.word(rest)),
            _ => operator(rest, first),
        }
    }

    fn end(&self) -> Result<(usize, TokenKind), String> {
        if self.parens > 0 {
            return Err("unclosed left parenthesis".to_owned());
        }
        if self.brackets {
            return Err("unclosed left bracket".to_owned());
        }
        Ok((0, TokenKind::End))
    }

    fn word(&self, rest: &str) -> (usize, TokenKind) {
        let length = word_length(rest, !self.brackets);
        let text = &rest[..length];
        let kind = word(text).unwrap_or(if text.contains(':') {
            TokenKind::MetricIdentifier
        } else {
            TokenKind::Identifier
        });
        (length, kind)
    }
}

const fn is_letter(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

fn is_fraction(rest: &str) -> bool {
    matches!(rest.as_bytes(), [b'.', digit, ..] if digit.is_ascii_digit())
}

fn word_length(rest: &str, with_colons: bool) -> usize {
    rest.bytes()
        .take_while(|&byte| {
            byte.is_ascii_alphanumeric() || byte == b'_' || (with_colons && byte == b':')
        })
        .count()
}

fn matcher_negation(rest: &str) -> Result<(usize, TokenKind), String> {
    match rest[1..].chars().next() {
        Some('~') => Ok((2, TokenKind::RegexNotEqual)),
        Some('=') => Ok((2, TokenKind::Operator(BinaryOp::NotEqual))),
        Some(other) => Err(format!(
            "unexpected character after '!' inside braces: {other:?}"
        )),
        None => Err("unexpected end of input inside braces".to_owned()),
    }
}

fn operator(rest: &str, first: char) -> Result<(usize, TokenKind), String> {
    let second = rest[first.len_utf8()..].chars().next();
    let (length, op) = match (first, second) {
        ('=', Some('=')) => (2, BinaryOp::Equal),
        ('=', Some('~')) => return Err("unexpected character after '=': '~'".to_owned()),
        ('=', _) => return Ok((1, TokenKind::Equal)),
        ('!', Some('=')) => (2, BinaryOp::NotEqual),
        ('!', Some(other)) => return Err(format!("unexpected character after '!': {other:?}")),
        ('<', Some('=')) => (2, BinaryOp::LessEqual),
        ('<', Some('/')) => (2, BinaryOp::TrimUpper),
        ('<', _) => (1, BinaryOp::Less),
        ('>', Some('=')) => (2, BinaryOp::GreaterEqual),
        ('>', Some('/')) => (2, BinaryOp::TrimLower),
        ('>', _) => (1, BinaryOp::Greater),
        ('+', _) => (1, BinaryOp::Add),
        ('-', _) => (1, BinaryOp::Sub),
        ('*', _) => (1, BinaryOp::Mul),
        ('/', _) => (1, BinaryOp::Div),
        ('%', _) => (1, BinaryOp::Mod),
        ('^', _) => (1, BinaryOp::Pow),
        (other, _) => return Err(format!("unexpected character: {other:?}")),
    };
    Ok((length, TokenKind::Operator(op)))
}
