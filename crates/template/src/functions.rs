//! The functions that a template may call beside Go's own.

mod hosts; // stripPort, stripDomain
mod humanize; // numbers for people
mod links; // addresses of graphs
pub mod prometheus; // what rules may call

pub(crate) use links::query_escape;

use crate::value::Value;

/// Why a function failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallError(String);

impl CallError {
    /// An error with a text for the author of the template.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// The type that a parameter has in Go. Arguments are checked against it before the function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// `interface {}`
    Any,
    /// `string`
    String,
    /// `int`
    Int,
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// `time.Time`
    Time,
    /// An object of this type name.
    Named(&'static str),
}

/// What a function takes.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// Parameters that must be given.
    pub required: &'static [Parameter],
    /// The type of any number of further ones.
    pub rest: Option<Parameter>,
}

impl Signature {
    /// Exactly these parameters.
    #[must_use]
    pub const fn of(required: &'static [Parameter]) -> Self {
        Self {
            required,
            rest: None,
        }
    }

    /// Any number of parameters of one type.
    #[must_use]
    pub const fn any_number(rest: Parameter) -> Self {
        Self {
            required: &[],
            rest: Some(rest),
        }
    }
}

/// A set of functions. The engine checks number and types of the arguments against the signature before it calls.
pub trait Functions {
    /// What a function takes; `None` when there is no such function.
    fn signature(&self, name: &str) -> Option<Signature>;

    /// Calls a function that has a signature.
    ///
    /// # Errors
    /// When the function fails; the template fails with it.
    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, CallError>;
}

/// No functions but Go's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFunctions;

impl Functions for NoFunctions {
    fn signature(&self, _name: &str) -> Option<Signature> {
        None
    }

    fn call(&self, name: &str, _arguments: &[Value]) -> Result<Value, CallError> {
        Err(CallError::new(format!("function {name:?} not defined")))
    }
}

impl Parameter {
    /// The type's name in Go.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Time => "time.Time",
            Self::Named(name) => name,
        }
    }

    /// True when a value may be given for the parameter.
    pub(crate) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::String, Value::String(_))
            | (Self::Int, Value::Int(_))
            | (Self::Float, Value::Float(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Time, Value::Time(_)) => true,
            (Self::Named(name), other) => other.type_name() == name,
            _ => false,
        }
    }
}
