//! Selectors: a name, and conditions in braces.

use stonechat_model::{METRIC_NAME, MatchOp, Matcher};

use super::{ParseError, Parser};
use crate::ast::{BinaryOp, Expr, ExprKind, Span, VectorSelector, quote};
use crate::lexer::TokenKind;

const CONTEXT: &str = "label matching";

impl Parser<'_> {
    pub fn vector_selector(&mut self) -> Result<Expr, ParseError> {
        let first = self.peek().clone();
        let mut selector = VectorSelector::default();
        let mut span = first.span;
        if first.is_metric() {
            selector.name = Some(self.word(&first).to_owned());
            self.take();
        }
        if self.take_if(&TokenKind::LeftBrace).is_some() {
            while self.peek().kind != TokenKind::RightBrace {
                self.label_matcher(&mut selector, first.span)?;
                if self.peek().kind != TokenKind::RightBrace {
                    self.expect(&TokenKind::Comma, CONTEXT, "\",\" or \"}\"")?;
                }
            }
            span = span.to(self.take().span);
        }
        Ok(Expr::new(ExprKind::VectorSelector(selector), span))
    }

    /// `job="gateway"`, `"label with blanks"=~"a.*"`, or a quoted metric name.
    fn label_matcher(
        &mut self,
        selector: &mut VectorSelector,
        start: Span,
    ) -> Result<(), ParseError> {
        let token = self.peek().clone();
        let name = match token.kind {
            TokenKind::Identifier => self.word(&token).to_owned(),
            TokenKind::String => self.string(&token)?,
            _ => return Err(self.unexpected(CONTEXT, "identifier or \"}\"")),
        };
        self.take();
        let quoted = token.kind == TokenKind::String;
        if quoted && matches!(self.peek().kind, TokenKind::Comma | TokenKind::RightBrace) {
            if let Some(first) = &selector.name {
                let message = format!(
                    "metric name must not be set twice: {} or {}",
                    quote(first),
                    quote(&name)
                );
                return Err(self.error(start.to(token.span), message));
            }
            selector.matchers.push(Matcher::equal(METRIC_NAME, name));
            return Ok(());
        }
        let op = match self.peek().kind {
            TokenKind::Equal => MatchOp::Equal,
            TokenKind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            TokenKind::RegexEqual => MatchOp::Regex,
            TokenKind::RegexNotEqual => MatchOp::NotRegex,
            _ => return Err(self.unexpected(CONTEXT, "label matching operator")),
        };
        self.take();
        if self.peek().kind != TokenKind::String {
            return Err(self.unexpected(CONTEXT, "string"));
        }
        let value = self.take();
        let span = token.span.to(value.span);
        let value = self.string(&value)?;
        let matcher =
            Matcher::new(name, op, value).map_err(|error| self.error(span, error.to_string()))?;
        selector.matchers.push(matcher);
        Ok(())
    }
}
