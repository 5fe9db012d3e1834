//! Operators.

use super::{Expr, ExprKind, Number, Span, ValueType};

/// `-x`, `+x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Unary {
    /// The sign.
    pub op: UnaryOp,
    /// What follows it.
    pub operand: Box<Expr>,
}

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Minus,
    /// `+`
    Plus,
}

/// `a / on (job) group_left b`.
///
/// A chain of operators (`a + b + c`) leans to the left and may be longer than any stack is deep. So whatever looks at all of it
/// goes from operator to operator ([`Expr::chain`]) instead of calling itself.
#[derive(Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Where the operator and its modifiers stand.
    pub op_span: Span,
    /// Left of the operator.
    pub left: Box<Expr>,
    /// Right of the operator.
    pub right: Box<Expr>,
    /// `bool`: a comparison gives 0 or 1 instead of filtering.
    pub returns_bool: bool,
    /// How series of both sides find each other; without meaning unless both sides are vectors.
    pub matching: Matching,
}

impl PartialEq for Binary {
    fn eq(&self, other: &Self) -> bool {
        let (mut own, mut other) = (self, other);
        loop {
            let same = (own.op, own.returns_bool, &own.matching)
                == (other.op, other.returns_bool, &other.matching)
                && own.right == other.right;
            if !same {
                return false;
            }
            match (&own.left.kind, &other.left.kind) {
                (ExprKind::Binary(left), ExprKind::Binary(other_left)) => {
                    (own, other) = (left, other_left);
                }
                (left, other_left) => return left == other_left,
            }
        }
    }
}

impl Clone for Binary {
    fn clone(&self) -> Self {
        let (operators, first) = self.left.chain();
        let copy = |left, (whole, binary): (&Expr, &Self)| {
            Expr::new(ExprKind::Binary(binary.with_left(left)), whole.span)
        };
        self.with_left(operators.into_iter().rev().fold(first.clone(), copy))
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let mut left = self.take_left();
        while let Some(mut expr) = left {
            left = match &mut expr.kind {
                ExprKind::Binary(binary) => binary.take_left(),
                _ => None,
            };
        }
    }
}

impl Binary {
    /// The same operator with another left side.
    fn with_left(&self, left: Expr) -> Self {
        Self {
            op: self.op,
            op_span: self.op_span,
            left: Box::new(left),
            right: self.right.clone(),
            returns_bool: self.returns_bool,
            matching: self.matching.clone(),
        }
    }

    /// Takes the left side away if it is an operator as well.
    fn take_left(&mut self) -> Option<Expr> {
        if !matches!(self.left.kind, ExprKind::Binary(_)) {
            return None;
        }
        let nothing = Expr::new(ExprKind::Number(Number::plain(0.0)), Span::default());
        Some(std::mem::replace(&mut *self.left, nothing))
    }

    pub(super) fn value_type(&self) -> ValueType {
        let (operators, first) = self.left.chain();
        let is_scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
        let rights = operators.iter().map(|(_, binary)| &*binary.right);
        if is_scalar(&self.right) && is_scalar(first) && rights.into_iter().all(is_scalar) {
            ValueType::Scalar
        } else {
            ValueType::InstantVector
        }
    }
}

/// How series of both sides of an operator find each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matching {
    /// How many series of each side may meet.
    pub cardinality: Cardinality,
    /// True for `on`, false for `ignoring`.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// The labels of `group_left` or `group_right`: copied from the "one" side.
    pub include: Vec<String>,
    /// `fill_left`: the value for a series that is missing on the left.
    pub fill_left: Option<Number>,
    /// `fill_right`: the value for a series that is missing on the right.
    pub fill_right: Option<Number>,
}

/// How many series of each side may meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cardinality {
    /// One on each side.
    #[default]
    OneToOne,
    /// `group_left`: many on the left.
    ManyToOne,
    /// `group_right`: many on the right.
    OneToMany,
}

/// The operators between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum BinaryOp {
    Or,
    And,
    Unless,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    TrimUpper,
    TrimLower,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Atan2,
    Pow,
}

impl BinaryOp {
    /// All of them, from loose to tight.
    pub const ALL: [Self; 18] = [
        Self::Or,
        Self::And,
        Self::Unless,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::TrimUpper,
        Self::TrimLower,
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Mod,
        Self::Atan2,
        Self::Pow,
    ];

    /// How it is written in a query.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Unless => "unless",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Atan2 => "atan2",
            Self::Pow => "^",
        }
    }

    /// How tightly it binds, from 1 (`or`) to 6 (`^`).
    #[must_use]
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => 5,
            Self::Pow => 6,
            _ => 3,
        }
    }

    /// True for `and`, `or`, `unless`.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// True for arithmetic, whose results mean something else than its operands.
    #[must_use]
    pub const fn changes_meaning(self) -> bool {
        matches!(
            self,
            Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Mod | Self::Atan2 | Self::Pow
        )
    }

    /// True for `==`, `!=`, `<`, `<=`, `>`, `>=`.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }
}
