//! What may stand between an operator and its right side: `bool on (job) group_left (role) fill (0)`.

use super::{ParseError, Parser};
use crate::ast::{BinaryOp, Cardinality, ExprKind, Matching, Number, Span, UnaryOp};
use crate::lexer::{Keyword, TokenKind};

/// The modifiers of an operator, and where they end if there are any.
#[derive(Default)]
pub(super) struct OperatorModifiers {
    pub returns_bool: bool,
    pub matching: Matching,
    pub end: Option<Span>,
}

impl Parser<'_> {
    pub fn operator_modifiers(&mut self) -> Result<OperatorModifiers, ParseError> {
        let mut modifiers = OperatorModifiers::default();
        if let Some(token) = self.take_if(&TokenKind::Keyword(Keyword::Bool)) {
            modifiers.returns_bool = true;
            modifiers.end = Some(token.span);
        }
        let on = self.peek().kind == TokenKind::Keyword(Keyword::On);
        if on || self.peek().kind == TokenKind::Keyword(Keyword::Ignoring) {
            self.take();
            modifiers.matching.on = on;
            let (labels, end) = self.label_list()?;
            modifiers.matching.labels = labels;
            modifiers.end = Some(end);
            self.group_modifier(&mut modifiers)?;
        }
        self.fill_modifiers(&mut modifiers)?;
        Ok(modifiers)
    }

    fn group_modifier(&mut self, modifiers: &mut OperatorModifiers) -> Result<(), ParseError> {
        let cardinality = match self.peek().kind {
            TokenKind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            TokenKind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        modifiers.matching.cardinality = cardinality;
        modifiers.end = Some(self.take().span);
        if self.peek().kind == TokenKind::LeftParen {
            let (labels, end) = self.label_list()?;
            modifiers.matching.include = labels;
            modifiers.end = Some(end);
        }
        Ok(())
    }

    fn fill_modifiers(&mut self, modifiers: &mut OperatorModifiers) -> Result<(), ParseError> {
        while self.peek_second().kind == TokenKind::LeftParen {
            let (left, right) = (self.at_word("fill_left"), self.at_word("fill_right"));
            let both = self.at_word("fill");
            if !(left || right || both) {
                break;
            }
            let word = self.take();
            let (value, end) = self.fill_value()?;
            let matching = &mut modifiers.matching;
            let taken = (left || both) && matching.fill_left.is_some()
                || (right || both) && matching.fill_right.is_some();
            if taken {
                return Err(self.error(word.span, "fill modifier may not be set multiple times"));
            }
            if left || both {
                matching.fill_left = Some(value);
            }
            if right || both {
                matching.fill_right = Some(value);
            }
            modifiers.end = Some(end);
        }
        Ok(())
    }

    /// `(0)`, with any sign.
    fn fill_value(&mut self) -> Result<(Number, Span), ParseError> {
        self.expect(&TokenKind::LeftParen, "fill", "\"(\"")?;
        let minus = self.take_if(&TokenKind::Operator(BinaryOp::Sub));
        let plus = self.take_if(&TokenKind::Operator(BinaryOp::Add));
        if self.peek().kind != TokenKind::Number {
            return Err(self.unexpected("fill", "number"));
        }
        let mut number = self.number()?;
        if let Some(sign) = minus.filter(|_| plus.is_none()) {
            number = super::expression::signed(UnaryOp::Minus, sign.span, number);
        }
        let close = self.expect(&TokenKind::RightParen, "fill", "\")\"")?;
        match number.kind {
            ExprKind::Number(number) => Ok((number, close.span)),
            _ => Err(self.error(number.span, "expected a number in fill")),
        }
    }
}
