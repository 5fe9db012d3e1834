//! `index`, `slice`, `len`.

use crate::functions::CallError;
use crate::value::{Element, List, Value};

fn failed<T>(message: impl Into<String>) -> Result<T, CallError> {
    Err(CallError::new(message))
}

pub(super) fn len(value: &Value) -> Result<Value, CallError> {
    let length = match value.underlying() {
        Value::String(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.len(),
        Value::Labels(labels) => labels.len(),
        Value::Nil => return failed("len of nil pointer"),
        _ => return failed(format!("len of type {}", value.type_name())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// `index item 1 "key"` is `item[1]["key"]`.
pub(super) fn index(item: &Value, indexes: &[Value]) -> Result<Value, CallError> {
    let mut item = item.clone();
    if matches!(item, Value::Nil) {
        return failed("index of untyped nil");
    }
    for index in indexes {
        item = match item.underlying() {
            Value::List(list) => list.items[position(index, list.items.len(), false)?].clone(),
            Value::String(text) => {
                Value::Int(text.as_bytes()[position(index, text.len(), false)?].into())
            }
            Value::Map(map) => map
                .entries
                .get(key(index)?)
                .cloned()
                .unwrap_or_else(|| map.element.zero()),
            Value::Labels(labels) => labels
                .get(key(index)?)
                .map_or_else(|| Element::String.zero(), Value::from),
            Value::Nil => return failed("index of nil pointer"),
            _ => return failed(format!("can't index item of type {}", item.type_name())),
        };
    }
    Ok(item)
}

fn key(index: &Value) -> Result<&str, CallError> {
    match index {
        Value::String(key) => Ok(key),
        Value::Nil => failed("value is nil; should be of type string"),
        other => failed(format!(
            "value has type {}; should be string",
            other.type_name()
        )),
    }
}

/// An index into `length` items, or with `slicing` a place between them.
fn position(index: &Value, length: usize, slicing: bool) -> Result<usize, CallError> {
    let number = match index {
        Value::Int(number) => *number,
        Value::Nil => return failed("cannot index slice/array with nil"),
        other => {
            return failed(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            ));
        }
    };
    let end = length + usize::from(slicing);
    match usize::try_from(number) {
        Ok(position) if position < end => Ok(position),
        _ => failed(format!("index out of range: {number}")),
    }
}

/// `slice item 1 2` is `item[1:2]`.
pub(super) fn slice(item: &Value, indexes: &[Value]) -> Result<Value, CallError> {
    if indexes.len() > 3 {
        return failed(format!("too many slice indexes: {}", indexes.len()));
    }
    let plain = item.underlying();
    let length = match &plain {
        Value::String(_) if indexes.len() == 3 => return failed("cannot 3-index slice a string"),
        Value::String(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Nil => return failed("slice of untyped nil"),
        _ => return failed(format!("can't slice item of type {}", item.type_name())),
    };
    let mut positions = [0, length, length];
    for (slot, index) in positions.iter_mut().zip(indexes) {
        *slot = position(index, length, true)?;
    }
    let [start, end, capacity] = positions;
    for (low, high) in [(start, end), (end, capacity)] {
        if low > high {
            return failed(format!("invalid slice index: {low} > {high}"));
        }
    }
    Ok(match plain {
        Value::String(text) => String::from_utf8_lossy(&text.as_bytes()[start..end])
            .into_owned()
            .into(),
        Value::List(list) => Value::List(List {
            items: list.items[start..end].into(),
            element: list.element,
        }),
        other => other,
    })
}
