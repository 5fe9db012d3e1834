//! A template after parsing, and how its parts are shown in error messages.

use std::fmt;
use std::sync::Arc;

/// One named template.
#[derive(Debug)]
pub(crate) struct Tree {
    pub name: Arc<str>,
    pub source: Arc<Source>,
    pub body: Vec<Node>,
}

/// The text that one or more templates were read from.
#[derive(Debug)]
pub(crate) struct Source {
    pub name: String,
    pub text: String,
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    /// `{{template "name" pipeline}}`, which a block also is.
    Template {
        offset: usize,
        name: String,
        data: Option<Pipeline>,
    },
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub pipeline: Pipeline,
    pub body: Vec<Node>,
    pub otherwise: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) struct Pipeline {
    pub offset: usize,
    /// Variables, with their `$`.
    pub variables: Vec<String>,
    /// `=` instead of `:=`.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

/// A value, or a function or method with its arguments.
#[derive(Debug)]
pub(crate) struct Command {
    pub operands: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub offset: usize,
    pub kind: OperandKind,
}

#[derive(Debug)]
pub(crate) enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    String {
        value: Arc<str>,
        written: String,
    },
    Function(String),
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`
    Variable {
        name: String,
        fields: Vec<String>,
    },
    /// `(pipeline).A.B`
    Chain {
        operand: Box<Operand>,
        fields: Vec<String>,
    },
    Pipeline(Box<Pipeline>),
}

/// A number as Go's untyped constants are: what it becomes depends on where it goes.
#[derive(Debug)]
pub(crate) struct Number {
    pub written: String,
    pub int: Option<i64>,
    pub float: Option<f64>,
    /// Written with a point or an exponent, so that by itself it is a float.
    pub is_float: bool,
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        separated(f, &self.commands, " | ")
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, &self.operands, " ")
    }
}

/// A command, as errors about it show it.
pub(crate) fn show_operands(operands: &[Operand]) -> String {
    let shown: Vec<String> = operands.iter().map(ToString::to_string).collect();
    shown.join(" ")
}

fn separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    parts: &[T],
    separator: &str,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        part.fmt(f)?;
    }
    Ok(())
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut fmt::Formatter<'_>, fields: &[String]| {
            fields.iter().try_for_each(|name| write!(f, ".{name}"))
        };
        match &self.kind {
            OperandKind::Dot => f.write_str("."),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Bool(value) => value.fmt(f),
            OperandKind::Number(number) => f.write_str(&number.written),
            OperandKind::String { written, .. } => f.write_str(written),
            OperandKind::Function(name) => f.write_str(name),
            OperandKind::Field(names) => fields(f, names),
            OperandKind::Variable {
                name,
                fields: names,
            } => {
                f.write_str(name)?;
                fields(f, names)
            }
            OperandKind::Chain {
                operand,
                fields: names,
            } => {
                operand.fmt(f)?;
                fields(f, names)
            }
            OperandKind::Pipeline(pipeline) => write!(f, "({pipeline})"),
        }
    }
}

/// `{{template "name" .}}`, as errors about it show it.
pub(crate) fn show_template(name: &str, data: Option<&Pipeline>) -> String {
    match data {
        Some(data) => format!("{{{{template {name:?} {data}}}}}"),
        None => format!("{{{{template {name:?}}}}}"),
    }
}
