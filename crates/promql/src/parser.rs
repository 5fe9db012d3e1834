//! Tokens to a checked tree.
//!
//! The parser is written by hand: operators by their precedence, everything else by one function for each
//! construct. The first mistake ends it, with the text that Prometheus gives and the place.

mod aggregation; // sum by (job) (...)
mod call; // rate(...)
mod check; // types
mod cursor; // the tokens and the way through them
mod error; // what is wrong, and where
mod expression; // operators
mod length; // durations in brackets and behind `offset`
mod matching; // bool, on, group_left, fill
mod modifier; // [5m], offset, @
mod selector; // up{job="gateway"}

pub use error::ParseError;

use stonechat_model::Matcher;

use crate::ast::{Expr, ExprKind, Span, VectorSelector};
use cursor::Parser;

/// The longest text that is parsed, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// How deep expressions may be nested. A chain of operators that leans to the left (`a + b + c`) is one level, whatever its length.
pub const DEPTH_MAX: usize = 100;

/// Reads and checks an expression.
///
/// # Errors
/// The first mistake, with its place and the text that Prometheus would give.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(text)?;
    if parser.at_end() {
        let start = Span {
            line: 1,
            column: 1,
            ..Span::default()
        };
        return Err(parser.error(start, "no expression found in input"));
    }
    let expr = parser.expression(0)?;
    parser.expect_end()?;
    check::check(text, &expr)?;
    Ok(expr)
}

/// Reads a series selector, as the HTTP API takes it in `match[]`: `up{job="gateway"}`.
///
/// # Errors
/// When the text is no selector, or would select everything.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let expr = parse(text)?;
    match &expr.kind {
        ExprKind::VectorSelector(selector) if selector.at.is_none() => Ok(selector.all_matchers()),
        _ => Err(ParseError::new(
            text,
            expr.span,
            "expected a series selector",
        )),
    }
}

/// Reads a name and conditions without asking whether they would select everything.
pub(crate) fn parse_series(text: &str) -> Result<VectorSelector, ParseError> {
    let mut parser = Parser::new(text)?;
    let expr = parser.vector_selector()?;
    parser.expect_end()?;
    match expr.kind {
        ExprKind::VectorSelector(selector) => Ok(selector),
        _ => Err(parser.error(expr.span, "expected a series")),
    }
}
