//! `eq`, `lt` and their like.

use std::cmp::Ordering;

use crate::functions::CallError;
use crate::print::show;
use crate::value::Value;

/// Values that can be compared, by their kind.
#[derive(Clone, Copy)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    String(&'a str),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::Int(value) | Value::Duration(value) => Basic::Int(*value),
        Value::Float(value) => Basic::Float(*value),
        Value::String(text) => Basic::String(text),
        _ => return None,
    })
}

fn incompatible(a: &Value, b: &Value) -> CallError {
    CallError::new(format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    ))
}

/// `eq first others…`: equal to at least one.
pub(super) fn equal_to_any(first: &Value, others: &[Value]) -> Result<bool, CallError> {
    if others.is_empty() {
        return Err(CallError::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[expect(clippy::float_cmp, reason = "the language compares exactly")]
pub(super) fn equal(a: &Value, b: &Value) -> Result<bool, CallError> {
    let (a, b) = (&a.underlying(), &b.underlying());
    match (basic(a), basic(b)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => Ok(a == b),
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => Ok(a == b),
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => Ok(a == b),
        (Some(Basic::String(a)), Some(Basic::String(b))) => Ok(a == b),
        _ if matches!(a, Value::Nil) || matches!(b, Value::Nil) => {
            Ok(matches!((a, b), (Value::Nil, Value::Nil)))
        }
        (None, None) => match (a, b) {
            (Value::Time(a), Value::Time(b)) => Ok(a == b),
            _ => Err(CallError::new(format!(
                "non-comparable type {}: {}",
                show(b),
                b.type_name()
            ))),
        },
        _ => Err(incompatible(a, b)),
    }
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, CallError> {
    let (a, b) = (&a.underlying(), &b.underlying());
    match (basic(a), basic(b)) {
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => Ok(Some(a.cmp(&b))),
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => Ok(a.partial_cmp(&b)),
        (Some(Basic::String(a)), Some(Basic::String(b))) => Ok(Some(a.cmp(b))),
        (Some(Basic::Bool(_)), Some(Basic::Bool(_))) => Err(invalid()),
        (None, _) => Err(invalid()),
        (_, None) => Err(invalid()),
        _ => Err(incompatible(a, b)),
    }
}

fn invalid() -> CallError {
    CallError::new("invalid type for comparison")
}

pub(super) fn less(a: &Value, b: &Value) -> Result<bool, CallError> {
    Ok(order(a, b)? == Some(Ordering::Less))
}

/// NaN is neither less than nor equal to anything, and so Go calls it greater.
pub(super) fn less_or_equal(a: &Value, b: &Value) -> Result<bool, CallError> {
    Ok(matches!(
        order(a, b)?,
        Some(Ordering::Less | Ordering::Equal)
    ))
}
