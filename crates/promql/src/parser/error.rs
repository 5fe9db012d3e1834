//! What is wrong with an expression, and where.

use crate::ast::Span;

/// Why a text is no expression. Shows as Prometheus does: `1:5: parse error: unexpected end of input`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: parse error: {message}", place(*.span))]
pub struct ParseError {
    message: String,
    span: Span,
}

fn place(span: Span) -> String {
    if span.line == 0 {
        "unknown position".to_owned()
    } else {
        format!("{}:{}", span.line, span.column)
    }
}

impl ParseError {
    pub(crate) fn new(text: &str, span: Span, message: impl Into<String>) -> Self {
        // An empty text has no first character to point at.
        let span = if text.is_empty() {
            Span::default()
        } else {
            span
        };
        Self {
            message: message.into(),
            span,
        }
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where: bytes, line and column.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }
}
