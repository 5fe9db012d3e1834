//! Durations in brackets and behind `offset`, also computed ones: `[5m * 2]`, `offset -step()`.

use super::expression::signed;
use super::{ParseError, Parser};
use crate::ast::{BinaryOp, Expr, ExprKind, Length, Span, UnaryOp, seconds_to_millis};
use crate::functions::Function;
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// The range or step in brackets.
    pub fn positive_length(&mut self, context: &str, expected: &str) -> Result<Length, ParseError> {
        if !self.at_length() {
            return Err(self.unexpected(context, expected));
        }
        let expr = self.expression(0)?;
        let length = self.length(&expr)?;
        match length {
            Length::Fixed(millis) if millis <= 0 => {
                Err(self.error(expr.span, "duration must be greater than 0"))
            }
            _ => Ok(length),
        }
    }

    /// What stands behind `offset`, and where it ends: a signed operand, as operators belong to what follows.
    pub fn offset_length(&mut self) -> Result<(Length, Span), ParseError> {
        if !self.at_length() {
            return Err(self.unexpected("offset", "number, duration, step(), or range()"));
        }
        let expr = self.offset_operand()?;
        let length = self.length(&expr)?;
        Ok((length, expr.span))
    }

    fn offset_operand(&mut self) -> Result<Expr, ParseError> {
        let op = match self.peek().kind {
            TokenKind::Operator(BinaryOp::Sub) => UnaryOp::Minus,
            TokenKind::Operator(BinaryOp::Add) => UnaryOp::Plus,
            _ => return self.primary(),
        };
        let sign = self.take().span;
        if !self.at_length() {
            return Err(self.unexpected("offset", "number, duration, step(), or range()"));
        }
        let operand = self.primary()?;
        Ok(signed(op, sign, operand))
    }

    fn at_length(&self) -> bool {
        match self.peek().kind {
            TokenKind::Number
            | TokenKind::Duration
            | TokenKind::LeftParen
            | TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub) => true,
            TokenKind::Identifier => ["step", "range", "min_of", "max_of"]
                .iter()
                .any(|word| self.at_word(word)),
            _ => false,
        }
    }

    /// A plain number becomes a fixed length; everything else is computed when the query runs.
    fn length(&self, expr: &Expr) -> Result<Length, ParseError> {
        self.check_length(expr)?;
        let ExprKind::Number(number) = &expr.kind else {
            return Ok(Length::Computed(Box::new(expr.clone())));
        };
        seconds_to_millis(number.value)
            .map(Length::Fixed)
            .ok_or_else(|| self.error(expr.span, "duration out of range"))
    }

    /// Refuses what no length may hold.
    fn check_length(&self, whole: &Expr) -> Result<(), ParseError> {
        let mut refused = None;
        whole.walk(&mut |expr| {
            if refused.is_none() && !may_be_in_length(expr) {
                refused = Some(expr.span);
            }
        });
        refused.map_or(Ok(()), |span| {
            Err(self.error(span, "unexpected expression in duration expression"))
        })
    }
}

fn may_be_in_length(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Paren(_) | ExprKind::Unary(_) => true,
        ExprKind::Binary(binary) => {
            !binary.returns_bool
                && matches!(
                    binary.op,
                    BinaryOp::Add
                        | BinaryOp::Sub
                        | BinaryOp::Mul
                        | BinaryOp::Div
                        | BinaryOp::Mod
                        | BinaryOp::Pow
                )
        }
        ExprKind::Call(call) => match call.function {
            Function::Step | Function::Range => call.args.is_empty(),
            Function::MinOf | Function::MaxOf => call.args.len() == 2,
            _ => false,
        },
        _ => false,
    }
}
