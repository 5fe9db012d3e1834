//! The functions of the language: their names and types, and what they compute.

mod table; // names and types

pub(crate) use table::Arity;
pub use table::Function;
