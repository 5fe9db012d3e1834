//! What templates of messages may call: Alertmanager's functions.
//!
//! Source: <https://prometheus.io/docs/alerting/latest/notifications/#functions>.

use serde_json::Value as Json;
use stonechat_model::Timestamp;
use stonechat_template::prometheus::PrometheusFunctions;
use stonechat_template::{CallError, Functions, List, Parameter, Signature, Time, Value};

/// The functions while one message is written.
pub(super) struct MessageFunctions<'a> {
    pub now: Timestamp,
    pub external_url: &'a str,
}

/// True for a function that templates may call.
pub(super) fn is_function(name: &str) -> bool {
    signature(name).is_some()
}

fn signature(name: &str) -> Option<Signature> {
    use Parameter::{Any, Named, String, Time};
    Some(match name {
        "toUpper" | "toLower" | "title" | "trimSpace" | "safeHtml" | "safeUrl" | "urlUnescape" => {
            Signature::of(&[String])
        }
        "match" => Signature::of(&[String, String]),
        "reReplaceAll" => Signature::of(&[String, String, String]),
        "join" => Signature::of(&[String, Named("[]string")]),
        "stringSlice" => Signature::any_number(String),
        "list" | "dict" => Signature::any_number(Any),
        "date" => Signature::of(&[String, Time]),
        "tz" => Signature::of(&[String, Time]),
        "since" => Signature::of(&[Time]),
        "humanizeDuration" | "toJson" => Signature::of(&[Any]),
        _ => return None,
    })
}

impl Functions for MessageFunctions<'_> {
    fn signature(&self, name: &str) -> Option<Signature> {
        signature(name)
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, CallError> {
        Ok(match (name, arguments) {
            ("trimSpace", [Value::String(text)]) => text.trim().into(),
            ("safeUrl", [text]) => text.clone(),
            ("urlUnescape", [Value::String(text)]) => unescape(text)?.into(),
            ("join", [Value::String(separator), Value::List(list)]) => {
                let texts: Vec<&str> = list.items.iter().filter_map(Value::as_str).collect();
                texts.join(separator).into()
            }
            ("stringSlice", texts) => {
                Value::strings(texts.iter().filter_map(Value::as_str).map(str::to_owned))
            }
            ("list", items) => Value::from(items.to_vec()),
            ("dict", entries) => dict(entries)?,
            ("date", [Value::String(layout), Value::Time(time)]) => time.format(layout).into(),
            ("tz", [Value::String(zone), Value::Time(time)]) => Value::Time(time.in_zone(zone)?),
            ("since", [Value::Time(time)]) => {
                let now = Time::from_nanoseconds(self.now.millis().saturating_mul(1_000_000));
                Value::Duration(now.nanoseconds().saturating_sub(time.nanoseconds()))
            }
            ("toJson", [value]) => json(value).to_string().into(),
            _ => return self.of_prometheus(name, arguments),
        })
    }
}

impl MessageFunctions<'_> {
    fn of_prometheus(&self, name: &str, arguments: &[Value]) -> Result<Value, CallError> {
        let functions = PrometheusFunctions {
            now: self.now,
            external_url: self.external_url,
            query: &|_| Ok(Vec::new()),
        };
        functions.call(name, arguments)
    }
}

fn dict(entries: &[Value]) -> Result<Value, CallError> {
    if entries.len() % 2 == 1 {
        return Err(CallError::new("dict takes keys and values in turn"));
    }
    let pairs = entries.chunks(2).map(|pair| match pair {
        [Value::String(key), value] => Ok((key.to_string(), value.clone())),
        _ => Err(CallError::new("a key of dict is no text")),
    });
    Ok(Value::map(pairs.collect::<Result<Vec<_>, _>>()?))
}

fn unescape(text: &str) -> Result<String, CallError> {
    let bad = || CallError::new(format!("invalid URL escape in {text:?}"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().ok_or_else(bad)?, rest.next().ok_or_else(bad)?];
                let digits = std::str::from_utf8(&digits).map_err(|_| bad())?;
                u8::from_str_radix(digits, 16).map_err(|_| bad())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// A value as JSON. Fields of Alertmanager's types are written as in its webhooks: `StartsAt` becomes `startsAt`.
fn json(value: &Value) -> Json {
    let list = |list: &List| Json::Array(list.items.iter().map(json).collect());
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) | Value::Duration(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_ref().into(),
        Value::Time(time) => time.format("2006-01-02T15:04:05.999999999Z07:00").into(),
        Value::List(items) => list(items),
        Value::Map(map) => map
            .entries
            .iter()
            .map(|(key, value)| (key.to_string(), json(value)))
            .collect(),
        Value::Labels(labels) => labels
            .iter()
            .map(|(name, value)| (name.to_owned(), Json::from(value)))
            .collect(),
        Value::Object(object) => match object.plain() {
            Some(plain) => json(&plain),
            None => {
                let fields = object.field_names().iter();
                let fields =
                    fields.filter_map(|name| Some((key(name), json(&object.field(name)?))));
                fields.collect()
            }
        },
        _ => Json::Null,
    }
}

fn key(field: &str) -> String {
    match field {
        "NotificationReason" => "notification_reason".to_owned(),
        field => {
            let mut characters = field.chars();
            let first = characters.next().map(|first| first.to_ascii_lowercase());
            first.into_iter().chain(characters).collect()
        }
    }
}
