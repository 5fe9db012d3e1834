use jiff::civil::{Date, DateTime};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgTypeKind, Postgres};
use sqlx::{Encode, Type, TypeInfo};

use super::numeric;
use super::value::EPOCH;

/// A parameter in the binary form of the type that the server expects.
pub(super) struct Parameter {
    bytes: Vec<u8>,
    kind: PgTypeInfo,
}

impl Parameter {
    /// Reads a text as a value of a type.
    pub(super) fn new(text: &str, kind: &PgTypeInfo) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a value of type {}", kind.name());
        let number = || text.trim().parse::<i64>().map_err(|_| wrong());
        let float = || text.trim().parse::<f64>().map_err(|_| wrong());
        let bytes = match kind.name() {
            "INT2" => i16::try_from(number()?)
                .map_err(|_| wrong())?
                .to_be_bytes()
                .to_vec(),
            "INT4" => i32::try_from(number()?)
                .map_err(|_| wrong())?
                .to_be_bytes()
                .to_vec(),
            "INT8" => number()?.to_be_bytes().to_vec(),
            "OID" => u32::try_from(number()?)
                .map_err(|_| wrong())?
                .to_be_bytes()
                .to_vec(),
            "FLOAT4" => text
                .trim()
                .parse::<f32>()
                .map_err(|_| wrong())?
                .to_be_bytes()
                .to_vec(),
            "FLOAT8" => float()?.to_be_bytes().to_vec(),
            "NUMERIC" => numeric::encode(text.trim()).ok_or_else(wrong)?,
            "BOOL" => vec![u8::from(boolean(text).ok_or_else(wrong)?)],
            "DATE" => {
                let days = text.parse::<Date>().map_err(|_| wrong())? - EPOCH.date();
                days.get_days().to_be_bytes().to_vec()
            }
            "TIMESTAMP" => micros(text.parse::<DateTime>().map_err(|_| wrong())?),
            "TIMESTAMPTZ" => {
                let at = text.parse::<jiff::Timestamp>().map_err(|_| wrong())?;
                micros(jiff::tz::TimeZone::UTC.to_datetime(at))
            }
            "UUID" => uuid(text).ok_or_else(wrong)?,
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" | "JSON" | "XML" => {
                text.as_bytes().to_vec()
            }
            "JSONB" => [b"\x01", text.as_bytes()].concat(),
            _ if matches!(kind.kind(), PgTypeKind::Enum(_)) => text.as_bytes().to_vec(),
            name => {
                return Err(format!(
                    "type {name} cannot be bound; write the parameter as CAST(:name AS text)::{name}"
                ));
            }
        };
        Ok(Self {
            bytes,
            kind: kind.clone(),
        })
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "t" | "yes" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn micros(at: DateTime) -> Vec<u8> {
    let since = at.duration_since(EPOCH).as_micros();
    i64::try_from(since)
        .unwrap_or(i64::MAX)
        .to_be_bytes()
        .to_vec()
}

fn uuid(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|character| *character != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    (digits.len() == 32).then(|| number.to_be_bytes().to_vec())
}

impl Type<Postgres> for Parameter {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Parameter {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.kind.clone())
    }
}
