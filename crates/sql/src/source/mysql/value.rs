use jiff::civil::{Date, DateTime, Time};
use sqlx::mysql::MySqlRow;
use sqlx::{Row, TypeInfo, ValueRef};

use super::super::rows::{text, unknown};
use super::Zone;
use crate::rows::Value;

/// Reads one value. Whole numbers of 64 bits, signed and unsigned, and all digits of a DECIMAL stay as they are.
pub(super) fn read(row: &MySqlRow, index: usize, zone: &Zone) -> Result<Value, String> {
    let raw = row.try_get_raw(index).map_err(|error| error.to_string())?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    let bytes = || {
        row.try_get_unchecked::<&[u8], usize>(index)
            .map_err(|error| error.to_string())
    };
    Ok(match kind.name() {
        // TINYINT(1) is how MySQL spells a boolean, but it may be 7, and the server itself shows 1.
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => Value::Int(
            row.try_get_unchecked(index)
                .map_err(|error| error.to_string())?,
        ),
        "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
        | "BIGINT UNSIGNED" | "YEAR" => {
            let number = row
                .try_get_unchecked(index)
                .map_err(|error| error.to_string())?;
            i64::try_from(number).map_or(Value::Uint(number), Value::Int)
        }
        "FLOAT" | "DOUBLE" => Value::Float(
            row.try_get_unchecked(index)
                .map_err(|error| error.to_string())?,
        ),
        "DECIMAL" => match text(bytes()?, "DECIMAL")? {
            Value::Text(digits) => Value::Decimal(digits),
            other => other,
        },
        "BIT" => bits(bytes()?)?,
        "DATE" => Value::Local(match local(bytes()?)? {
            Local::At(at) => at.date().to_string(),
            Local::Written(text) => text,
        }),
        "DATETIME" => Value::Local(match local(bytes()?)? {
            Local::At(at) => at.to_string(),
            Local::Written(text) => text.replacen(' ', "T", 1),
        }),
        "TIMESTAMP" => moment(bytes()?, zone)?,
        "TIME" => Value::Local(duration(bytes()?)?),
        name @ ("CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM"
        | "SET" | "JSON" | "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB"
        | "LONGBLOB") => text(bytes()?, name)?,
        name => return Err(unknown(name)),
    })
}

fn bits(bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > 8 {
        return Err(unknown("BIT of more than 64"));
    }
    let number = bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    Ok(i64::try_from(number).map_or(Value::Uint(number), Value::Int))
}

/// A time stamp as a point in time; as a local time where the zone is not certain.
fn moment(bytes: &[u8], zone: &Zone) -> Result<Value, String> {
    let at = match local(bytes)? {
        Local::At(at) => at,
        Local::Written(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is not a time"))?,
    };
    let milliseconds = zone.milliseconds(at);
    Ok(milliseconds.map_or_else(|| Value::Local(at.to_string()), Value::Time))
}

/// A date and time: the binary protocol sends numbers, the text protocol (of SHOW) words.
enum Local {
    At(DateTime),
    Written(String),
}

/// Reads either form: a length of at most 12 is no character of a date.
fn local(bytes: &[u8]) -> Result<Local, String> {
    let wrong = || format!("{bytes:?} is not a date");
    let Some((&length, rest)) = bytes.split_first().filter(|(length, _)| **length <= 12) else {
        return Ok(Local::Written(String::from_utf8_lossy(bytes).into_owned()));
    };
    if rest.len() != usize::from(length) || ![4, 7, 11].contains(&length) {
        return Err(wrong());
    }
    let small = |index: usize| rest.get(index).copied().unwrap_or(0).cast_signed();
    let year = i16::from_le_bytes([rest[0], rest[1]]);
    let micros = rest.get(7..11).map_or(0, little);
    // Dates such as 2026-00-00 exist in MySQL and nowhere else.
    let date = Date::new(year, small(2), small(3)).map_err(|error| error.to_string())?;
    let nanos = i32::try_from(micros * 1_000).map_err(|_| wrong())?;
    let time = Time::new(small(4), small(5), small(6), nanos).map_err(|error| error.to_string())?;
    Ok(Local::At(DateTime::from_parts(date, time)))
}

/// A TIME, which is a duration: from -838:59:59 to 838:59:59.
fn duration(bytes: &[u8]) -> Result<String, String> {
    let Some((&length, rest)) = bytes.split_first().filter(|(length, _)| **length <= 12) else {
        return Ok(String::from_utf8_lossy(bytes).into_owned());
    };
    if length == 0 {
        return Ok("00:00:00".to_owned());
    }
    if rest.len() != usize::from(length) || ![8, 12].contains(&length) {
        return Err(format!("{bytes:?} is not a time"));
    }
    let sign = if rest[0] == 1 { "-" } else { "" };
    let hours = little(&rest[1..5]) * 24 + u64::from(rest[5]);
    let mut text = format!("{sign}{hours:02}:{:02}:{:02}", rest[6], rest[7]);
    if let Some(micros) = rest.get(8..12).map(little).filter(|micros| *micros > 0) {
        text += &format!(".{micros:06}");
    }
    Ok(text)
}

fn little(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
