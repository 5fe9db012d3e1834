//! The words of the language.

use crate::ast::{AggregateOp, BinaryOp, Span};

/// One word of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    End,
    /// The lexer could go no further; the message says why.
    Error(String),
    Identifier,
    /// An identifier with a colon in it, which only a metric's name may have.
    MetricIdentifier,
    Number,
    Duration,
    String,
    Keyword(Keyword),
    Aggregator(AggregateOp),
    Operator(BinaryOp),
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    Equal,
    RegexEqual,
    RegexNotEqual,
}

/// Words with a meaning of their own outside of braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Bool,
    By,
    GroupLeft,
    GroupRight,
    Ignoring,
    Offset,
    On,
    Without,
}

/// The meaning of a word outside of braces, in any case of letters.
pub(crate) fn word(text: &str) -> Option<TokenKind> {
    let lower = text.to_ascii_lowercase();
    Some(match lower.as_str() {
        "bool" => TokenKind::Keyword(Keyword::Bool),
        "by" => TokenKind::Keyword(Keyword::By),
        "group_left" => TokenKind::Keyword(Keyword::GroupLeft),
        "group_right" => TokenKind::Keyword(Keyword::GroupRight),
        "ignoring" => TokenKind::Keyword(Keyword::Ignoring),
        "offset" => TokenKind::Keyword(Keyword::Offset),
        "on" => TokenKind::Keyword(Keyword::On),
        "without" => TokenKind::Keyword(Keyword::Without),
        "and" => TokenKind::Operator(BinaryOp::And),
        "or" => TokenKind::Operator(BinaryOp::Or),
        "unless" => TokenKind::Operator(BinaryOp::Unless),
        "atan2" => TokenKind::Operator(BinaryOp::Atan2),
        "inf" | "nan" => TokenKind::Number,
        other => TokenKind::Aggregator(AggregateOp::ALL.into_iter().find(|op| op.name() == other)?),
    })
}

impl Token {
    /// How Prometheus calls the token in an error text: `identifier "foo"`, `<by>`, `end of input`.
    pub fn description(&self, text: &str) -> String {
        let word = &text[self.span.range()];
        match &self.kind {
            TokenKind::End => "end of input".to_owned(),
            TokenKind::Error(message) => message.clone(),
            TokenKind::Identifier => format!("identifier {word:?}"),
            TokenKind::MetricIdentifier => format!("metric identifier {word:?}"),
            TokenKind::Number => format!("number {}", shortened(word)),
            TokenKind::Duration => format!("duration {}", shortened(word)),
            TokenKind::String => format!("string {}", shortened(word)),
            TokenKind::Keyword(_) => format!("<{word}>"),
            TokenKind::Aggregator(_) => format!("<aggr:{word}>"),
            TokenKind::Operator(_) | TokenKind::RegexEqual | TokenKind::RegexNotEqual => {
                format!("<op:{word}>")
            }
            _ => format!("{word:?}"),
        }
    }

    /// True for words that may be a label's name.
    pub const fn is_label(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Identifier
                | TokenKind::MetricIdentifier
                | TokenKind::Keyword(_)
                | TokenKind::Aggregator(_)
                | TokenKind::Operator(
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::Atan2
                )
        )
    }

    /// True for words that may be a metric's name.
    pub const fn is_metric(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Identifier
                | TokenKind::MetricIdentifier
                | TokenKind::Keyword(Keyword::By | Keyword::Offset | Keyword::Without)
                | TokenKind::Aggregator(_)
                | TokenKind::Operator(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
        )
    }
}

/// Texts of more than ten bytes are cut, as in Prometheus' messages.
fn shortened(word: &str) -> String {
    if word.len() <= 10 {
        return format!("{word:?}");
    }
    format!("{:?}...", word.chars().take(10).collect::<String>())
}
