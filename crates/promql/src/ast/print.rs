//! A tree back to text, in the form in which Prometheus prints expressions. What is printed parses back to the same tree.

use std::fmt::{self, Write as _};
use std::time::Duration;

use stonechat_model::{Labels, Matcher, duration, format_float, is_legacy_label_name};

use super::{
    AggregateOp, Aggregation, At, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, Extension,
    Grouping, Length, MatrixSelector, Number, Subquery, Unary, UnaryOp, VectorSelector,
};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(number) => number.fmt(f),
            ExprKind::String(text) => f.write_str(&quote(text)),
            ExprKind::VectorSelector(selector) => selector.fmt(f),
            ExprKind::MatrixSelector(matrix) => matrix.fmt(f),
            ExprKind::Subquery(subquery) => subquery.fmt(f),
            ExprKind::Unary(unary) => unary.fmt(f),
            ExprKind::Binary(_) => {
                let (operators, first) = self.chain();
                match (&first.kind, operators.last()) {
                    // A sign would bind less tightly than the power.
                    (ExprKind::Number(number), Some((_, next)))
                        if number.value == f64::INFINITY && next.op == BinaryOp::Pow =>
                    {
                        f.write_str("Inf")?;
                    }
                    _ => first.fmt(f)?,
                }
                let mut operators = operators.into_iter().rev();
                operators.try_for_each(|(_, binary)| binary.fmt_behind_left(f))
            }
            ExprKind::Aggregation(aggregation) => aggregation.fmt(f),
            ExprKind::Call(call) => call.fmt(f),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_duration {
            let sign = if self.value.is_sign_negative() {
                "-"
            } else {
                ""
            };
            // Whole milliseconds were written, and of many years their fraction of seconds is only near.
            let length = Duration::from_millis((self.value.abs() * 1000.0).round() as u64);
            return write!(f, "{sign}{}", duration::format(length));
        }
        f.write_str(&format_float(self.value))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(millis) => {
                let sign = if *millis < 0 { "-" } else { "" };
                let length = Duration::from_millis(millis.unsigned_abs());
                write!(f, "{sign}{}", duration::format(length))
            }
            Self::Computed(expr) => expr.fmt(f),
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for AggregateOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_series(f)?;
        self.fmt_shift(f)
    }
}

impl VectorSelector {
    /// Name and braces.
    fn fmt_series(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref();
        let bare = name.filter(|name| is_bare_metric_name(name));
        f.write_str(bare.unwrap_or_default())?;
        let quoted = name.filter(|_| bare.is_none()).map(quote);
        let mut matchers: Vec<String> = self.matchers.iter().map(matcher).collect();
        matchers.sort_unstable();
        let parts: Vec<String> = quoted.into_iter().chain(matchers).collect();
        if bare.is_some() && parts.is_empty() {
            return Ok(());
        }
        write!(f, "{{{}}}", parts.join(","))
    }

    /// Everything behind the braces or the range.
    fn fmt_shift(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(extension) = self.extension {
            write!(f, " {extension}")?;
        }
        shift(f, self.at, &self.offset)
    }
}

fn matcher(matcher: &Matcher) -> String {
    let name = label_name(matcher.name());
    format!("{name}{}{}", matcher.op(), quote(matcher.value()))
}

/// A label name as it may stand in braces and groupings.
fn label_name(name: &str) -> String {
    if is_legacy_label_name(name) {
        name.to_owned()
    } else {
        quote(name)
    }
}

