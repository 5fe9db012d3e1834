use serde_json::Value as Json;
use serde_json_path::JsonPath;

use crate::plan::RestRequest;
use crate::rows::{Rows, Value};
use crate::source::SourceError;

/// Where the rows are in a document, and the columns in a row.
pub(super) struct Selection {
    rows: JsonPath,
    columns: Vec<(String, JsonPath)>,
}

impl Selection {
    /// Reads the paths of a request.
    pub(super) fn read(request: &RestRequest) -> Result<Self, SourceError> {
        let columns = request
            .columns
            .iter()
            .map(|(name, text)| Ok((name.clone(), path(text)?)));
        Ok(Self {
            rows: path(&request.rows)?,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }

    /// The rows of a document. A row that is no object has one column, `value`.
    pub(super) fn rows(&self, document: &Json, rows_max: usize) -> Result<Rows, SourceError> {
        let nodes = self.rows.query(document);
        if nodes.len() > rows_max {
            return Err(SourceError::TooManyRows(rows_max));
        }
        let mut found = Rows {
            columns: self.columns.iter().map(|(name, _)| name.clone()).collect(),
            rows: Vec::with_capacity(nodes.len()),
        };
        for node in nodes.iter() {
            if self.columns.is_empty() {
                members(&mut found, node)?;
            } else {
                let row = self
                    .columns
                    .iter()
                    .map(|(name, path)| column(name, path, node));
                found.rows.push(row.collect::<Result<_, _>>()?);
            }
        }
        Ok(found)
    }
}

fn path(text: &str) -> Result<JsonPath, SourceError> {
    JsonPath::parse(text).map_err(|error| {
        let place = error.position();
        SourceError::Refused(format!(
            "`{text}` is no JSONPath: {} at character {place}",
            error.message()
        ))
    })
}

fn column(name: &str, path: &JsonPath, row: &Json) -> Result<Value, SourceError> {
    let nodes = path.query(row);
    match nodes.all().as_slice() {
        [] => Ok(Value::Null),
        [node] => value(name, node),
        more => Err(wrong(name, format!("{} values in one row", more.len()))),
    }
}

/// Every member of a row that is one value; a member that a row does not have is NULL there.
fn members(found: &mut Rows, row: &Json) -> Result<(), SourceError> {
    let Json::Object(members) = row else {
        if found.columns.is_empty() {
            found.columns.push("value".to_owned());
        }
        let mut values = vec![Value::Null; found.columns.len()];
        match found.column("value") {
            Some(index) => values[index] = value("value", row)?,
            None => {
                return Err(SourceError::Answer(
                    "some rows are objects and some are not".to_owned(),
                ));
            }
        }
        found.rows.push(values);
        return Ok(());
    };
    let mut values = vec![Value::Null; found.columns.len()];
    for (name, member) in members
        .iter()
        .filter(|(_, member)| !member.is_object() && !member.is_array())
    {
        let value = value(name, member)?;
        if let Some(index) = found.column(name) {
            values[index] = value;
        } else {
            found.columns.push(name.clone());
            found.rows.iter_mut().for_each(|row| row.push(Value::Null));
            values.push(value);
        }
    }
    found.rows.push(values);
    Ok(())
}

fn value(name: &str, node: &Json) -> Result<Value, SourceError> {
    Ok(match node {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Value::Int(number),
            (_, Some(number), _) => Value::Uint(number),
            (.., Some(number)) => Value::Float(number),
            _ => {
                return Err(wrong(
                    name,
                    format!("{number} is no number that can be kept"),
                ));
            }
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) => {
            return Err(wrong(
                name,
                "a list where one value was expected".to_owned(),
            ));
        }
        Json::Object(_) => {
            return Err(wrong(
                name,
                "an object where one value was expected".to_owned(),
            ));
        }
    })
}

fn wrong(column: &str, reason: String) -> SourceError {
    SourceError::Decode {
        column: column.to_owned(),
        reason,
    }
}
