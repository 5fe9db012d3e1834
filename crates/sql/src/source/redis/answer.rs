use std::collections::HashSet;

use redis::Value as Answer;

use super::command::Shape;
use crate::rows::{Rows, Value};
use crate::source::SourceError;

/// Turns an answer into rows.
pub(super) fn rows(
    shape: &Shape,
    arguments: &[String],
    answer: Answer,
) -> Result<Rows, SourceError> {
    Ok(match shape {
        Shape::Value => table(["value"], vec![vec![number(answer)?]]),
        Shape::List | Shape::Scan { pairs: false, .. } => {
            let rows = elements(answer)
                .into_iter()
                .map(|element| Ok(vec![number(element)?]));
            table(["value"], rows.collect::<Result<_, _>>()?)
        }
        Shape::Pairs | Shape::Scan { pairs: true, .. } => {
            let pairs = pairs(answer)
                .into_iter()
                .filter(|(_, value)| !is_nested(value));
            let rows = pairs.map(|(key, value)| Ok(vec![plain(key)?, number(value)?]));
            table(["key", "value"], rows.collect::<Result<_, _>>()?)
        }
        Shape::Named(first) => {
            let names = arguments.iter().skip(*first);
            let rows = names
                .zip(elements(answer))
                .map(|(name, value)| Ok(vec![Value::Text(name.clone()), number(value)?]));
            table(["key", "value"], rows.collect::<Result<_, _>>()?)
        }
        Shape::Info => info(answer)?,
        Shape::Table => maps(answer)?,
        Shape::Pending => {
            let mut values = elements(answer).into_iter();
            let mut next = || values.next().unwrap_or_default();
            let row = vec![number(next())?, plain(next())?, plain(next())?];
            table(["value", "first", "last"], vec![row])
        }
        Shape::PendingList => {
            let rows = elements(answer).into_iter().map(|entry| {
                let mut values = elements(entry).into_iter();
                let mut next = || values.next().unwrap_or_default();
                Ok(vec![
                    plain(next())?,
                    plain(next())?,
                    number(next())?,
                    number(next())?,
                ])
            });
            table(
                ["id", "consumer", "idle", "deliveries"],
                rows.collect::<Result<_, _>>()?,
            )
        }
    })
}

/// One page of SCAN: where to go on, and the rows.
pub(super) fn page(shape: &Shape, answer: Answer) -> Result<(String, Rows), SourceError> {
    let mut parts = elements(answer).into_iter();
    let (Some(cursor), Some(page)) = (parts.next(), parts.next()) else {
        return Err(SourceError::Answer(
            "a page of a scan without a cursor".to_owned(),
        ));
    };
    match plain(cursor)? {
        Value::Text(cursor) => Ok((cursor, rows(shape, &[], page)?)),
        other => Err(SourceError::Answer(format!(
            "a cursor that is no text: {other:?}"
        ))),
    }
}

/// Removes rows whose first value was there before: a scan may return an element twice.
pub(super) fn without_duplicates(rows: &mut Rows) {
    let mut seen = HashSet::new();
    rows.rows.retain(|row| seen.insert(format!("{:?}", row[0])));
}

/// Whether an answer is this word.
pub(super) fn is(answer: &Answer, word: &str) -> bool {
    match answer {
        Answer::BulkString(bytes) => bytes == word.as_bytes(),
        Answer::SimpleString(text) => text == word,
        _ => false,
    }
}

fn table<const N: usize>(columns: [&str; N], rows: Vec<Vec<Value>>) -> Rows {
    Rows {
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    }
}

/// INFO of a server, or of each node of a cluster.
fn info(answer: Answer) -> Result<Rows, SourceError> {
    if let Answer::Map(nodes) = answer {
        let mut rows = Vec::new();
        for (node, text) in nodes {
            let node = plain(node)?;
            rows.extend(
                lines(text)?
                    .into_iter()
                    .map(|(key, value)| vec![node.clone(), key, value]),
            );
        }
        return Ok(table(["node", "key", "value"], rows));
    }
    let rows = lines(answer)?
        .into_iter()
        .map(|(key, value)| vec![key, value]);
    Ok(table(["key", "value"], rows.collect()))
}

