//! The functions that every Go template has.

use super::{compare, escape, items};
use crate::functions::{CallError, Parameter, Signature};
use crate::print::{quote, show, show_action, sprint, sprintf, sprintln};
use crate::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Or,
    Not,
    Len,
    Index,
    Slice,
    Print,
    Printf,
    Println,
    Html,
    Js,
    UrlQuery,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Call,
}

impl Builtin {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "len" => Self::Len,
            "index" => Self::Index,
            "slice" => Self::Slice,
            "print" => Self::Print,
            "printf" => Self::Printf,
            "println" => Self::Println,
            "html" => Self::Html,
            "js" => Self::Js,
            "urlquery" => Self::UrlQuery,
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "call" => Self::Call,
            _ => return None,
        })
    }

    pub(super) fn signature(self) -> Signature {
        use Parameter::Any;
        match self {
            Self::Not | Self::Len => Signature::of(&[Any]),
            Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => Signature::of(&[Any, Any]),
            Self::Print | Self::Println | Self::Html | Self::Js | Self::UrlQuery => {
                Signature::any_number(Any)
            }
            Self::Printf => Signature {
                required: &[Parameter::String],
                rest: Some(Any),
            },
            Self::And | Self::Or | Self::Index | Self::Slice | Self::Equal | Self::Call => {
                Signature {
                    required: &[Any],
                    rest: Some(Any),
                }
            }
        }
    }

    /// Calls the function with as many arguments as its signature asks for.
    pub(super) fn call(self, arguments: &[Value]) -> Result<Value, CallError> {
        let (first, rest) = match arguments.split_first() {
            Some((first, rest)) => (first.clone(), rest),
            None => (Value::Nil, arguments),
        };
        let second = rest.first().cloned().unwrap_or_default();
        Ok(match self {
            // Both are evaluated before a call, because they need not evaluate all their arguments.
            Self::And | Self::Or => first,
            Self::Not => (!first.is_true()).into(),
            Self::Len => return items::len(&first),
            Self::Index => return items::index(&first, rest),
            Self::Slice => return items::slice(&first, rest),
            Self::Print => sprint(arguments).into(),
            Self::Println => sprintln(arguments).into(),
            Self::Printf => sprintf(first.as_str().unwrap_or_default(), rest).into(),
            Self::Html => escape::html(&joined(arguments)).into(),
            Self::Js => escape::js(&joined(arguments)).into(),
            Self::UrlQuery => crate::functions::query_escape(&joined(arguments)).into(),
            Self::Equal => compare::equal_to_any(&first, rest)?.into(),
            Self::NotEqual => (!compare::equal(&first, &second)?).into(),
            Self::Less => compare::less(&first, &second)?.into(),
            Self::LessOrEqual => compare::less_or_equal(&first, &second)?.into(),
            Self::Greater => (!compare::less_or_equal(&first, &second)?).into(),
            Self::GreaterOrEqual => (!compare::less(&first, &second)?).into(),
            // None of our values is a function.
            Self::Call => return Err(not_callable(&first)),
        })
    }
}

fn not_callable(value: &Value) -> CallError {
    let shown = match value {
        Value::String(text) => quote(text, false),
        other => show(other),
    };
    CallError::new(format!(
        "non-function {shown} of type {}",
        value.type_name()
    ))
}

/// The arguments as one text.
fn joined(arguments: &[Value]) -> String {
    let shown: Vec<Value> = arguments
        .iter()
        .map(|value| {
            if matches!(value, Value::Nil) {
                show_action(value).into()
            } else {
                value.clone()
            }
        })
        .collect();
    sprint(&shown)
}