fn label_names(names: &[String]) -> String {
    names
        .iter()
        .map(|name| label_name(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// True for names that may stand before the braces. Words of the language that cannot be names there are not among them.
fn is_bare_metric_name(name: &str) -> bool {
    const RESERVED: [&str; 8] = [
        "atan2",
        "bool",
        "group_left",
        "group_right",
        "ignoring",
        "inf",
        "nan",
        "on",
    ];
    let mut characters = name.chars();
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    characters.next().is_some_and(starts)
        && characters.all(|c| starts(c) || c.is_ascii_digit())
        && !RESERVED.contains(&name.to_ascii_lowercase().as_str())
}

fn shift(f: &mut fmt::Formatter<'_>, at: Option<At>, offset: &Length) -> fmt::Result {
    match at {
        None => {}
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        Some(At::Time(time)) => {
            let millis = time.millis();
            let sign = if millis < 0 { "-" } else { "" };
            let millis = millis.unsigned_abs();
            write!(f, " @ {sign}{}.{:03}", millis / 1000, millis % 1000)?;
        }
    }
    match offset {
        Length::Fixed(0) => Ok(()),
        offset => write!(f, " offset {offset}"),
    }
}

impl fmt::Display for MatrixSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.fmt_series(f)?;
        write!(f, "[{}]", self.range)?;
        self.selector.fmt_shift(f)
    }
}

impl fmt::Display for Subquery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.expr, Shift(self))
    }
}

/// A subquery without its expression: range, step and how it is shifted.
pub(super) struct Shift<'a>(pub(super) &'a Subquery);

impl fmt::Display for Shift<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:", self.0.range)?;
        if let Some(step) = &self.0.step {
            step.fmt(f)?;
        }
        f.write_str("]")?;
        shift(f, self.0.at, &self.0.offset)
    }
}

impl fmt::Display for Unary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.op.sign(), self.operand)
    }
}

impl UnaryOp {
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Minus => '-',
            Self::Plus => '+',
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.left.fmt(f)?;
        self.fmt_behind_left(f)
    }
}

impl Binary {
    /// The operator with everything behind it.
    fn fmt_behind_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {} {}", Operator(self), self.right)
    }
}

/// An operator with what says how it matches.
pub(super) struct Operator<'a>(pub(super) &'a Binary);

impl fmt::Display for Operator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.symbol())?;
        if self.0.returns_bool {
            f.write_str(" bool")?;
        }
        let matching = &self.0.matching;
        // `group_left` stands only behind one of these words.
        let groups = matching.cardinality != Cardinality::OneToOne;
        if matching.on || groups || !matching.labels.is_empty() {
            let word = if matching.on { "on" } else { "ignoring" };
            write!(f, " {word} ({})", label_names(&matching.labels))?;
        }
        let side = match matching.cardinality {
            Cardinality::OneToOne => None,
            Cardinality::ManyToOne => Some("left"),
            Cardinality::OneToMany => Some("right"),
        };
        if let Some(side) = side {
            write!(f, " group_{side} ({})", label_names(&matching.include))?;
        }
        match (matching.fill_left, matching.fill_right) {
            (Some(left), Some(right)) if left == right => write!(f, " fill ({left})"),
            (left, right) => {
                for (word, value) in [("left", left), ("right", right)] {
                    if let Some(value) = value {
                        write!(f, " fill_{word} ({value})")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.front())?;
        match &self.param {
            Some(param) => write!(f, "({param}, {})", self.expr),
            None => write!(f, "({})", self.expr),
        }
    }
}

impl Aggregation {
    /// Everything before the opening parenthesis.
    pub(super) fn front(&self) -> String {
        let op = self.op.name();
        match &self.grouping {
            Grouping::By(labels) if labels.is_empty() => op.to_owned(),
            Grouping::By(labels) => format!("{op} by ({}) ", label_names(labels)),
            Grouping::Without(labels) => format!("{op} without ({}) ", label_names(labels)),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name())?;
        f.write_str("(")?;
        for (index, arg) in self.args.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{arg}")?;
        }
        f.write_str(")")
    }
}

/// A text in double quotes, escaped so that the lexer reads it back.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_ascii_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `{job="gateway"}` as Prometheus writes label sets in error texts: the name among the others.
pub(crate) fn label_set(labels: &Labels) -> String {
    let parts: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{}={}", label_name(name), quote(value)))
        .collect();
    format!("{{{}}}", parts.join(", "))
}