fn lines(answer: Answer) -> Result<Vec<(Value, Value)>, SourceError> {
    let Value::Text(text) = plain(answer)? else {
        return Ok(Vec::new());
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut rows = Vec::new();
    for (key, value) in lines.filter_map(|line| line.split_once(':')) {
        let parts: Option<Vec<_>> = value.split(',').map(|part| part.split_once('=')).collect();
        match parts {
            Some(parts) => rows.extend(
                parts
                    .into_iter()
                    .map(|(name, value)| (Value::Text(format!("{key}.{name}")), numeric(value))),
            ),
            None => rows.push((Value::Text(key.to_owned()), numeric(value))),
        }
    }
    Ok(rows)
}

/// A row for each map; a name that a row does not have is NULL there.
fn maps(answer: Answer) -> Result<Rows, SourceError> {
    let mut found = Rows::default();
    for map in elements(answer) {
        let mut row = vec![Value::Null; found.columns.len()];
        for (name, value) in pairs(map) {
            let Value::Text(name) = plain(name)? else {
                continue;
            };
            let value = if name == "name" {
                plain(value)?
            } else {
                number(value)?
            };
            match found.column(&name) {
                Some(index) => row[index] = value,
                None => {
                    found.columns.push(name);
                    found.rows.iter_mut().for_each(|row| row.push(Value::Null));
                    row.push(value);
                }
            }
        }
        found.rows.push(row);
    }
    Ok(found)
}

fn elements(answer: Answer) -> Vec<Answer> {
    match answer {
        Answer::Array(elements) | Answer::Set(elements) => elements,
        Answer::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(key, value)| [key, value])
            .collect(),
        Answer::Attribute { data, .. } => elements(*data),
        Answer::Nil => Vec::new(),
        other => vec![other],
    }
}

/// Names and values: a map in RESP3, a list of both in turn in RESP2, a list of pairs for scores in RESP3.
fn pairs(answer: Answer) -> Vec<(Answer, Answer)> {
    if let Answer::Map(pairs) = answer {
        return pairs;
    }
    let elements = elements(answer);
    if elements
        .iter()
        .all(|element| matches!(element, Answer::Array(pair) if pair.len() == 2))
    {
        let flat = elements.into_iter().flat_map(self::elements).collect();
        return in_turn(flat);
    }
    in_turn(elements)
}

fn in_turn(elements: Vec<Answer>) -> Vec<(Answer, Answer)> {
    let mut elements = elements.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn is_nested(answer: &Answer) -> bool {
    matches!(answer, Answer::Array(_) | Answer::Map(_) | Answer::Set(_))
}

/// A value as it is.
fn plain(answer: Answer) -> Result<Value, SourceError> {
    let unreadable = |reason: String| SourceError::Decode {
        column: "value".to_owned(),
        reason,
    };
    Ok(match answer {
        Answer::Nil => Value::Null,
        Answer::Int(number) => Value::Int(number),
        Answer::Double(number) => Value::Float(number),
        Answer::Boolean(truth) => Value::Bool(truth),
        Answer::Okay => Value::Text("OK".to_owned()),
        Answer::SimpleString(text) | Answer::VerbatimString { text, .. } => Value::Text(text),
        Answer::BulkString(bytes) => {
            let text = String::from_utf8(bytes);
            Value::Text(text.map_err(|_| unreadable("a text that is not UTF-8".to_owned()))?)
        }
        Answer::BigNumber(digits) => Value::Decimal(String::from_utf8_lossy(&digits).into_owned()),
        Answer::Attribute { data, .. } => plain(*data)?,
        Answer::Array(_) | Answer::Map(_) | Answer::Set(_) => {
            return Err(unreadable("a list where one value was expected".to_owned()));
        }
        other => return Err(unreadable(format!("{other:?} cannot be read"))),
    })
}

/// A value, as a number where it is one: Redis keeps numbers as text.
fn number(answer: Answer) -> Result<Value, SourceError> {
    Ok(match plain(answer)? {
        Value::Text(text) => numeric(&text),
        other => other,
    })
}

/// Whole numbers as such, others with all their digits; anything that a label would show differently stays a text.
fn numeric(text: &str) -> Value {
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Value::Int(number);
    }
    if let Ok(number) = text.parse::<u64>()
        && number.to_string() == text
    {
        return Value::Uint(number);
    }
    let looks_like = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if looks_like && text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Value::Decimal(text.to_owned());
    }
    Value::Text(text.to_owned())
}
