//! Numbers of bytes as Prometheus writes them: `15MB`, `1.5GiB`.

use serde::{Deserialize, Deserializer};

/// A number of bytes in a configuration file. `KB` and `KiB` are both 1024 bytes, as in Prometheus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: &str = "KMGTPE";

fn parse(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let power = match unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B'))? {
        "" if unit == "B" => 0,
        letter if letter.len() == 1 => UNITS.find(letter)? + 1,
        _ => return None,
    };
    let bytes = number * 1024_f64.powi(i32::try_from(power).ok()?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    (bytes <= i64::MAX as f64).then_some(bytes as u64)
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "not a size: {text:?}; write for example 512KB, 10MB, 1GiB (units: B KB MB GB TB, each 1024 of the one before)"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1B", Some(1)),
            ("15MB", Some(15 << 20)),
            ("15MiB", Some(15 << 20)),
            ("1.5KB", Some(1536)),
            ("2GiB", Some(2 << 30)),
            ("", None),
            ("15", None),
            ("MB", None),
            ("15mb", None),
            ("1 MB", None),
            ("-1MB", None),
            ("1iB", None),
            ("99999999EB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text:?}");
        }
    }
}
