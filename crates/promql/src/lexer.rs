//! Text to tokens.
//!
//! Own code because the words of PromQL mean different things in braces, in brackets and outside of both, and
//! because error texts follow Prometheus, which people search for.

mod number; // where a number or duration ends, and its value
mod scan; // the state machine
mod text; // quoted texts
mod token; // what it gives

pub(crate) use number::{duration_seconds, number_value};
pub(crate) use scan::tokenize;
pub(crate) use text::unquote;
pub(crate) use token::{Keyword, Token, TokenKind};
