//! Operators by their precedence.

use super::{ParseError, Parser};
use crate::ast::{Binary, BinaryOp, Expr, ExprKind, Number, Span, Unary, UnaryOp, quote};
use crate::lexer::{TokenKind, duration_seconds, number_value};

impl Parser<'_> {
    /// An expression whose operators bind at least as tightly as `precedence`.
    pub fn expression(&mut self, precedence: u8) -> Result<Expr, ParseError> {
        self.depth = self.limit(self.depth + 1)?;
        let mut left = self.unary()?;
        let mut is_chain = false;
        while let TokenKind::Operator(op) = self.peek().kind {
            if op.precedence() < precedence {
                break;
            }
            let height = self.height;
            left = self.binary(op, left)?;
            if is_chain {
                self.lengthen(height)?;
            } else {
                self.rise(height)?;
            }
            is_chain = true;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn binary(&mut self, op: BinaryOp, left: Expr) -> Result<Expr, ParseError> {
        let mut op_span = self.take().span;
        let modifiers = self.operator_modifiers()?;
        if let Some(end) = modifiers.end {
            op_span = op_span.to(end);
        }
        // `^` leans to the right, everything else to the left.
        let tighter = op.precedence() + u8::from(op != BinaryOp::Pow);
        let right = self.expression(tighter)?;
        let span = left.span.to(right.span);
        let binary = Binary {
            op,
            op_span,
            left: Box::new(left),
            right: Box::new(right),
            returns_bool: modifiers.returns_bool,
            matching: modifiers.matching,
        };
        Ok(Expr::new(ExprKind::Binary(binary), span))
    }

    /// A sign, or an operand with its modifiers. A sign binds less tightly than `^` and tighter than the rest.
    fn unary(&mut self) -> Result<Expr, ParseError> {
        let op = match self.peek().kind {
            TokenKind::Operator(BinaryOp::Sub) => UnaryOp::Minus,
            TokenKind::Operator(BinaryOp::Add) => UnaryOp::Plus,
            _ => {
                let operand = self.primary()?;
                return self.modifiers(operand);
            }
        };
        let sign = self.take().span;
        let operand = self.expression(BinaryOp::Pow.precedence())?;
        self.rise(0)?;
        Ok(signed(op, sign, operand))
    }

    pub fn primary(&mut self) -> Result<Expr, ParseError> {
        self.height = 1;
        let token = self.peek().clone();
        let opens = self.peek_second().kind == TokenKind::LeftParen;
        match &token.kind {
            TokenKind::Number | TokenKind::Duration => self.number(),
            TokenKind::String => {
                self.take();
                let text = self.string(&token)?;
                Ok(Expr::new(ExprKind::String(text), token.span))
            }
            TokenKind::LeftParen => {
                self.take();
                let inner = self.expression(0)?;
                let close = self.expect(&TokenKind::RightParen, "", "")?;
                self.rise(0)?;
                let span = token.span.to(close.span);
                Ok(Expr::new(ExprKind::Paren(Box::new(inner)), span))
            }
            TokenKind::Aggregator(op) if opens || self.at_grouping(1) => self.aggregation(*op),
            TokenKind::Identifier if opens => self.call(),
            TokenKind::LeftBrace => self.vector_selector(),
            _ if token.is_metric() => self.vector_selector(),
            _ => Err(self.unexpected("", "")),
        }
    }

    /// A number or a duration, which counts as seconds.
    pub fn number(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek().clone();
        let word = self.word(&token);
        let number = match token.kind {
            TokenKind::Duration => Number {
                value: duration_seconds(word).map_err(|error| self.error(token.span, error))?,
                is_duration: true,
            },
            _ => {
                let value = number_value(word).ok_or_else(|| {
                    let message = format!("error parsing number: {}", quote(word));
                    self.error(token.span, message)
                })?;
                // Digits that stand for no float; what is written as a word is infinite on purpose.
                if value.is_infinite() && word.starts_with(|first: char| !first.is_alphabetic()) {
                    let message = format!(
                        "error parsing number: strconv.ParseFloat: parsing {}: value out of range",
                        quote(word)
                    );
                    return Err(self.error(token.span, message));
                }
                Number::plain(value)
            }
        };
        self.take();
        Ok(Expr::new(ExprKind::Number(number), token.span))
    }
}

/// A sign before an expression; before a number it becomes part of it.
pub(super) fn signed(op: UnaryOp, sign: Span, operand: Expr) -> Expr {
    let span = sign.to(operand.span);
    let kind = match operand.kind {
        ExprKind::Number(number) if op == UnaryOp::Minus && !number.value.is_nan() => {
            ExprKind::Number(Number {
                value: -number.value,
                ..number
            })
        }
        ExprKind::Number(number) => ExprKind::Number(number),
        _ => ExprKind::Unary(Unary {
            op,
            operand: Box::new(operand),
        }),
    };
    Expr::new(kind, span)
}
