//! What may follow an operand: `[5m]`, `[1h:1m]`, `offset 5m`, `@ end()`, `anchored`.

use stonechat_model::{Timestamp, format_float};

use super::expression::signed;
use super::{ParseError, Parser};
use crate::ast::{
    At, BinaryOp, Expr, ExprKind, Extension, Length, MatrixSelector, Number, Span, Subquery,
    UnaryOp,
};
use crate::lexer::{Keyword, TokenKind};

impl Parser<'_> {
    /// The operand with everything that follows it.
    pub fn modifiers(&mut self, mut operand: Expr) -> Result<Expr, ParseError> {
        loop {
            let height = self.height;
            let next = self.peek().kind.clone();
            operand = match next {
                TokenKind::LeftBracket => self.brackets(operand)?,
                TokenKind::Keyword(Keyword::Offset) => self.offset(operand)?,
                TokenKind::At => self.at(operand)?,
                TokenKind::Identifier if self.at_word("anchored") => {
                    self.extension(operand, Extension::Anchored)?
                }
                TokenKind::Identifier if self.at_word("smoothed") => {
                    self.extension(operand, Extension::Smoothed)?
                }
                _ => return Ok(operand),
            };
            self.rise(height)?;
        }
    }

    fn brackets(&mut self, operand: Expr) -> Result<Expr, ParseError> {
        let open = self.take();
        let range = self.positive_length(
            "subquery or range selector",
            "number, duration, step(), or range()",
        )?;
        if let Some(close) = self.take_if(&TokenKind::RightBracket) {
            return self.matrix(operand, range, open.span.to(close.span));
        }
        self.expect(&TokenKind::Colon, "subquery or range", "\":\" or \"]\"")?;
        let step = if self.peek().kind == TokenKind::RightBracket {
            None
        } else {
            Some(self.positive_length(
                "subquery selector",
                "number, duration, step(), range(), or \"]\"",
            )?)
        };
        let close = self.expect(&TokenKind::RightBracket, "subquery selector", "\"]\"")?;
        let span = operand.span.to(close.span);
        let subquery = Subquery {
            expr: Box::new(operand),
            range,
            step,
            offset: Length::default(),
            at: None,
        };
        Ok(Expr::new(ExprKind::Subquery(subquery), span))
    }

    fn matrix(&self, operand: Expr, range: Length, brackets: Span) -> Result<Expr, ParseError> {
        let span = operand.span.to(brackets);
        let ExprKind::VectorSelector(selector) = operand.kind else {
            return Err(self.error(brackets, "ranges only allowed for vector selectors"));
        };
        if selector.offset != Length::default() {
            return Err(self.error(brackets, "no offset modifiers allowed before range"));
        }
        if selector.at.is_some() {
            return Err(self.error(brackets, "no @ modifiers allowed before range"));
        }
        if let Some(extension) = selector.extension {
            let message = format!("no {extension} modifier allowed before range");
            return Err(self.error(brackets, message));
        }
        let matrix = MatrixSelector { selector, range };
        Ok(Expr::new(ExprKind::MatrixSelector(matrix), span))
    }

    fn offset(&mut self, mut operand: Expr) -> Result<Expr, ParseError> {
        self.take();
        let (length, end) = self.offset_length()?;
        let span = operand.span;
        let offset = match &mut operand.kind {
            ExprKind::VectorSelector(selector) => &mut selector.offset,
            ExprKind::MatrixSelector(matrix) => &mut matrix.selector.offset,
            ExprKind::Subquery(subquery) => &mut subquery.offset,
            _ => {
                return Err(self.error(
                    span,
                    "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
                ));
            }
        };
        if *offset != Length::default() {
            return Err(self.error(span, "offset may not be set multiple times"));
        }
        *offset = length;
        operand.span = span.to(end);
        Ok(operand)
    }

    fn at(&mut self, mut operand: Expr) -> Result<Expr, ParseError> {
        self.take();
        let span = operand.span;
        let (moment, end) = self.moment(span)?;
        let at = match &mut operand.kind {
            ExprKind::VectorSelector(selector) => &mut selector.at,
            ExprKind::MatrixSelector(matrix) => &mut matrix.selector.at,
            ExprKind::Subquery(subquery) => &mut subquery.at,
            _ => {
                return Err(self.error(
                    span,
                    "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
                ));
            }
        };
        if at.is_some() {
            return Err(self.error(span, "@ <timestamp> may not be set multiple times"));
        }
        *at = Some(moment);
        operand.span = span.to(end);
        Ok(operand)
    }

    /// `1609746000.123`, `start()` or `end()`.
    fn moment(&mut self, operand: Span) -> Result<(At, Span), ParseError> {
        for (word, at) in [("start", At::Start), ("end", At::End)] {
            if self.at_word(word) {
                self.take();
                self.expect(&TokenKind::LeftParen, "@", "timestamp")?;
                let close = self.expect(&TokenKind::RightParen, "@", "\")\"")?;
                return Ok((at, close.span));
            }
        }
        let op = match self.peek().kind {
            TokenKind::Operator(BinaryOp::Sub) => Some(UnaryOp::Minus),
            TokenKind::Operator(BinaryOp::Add) => Some(UnaryOp::Plus),
            _ => None,
        };
        let sign = op.map(|op| (op, self.take().span));
        if !matches!(self.peek().kind, TokenKind::Number | TokenKind::Duration) {
            return Err(self.unexpected("@", "timestamp"));
        }
        let mut number = self.number()?;
        if let Some((op, span)) = sign {
            number = signed(op, span, number);
        }
        let ExprKind::Number(Number { value, .. }) = number.kind else {
            return Err(self.error(number.span, "expected a timestamp behind @"));
        };
        let time = timestamp(value).ok_or_else(|| {
            let value = format_float(value);
            let message = format!("timestamp out of bounds for @ modifier: {value}");
            self.error(operand, message)
        })?;
        Ok((At::Time(time), number.span))
    }

    fn extension(&mut self, mut operand: Expr, extension: Extension) -> Result<Expr, ParseError> {
        let word = self.take();
        let span = operand.span;
        let selector = match &mut operand.kind {
            ExprKind::VectorSelector(selector) if extension == Extension::Smoothed => selector,
            ExprKind::MatrixSelector(matrix) => &mut matrix.selector,
            _ => {
                let after = match extension {
                    Extension::Anchored => "a range vector selector",
                    Extension::Smoothed => "an instant vector selector or range vector selector",
                };
                let message = format!("{extension} modifier must be preceded by {after}");
                return Err(self.error(span, message));
            }
        };
        if let Some(first) = selector.extension {
            let message = if first == extension {
                format!("{extension} modifier may not be set multiple times")
            } else {
                format!("{extension} modifier cannot be combined with {first}")
            };
            return Err(self.error(word.span, message));
        }
        selector.extension = Some(extension);
        operand.span = span.to(word.span);
        Ok(operand)
    }
}

/// Seconds to a moment in whole milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the bound is checked before"
)]
fn timestamp(seconds: f64) -> Option<Timestamp> {
    const SECONDS_MAX: f64 = 9_223_372_036_854_775.0;
    (seconds.abs() < SECONDS_MAX).then(|| Timestamp::from_millis((seconds * 1000.0).round() as i64))
}
