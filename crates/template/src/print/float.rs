//! Floats as Go's `strconv.FormatFloat` writes them.

/// Digits of a float: `0.d1d2d3… × 10^point`, without trailing zeros.
struct Digits {
    negative: bool,
    digits: Vec<u8>,
    point: i32,
}

/// Writes a float. `verb` is one of `e`, `f`, `g` (or upper case); no precision means the shortest text that reads
/// back the same.
pub(crate) fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'f' | 'F' => fixed(value, precision),
        'e' | 'E' => exponent(value, verb, precision),
        _ => general(value, verb, precision),
    }
}

/// `%.<digits>g`
pub(crate) fn significant(value: f64, digits: usize) -> String {
    format_float(value, 'g', Some(digits))
}

fn fixed(value: f64, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => format!("{value:.precision$}"),
        None => format!("{value}"),
    }
}

fn exponent(value: f64, verb: char, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => format!("{value:e}"),
    };
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    let letter = if verb.is_uppercase() { 'E' } else { 'e' };
    format!("{mantissa}{letter}{sign}{power:0>2}")
}

fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let precision = precision.map(|digits| digits.max(1));
    let digits = digits(value, precision);
    let count = i32::try_from(digits.digits.len()).unwrap_or(i32::MAX);
    // From this power of ten on the exponent is written; the shortest form counts as six digits here.
    let threshold = match precision.map(|wanted| i32::try_from(wanted).unwrap_or(i32::MAX)) {
        None => 6,
        Some(wanted) if wanted > count && count >= digits.point => count,
        Some(wanted) => wanted,
    };
    let power = digits.point - 1;
    if power < -4 || power >= threshold {
        return exponent(
            value,
            if verb.is_uppercase() { 'E' } else { 'e' },
            Some(digits.digits.len().saturating_sub(1)),
        );
    }
    write_fixed(&digits)
}

fn digits(value: f64, precision: Option<usize>) -> Digits {
    let text = match precision {
        Some(precision) => format!("{:.*e}", precision - 1, value.abs()),
        None => format!("{:e}", value.abs()),
    };
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let point = if digits.is_empty() {
        0
    } else {
        power.parse::<i32>().unwrap_or(0) + 1
    };
    Digits {
        negative: value.is_sign_negative(),
        digits,
        point,
    }
}

fn write_fixed(digits: &Digits) -> String {
    let mut out = String::new();
    if digits.negative {
        out.push('-');
    }
    let point = usize::try_from(digits.point).unwrap_or(0);
    for index in 0..point {
        out.push(
            digits
                .digits
                .get(index)
                .map_or('0', |&digit| char::from(digit)),
        );
    }
    if point == 0 {
        out.push('0');
    }
    if digits.digits.len() > point {
        out.push('.');
        let zeros = usize::try_from(-digits.point).unwrap_or(0);
        out.extend(std::iter::repeat_n('0', zeros));
        out.extend(
            digits.digits[point..]
                .iter()
                .map(|&digit| char::from(digit)),
        );
    }
    out
}
