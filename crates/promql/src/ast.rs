//! The tree of an expression.
//!
//! A tree that [`parse`](crate::parse) gives has been checked: argument counts and types are right, so
//! whoever walks it need not check again. Two trees are equal when they mean the same; where their parts stand in
//! the text does not count.

mod aggregation; // sum by (job) (...)
mod binary; // a + on (job) b
mod length; // durations, also computed ones: [5m * 2]
mod literal; // numbers
mod pretty; // a tree over several lines
mod print; // back to text
mod selector; // up{job="gateway"}[5m] offset 1h @ end()
mod span; // where a part stands in the text
mod walk; // visiting the parts

pub use aggregation::{AggregateOp, Aggregation, Grouping};
pub use binary::{Binary, BinaryOp, Cardinality, Matching, Unary, UnaryOp};
pub(crate) use length::seconds_to_millis;
pub use length::{Length, LengthContext, LengthError};
pub use literal::Number;
pub(crate) use print::label_set;
pub use print::quote;
pub use selector::{At, Extension, MatrixSelector, Subquery, VectorSelector};
pub use span::Span;

use crate::functions::Function;

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands in the text.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `1.5`, `0x1f`, `Inf`, `5m`.
    Number(Number),
    /// `"text"`.
    String(String),
    /// `up{job="gateway"}`.
    VectorSelector(VectorSelector),
    /// `up{job="gateway"}[5m]`.
    MatrixSelector(MatrixSelector),
    /// `rate(x[5m])[1h:1m]`.
    Subquery(Subquery),
    /// `-x`.
    Unary(Unary),
    /// `a / on (job) b`.
    Binary(Binary),
    /// `sum by (job) (x)`.
    Aggregation(Aggregation),
    /// `rate(x[5m])`.
    Call(Call),
    /// `(x)`. Kept, so that the tree prints as it was written.
    Paren(Box<Expr>),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which function.
    pub function: Function,
    /// Its arguments, as many and of such types as the function wants.
    pub args: Vec<Expr>,
}

/// What an expression evaluates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number per step.
    Scalar,
    /// A text.
    String,
    /// Series with one sample per step.
    InstantVector,
    /// Series with a window of samples per step.
    RangeVector,
}

impl ValueType {
    /// The name that documentation and error texts use: `instant vector`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::InstantVector => "instant vector",
            Self::RangeVector => "range vector",
        }
    }

    /// The name that the HTTP API uses as `resultType`: `vector`, `matrix`.
    #[must_use]
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::InstantVector => "vector",
            Self::RangeVector => "matrix",
        }
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Expr {
    /// An expression at a place.
    #[must_use]
    pub const fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// What the expression evaluates to.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::VectorSelector(_) | ExprKind::Aggregation(_) => ValueType::InstantVector,
            ExprKind::MatrixSelector(_) | ExprKind::Subquery(_) => ValueType::RangeVector,
            ExprKind::Unary(unary) => unary.operand.value_type(),
            ExprKind::Binary(binary) => binary.value_type(),
            ExprKind::Call(call) => call.function.returns(),
            ExprKind::Paren(inner) => inner.value_type(),
        }
    }

    /// The expression inside all parentheses.
    #[must_use]
    pub fn without_parens(&self) -> &Self {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }
}
