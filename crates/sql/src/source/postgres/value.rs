use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use sqlx::postgres::{PgRow, PgTypeInfo, PgTypeKind, PgValueFormat};
use sqlx::{Row, TypeInfo, ValueRef};

use super::super::rows::{text, unknown};
use super::numeric;
use crate::rows::Value;

/// What dates and times of PostgreSQL count from.
pub(super) const EPOCH: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

/// Milliseconds from 1970 to [`EPOCH`].
const EPOCH_MILLISECONDS: i64 = 946_684_800_000;

/// Reads one value.
pub(super) fn read(row: &PgRow, index: usize) -> Result<Value, String> {
    let raw = row.try_get_raw(index).map_err(|error| error.to_string())?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let bytes = raw.as_bytes().map_err(|error| error.to_string())?;
    if raw.format() == PgValueFormat::Text {
        return text(bytes, "text");
    }
    binary(&raw.type_info(), bytes)
}

fn binary(kind: &PgTypeInfo, bytes: &[u8]) -> Result<Value, String> {
    match kind.kind() {
        PgTypeKind::Enum(_) => return text(bytes, "an enum"),
        PgTypeKind::Domain(base) => return binary(base, bytes),
        PgTypeKind::Simple | PgTypeKind::Pseudo => {}
        _ => return Err(unknown(kind.name())),
    }
    let name = kind.name();
    Ok(match name {
        "BOOL" => Value::Bool(fixed::<1>(bytes)?[0] != 0),
        "INT2" => Value::Int(i16::from_be_bytes(fixed(bytes)?).into()),
        "INT4" => Value::Int(i32::from_be_bytes(fixed(bytes)?).into()),
        "INT8" => Value::Int(i64::from_be_bytes(fixed(bytes)?)),
        "OID" => Value::Int(u32::from_be_bytes(fixed(bytes)?).into()),
        "FLOAT4" => Value::Float(f32::from_be_bytes(fixed(bytes)?).into()),
        "FLOAT8" => Value::Float(f64::from_be_bytes(fixed(bytes)?)),
        "NUMERIC" => numeric::decode(bytes)
            .map(Value::Decimal)
            .ok_or_else(|| format!("{bytes:?} is no NUMERIC"))?,
        "TIMESTAMPTZ" => moment(i64::from_be_bytes(fixed(bytes)?))?,
        "TIMESTAMP" => Value::Local(match i64::from_be_bytes(fixed(bytes)?) {
            i64::MAX => "infinity".to_owned(),
            i64::MIN => "-infinity".to_owned(),
            micros => local(micros)?.to_string(),
        }),
        "DATE" => Value::Local(match i32::from_be_bytes(fixed(bytes)?) {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => local(i64::from(days) * 86_400_000_000)?.date().to_string(),
        }),
        "TIME" => Value::Local(clock(i64::from_be_bytes(fixed(bytes)?))),
        "INTERVAL" => Value::Text(interval(fixed(bytes)?)),
        "UUID" => Value::Text(uuid(u128::from_be_bytes(fixed(bytes)?))),
        "BIT" | "VARBIT" => bits(bytes)?,
        "JSONB" => text(bytes.get(1..).unwrap_or_default(), name)?,
        "TEXT" | "VARCHAR" | "CHAR" | "\"CHAR\"" | "NAME" | "UNKNOWN" | "JSON" | "XML" | "xml"
        | "BYTEA" | "citext" => text(bytes, name)?,
        "VOID" => Value::Null,
        name => return Err(unknown(name)),
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes
        .try_into()
        .map_err(|_| format!("{} bytes where {N} were expected", bytes.len()))
}

fn moment(micros: i64) -> Result<Value, String> {
    if micros == i64::MAX || micros == i64::MIN {
        return Err("an infinite time".to_owned());
    }
    Ok(Value::Time(micros.div_euclid(1_000) + EPOCH_MILLISECONDS))
}

fn local(micros: i64) -> Result<DateTime, String> {
    let since = SignedDuration::from_micros(micros);
    EPOCH.checked_add(since).map_err(|error| error.to_string())
}

fn clock(micros: i64) -> String {
    // 24:00:00 is a TIME of PostgreSQL and of nobody else.
    Time::midnight()
        .checked_add(SignedDuration::from_micros(micros))
        .map_or_else(|_| "24:00:00".to_owned(), |time| time.to_string())
}

/// An INTERVAL as ISO 8601 writes a duration; months, days and seconds are kept apart, as the database does.
fn interval(bytes: [u8; 16]) -> String {
    let number = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let micros = number(0..8).cast_signed();
    let [days, months] =
        [8..12, 12..16].map(|range| u32::try_from(number(range)).unwrap_or(0).cast_signed());
    let minus = if micros < 0 { "-" } else { "" };
    let (seconds, rest) = (
        micros.unsigned_abs() / 1_000_000,
        micros.unsigned_abs() % 1_000_000,
    );
    let fraction = if rest == 0 {
        String::new()
    } else {
        format!(".{rest:06}")
    };
    format!("P{months}M{days}DT{minus}{seconds}{fraction}S")
}

fn uuid(number: u128) -> String {
    let digits = format!("{number:032x}");
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .map(|range| &digits[range])
        .join("-")
}

/// BIT and BIT VARYING: a count of bits, then the bits from the left.
fn bits(bytes: &[u8]) -> Result<Value, String> {
    let (count, bits) = bytes
        .split_first_chunk::<4>()
        .ok_or("a BIT without its length")?;
    let count = u32::from_be_bytes(*count);
    if count > 64 {
        return Err(unknown("BIT of more than 64"));
    }
    let number = bits
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let unused = u32::try_from(bits.len()).unwrap_or(8) * 8 - count;
    let number = u64::try_from(number >> unused).unwrap_or(u64::MAX);
    Ok(i64::try_from(number).map_or(Value::Uint(number), Value::Int))
}
