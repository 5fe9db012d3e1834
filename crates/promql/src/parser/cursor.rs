//! The tokens of a text and the way through them.

use super::{DEPTH_MAX, ParseError, TEXT_BYTES_MAX};
use crate::ast::Span;
use crate::lexer::{Token, TokenKind, tokenize, unquote};

/// A parser at a token. The methods for each construct stand in the files beside this one.
pub(super) struct Parser<'a> {
    pub text: &'a str,
    tokens: Vec<Token>,
    position: usize,
    /// Levels of the parser's own recursion.
    pub depth: usize,
    /// Levels of the expression that was read last.
    pub height: usize,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Result<Self, ParseError> {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("expression is longer than {TEXT_BYTES_MAX} bytes");
            return Err(ParseError::new(text, Span::default(), message));
        }
        Ok(Self {
            text,
            tokens: tokenize(text),
            position: 0,
            depth: 0,
            height: 0,
        })
    }

    /// The next token.
    pub fn peek(&self) -> &Token {
        &self.tokens[self.position]
    }

    /// The token behind the next.
    pub fn peek_second(&self) -> &Token {
        self.tokens.get(self.position + 1).unwrap_or(self.peek())
    }

    /// Takes the next token. The last one, which is the end or an error, stays.
    pub fn take(&mut self) -> Token {
        let token = self.peek().clone();
        if self.position + 1 < self.tokens.len() {
            self.position += 1;
        }
        token
    }

    /// Takes the next token if it is of a kind.
    pub fn take_if(&mut self, kind: &TokenKind) -> Option<Token> {
        (self.peek().kind == *kind).then(|| self.take())
    }

    /// The characters of a token.
    pub fn word(&self, token: &Token) -> &'a str {
        &self.text[token.span.range()]
    }

    /// True when the next token is this word, in any case of letters.
    pub fn at_word(&self, word: &str) -> bool {
        self.peek().kind == TokenKind::Identifier
            && self.word(self.peek()).eq_ignore_ascii_case(word)
    }

    pub fn at_end(&self) -> bool {
        self.peek().kind == TokenKind::End
    }

    pub fn expect_end(&self) -> Result<(), ParseError> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.unexpected("", ""))
        }
    }

    /// Takes a token of this kind, or fails as Prometheus does.
    pub fn expect(
        &mut self,
        kind: &TokenKind,
        context: &str,
        expected: &str,
    ) -> Result<Token, ParseError> {
        self.take_if(kind)
            .ok_or_else(|| self.unexpected(context, expected))
    }

    /// The text of a string token.
    pub fn string(&self, token: &Token) -> Result<String, ParseError> {
        unquote(self.word(token)).map_err(|message| self.error(token.span, message))
    }

    /// The error for a next token that cannot be: `unexpected end of input in aggregation`.
    pub fn unexpected(&self, context: &str, expected: &str) -> ParseError {
        let token = self.peek();
        if let TokenKind::Error(message) = &token.kind {
            return self.error(token.span, message);
        }
        let mut message = format!("unexpected {}", token.description(self.text));
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.error(token.span, message)
    }

    /// Fails when `levels` are more than whoever walks a tree can take.
    pub fn limit(&self, levels: usize) -> Result<usize, ParseError> {
        if levels > DEPTH_MAX {
            let message = format!("expression is nested more than {DEPTH_MAX} levels deep");
            return Err(self.error_here(message));
        }
        Ok(levels)
    }

    /// The expression that was read last was put below another, beside one of `height` levels.
    pub fn rise(&mut self, height: usize) -> Result<(), ParseError> {
        self.height = self.limit(self.height.max(height) + 1)?;
        Ok(())
    }

    /// The expression that was read last became the right side of one more operator of a chain of `height` levels, which are no
    /// more however long the chain is: nobody who walks a tree goes down along it.
    pub fn lengthen(&mut self, height: usize) -> Result<(), ParseError> {
        self.height = self.limit(self.height + 1)?.max(height);
        Ok(())
    }

    pub fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.text, span, message)
    }

    pub fn error_here(&self, message: impl Into<String>) -> ParseError {
        self.error(self.peek().span, message)
    }
}
