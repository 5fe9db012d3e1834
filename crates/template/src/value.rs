//! What a template computes with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stonechat_model::Labels;

use crate::functions::CallError;
use crate::time::Time;

/// A value as Go would see it. Cloning copies a pointer at most.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Value {
    /// Go's nil, and the result of looking up what is not there.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`, and every other whole number
    Int(i64),
    /// `float64`
    Float(f64),
    /// `string`
    String(Arc<str>),
    /// `time.Duration`, in nanoseconds
    Duration(i64),
    /// `time.Time`
    Time(Time),
    /// A slice.
    List(List),
    /// A map with texts as keys.
    Map(Map),
    /// A label set: to a template a `map[string]string`, without copying its texts into one.
    Labels(Labels),
    /// Something with fields or methods of its own.
    Object(Arc<dyn Object>),
}

/// What the elements of a list or map are declared to be. Go looks at it when a key is missing and when it names a type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Element {
    /// `interface {}`
    #[default]
    Any,
    /// `string`
    String,
}

/// A slice.
#[derive(Clone, Default)]
pub struct List {
    /// The elements.
    pub items: Arc<[Value]>,
    /// Their declared type.
    pub element: Element,
}

/// A map with texts as keys, sorted as Go shows and visits them.
#[derive(Clone, Default)]
pub struct Map {
    /// The entries.
    pub entries: Arc<BTreeMap<Arc<str>, Value>>,
    /// The declared type of the values.
    pub element: Element,
}

/// A Go struct, or a named Go type with methods.
///
/// Fields are asked for one at a time, so that an expensive one costs nothing until a template names it.
pub trait Object: Send + Sync {
    /// The type's name in Go, such as `template.KV`; error messages show it.
    fn type_name(&self) -> &str;

    /// Names of the fields in the order in which Go prints them.
    fn field_names(&self) -> &[&str] {
        &[]
    }

    /// A field, if there is one of that name.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// The result of a method, if there is one of that name.
    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, CallError>> {
        None
    }

    /// For a named slice, map or text: the plain value that it is underneath.
    fn plain(&self) -> Option<Value> {
        None
    }

    /// What it prints as, when the type has a method `String`.
    fn display(&self) -> Option<String> {
        None
    }

    /// True for a pointer to a struct; `printf "%v"` shows it with `&` in front.
    fn is_pointer(&self) -> bool {
        false
    }
}

impl Value {
    /// A list of texts.
    pub fn strings<S: Into<Arc<str>>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::List(List {
            items: items
                .into_iter()
                .map(|item| Self::String(item.into()))
                .collect(),
            element: Element::String,
        })
    }

    /// A map of values of any type.
    pub fn map<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Map {
            entries: Arc::new(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.into(), value))
                    .collect(),
            ),
            element: Element::Any,
        })
    }

    /// An object.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The name of its type in Go.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::String(_) => "string",
            Self::Duration(_) => "time.Duration",
            Self::Time(_) => "time.Time",
            Self::List(list) => match list.element {
                Element::Any => "[]interface {}",
                Element::String => "[]string",
            },
            Self::Map(map) => match map.element {
                Element::Any => "map[string]interface {}",
                Element::String => "map[string]string",
            },
            Self::Labels(_) => "map[string]string",
            Self::Object(object) => object.type_name(),
        }
    }

    /// True for what `if` takes as true: not zero, not empty, not nil.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Duration(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::Time(_) => true,
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::Object(object) => object.plain().is_none_or(|plain| plain.is_true()),
        }
    }

    /// The plain value under a named slice, map or text; itself otherwise.
    pub(crate) fn underlying(&self) -> Self {
        match self {
            Self::Object(object) => object.plain().unwrap_or_else(|| self.clone()),
            other => other.clone(),
        }
    }
}

impl Element {
    /// What a map of this element gives for a missing key.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Any => Value::Nil,
            Self::String => Value::String("".into()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::List(List {
            items: items.into(),
            element: Element::Any,
        })
    }
}

impl From<Labels> for Value {
    fn from(labels: Labels) -> Self {
        Self::Labels(labels)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.type_name(), crate::print::show(self))
    }
}
