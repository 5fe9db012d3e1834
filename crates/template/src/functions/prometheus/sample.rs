//! Results of `query`, as objects.

use std::sync::Arc;

use super::{CallError, Sample};
use crate::value::{Element, List, Object, Value};

/// Go's names of the two types; error messages show them.
pub(super) const RESULT: &str = "template.queryResult";
pub(super) const SAMPLE: &str = "*template.sample";

struct QueryResult(Arc<[Value]>);

impl Object for QueryResult {
    fn type_name(&self) -> &str {
        RESULT
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::List(List {
            items: Arc::clone(&self.0),
            element: Element::Any,
        }))
    }
}

impl Object for Sample {
    fn type_name(&self) -> &str {
        SAMPLE
    }

    fn field_names(&self) -> &[&str] {
        &["Labels", "Value"]
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Labels" => Some(self.labels.clone().into()),
            "Value" => Some(self.value.into()),
            _ => None,
        }
    }

    fn is_pointer(&self) -> bool {
        true
    }
}

pub(super) fn result(samples: Vec<Sample>) -> Value {
    Value::object(QueryResult(
        samples.into_iter().map(Value::object).collect(),
    ))
}

fn items(result: &Value) -> Arc<[Value]> {
    match result.underlying() {
        Value::List(list) => list.items,
        _ => Arc::default(),
    }
}

pub(super) fn first(result: &Value) -> Result<Value, CallError> {
    let first = items(result).first().cloned();
    first.ok_or_else(|| CallError::new("first() called on vector with no elements"))
}

pub(super) fn field(sample: &Value, name: &str) -> Result<Value, CallError> {
    match sample {
        Value::Object(sample) => Ok(sample.field(name).unwrap_or_default()),
        _ => Err(CallError::new(
            "runtime error: invalid memory address or nil pointer dereference",
        )),
    }
}

pub(super) fn label(sample: &Value, name: &str) -> Result<Value, CallError> {
    match field(sample, "Labels")? {
        Value::Labels(labels) => Ok(labels.get(name).unwrap_or_default().into()),
        _ => Ok("".into()),
    }
}

pub(super) fn sort_by_label(name: &str, result: &Value) -> Result<Value, CallError> {
    let mut keyed = Vec::new();
    for item in items(result).iter() {
        let key = label(item, name)?.as_str().unwrap_or_default().to_owned();
        keyed.push((key, item.clone()));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Value::object(QueryResult(
        keyed.into_iter().map(|(_, item)| item).collect(),
    )))
}
