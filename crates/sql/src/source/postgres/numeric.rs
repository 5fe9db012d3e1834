//! NUMERIC in its binary form: digits of base 10,000 behind a head of four 16-bit numbers (count, weight of the first,
//! sign, decimals that are shown), as `src/backend/utils/adt/numeric.c` of PostgreSQL sends and takes it.

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const INFINITY_NEGATIVE: u16 = 0xF000;

/// All digits as text.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let numbers: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let [count, weight, sign, decimals, digits @ ..] = numbers.as_slice() else {
        return None;
    };
    if digits.len() != usize::from(*count) {
        return None;
    }
    let minus = match *sign {
        0 => "",
        NEGATIVE => "-",
        NAN => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        INFINITY_NEGATIVE => return Some("-Infinity".to_owned()),
        _ => return None,
    };
    let weight = i32::from(weight.cast_signed());
    let group = |position: i32| {
        let index = usize::try_from(weight - position).ok();
        index
            .and_then(|index| digits.get(index))
            .copied()
            .unwrap_or(0)
    };
    let whole: String = (0..=weight.max(0))
        .rev()
        .map(|position| format!("{:04}", group(position)))
        .collect();
    let whole = whole.trim_start_matches('0');
    let mut text = format!("{minus}{}", if whole.is_empty() { "0" } else { whole });
    if *decimals > 0 {
        let groups = i32::from(decimals.div_ceil(4));
        let fraction: String = (1..=groups)
            .map(|position| format!("{:04}", group(-position)))
            .collect();
        text.push('.');
        text.push_str(&fraction[..usize::from(*decimals)]);
    }
    Some(text)
}

/// The binary form of a text such as `-12.50`; no exponents.
pub(super) fn encode(text: &str) -> Option<Vec<u8>> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (NEGATIVE, digits),
        None => (0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0
        || !is_number(whole)
        || !is_number(fraction)
        || digits.len() > 1_000
    {
        return None;
    }
    let zeros_before = "0".repeat(whole.len().next_multiple_of(4) - whole.len());
    let zeros_behind = "0".repeat(fraction.len().next_multiple_of(4) - fraction.len());
    let padded = format!("{zeros_before}{whole}{fraction}{zeros_behind}");
    let groups = padded.as_bytes().chunks_exact(4);
    let groups = groups.map(|group| {
        group
            .iter()
            .fold(0_u16, |number, digit| number * 10 + u16::from(digit - b'0'))
    });
    let groups: Vec<u16> = groups.collect();
    let weight = i16::try_from(whole.len().div_ceil(4)).ok()? - 1;
    let head = [
        u16::try_from(groups.len()).ok()?,
        weight.cast_unsigned(),
        sign,
        u16::try_from(fraction.len()).ok()?,
    ];
    Some(
        head.into_iter()
            .chain(groups)
            .flat_map(u16::to_be_bytes)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_survives_both_ways() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1.5",
            "10000",
            "12345.6789",
            "0.0001",
            "0.00001234",
            "-99999999999999999999999999999999.123456789",
            "100000000",
        ] {
            let bytes = encode(text).expect(text);
            assert_eq!(decode(&bytes).as_deref(), Some(text));
        }
        for text in ["", "-", ".", "1e5", "1,5", "x"] {
            assert_eq!(encode(text), None, "{text}");
        }
    }
}
