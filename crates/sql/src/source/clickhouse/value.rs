use crate::rows::Value;
use crate::source::rows::unknown;

/// Reads a value of JSON by the type that ClickHouse names. Numbers may be in quotes or not; either way every digit is there.
pub(super) fn value(kind: &str, raw: &str) -> Result<Value, String> {
    if raw == "null" {
        return Ok(Value::Null);
    }
    for wrapper in ["Nullable(", "LowCardinality("] {
        if let Some(inner) = kind
            .strip_prefix(wrapper)
            .and_then(|rest| rest.strip_suffix(')'))
        {
            return value(inner, raw);
        }
    }
    let text = match raw.starts_with('"') {
        true => serde_json::from_str::<String>(raw).map_err(|error| error.to_string())?,
        false => raw.to_owned(),
    };
    let wrong = || format!("`{text}` is not a value of type {kind}");
    let name = kind.split('(').next().unwrap_or_default();
    Ok(match name {
        "Int8" | "Int16" | "Int32" | "Int64" | "UInt8" | "UInt16" | "UInt32" | "UInt64" => {
            let unsigned = || text.parse().map(Value::Uint).map_err(|_| wrong());
            text.parse().map(Value::Int).or_else(|_| unsigned())?
        }
        "Int128" | "Int256" | "UInt128" | "UInt256" | "Decimal" | "Decimal32" | "Decimal64"
        | "Decimal128" | "Decimal256" => Value::Decimal(text),
        "Float32" | "Float64" | "BFloat16" => Value::Float(text.parse().map_err(|_| wrong())?),
        "Bool" => Value::Bool(text.parse().map_err(|_| wrong())?),
        // A time with its zone is a point in time; one without is what the server showed.
        "DateTime" | "DateTime64" => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Value::Time(at.as_millisecond()),
            Err(_) => Value::Local(text.replacen(' ', "T", 1)),
        },
        "String" | "FixedString" | "UUID" | "IPv4" | "IPv6" | "Enum8" | "Enum16" | "JSON" => {
            Value::Text(text)
        }
        "Date" | "Date32" | "Time" | "Time64" => Value::Local(text),
        "Nothing" => Value::Null,
        _ => return Err(unknown(kind)),
    })
}
