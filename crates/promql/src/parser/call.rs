//! Calls of functions.

use super::{ParseError, Parser};
use crate::ast::{Call, Expr, ExprKind, quote};
use crate::functions::Function;

impl Parser<'_> {
    pub fn call(&mut self) -> Result<Expr, ParseError> {
        let name = self.take();
        let word = self.word(&name);
        // `start`, `end`, `step` and `range` are words of the language as well, and those are read in any case.
        let function = Function::from_name(word).or_else(|| {
            Function::from_name(&word.to_ascii_lowercase()).filter(|function| {
                matches!(
                    function,
                    Function::Start | Function::End | Function::Step | Function::Range
                )
            })
        });
        let Some(function) = function else {
            let message = format!("unknown function with name {}", quote(word));
            return Err(self.error(name.span, message));
        };
        let (args, end) = self.arguments("")?;
        let call = Call { function, args };
        Ok(Expr::new(ExprKind::Call(call), name.span.to(end)))
    }
}
