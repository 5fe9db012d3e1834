//! Aggregations and lists of labels.

use super::{ParseError, Parser};
use crate::ast::{AggregateOp, Aggregation, Expr, ExprKind, Grouping, Span};
use crate::lexer::{Keyword, TokenKind};

impl Parser<'_> {
    /// True when the token after `skipped` others is `by` or `without`.
    pub fn at_grouping(&self, skipped: usize) -> bool {
        let token = if skipped == 0 {
            self.peek()
        } else {
            self.peek_second()
        };
        matches!(
            token.kind,
            TokenKind::Keyword(Keyword::By | Keyword::Without)
        )
    }

    pub fn aggregation(&mut self, op: AggregateOp) -> Result<Expr, ParseError> {
        let start = self.take().span;
        let mut grouping = Grouping::default();
        let mut grouped = false;
        if self.at_grouping(0) {
            (grouping, _) = self.grouping()?;
            grouped = true;
        }
        let (args, mut end) = self.arguments("aggregation")?;
        if !grouped && self.at_grouping(0) {
            (grouping, end) = self.grouping()?;
        }
        let span = start.to(end);
        let wanted = if op.has_param() { 2 } else { 1 };
        let given = args.len();
        if given == 0 {
            let message = "no arguments for aggregate expression provided";
            return Err(self.error(span, message));
        }
        let mut args = args.into_iter();
        let param = if op.has_param() { args.next() } else { None };
        let (Some(expr), None) = (args.next(), args.next()) else {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}"
            );
            return Err(self.error(span, message));
        };
        let aggregation = Aggregation {
            op,
            expr: Box::new(expr),
            param: param.map(Box::new),
            grouping,
        };
        Ok(Expr::new(ExprKind::Aggregation(aggregation), span))
    }

    fn grouping(&mut self) -> Result<(Grouping, Span), ParseError> {
        let by = self.take().kind == TokenKind::Keyword(Keyword::By);
        let (labels, end) = self.label_list()?;
        let grouping = if by {
            Grouping::By(labels)
        } else {
            Grouping::Without(labels)
        };
        Ok((grouping, end))
    }

    /// `(job, "label with blanks")`, and where it ends.
    pub fn label_list(&mut self) -> Result<(Vec<String>, Span), ParseError> {
        const CONTEXT: &str = "grouping opts";
        self.expect(&TokenKind::LeftParen, CONTEXT, "\"(\"")?;
        let mut labels = Vec::new();
        loop {
            if let Some(close) = self.take_if(&TokenKind::RightParen) {
                return Ok((labels, close.span));
            }
            let token = self.peek().clone();
            let label = match &token.kind {
                TokenKind::String => self.string(&token)?,
                _ if token.is_label() => self.word(&token).to_owned(),
                _ => return Err(self.unexpected(CONTEXT, "label")),
            };
            if label.is_empty() {
                return Err(self.error(token.span, "invalid label name for grouping: \"\""));
            }
            self.take();
            labels.push(label);
            if self.peek().kind != TokenKind::RightParen {
                self.expect(&TokenKind::Comma, CONTEXT, "\",\" or \")\"")?;
            }
        }
    }

    /// The arguments of a call or an aggregation, and where they end.
    pub fn arguments(&mut self, context: &str) -> Result<(Vec<Expr>, Span), ParseError> {
        self.expect(&TokenKind::LeftParen, context, "")?;
        let (mut args, mut height) = (Vec::new(), 0);
        if let Some(close) = self.take_if(&TokenKind::RightParen) {
            return Ok((args, close.span));
        }
        loop {
            args.push(self.expression(0)?);
            height = self.height.max(height);
            if let Some(close) = self.take_if(&TokenKind::RightParen) {
                self.rise(height)?;
                return Ok((args, close.span));
            }
            let comma = self.expect(&TokenKind::Comma, context, "")?;
            if self.peek().kind == TokenKind::RightParen {
                let message = "trailing commas not allowed in function call args";
                return Err(self.error(comma.span, message));
            }
        }
    }
}
