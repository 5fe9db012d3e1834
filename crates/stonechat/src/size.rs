//! Numbers of bytes as Prometheus' flags have them: `512MB`. A unit is needed, and each is 1024 of the one before.

/// Reads a number of bytes.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let refused =
        || format!("{text:?} is no size; write for example 512MB (units: B KB MB GB TB PB EB)");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let units = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
    let power = units
        .iter()
        .position(|known| *known == unit || known.replace('B', "iB") == unit);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let power = match power {
        Some(power) => u32::try_from(power).map_err(|_| refused())?,
        None => return Err(refused()),
    };
    let bytes = 1024_u64
        .checked_pow(power)
        .and_then(|unit| unit.checked_mul(number));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse("512MB"), Ok(512 << 20));
        assert_eq!(parse("1GiB"), Ok(1 << 30));
        assert_eq!(parse("7B"), Ok(7));
        for text in ["", "512", "MB", "1.5GB", "-1GB", "0B", "99999999EB", "1mb"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
